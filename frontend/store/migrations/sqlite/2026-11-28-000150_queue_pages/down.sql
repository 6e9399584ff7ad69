DROP INDEX builds_by_submitter;
DROP INDEX actions_by_time;
DROP INDEX builds_by_time;
DROP INDEX build_chroots_by_end;
