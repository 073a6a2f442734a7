-- What crontabber 0.7 to 0.17 did not have yet: the column ongoing (from 0.10 on), and the unique
-- index (0.18). Without that, two ticks could make two rows of a job, which every later write
-- kept alike: the newest stays. Any unique index on app_name alone will do.
ALTER TABLE crontabber
    ADD COLUMN IF NOT EXISTS ongoing timestamp with time zone;

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_index
        JOIN pg_attribute ON attrelid = indrelid AND attname = 'app_name'
        WHERE indrelid = 'crontabber'::regclass::oid  -- exact types: see 0006
            AND indisunique AND indisvalid
            AND indnkeyatts = 1 AND indkey[0] = attnum
            AND indpred IS NULL
    ) THEN
        DELETE FROM crontabber WHERE ctid IN (
            SELECT ctid FROM (
                SELECT ctid, row_number() OVER (
                    PARTITION BY app_name
                    ORDER BY last_run DESC NULLS LAST, last_success DESC NULLS LAST, ctid DESC
                ) AS place
                FROM crontabber
            ) AS rows
            WHERE place > 1
        );
        -- it may exist: a serializable transaction does not see what was made while it waited
        CREATE UNIQUE INDEX IF NOT EXISTS crontabber_unique_app_name_idx ON crontabber (app_name);
    END IF;
END
$$;
