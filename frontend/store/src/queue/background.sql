-- How many background tasks each project has in one state.
SELECT p.owner AS owner, p.name AS project, COUNT(*) AS tasks
FROM (
    SELECT b.project_id AS project_id, b.options AS options
    FROM builds AS b
    WHERE b.source_state IN ('pending', 'starting', 'running', 'importing') AND b.source_state = $1 AND {not_held}
    UNION ALL
    SELECT b.project_id, b.options
    FROM build_chroots AS c JOIN builds AS b ON b.id = c.build_id
    WHERE c.state IN ('waiting', 'pending', 'starting', 'running') AND c.state = $2
) AS task
JOIN projects AS p ON p.id = task.project_id
WHERE task.options LIKE '%"is_background":true%'
GROUP BY p.owner, p.name
ORDER BY COUNT(*) DESC, p.owner, p.name
LIMIT $3
