ALTER TABLE build_chroots ADD COLUMN built_on BIGINT;
ALTER TABLE build_chroots ADD COLUMN signed_on BIGINT;
ALTER TABLE build_chroots ADD COLUMN failure_log TEXT;
