-- The numbers of the log do not run out. In a log that crontabber 0.18 has made they have 32
-- bits: 100,000 jobs every five minutes use those up in 75 days, and then no run could be recorded.
--
-- To widen the column would lock the log while it is written anew. So its sequence goes on below
-- zero after its last number, and then through the numbers of rows that have been trimmed. This
-- locks the sequence for a moment, and the table not at all. docs/howto/log.md says how to widen
-- the column; then the sequence counts up again.
DO $$
DECLARE
    log text := pg_catalog.to_regclass('crontabber_log')::text;
    numbers text := pg_catalog.pg_get_serial_sequence(log, 'id');
    wide boolean;
    cycles boolean;
    last bigint;
    used bigint;
BEGIN
    IF numbers IS NULL THEN
        RETURN;  -- the owner of the log numbers it by other means
    END IF;
    SELECT pg_catalog.format_type(atttypid, NULL) = 'bigint', seqcycle INTO wide, cycles
    FROM pg_catalog.pg_attribute, pg_catalog.pg_sequence
    WHERE attrelid = log::regclass::oid AND attname = 'id' AND seqrelid = numbers::regclass::oid;

    IF wide AND cycles THEN
        EXECUTE 'ALTER SEQUENCE ' || numbers || ' AS bigint MAXVALUE 9223372036854775807 NO CYCLE';
        EXECUTE 'SELECT last_value FROM ' || numbers INTO last;
        EXECUTE 'SELECT id FROM ' || log || ' ORDER BY id DESC LIMIT 1' INTO used;
        IF last < used THEN
            PERFORM pg_catalog.setval(numbers::regclass, used);
        END IF;
    ELSIF NOT wide AND NOT cycles THEN
        EXECUTE 'SELECT last_value FROM ' || numbers INTO last;
        -- PostgreSQL before 10 made a sequence of 64 bits, which counts on when the column cannot
        EXECUTE 'ALTER SEQUENCE ' || numbers || ' MINVALUE -2147483648 MAXVALUE 2147483647 CYCLE'
            || CASE WHEN last > 2147483647 THEN ' RESTART -2147483648' ELSE '' END;
    END IF;
END
$$;
