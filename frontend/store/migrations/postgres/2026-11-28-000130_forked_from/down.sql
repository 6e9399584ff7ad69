DROP INDEX projects_by_origin;
ALTER TABLE projects DROP COLUMN forked_from;
