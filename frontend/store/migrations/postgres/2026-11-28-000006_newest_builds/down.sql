DROP INDEX builds_by_package;
CREATE INDEX builds_by_package ON builds (project_id, package, id);
