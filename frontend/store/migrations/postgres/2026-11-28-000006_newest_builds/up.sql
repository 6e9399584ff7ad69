-- Tells the newest build of a package in a directory without looking at builds.
DROP INDEX builds_by_package;
CREATE INDEX builds_by_package ON builds (project_id, package, dir, id);
