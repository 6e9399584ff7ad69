ALTER TABLE build_chroots DROP COLUMN built_on;
ALTER TABLE build_chroots DROP COLUMN signed_on;
ALTER TABLE build_chroots DROP COLUMN failure_log;
