-- Where users read times: an IANA name. NULL: as the browser says.
ALTER TABLE users ADD COLUMN zone TEXT;
-- Who may do nothing any more. NULL: everybody else.
ALTER TABLE users ADD COLUMN blocked_at BIGINT;
ALTER TABLE users ADD COLUMN blocked_by TEXT;
ALTER TABLE users ADD COLUMN blocked_reason TEXT;
-- Not exact: written at most once an hour. NULL: never used.
ALTER TABLE api_tokens ADD COLUMN used_at BIGINT;
