-- Only while the log is small: building an index on a large one would hold up every
-- job for as long as it takes. The documentation says how to add them to a large log.
DO $$
BEGIN
    IF (SELECT count(*) FROM (SELECT 1 FROM crontabber_log LIMIT 10001) AS beginning) <= 10000 THEN
        CREATE INDEX IF NOT EXISTS crontabber_log_app_name_idx
            ON crontabber_log (app_name, log_time);
        CREATE INDEX IF NOT EXISTS crontabber_log_log_time_idx
            ON crontabber_log USING brin (log_time);
    END IF;
END
$$;
