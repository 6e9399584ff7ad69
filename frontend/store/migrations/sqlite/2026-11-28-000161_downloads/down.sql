ALTER TABLE project_chroots DROP COLUMN package_downloads;
ALTER TABLE project_chroots DROP COLUMN repo_downloads;
