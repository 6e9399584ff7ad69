ALTER TABLE packages DROP COLUMN settings;
ALTER TABLE packages DROP COLUMN source;
