-- The two tables of crontabber 0.7 to 0.18. Whether they exist is asked by the name as
-- the search path resolves it: CREATE TABLE IF NOT EXISTS looks into one schema only,
-- and would put an empty table in front of the one in use.
DO $$
BEGIN
    IF to_regclass('crontabber') IS NULL THEN
        CREATE TABLE crontabber (
            app_name text NOT NULL,
            next_run timestamp with time zone,
            first_run timestamp with time zone,
            last_run timestamp with time zone,
            last_success timestamp with time zone,
            error_count integer DEFAULT 0,
            depends_on text[],
            last_error json,
            ongoing timestamp with time zone
        );
        CREATE UNIQUE INDEX crontabber_unique_app_name_idx ON crontabber (app_name);
    END IF;
    IF to_regclass('crontabber_log') IS NULL THEN
        CREATE TABLE crontabber_log (
            id bigserial PRIMARY KEY,  -- serial until 0.18, see 0007_log_numbers.sql
            app_name text NOT NULL,
            log_time timestamp with time zone NOT NULL DEFAULT now(),
            duration interval,
            success timestamp with time zone,
            exc_type text,
            exc_value text,
            exc_traceback text
        );
    END IF;
END
$$;
