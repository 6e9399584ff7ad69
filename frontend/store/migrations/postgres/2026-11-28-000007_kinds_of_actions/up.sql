-- Kinds are the program's; a list of them here had to be copied for every new one.
ALTER TABLE actions DROP CONSTRAINT actions_kind_check;
