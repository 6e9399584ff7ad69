DELETE FROM actions WHERE kind = 'take_package';
ALTER TABLE actions ADD CONSTRAINT actions_kind_check CHECK (kind IN
    ('create_key', 'publish', 'delete_builds', 'delete_project', 'roll_back', 'renew_key', 'rotate_key', 'fork'));
