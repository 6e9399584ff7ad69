-- What the statistics count: what ended when, who submitted when, what was ordered when.
CREATE INDEX build_chroots_by_end ON build_chroots (ended_on, state, chroot);
CREATE INDEX builds_by_time ON builds (submitted_on, submitter_id);
CREATE INDEX actions_by_time ON actions (created_at, kind, state);
-- A user's own builds, the newest first.
CREATE INDEX builds_by_submitter ON builds (submitter_id, id);
