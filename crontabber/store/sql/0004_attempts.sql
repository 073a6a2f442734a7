-- How often the open slot was tried, and whether that is given up. An older crontabber,
-- which knows nothing of this, goes on trying; what it ran makes both untrue.
ALTER TABLE crontabber
    ADD COLUMN IF NOT EXISTS attempts integer,
    ADD COLUMN IF NOT EXISTS gave_up boolean;
