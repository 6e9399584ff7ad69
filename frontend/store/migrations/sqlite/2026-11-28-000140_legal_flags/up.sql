-- What people report of projects. The names stay when the project goes: whoever decides must see what it was.
CREATE TABLE legal_flags (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    owner TEXT NOT NULL,
    project TEXT NOT NULL,
    reporter_id BIGINT REFERENCES users (id) ON DELETE SET NULL,
    message TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    resolved_at BIGINT,
    resolved_by TEXT
);
CREATE INDEX legal_flags_by_end ON legal_flags (resolved_at);
