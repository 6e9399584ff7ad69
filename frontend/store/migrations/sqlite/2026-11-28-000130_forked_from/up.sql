-- Which project this one is a copy of; NULL: of none, or that one is gone.
ALTER TABLE projects ADD COLUMN forked_from BIGINT REFERENCES projects (id) ON DELETE SET NULL;
CREATE INDEX projects_by_origin ON projects (forked_from) WHERE forked_from IS NOT NULL;
