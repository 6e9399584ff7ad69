-- Results of project $1 that a newer good build of the same package in the same chroot made useless, and since when.
SELECT old.id, builds.id AS build_id, builds.package, old.chroot, MIN(good.ended_on) AS since
FROM builds
JOIN build_chroots AS old ON old.build_id = builds.id
JOIN builds AS newer ON newer.project_id = builds.project_id AND newer.package = builds.package
    AND newer.dir = builds.dir AND newer.id > builds.id
JOIN build_chroots AS good ON good.build_id = newer.id AND good.chroot = old.chroot
WHERE builds.project_id = $1 AND old.result_dir IS NOT NULL AND old.state IN ('succeeded', 'failed', 'forked')
    AND good.state IN ('succeeded', 'forked') AND good.result_dir IS NOT NULL AND good.ended_on IS NOT NULL
GROUP BY old.id, builds.id, builds.package, old.chroot
ORDER BY since, old.id
LIMIT $2
