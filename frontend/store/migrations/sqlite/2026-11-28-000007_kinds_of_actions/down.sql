CREATE TABLE actions_new (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN
        ('create_key', 'publish', 'delete_builds', 'delete_project', 'roll_back', 'renew_key', 'rotate_key', 'fork')),
    owner TEXT NOT NULL,
    project TEXT NOT NULL,
    message TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'success', 'failure')),
    error TEXT,
    created_at BIGINT NOT NULL,
    ended_on BIGINT,
    touched_on BIGINT NOT NULL
);
INSERT INTO actions_new SELECT * FROM actions WHERE kind IN
    ('create_key', 'publish', 'delete_builds', 'delete_project', 'roll_back', 'renew_key', 'rotate_key', 'fork');
-- Numbers are never given twice, also when the last actions are gone.
UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'actions')
    WHERE name = 'actions_new' AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'actions');
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'actions_new', seq FROM sqlite_sequence WHERE name = 'actions'
    AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'actions_new');
DROP TABLE actions;
ALTER TABLE actions_new RENAME TO actions;
CREATE INDEX actions_waiting ON actions (touched_on) WHERE state = 'waiting';
