-- Batches with builds that have not ended, and how many those are.
SELECT own.id AS id, own.waits_for AS waits_for, own.created_at AS created_at, COUNT(*) AS open_builds,
    MIN(p.owner) AS owner, MIN(p.name) AS project, COUNT(DISTINCT p.id) AS projects
FROM (
    SELECT b.id AS id FROM builds AS b
    WHERE b.source_state IN ('pending', 'starting', 'running', 'importing')
    UNION
    SELECT c.build_id FROM build_chroots AS c
    JOIN builds AS b ON b.id = c.build_id AND b.source_state NOT IN ('failed', 'canceled')
    WHERE c.state IN ('waiting', 'pending', 'starting', 'running')
) AS open
JOIN builds AS b ON b.id = open.id
JOIN batches AS own ON own.id = b.batch_id
JOIN projects AS p ON p.id = b.project_id
GROUP BY own.id, own.waits_for, own.created_at
ORDER BY own.id
LIMIT $1
