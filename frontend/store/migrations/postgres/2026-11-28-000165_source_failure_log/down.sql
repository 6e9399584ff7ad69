ALTER TABLE builds DROP COLUMN failure_log;
