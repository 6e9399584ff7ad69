-- How often the repo file of a chroot's release was fetched, and packages of the chroot.
ALTER TABLE project_chroots ADD COLUMN repo_downloads BIGINT NOT NULL DEFAULT 0;
ALTER TABLE project_chroots ADD COLUMN package_downloads BIGINT NOT NULL DEFAULT 0;
