-- 200 users, 1,000 projects, 11,000 packages, 50,000 builds in two chroots each; the same on SQLite and PostgreSQL.
-- Every tenth build is of user001/proj-0001, all others are spread over proj-0002 to proj-0550; proj-0541 got few.
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
INSERT INTO users (id, name, mail, is_admin, created_at)
SELECT i, 'user' || substr('00' || i, length('00' || i) - 2), 'user' || i || '@example.com', 1 = 0, 1760000000 FROM n;

INSERT INTO groups (id, name, created_at) VALUES (1, 'grp1', 1760000000);
INSERT INTO memberships (group_id, user_id) VALUES (1, 1);

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000),
owned(i, name, owner) AS (
    SELECT i, 'proj-' || substr('000' || i, length('000' || i) - 3),
        CASE WHEN i <= 900 THEN 1 + (i - 1) % 180 ELSE 180 + (i - 900 + 4) / 5 END
    FROM n
)
INSERT INTO projects (id, owner, name, description, is_unlisted, settings, created_at)
SELECT i + 1, users.name, owned.name, 'Description of **' || owned.name || '**', 1 = 0,
    '{"homepage":"https://example.com/' || owned.name || '","contact":"' || users.name
    || '@example.com","instructions":"Enable it with dnf copr enable ' || users.name || '/' || owned.name
    || '","enable_net":true,"appstream":true}', 1760000000 + i
FROM owned JOIN users ON users.id = owned.owner;

INSERT INTO project_dirs (project_id, name, created_at) SELECT id, name, created_at FROM projects;

INSERT INTO project_chroots (project_id, mock_chroot_id, is_enabled, settings)
SELECT projects.id, mock_chroots.id, 1 = 1, '{}'
FROM projects CROSS JOIN mock_chroots
WHERE mock_chroots.name IN ('fedora-43-x86_64', 'fedora-rawhide-x86_64')
ORDER BY projects.id, mock_chroots.id;

WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 10999)
INSERT INTO packages (id, project_id, name, created_at, source)
SELECT i + 1, projects.id, 'pkg-' || substr('0' || (i % 20 + 1), length('0' || (i % 20 + 1)) - 1), 1760000000,
    '{"type":"method","method":{"type":"scm","scm_type":"git","clone_url":"https://example.com/' || projects.name
    || '/pkg-' || substr('0' || (i % 20 + 1), length('0' || (i % 20 + 1)) - 1)
    || '.git","committish":"main","subdirectory":"","spec":"","method":"rpkg"}}'
FROM n JOIN projects ON projects.id = i / 20 + 2;

INSERT INTO package_words (package_id, word)
SELECT id, name FROM packages UNION ALL SELECT id, substr(name, 5) FROM packages;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000),
chosen(i, project, package) AS (
    SELECT i,
        CASE WHEN i % 10 = 2 THEN 2 WHEN (i * 443 + 1) % 549 = 539 AND i < 47000 THEN 3 ELSE 3 + (i * 443 + 1) % 549 END,
        CASE WHEN i % 10 = 2 THEN i / 10 + 17 WHEN (i * 443 + 1) % 549 = 539 THEN i % 2 ELSE i / 549 + 11 END
    FROM n
),
named(i, project, package) AS (
    SELECT i, project, 'pkg-' || substr('0' || (package % 20 + 1), length('0' || (package % 20 + 1)) - 1)
    FROM chosen
)
INSERT INTO builds (id, project_id, dir, package, header, submitter_id, submitted_on, source, source_state,
    source_attempt, source_started_on, source_ended_on, srpm_url, options, touched_on)
SELECT i, projects.id, projects.name, named.package,
    '{"name":"' || named.package || '","epoch":null,"version":"1.' || i
    || '","release":"1","exclusive_arch":[],"exclude_arch":[]}',
    users.id, 1763819702 + i * 630, packages.source, 'succeeded', 1, 1763819702 + i * 630 + 10,
    1763819702 + i * 630 + 30,
    'http://127.0.0.1:5002/results/' || projects.owner || '/' || projects.name || '/srpm-builds/'
    || substr('0000000' || i, length('0000000' || i) - 7) || '/' || named.package || '-1.' || i || '-1.src.rpm',
    '{"timeout_s":18000,"is_background":false,"enable_net":null,"bootstrap":null,"isolation":null}',
    1763819702 + i * 630
FROM named
JOIN projects ON projects.id = named.project
JOIN users ON users.name = projects.owner
JOIN packages ON packages.project_id = projects.id AND packages.name = named.package
ORDER BY i;

WITH RECURSIVE c(j, chroot) AS (SELECT 0, 'fedora-43-x86_64' UNION ALL SELECT 1, 'fedora-rawhide-x86_64')
INSERT INTO build_chroots (id, build_id, chroot, state, attempt, started_on, ended_on, result_dir, builder)
SELECT builds.id * 2 - 1 + c.j, builds.id, c.chroot,
    CASE WHEN builds.id % 23 = 7 AND builds.id % 10 <> 2 AND (builds.id * 443 + 1) % 549 <> 539 THEN 'failed' ELSE 'succeeded' END,
    1, submitted_on + 60, submitted_on + 345,
    substr('0000000' || builds.id, length('0000000' || builds.id) - 7) || '-' || builds.package, 'builder-1'
FROM builds CROSS JOIN c
ORDER BY builds.id, c.j;

WITH RECURSIVE a(arch) AS (SELECT 'src' UNION ALL SELECT 'x86_64' FROM a WHERE arch = 'src')
INSERT INTO built_packages (build_chroot_id, name, epoch, version, release, arch)
SELECT build_chroots.id, builds.package, 0, '1.' || builds.id, '1.fc', a.arch
FROM build_chroots JOIN builds ON builds.id = build_chroots.build_id CROSS JOIN a
WHERE build_chroots.state = 'succeeded';
