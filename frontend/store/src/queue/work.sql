-- What builders do, each with how long the newest good build of its kind took, and how long the newest tasks took that
-- ended. The lists of states are those of the partial indexes.
SELECT c.chroot AS chroot, p.owner AS owner, p.name AS project, u.name AS submitter, c.started_on AS started_on, (
        SELECT COALESCE(good.built_on, good.ended_on) - good.started_on
        FROM builds AS earlier JOIN build_chroots AS good ON good.build_id = earlier.id AND good.chroot = c.chroot
        WHERE earlier.project_id = b.project_id AND earlier.package = b.package AND earlier.dir = b.dir
            AND earlier.id < b.id AND good.state = 'succeeded'
        ORDER BY earlier.id DESC LIMIT 1
    ) AS took_s
FROM build_chroots AS c
JOIN builds AS b ON b.id = c.build_id
JOIN projects AS p ON p.id = b.project_id
LEFT JOIN users AS u ON u.id = b.submitter_id
WHERE c.state IN ('waiting', 'pending', 'starting', 'running') AND c.state IN ('starting', 'running')
    AND c.built_on IS NULL
UNION ALL
SELECT '', p.owner, p.name, u.name, b.source_started_on, CAST(NULL AS BIGINT)
FROM builds AS b
JOIN projects AS p ON p.id = b.project_id
LEFT JOIN users AS u ON u.id = b.submitter_id
WHERE b.source_state IN ('pending', 'starting', 'running', 'importing') AND b.source_state IN ('starting', 'running')
UNION ALL
SELECT recent.chroot, CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS BIGINT), recent.took_s
FROM (
    SELECT c.chroot AS chroot, COALESCE(c.built_on, c.ended_on) - c.started_on AS took_s
    FROM build_chroots AS c
    WHERE c.ended_on > $1 AND c.state IN ('succeeded', 'failed') AND c.started_on IS NOT NULL
    ORDER BY c.ended_on DESC LIMIT 300
) AS recent
