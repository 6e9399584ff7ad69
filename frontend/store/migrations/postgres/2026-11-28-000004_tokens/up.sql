-- NULL: the classic token, of which a user has one. Others have a name and may be narrower.
ALTER TABLE api_tokens ADD COLUMN name TEXT;
ALTER TABLE api_tokens ADD COLUMN access TEXT NOT NULL DEFAULT 'admin' CHECK (access IN ('read', 'build', 'admin'));
ALTER TABLE api_tokens ADD COLUMN project_id BIGINT REFERENCES projects (id) ON DELETE CASCADE;
CREATE UNIQUE INDEX api_tokens_by_name ON api_tokens (user_id, name);
CREATE INDEX api_tokens_by_project ON api_tokens (project_id);
