-- So that rows can be changed and deleted once a publication has all tables (logical
-- replication, change data capture, upgrades): without a replica identity the server refuses
-- to. A table with a primary key has one; what an administrator has chosen stays. Where the index
-- does not do, as app_name may be null in a table of crontabber 0.7 to 0.17, it is the whole
-- row. Both change the catalog only.
DO $$
DECLARE
    states oid := to_regclass('crontabber');
    log oid := to_regclass('crontabber_log');
    -- types are exact: a comparison that converts could find the operator of another role
    lacking oid[] := ARRAY(
        SELECT oid FROM pg_catalog.pg_class
        WHERE (oid = states OR oid = log)
            AND relreplident = 'd'::"char"
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_index
                WHERE indrelid = pg_class.oid AND indisprimary
            )
    );
BEGIN
    IF states = ANY (lacking) THEN
        IF EXISTS (
            SELECT FROM pg_catalog.pg_index
            JOIN pg_catalog.pg_class ON pg_class.oid = indexrelid
            JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
            WHERE indrelid = states
                AND relname = 'crontabber_unique_app_name_idx'::name
                AND indnkeyatts = 1::smallint AND attnotnull
                AND indisunique AND indimmediate AND indisvalid AND indpred IS NULL
        ) THEN
            ALTER TABLE crontabber REPLICA IDENTITY USING INDEX crontabber_unique_app_name_idx;
        ELSE
            ALTER TABLE crontabber REPLICA IDENTITY FULL;
        END IF;
    END IF;
    IF log = ANY (lacking) THEN
        ALTER TABLE crontabber_log REPLICA IDENTITY FULL;
    END IF;
END
$$;
