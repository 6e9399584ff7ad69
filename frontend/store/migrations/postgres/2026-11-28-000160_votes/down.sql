DROP INDEX projects_by_score;
ALTER TABLE projects DROP COLUMN score;
DROP TABLE votes;
