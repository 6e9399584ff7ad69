-- When what a chroot holds goes, where a project said so: later than the usual week for one that it dropped, and
-- earlier than never for one that is not built any more.
ALTER TABLE project_chroots ADD COLUMN delete_on BIGINT;
