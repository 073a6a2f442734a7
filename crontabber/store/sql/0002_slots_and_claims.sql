-- What 1.0 adds. All columns may be null and have no default, so that adding them
-- rewrites nothing, and an older crontabber on the same tables need not know of them.
ALTER TABLE crontabber
    ADD COLUMN IF NOT EXISTS next_slot timestamp with time zone,
    -- last_run as we wrote it: if it differs, an older crontabber ran the job since,
    -- and next_slot and plan are not true any more
    ADD COLUMN IF NOT EXISTS own_last_run timestamp with time zone,
    ADD COLUMN IF NOT EXISTS class_path text,
    ADD COLUMN IF NOT EXISTS plan text,
    ADD COLUMN IF NOT EXISTS backfill boolean,
    -- claim_time is ongoing as we wrote it: if it differs, the mark is not ours
    ADD COLUMN IF NOT EXISTS claim_time timestamp with time zone,
    ADD COLUMN IF NOT EXISTS claim_host text,
    ADD COLUMN IF NOT EXISTS claim_pid integer,
    ADD COLUMN IF NOT EXISTS claim_backend_pid integer;

CREATE INDEX IF NOT EXISTS crontabber_class_path_idx ON crontabber (class_path);

ALTER TABLE crontabber_log
    ADD COLUMN IF NOT EXISTS slot timestamp with time zone,
    ADD COLUMN IF NOT EXISTS host text;
