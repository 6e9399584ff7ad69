-- What forges told a project, and what came of it; forgotten after a month.
CREATE TABLE webhook_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    forge TEXT NOT NULL,
    event TEXT NOT NULL,
    delivery TEXT,
    agent TEXT,
    status BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    builds TEXT NOT NULL,
    received_at BIGINT NOT NULL
);
CREATE INDEX webhook_deliveries_by_project ON webhook_deliveries (project_id, id);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (received_at);
