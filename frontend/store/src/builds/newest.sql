-- For each package and enabled chroot the newest build there, whatever became of it. Nearly always that is the newest
-- build of the package, which an index tells; only where that one was not for the chroot the others are looked through.
SELECT newest.package, build_chroots.chroot, build_chroots.build_id, build_chroots.state, build_chroots.ended_on,
    build_chroots.result_dir, builds.header
FROM (
    SELECT packages.name AS package, COALESCE(
        (
            SELECT own.id FROM build_chroots AS own
            WHERE own.chroot = mock_chroots.name AND own.build_id = (
                SELECT b.id FROM builds AS b
                WHERE b.project_id = $1 AND b.package = packages.name AND b.dir = $2
                ORDER BY b.id DESC LIMIT 1
            )
        ),
        (
            SELECT own.id FROM builds AS b
            JOIN build_chroots AS own ON own.build_id = b.id AND own.chroot = mock_chroots.name
            WHERE b.project_id = $1 AND b.package = packages.name AND b.dir = $2
            ORDER BY b.id DESC LIMIT 1
        )
    ) AS id
    FROM packages
    CROSS JOIN project_chroots
    JOIN mock_chroots ON mock_chroots.id = project_chroots.mock_chroot_id
    WHERE packages.project_id = $1 AND project_chroots.project_id = $1
        AND project_chroots.is_enabled AND mock_chroots.is_active
) AS newest
JOIN build_chroots ON build_chroots.id = newest.id
JOIN builds ON builds.id = build_chroots.build_id
ORDER BY newest.package, build_chroots.chroot
