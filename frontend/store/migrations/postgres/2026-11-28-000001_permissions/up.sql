CREATE TABLE permissions (
    project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    admin TEXT NOT NULL CHECK (admin IN ('nothing', 'request', 'approved')),
    builder TEXT NOT NULL CHECK (builder IN ('nothing', 'request', 'approved')),
    PRIMARY KEY (project_id, user_id)
);
CREATE INDEX permissions_by_user ON permissions (user_id);
-- What forges and scripts name to start builds of a project.
CREATE TABLE webhook_secrets (
    project_id BIGINT NOT NULL PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    secret TEXT NOT NULL
);
