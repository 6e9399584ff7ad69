ALTER TABLE project_chroots DROP COLUMN delete_on;
