ALTER TABLE publishers DROP COLUMN owner_id;
ALTER TABLE publishers DROP COLUMN repository_id;
DROP TABLE spent_job_tokens;
