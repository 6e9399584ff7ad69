-- Results that a newer good build of the same package in the same chroot made useless before $2.
SELECT old.id, builds.project_id, old.build_id, builds.dir, builds.package, old.chroot
FROM build_chroots AS old
JOIN builds ON builds.id = old.build_id
WHERE old.id > $1 AND old.result_dir IS NOT NULL AND old.state IN ('succeeded', 'failed', 'forked')
    AND builds.package IS NOT NULL
    AND EXISTS (
        SELECT 1 FROM builds AS newer
        JOIN build_chroots AS good ON good.build_id = newer.id AND good.chroot = old.chroot
        WHERE newer.project_id = builds.project_id AND newer.package = builds.package AND newer.dir = builds.dir
            AND newer.id > builds.id AND good.state IN ('succeeded', 'forked') AND good.result_dir IS NOT NULL
            AND good.ended_on < $2
    )
ORDER BY old.id
LIMIT $3
