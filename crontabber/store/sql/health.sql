-- What --nagios, --list-jobs and --configtest ask of the catalog; no tick does.

-- name: access
-- What a role, by default the one that asks, may do with the two tables, by the rules of
-- PostgreSQL; which of them may hide rows, from that role or from us; and how many
-- numbers the log has used, if that is known.
-- Rights on a table are no use without its schema; one that is missing has to be made.
WITH asked AS (
    SELECT rolname AS role, rolsuper OR rolbypassrls AS sees_all
    FROM pg_catalog.pg_roles
    WHERE rolname = CASE WHEN %(role)s = '' THEN current_user ELSE %(role)s::pg_catalog.name END
), tables AS (
    SELECT oid, relname, relnamespace, relowner, relrowsecurity, relforcerowsecurity
    FROM pg_catalog.pg_class
    WHERE oid IN (
        pg_catalog.to_regclass('{there_text}crontabber')::pg_catalog.oid,
        pg_catalog.to_regclass('{there_text}crontabber_log')::pg_catalog.oid
    )
), wanted (relname, privilege) AS (
    VALUES
        ('crontabber', 'SELECT'),
        ('crontabber', 'INSERT'),
        ('crontabber', 'UPDATE'),
        ('crontabber', 'DELETE'),
        ('crontabber_log', 'INSERT')
), checked AS (
    SELECT
        privilege || ' on ' || relname AS name,
        pg_catalog.has_table_privilege(role, oid, privilege)
            AND pg_catalog.has_schema_privilege(role, relnamespace, 'USAGE') AS has
    FROM wanted JOIN tables USING (relname) CROSS JOIN asked
    UNION ALL
    -- a serial's own sequence; an identity's needs no right
    SELECT
        'USAGE on ' || sequence.relname,
        pg_catalog.has_sequence_privilege(role, sequence.oid, 'USAGE')
            OR pg_catalog.has_sequence_privilege(role, sequence.oid, 'UPDATE')
    FROM tables
    JOIN pg_catalog.pg_depend ON refobjid = tables.oid AND deptype = 'a'
        AND classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    JOIN pg_catalog.pg_class AS sequence ON sequence.oid = objid AND sequence.relkind = 'S'
    CROSS JOIN asked
    UNION ALL
    -- tables that are missing are made in the first schema of the search path
    SELECT
        'CREATE on ' || coalesce('schema ' || place.name, 'any schema of its search_path'),
        coalesce(pg_catalog.has_schema_privilege(role, place.name, 'CREATE'), false)
    FROM asked CROSS JOIN pg_catalog.current_schema() AS place (name)
    WHERE (SELECT pg_catalog.count(*) FROM tables) < 2
)
SELECT
    pg_catalog.pg_is_in_recovery(),
    pg_catalog.current_setting('transaction_read_only') = 'on',
    (SELECT role FROM asked),
    ARRAY(SELECT name FROM checked WHERE NOT has),
    (SELECT pg_catalog.count(*) FROM checked WHERE has AND name <> 'SELECT on crontabber') = 0,
    ARRAY(
        SELECT relname::pg_catalog.text FROM tables, asked
        WHERE pg_catalog.row_security_active(oid)
            OR relrowsecurity AND NOT sees_all AND (
                relforcerowsecurity OR NOT pg_catalog.pg_has_role(role, relowner, 'USAGE')
            )
    ),
    pg_catalog.current_setting('TimeZone'),
    numbers.*
FROM (VALUES (1)) AS one LEFT JOIN ({log_numbers}) AS numbers ON true
