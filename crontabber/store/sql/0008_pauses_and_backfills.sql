-- What people ask of a job: a pause, dates of the past. And what is remembered so that it can be
-- told: its first slot, for which parent it waits and since when, what people were told of it,
-- and the end of a run's output. All may be null, and an older crontabber need not know of them.
ALTER TABLE crontabber
    ADD COLUMN IF NOT EXISTS first_slot timestamp with time zone,
    ADD COLUMN IF NOT EXISTS paused_since timestamp with time zone,
    ADD COLUMN IF NOT EXISTS paused_until timestamp with time zone,
    ADD COLUMN IF NOT EXISTS paused_by text,
    ADD COLUMN IF NOT EXISTS pause_reason text,
    ADD COLUMN IF NOT EXISTS waits_for text,
    ADD COLUMN IF NOT EXISTS waits_since timestamp with time zone,
    ADD COLUMN IF NOT EXISTS asked json,
    ADD COLUMN IF NOT EXISTS asked_slot timestamp with time zone,
    ADD COLUMN IF NOT EXISTS told json;

ALTER TABLE crontabber_log
    ADD COLUMN IF NOT EXISTS output text;
