-- Tasks in one state, foreground first, then the older build.
SELECT task.build AS build, task.chroot AS chroot, task.state AS state, task.stage AS stage, task.attempt AS attempt,
    task.builder AS builder, task.started_on AS started_on, task.is_background AS is_background,
    b.submitted_on AS submitted_on, b.package AS package, b.batch_id AS batch, p.owner AS owner, p.name AS project,
    CASE WHEN b.package IS NULL THEN b.source END AS source
FROM (
    SELECT b.id AS build, '' AS chroot, b.source_state AS state, CAST(NULL AS TEXT) AS stage,
        b.source_attempt AS attempt,
        b.source_builder AS builder, b.source_started_on AS started_on,
        b.options LIKE '%"is_background":true%' AS is_background
    FROM builds AS b
    WHERE b.source_state IN ('pending', 'starting', 'running', 'importing') AND b.source_state = $1 AND {not_held}
    UNION ALL
    SELECT c.build_id, c.chroot, c.state, c.stage, c.attempt, c.builder, c.started_on,
        b.options LIKE '%"is_background":true%'
    FROM build_chroots AS c JOIN builds AS b ON b.id = c.build_id
    WHERE c.state IN ('waiting', 'pending', 'starting', 'running') AND c.state = $2
) AS task
JOIN builds AS b ON b.id = task.build
JOIN projects AS p ON p.id = b.project_id
WHERE $3 OR NOT task.is_background
ORDER BY task.is_background, task.build, task.chroot
LIMIT $4 OFFSET $5
