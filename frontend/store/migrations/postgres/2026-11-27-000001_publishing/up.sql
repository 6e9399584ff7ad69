ALTER TABLE actions DROP CONSTRAINT actions_kind_check;
ALTER TABLE actions ADD CONSTRAINT actions_kind_check CHECK (kind IN
    ('create_key', 'publish', 'delete_builds', 'delete_project', 'roll_back', 'renew_key', 'rotate_key'));
ALTER TABLE build_chroots ADD COLUMN stage_note TEXT;
-- When the key is to be given a longer life; NULL: never by itself.
ALTER TABLE projects ADD COLUMN key_renew_on BIGINT;
