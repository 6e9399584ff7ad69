-- Identity tokens of CI jobs that were exchanged: each is good once.
CREATE TABLE spent_job_tokens (
    issuer TEXT NOT NULL,
    -- The token's own number, or the hash of a token without one.
    token TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, token)
);
CREATE INDEX spent_job_tokens_by_end ON spent_job_tokens (expires_at);
-- What the forge calls repository and owner whatever their names become. NULL until the first exchange.
ALTER TABLE publishers ADD COLUMN repository_id TEXT;
ALTER TABLE publishers ADD COLUMN owner_id TEXT;
