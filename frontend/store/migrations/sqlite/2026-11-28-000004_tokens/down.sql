DROP INDEX api_tokens_by_project;
DROP INDEX api_tokens_by_name;
ALTER TABLE api_tokens DROP COLUMN project_id;
ALTER TABLE api_tokens DROP COLUMN access;
ALTER TABLE api_tokens DROP COLUMN name;
