-- What the log of a failed source phase says about it, as JSON; kept when somebody first looks.
ALTER TABLE builds ADD COLUMN failure_log TEXT;
