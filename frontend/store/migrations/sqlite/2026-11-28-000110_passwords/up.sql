-- Users who log in here and nowhere else.
CREATE TABLE passwords (
    user_id BIGINT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- In PHC's form, with its parameters: they may grow while old ones still work.
    hash TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- One account each, until it ends.
CREATE TABLE invitations (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    token_hash TEXT NOT NULL UNIQUE,
    -- Whom it is for, as its maker calls them.
    note TEXT NOT NULL,
    -- NULL: the operator on the command line.
    made_by BIGINT REFERENCES users (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_by BIGINT REFERENCES users (id) ON DELETE SET NULL,
    used_at BIGINT
);
