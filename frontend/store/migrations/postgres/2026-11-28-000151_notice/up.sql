-- What the operators tell on every page: one row or none.
CREATE TABLE notice (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    text TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at BIGINT NOT NULL
);
