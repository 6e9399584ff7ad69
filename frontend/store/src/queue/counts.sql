-- Open tasks by owner, chroot and state. The lists of states are those of the partial indexes.
SELECT p.owner AS owner, task.chroot AS chroot, task.state AS state, task.is_background AS is_background,
    COUNT(*) AS tasks
FROM (
    SELECT b.project_id AS project_id, '' AS chroot, b.source_state AS state,
        b.options LIKE '%"is_background":true%' AS is_background
    FROM builds AS b
    WHERE b.source_state IN ('pending', 'starting', 'running', 'importing') AND {not_held}
    UNION ALL
    SELECT b.project_id, c.chroot, c.state, b.options LIKE '%"is_background":true%'
    FROM build_chroots AS c JOIN builds AS b ON b.id = c.build_id
    WHERE c.state IN ('waiting', 'pending', 'starting', 'running') AND c.state <> 'waiting'
) AS task
JOIN projects AS p ON p.id = task.project_id
GROUP BY p.owner, task.chroot, task.state, task.is_background
ORDER BY p.owner, task.chroot, task.state, task.is_background
