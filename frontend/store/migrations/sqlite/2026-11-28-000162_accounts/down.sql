ALTER TABLE api_tokens DROP COLUMN used_at;
ALTER TABLE users DROP COLUMN blocked_reason;
ALTER TABLE users DROP COLUMN blocked_by;
ALTER TABLE users DROP COLUMN blocked_at;
ALTER TABLE users DROP COLUMN zone;
