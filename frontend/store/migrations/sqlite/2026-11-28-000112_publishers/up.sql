-- CI jobs that may build in a project without a stored secret. NULL: any.
CREATE TABLE publishers (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    -- The builds are this user's, as far as he may build there.
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    issuer TEXT NOT NULL,
    repository TEXT NOT NULL,
    workflow TEXT,
    environment TEXT,
    git_ref TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX publishers_by_project ON publishers (project_id);
CREATE INDEX publishers_by_user ON publishers (user_id);
CREATE INDEX publishers_by_repository ON publishers (issuer, repository);
