-- What users think of projects; `score` is the sum, kept with each vote.
CREATE TABLE votes (
    project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    value BIGINT NOT NULL CHECK (value IN (-1, 1)),
    PRIMARY KEY (project_id, user_id)
);
CREATE INDEX votes_by_user ON votes (user_id);
ALTER TABLE projects ADD COLUMN score BIGINT NOT NULL DEFAULT 0;
CREATE INDEX projects_by_score ON projects (score) WHERE score > 0;
