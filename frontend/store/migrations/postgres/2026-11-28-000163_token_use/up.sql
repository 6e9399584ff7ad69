-- Not exact: written at most once an hour. NULL: never used.
ALTER TABLE api_tokens ADD COLUMN used_at BIGINT;
