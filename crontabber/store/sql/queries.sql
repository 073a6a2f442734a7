-- All statements of a tick, by name. The placeholders are psycopg2's.

-- name: tellable
-- The range of times that Python can represent, less some room to compute with.
BETWEEN '0002-01-01 UTC'::timestamptz AND '9998-12-31 UTC'::timestamptz

-- name: row_fault
-- What in a row Python cannot represent; null if nothing.
nullif(pg_catalog.concat_ws(
    ', ',
    CASE WHEN NOT next_run {tellable} THEN 'next_run is ' || next_run::text END,
    CASE WHEN NOT next_slot {tellable} THEN 'next_slot is ' || next_slot::text END,
    CASE WHEN NOT first_run {tellable} THEN 'first_run is ' || first_run::text END,
    CASE WHEN NOT last_run {tellable} THEN 'last_run is ' || last_run::text END,
    CASE WHEN NOT last_success {tellable} THEN 'last_success is ' || last_success::text END,
    CASE WHEN NOT ongoing {tellable} THEN 'ongoing is ' || ongoing::text END,
    CASE WHEN NOT claim_time {tellable} THEN 'claim_time is ' || claim_time::text END,
    CASE WHEN NOT first_slot {tellable} THEN 'first_slot is ' || first_slot::text END,
    CASE WHEN NOT paused_since {tellable} THEN 'paused_since is ' || paused_since::text END,
    CASE WHEN NOT paused_until {tellable} THEN 'paused_until is ' || paused_until::text END,
    CASE WHEN NOT asked_slot {tellable} THEN 'asked_slot is ' || asked_slot::text END,
    CASE WHEN NOT waits_since {tellable} THEN 'waits_since is ' || waits_since::text END,
    CASE
        WHEN pg_catalog.array_ndims(depends_on) > 1 THEN 'depends_on is an array of arrays'
        WHEN pg_catalog.array_position(depends_on, NULL) IS NOT NULL THEN 'depends_on has a null'
    END
), '')

-- name: row_is_well
-- The same, quickly: whether there is no such fault. Of the times only the extremes count.
CASE
    WHEN pg_catalog.array_ndims(depends_on) > 1 THEN false
    WHEN pg_catalog.array_position(depends_on, NULL) IS NOT NULL THEN false
    ELSE (
        least(
            next_run, next_slot, first_run, last_run, last_success, ongoing, claim_time, first_slot,
            paused_since, paused_until, asked_slot, waits_since
        ) {tellable} AND greatest(
            next_run, next_slot, first_run, last_run, last_success, ongoing, claim_time, first_slot,
            paused_since, paused_until, asked_slot, waits_since
        ) {tellable}
    ) IS NOT FALSE
END

-- name: state_columns
-- A row as JobState reads it, in the order of its fields. What an older crontabber
-- made untrue reads as null: see 0002_slots_and_claims.sql. So does what Python cannot represent.
-- We read JSON ourselves: jobs may change how the driver reads it.
app_name,
CASE WHEN next_run {tellable} THEN next_run END,
CASE
    WHEN own_last_run IS NOT DISTINCT FROM last_run AND next_slot {tellable} THEN next_slot
END,
CASE WHEN first_run {tellable} THEN first_run END,
CASE WHEN last_run {tellable} THEN last_run END,
CASE WHEN last_success {tellable} THEN last_success END,
error_count,
CASE WHEN pg_catalog.array_ndims(depends_on) = 1 THEN depends_on END,
last_error::text,
CASE WHEN ongoing {tellable} THEN ongoing END,
class_path,
CASE WHEN own_last_run IS NOT DISTINCT FROM last_run THEN plan END,
backfill,
CASE WHEN claim_time = ongoing THEN claim_host END,
claim_pid,
claim_backend_pid,
CASE WHEN claim_time {tellable} THEN claim_time END,
CASE WHEN own_last_run IS NOT DISTINCT FROM last_run THEN attempts END,
CASE WHEN own_last_run IS NOT DISTINCT FROM last_run THEN gave_up END,
CASE WHEN first_slot {tellable} THEN first_slot END,
CASE WHEN paused_since {tellable} THEN paused_since END,
CASE WHEN paused_until {tellable} THEN paused_until END,
paused_by,
pause_reason,
waits_for,
CASE WHEN waits_since {tellable} THEN waits_since END,
asked::text,
CASE WHEN asked_slot {tellable} AND claim_time = ongoing THEN asked_slot END,
told::text,
crontabber.xmin::text,
{row_fault}

-- name: untrusted
-- Which of our tables belong neither to us, nor to the owner of the database, nor to a
-- superuser, nor to the role that the option tables_owner names. Their rows would be
-- believed, and their triggers would run with our rights.
SELECT pg_catalog.string_agg(what, ' and ') FROM (
    SELECT
        relowner AS owner,
        pg_catalog.format(
            CASE WHEN relkind IN ('r', 'p') THEN 'the table %%s belongs to %%I'
            ELSE '%%s, which is no table, belongs to %%I' END,
            found.oid::pg_catalog.regclass, pg_catalog.pg_get_userbyid(relowner)
        ) AS what
    FROM pg_catalog.pg_class AS found
    WHERE found.oid IN (
        '{there_text}crontabber'::pg_catalog.regclass::pg_catalog.oid,
        pg_catalog.to_regclass('{there_text}crontabber_log')::pg_catalog.oid,
        pg_catalog.to_regclass('{there_text}crontabber_spans')::pg_catalog.oid
    )
    UNION ALL
    SELECT
        proowner,
        pg_catalog.format(
            'the trigger %%I on %%s calls a function of %%I',
            tgname, tgrelid::pg_catalog.regclass, pg_catalog.pg_get_userbyid(proowner)
        )
    FROM pg_catalog.pg_trigger AS found JOIN pg_catalog.pg_proc ON pg_proc.oid = tgfoid
    WHERE NOT tgisinternal AND tgrelid IN (
        '{there_text}crontabber'::pg_catalog.regclass::pg_catalog.oid,
        pg_catalog.to_regclass('{there_text}crontabber_log')::pg_catalog.oid,
        pg_catalog.to_regclass('{there_text}crontabber_spans')::pg_catalog.oid
    )
) AS found JOIN pg_catalog.pg_roles AS owner ON owner.oid = found.owner
WHERE NOT owner.rolsuper
    AND owner.rolname <> current_user
    AND owner.rolname <> %(tables_owner)s::pg_catalog.name
    AND owner.oid <> (
        SELECT datdba FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
    )

-- name: place
-- Where the tables are, by the search path that we were given: their schema, the
-- oid of the table of states, which of them cannot be trusted, and why nothing can be
-- written there.
'{there_text}crontabber'::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int8,
(
    SELECT pg_catalog.quote_ident(nspname) FROM pg_catalog.pg_class AS found
    JOIN pg_catalog.pg_namespace AS space ON space.oid = found.relnamespace
    WHERE found.oid = '{there_text}crontabber'::pg_catalog.regclass::pg_catalog.oid
),
({untrusted}),
CASE
    WHEN pg_catalog.pg_is_in_recovery() THEN 'the server is a standby, which is read-only'
    WHEN pg_catalog.current_setting('transaction_read_only') = 'on'
        THEN 'transactions are read-only here, by default_transaction_read_only'
END

-- name: find_tables
SELECT pg_catalog.now(), pg_catalog.current_setting('TimeZone'), {place}

-- name: configured
-- The names of the rows that count for a configuration. Parents may belong to another one; rows
-- of no known class are an older crontabber's, or new to us. Lists come as ARRAY(SELECT ...)
-- because the planner assumes that those are short, and uses the indexes even if the statistics
-- know of many ghosts.
ours AS (
    SELECT app_name, depends_on FROM {there}crontabber
    WHERE class_path = ANY (ARRAY(SELECT pg_catalog.unnest(%(class_paths)s::text[])))
    UNION ALL
    SELECT app_name, depends_on FROM {there}crontabber WHERE class_path IS NULL
), configured AS (
    SELECT app_name FROM ours UNION ALL SELECT pg_catalog.unnest(depends_on) FROM ours
)

-- name: look
-- Time, zone and rows in one statement. Without rows there is one row with the first columns only.
WITH {configured}
SELECT pg_catalog.now(), pg_catalog.current_setting('TimeZone'), {place}, {state_columns}
FROM (SELECT 1) AS always LEFT JOIN {there}crontabber
    ON app_name = ANY (ARRAY(SELECT app_name FROM configured))

-- name: is_known
pg_catalog.concat(crontabber.xmin, ' ', app_name)
    IN (SELECT pg_catalog.unnest(%(known)s::text[]))

-- name: look_at_changes
-- The same, without the rows whose present version is known: the first row has the names of
-- those.
WITH {configured}
SELECT
    pg_catalog.now(),
    pg_catalog.current_setting('TimeZone'),
    {place},
    ARRAY(
        SELECT app_name FROM {there}crontabber
        WHERE app_name = ANY (ARRAY(SELECT app_name FROM configured)) AND {is_known}
    ),
    {state_columns}
FROM (SELECT 1) AS always LEFT JOIN {there}crontabber
    ON app_name = ANY (ARRAY(SELECT app_name FROM configured)) AND NOT {is_known}

-- name: look_at_all
SELECT pg_catalog.now(), pg_catalog.current_setting('TimeZone'), {place}, {state_columns}
FROM (SELECT 1) AS always LEFT JOIN {there}crontabber ON true

-- name: look_for_due
-- The same for a tick: only the rows of jobs that may be due, and of their parents. A
-- row is left out if `decide` is sure to say "not due": it waits for a future time, as
-- the schedule in the jobs list has it, and is neither marked, nor given up, nor written by a
-- clock that was wrong. The first row says which listed classes are left: with one row or
-- several, or none yet. The rows of names are read in any case.
WITH schedule AS (
    SELECT
        number,
        CASE
            WHEN pg_catalog.right(plan, 1) <> ' ' THEN plan
            WHEN %(zone)s::text = '' THEN plan || pg_catalog.current_setting('TimeZone')
            ELSE plan || %(zone)s::text
        END AS plan,
        pg_catalog.now() + period * interval '3 seconds' AS reach
    FROM ROWS FROM (
        pg_catalog.unnest(%(plans)s::text[]), pg_catalog.unnest(%(periods)s::float8[])
    ) WITH ORDINALITY AS given (plan, period, number)
), listed AS (
    SELECT class_path, plan, reach
    FROM ROWS FROM (
        pg_catalog.unnest(%(class_paths)s::text[]), pg_catalog.unnest(%(schedules)s::int8[])
    ) AS given (class_path, number) LEFT JOIN schedule USING (number)
), candidate AS (
    SELECT listed.class_path, found.app_name, found.depends_on
    FROM listed LEFT JOIN (
        SELECT *, {row_is_well} AS is_well FROM {there}crontabber
    ) AS found ON found.class_path = listed.class_path
    WHERE (
        found.plan = listed.plan
        AND found.own_last_run IS NOT DISTINCT FROM found.last_run
        AND found.ongoing IS NULL
        AND found.backfill IS NOT NULL
        AND NOT (found.backfill AND coalesce(found.gave_up, false))
        AND found.told IS NULL
        AND coalesce(found.last_run <= pg_catalog.now(), true)
        AND CASE
            WHEN found.backfill THEN greatest(found.next_run, found.next_slot) > pg_catalog.now()
            ELSE coalesce(found.next_run, found.next_slot) > pg_catalog.now()
                AND found.next_slot <= listed.reach
        END
        AND found.next_slot IS NOT NULL
        AND found.asked IS NULL
        AND found.is_well
    ) IS NOT TRUE
), ours AS (
    SELECT app_name, depends_on FROM candidate WHERE app_name IS NOT NULL
    UNION ALL
    SELECT app_name, depends_on FROM {there}crontabber WHERE class_path IS NULL
)
SELECT
    pg_catalog.now(), pg_catalog.current_setting('TimeZone'), {place},
    CASE WHEN first THEN ARRAY(SELECT class_path FROM candidate) END, {state_columns}
FROM (VALUES (true), (false)) AS head (first)
LEFT JOIN {there}crontabber ON NOT first AND app_name = ANY (ARRAY(
    SELECT app_name FROM ours UNION ALL SELECT pg_catalog.unnest(depends_on) FROM ours
    UNION ALL SELECT pg_catalog.unnest(%(names)s::text[])
))
ORDER BY first DESC

-- name: prepare_session
-- Once for a session that claims. A claim needs a fresh read after the
-- lock was taken, so a stricter isolation level would weaken it. The session
-- must live as long as the job does, even if idle; and the server must notice when our
-- host is gone, or the lock would stay. What is prepared is planned once: otherwise
-- the server plans the mark each time, for another 0.1 ms a run. The token marks the
-- session as ours: with a pooler in transaction mode another tick may have marked it before.
-- Nothing is set in a session that is not the expected one. From here on no name is looked up
-- where other roles may create, and temporary tables cannot hide ours: statements name
-- the schema of the tables.
SELECT
    pg_catalog.pg_backend_pid(),
    pg_catalog.current_setting('search_path'),
    CASE WHEN pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) %(server_process)s
        THEN pg_catalog.set_config('crontabber.session', coalesce(
            nullif(pg_catalog.current_setting('crontabber.session', true), ''), %(token)s
        ), false)
    END,
    CASE WHEN pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) %(server_process)s
        THEN pg_catalog.set_config(name, value, false)
    END
FROM pg_catalog.pg_settings JOIN (
    {session_settings}
) AS wanted (name, value) USING (name)

-- name: session_settings
VALUES
    ('search_path', 'pg_catalog, pg_temp'),
    ('default_transaction_isolation', 'read committed'),
    ('idle_session_timeout', '0'),
    ('statement_timeout', '0'),
    ('lock_timeout', '60s'),
    ('plan_cache_mode', 'force_generic_plan'),
    ('tcp_keepalives_idle', '30'),
    ('tcp_keepalives_interval', '10'),
    ('tcp_keepalives_count', '3')

-- name: look_again
-- For a session that lives on between runs: releases locks, says whose session
-- it is and which table the locks of jobs belong to, and reads the rows of few jobs.
SELECT
    (SELECT pg_catalog.count(pg_catalog.pg_advisory_unlock(key)) FROM pg_catalog.unnest(%(unlock)s::bigint[]) AS key),
    pg_catalog.pg_backend_pid(), pg_catalog.current_setting('crontabber.session', true),
    pg_catalog.to_regclass('{there_text}crontabber')::pg_catalog.oid::pg_catalog.int8,
    pg_catalog.now(), pg_catalog.current_setting('TimeZone'), {state_columns}
FROM (SELECT 1) AS always
LEFT JOIN {here}.crontabber ON app_name = ANY (%(names)s::text[])

-- name: session_token
SELECT pg_catalog.current_setting('crontabber.session', true)

-- name: server_process
SELECT pg_catalog.pg_backend_pid()

-- name: server_time
SELECT pg_catalog.now(), pg_catalog.current_setting('TimeZone')

-- name: leave_session
-- Releases the locks, resets the settings, and removes our mark: a pooler may give the
-- session to the next client as it is.
WITH session AS MATERIALIZED (
    SELECT pg_catalog.current_setting('crontabber.session', true) = %(token)s AS is_ours
)
SELECT
    (SELECT pg_catalog.count(pg_catalog.pg_advisory_unlock(key)) FROM pg_catalog.unnest(%(unlock)s::bigint[]) AS key),
    (
        SELECT pg_catalog.count(pg_catalog.set_config(name, coalesce(reset_val, ''), false))
        FROM pg_catalog.pg_settings JOIN (
            {session_settings}
        ) AS wanted (name, value) USING (name)
        WHERE is_ours
    ),
    CASE WHEN is_ours THEN pg_catalog.set_config('crontabber.session', '', false) END
FROM session

-- name: lock
-- Releases earlier locks, and takes the lock of a job. In a session that a pooler
-- gave us meanwhile, or to another tick too, the lock would stay, or be no lock: it is
-- re-entrant. A job that shares a lock with others takes that second, and has its claim
-- only with it. The answer is a setting, as the mark is a statement of its own.
SELECT
    (SELECT pg_catalog.count(pg_catalog.pg_advisory_unlock(key)) FROM pg_catalog.unnest(%(unlock)s::bigint[]) AS key),
    pg_catalog.set_config('crontabber.locked', CASE
        WHEN pg_catalog.pg_backend_pid() <> %(backend_pid)s THEN 'pooled'
        WHEN pg_catalog.current_setting('crontabber.session', true) IS DISTINCT FROM %(token)s THEN 'pooled'
        WHEN NOT pg_catalog.pg_try_advisory_lock(%(lock)s) THEN 'no'
        WHEN %(shared_lock)s::bigint IS NULL THEN 'yes'
        WHEN pg_catalog.pg_try_advisory_lock(%(shared_lock)s) THEN 'yes'
        WHEN pg_catalog.pg_advisory_unlock(%(lock)s) THEN 'held'
    END, false)

-- name: answer
-- What every mark asks first: whether we have the lock, and who we are. The mark may be
-- lost if the server crashes: the lock is the truth, the mark is for people, so its commit
-- need not wait for the disk.
pg_catalog.current_setting('crontabber.locked'),
pg_catalog.pg_backend_pid(),
pg_catalog.set_config('synchronous_commit', 'off', true)

-- name: holder
claim_time = %(claim_time)s,
claim_host = %(claim_host)s,
claim_pid = %(claim_pid)s,
claim_backend_pid = %(claim_backend_pid)s

-- name: of_a_claim
-- What a claim changes of a row; the outcome of earlier runs stays as it was seen.
next_run = %(next_run)s,
next_slot = %(next_slot)s,
first_run = %(first_run)s,
depends_on = %(depends_on)s,
attempts = %(attempts)s,
gave_up = %(gave_up)s,
ongoing = %(ongoing)s,
class_path = %(class_path)s,
plan = %(plan)s,
backfill = %(backfill)s,
first_slot = %(first_slot)s,
asked_slot = %(asked_slot)s,
waits_for = %(waits_for)s,
waits_since = %(waits_since)s,
{holder}

-- name: assignments
{of_a_claim},
told = %(told)s,
last_run = %(last_run)s,
own_last_run = %(last_run)s,
last_success = %(last_success)s,
error_count = %(error_count)s,
last_error = %(last_error)s

-- name: marking
UPDATE {here}.crontabber SET {of_a_claim}, own_last_run = last_run
WHERE app_name = %(app_name)s
    AND xmin::text = %(version)s
    AND ongoing IS NULL
    AND pg_catalog.current_setting('crontabber.locked') = 'yes'
RETURNING xmin::text AS version

-- name: mark
-- In a statement after the lock, so that it sees what was committed before the lock.
WITH marked AS (
    {marking}
)
SELECT
    {answer}, marked.version, {state_columns}
FROM (SELECT 1) AS always
LEFT JOIN marked ON true
LEFT JOIN {here}.crontabber ON app_name = ANY (%(names)s::text[])

-- name: mark_alone
-- For a job without parents: its own row is as it was seen if it can be marked, so there
-- is nothing to read, nor for the driver to decode; a tenth of what a run costs.
WITH marked AS (
    {marking}
)
SELECT
    {answer}, (SELECT version FROM marked)

-- name: mark_new
WITH marked AS (
    INSERT INTO {here}.crontabber (
        app_name, next_run, next_slot, first_run, error_count, depends_on, ongoing, class_path,
        plan, backfill, first_slot, claim_time, claim_host, claim_pid, claim_backend_pid
    )
    SELECT
        %(app_name)s, %(next_run)s, %(next_slot)s, %(first_run)s, 0, %(depends_on)s::text[],
        %(ongoing)s, %(class_path)s, %(plan)s, %(backfill)s, %(first_slot)s, %(claim_time)s,
        %(claim_host)s, %(claim_pid)s, %(claim_backend_pid)s
    WHERE pg_catalog.current_setting('crontabber.locked') = 'yes'
    ON CONFLICT (app_name) DO NOTHING
    RETURNING xmin::text AS version
)
SELECT
    {answer}, marked.version, {state_columns}
FROM (SELECT 1) AS always
LEFT JOIN marked ON true
LEFT JOIN {here}.crontabber ON app_name = ANY (%(names)s::text[])

-- name: held
-- The keys of all advisory locks in this database.
SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = pg_catalog.current_database())

-- name: add
INSERT INTO {here}.crontabber (
    app_name, next_run, next_slot, error_count, depends_on, class_path, plan, backfill, first_slot
) VALUES (
    %(app_name)s, %(next_run)s, %(next_slot)s, 0, %(depends_on)s, %(class_path)s, %(plan)s,
    %(backfill)s, %(first_slot)s
)
ON CONFLICT (app_name) DO NOTHING
RETURNING xmin::text

-- name: pause
-- What people may change while a run is under way; its record leaves that alone.
paused_since = %(paused_since)s,
paused_until = %(paused_until)s,
paused_by = %(paused_by)s,
pause_reason = %(pause_reason)s

-- name: save
-- Only if the row still has the version that was read.
WITH saved AS (
    UPDATE {here}.crontabber SET {assignments}, {pause}, asked = %(asked)s
    WHERE app_name = %(app_name)s AND xmin::text = %(was_version)s
    RETURNING {saved}
){passed}
SELECT saved.*, pg_catalog.pg_backend_pid() FROM saved

-- name: saved
-- What is returned of a row that was written: it shows what people asked for meanwhile.
xmin::text AS version, paused_since, paused_until, paused_by, pause_reason, asked::text AS asked

-- name: ours
-- Only while the mark is ours and the slot is open; other changes that people made to the row
-- during the run are overwritten by its outcome.
WHERE app_name = %(app_name)s
    AND ongoing IS NOT DISTINCT FROM %(was_ongoing)s
    AND (%(was_slot)s::timestamptz IS NULL OR next_slot = %(was_slot)s)
RETURNING {saved}

-- name: logged
-- Writes the log in the transaction that writes the row. Its time is not the default, now(): in a
-- transaction of the job's own that is when it began.
, logged AS (
    INSERT INTO {here}.crontabber_log (
        log_time, app_name, slot, success, duration, host, exc_type, exc_value, exc_traceback,
        output
    )
    SELECT
        pg_catalog.clock_timestamp(), %(app_name)s, %(slot)s, %(success)s, %(duration)s, %(host)s,
        %(exc_type)s, %(exc_value)s, %(exc_traceback)s, %(output)s
    FROM saved
)

-- name: save_claimed
WITH saved AS (
    UPDATE {here}.crontabber SET {assignments}
    {ours}
){passed}
SELECT saved.*, pg_catalog.pg_backend_pid() FROM saved

-- name: save_and_log
WITH saved AS (
    UPDATE {here}.crontabber SET {assignments}
    {ours}
){logged}{passed}
SELECT saved.*, pg_catalog.pg_backend_pid() FROM saved

-- name: save_asked
-- The record of a requested date: the regular plan stays, and so do other backfills,
-- some of which may have been requested, or cancelled, during the run.
WITH saved AS (
    UPDATE {here}.crontabber SET
        asked = (
            SELECT pg_catalog.json_agg(
                CASE WHEN each ->> 'number' = %(number)s::text THEN %(entry)s::json ELSE each END
            )
            FROM pg_catalog.json_array_elements(asked) AS each
            WHERE each ->> 'number' <> %(number)s::text OR %(entry)s::json IS NOT NULL
        ),
        asked_slot = %(asked_slot)s,
        last_run = %(last_run)s,
        own_last_run = %(last_run)s,
        ongoing = %(ongoing)s,
        told = %(told)s,
        {holder}
    WHERE app_name = %(app_name)s
        AND ongoing IS NOT DISTINCT FROM %(was_ongoing)s
        AND asked_slot IS NOT DISTINCT FROM %(was_asked_slot)s
    RETURNING {saved}
){logged}{passed}
SELECT saved.*, pg_catalog.pg_backend_pid() FROM saved

-- name: passing
-- Writes the ledger in the transaction that passes over slots.
, passed AS (
    INSERT INTO {here}.crontabber_spans (
        app_name, first_slot, last_slot, slots, verdict, reason, plan, done_by, done_at
    )
    SELECT
        span.app_name, span.first_slot, span.last_slot, span.slots, span.verdict, span.reason,
        span.plan, span.done_by, span.done_at
    FROM pg_catalog.json_to_recordset(%(spans)s::json) AS span (
        app_name text, first_slot timestamptz, last_slot timestamptz, slots bigint, verdict text,
        reason text, plan text, done_by text, done_at timestamptz
    )
    WHERE EXISTS (SELECT FROM saved)
)

-- name: make_ledger
-- Created when it is first needed: no tick reads it.
SELECT pg_catalog.pg_advisory_xact_lock(x'63726F6E74616200'::bigint);
CREATE TABLE IF NOT EXISTS {here}.crontabber_spans (
    id bigserial PRIMARY KEY,
    app_name text NOT NULL,
    first_slot timestamp with time zone NOT NULL,
    last_slot timestamp with time zone NOT NULL,
    slots bigint NOT NULL,
    verdict text NOT NULL,
    reason text,
    plan text,
    done_by text,
    done_at timestamp with time zone NOT NULL
);
CREATE INDEX IF NOT EXISTS crontabber_spans_app_name_idx
    ON {here}.crontabber_spans (app_name, last_slot)

-- name: has_ledger
SELECT pg_catalog.to_regclass('{there_text}crontabber_spans') IS NOT NULL

-- name: may_write_ledger
SELECT pg_catalog.has_table_privilege('{there_text}crontabber_spans', 'INSERT')
    AND pg_catalog.has_sequence_privilege('{there_text}crontabber_spans_id_seq', 'USAGE')

-- name: spans
-- Which slots of a job were not run, between two moments.
SELECT app_name, first_slot, last_slot, slots, verdict, reason, plan, done_by, done_at
FROM {here}.crontabber_spans
WHERE app_name = %(app_name)s AND last_slot >= %(first)s AND first_slot <= %(last)s AND slots > 0
ORDER BY done_at, id

-- name: notes
-- What people did to a job.
SELECT app_name, first_slot, last_slot, slots, verdict, reason, plan, done_by, done_at
FROM {here}.crontabber_spans
WHERE app_name = %(app_name)s AND slots = 0
ORDER BY last_slot DESC, id DESC
LIMIT %(limit)s

-- name: next_number
SELECT pg_catalog.nextval(pg_catalog.pg_get_serial_sequence('{there_text}crontabber_spans', 'id'))

-- name: ask
-- Also while a run is under way; its record leaves this alone. All rows are locked first, in the
-- order of their names: two requests for the same jobs wait for each other one way round only, and
-- no row disappears between the count and the change.
WITH found AS MATERIALIZED (
    SELECT app_name FROM {here}.crontabber
    WHERE app_name IN (
        SELECT value ->> 'app_name' FROM pg_catalog.json_array_elements(%(wanted)s::json)
    )
    ORDER BY app_name
    FOR UPDATE
), saved AS (
    UPDATE {here}.crontabber AS job SET asked = (
        SELECT pg_catalog.json_agg(each) FROM (
            SELECT each FROM pg_catalog.json_array_elements(job.asked) AS each
            UNION ALL
            SELECT wanted.value -> 'entry'
        ) AS entries
    )
    FROM pg_catalog.json_array_elements(%(wanted)s::json) AS wanted
    WHERE job.app_name = wanted.value ->> 'app_name'
        AND (SELECT pg_catalog.count(*) FROM found)
            = pg_catalog.json_array_length(%(wanted)s::json)
    RETURNING job.app_name
){passed}
SELECT app_name FROM saved

-- name: cancel
WITH saved AS (
    UPDATE {here}.crontabber AS job SET asked = (
        SELECT pg_catalog.json_agg(each) FROM pg_catalog.json_array_elements(job.asked) AS each
        WHERE each ->> 'number' <> %(number)s::text
    )
    WHERE app_name = %(app_name)s AND EXISTS (
        SELECT FROM pg_catalog.json_array_elements(job.asked) AS each
        WHERE each ->> 'number' = %(number)s::text
    )
    RETURNING app_name
){passed}
SELECT app_name FROM saved

-- name: set_pause
WITH saved AS (
    UPDATE {here}.crontabber SET {pause} WHERE app_name = %(app_name)s RETURNING app_name
){passed}
SELECT app_name FROM saved

-- name: save_success
-- The same for the most frequent record, with half of the values: the claim has written
-- the others. Binding, sending and parsing them was a tenth of what a run costs.
WITH saved AS (
    UPDATE {here}.crontabber SET
        next_run = %(next_slot)s,
        next_slot = %(next_slot)s,
        last_run = %(last_run)s,
        own_last_run = %(last_run)s,
        last_success = %(last_success)s,
        error_count = 0,
        last_error = NULL,
        attempts = 0,
        gave_up = false,
        ongoing = %(ongoing)s,
        plan = %(plan)s,
        {holder}
    {ours}
), logged AS (
    INSERT INTO {here}.crontabber_log (log_time, app_name, slot, success, duration, host)
    SELECT
        pg_catalog.clock_timestamp(), %(app_name)s, %(slot)s, %(slot)s, %(duration)s, %(host)s
    FROM saved
)
SELECT saved.*, pg_catalog.pg_backend_pid() FROM saved

-- name: may_record
-- Asked in a job's own transaction, which may be read-only, or have another role.
SELECT pg_catalog.current_setting('transaction_read_only') = 'off'
    AND pg_catalog.has_schema_privilege(relnamespace, 'USAGE')
    AND pg_catalog.has_table_privilege(oid, 'SELECT')
    AND pg_catalog.has_table_privilege(oid, 'UPDATE')
FROM pg_catalog.pg_class WHERE oid = %(table)s

-- name: read
SELECT {state_columns} FROM {here}.crontabber WHERE app_name = %(app_name)s

-- name: blockers
-- Who stands in our way: sessions with a lock on our tables, or on the key of migrations; those
-- that only read stand in the way of migrations only.
SELECT pg_catalog.string_agg(pg_catalog.format(
    'process %%s (role %%s, %%s, %%s)', pid, usename,
    coalesce(nullif(application_name, ''), 'no application_name'), state
), ', ')
FROM (
    SELECT DISTINCT activity.pid, usename, application_name, state
    FROM pg_catalog.pg_locks AS held
    JOIN pg_catalog.pg_stat_activity AS activity ON activity.pid = held.pid
    WHERE granted AND held.pid <> pg_catalog.pg_backend_pid() AND (
        (locktype = 'relation' AND (mode <> 'AccessShareLock' OR %(readers)s) AND relation IN (
            coalesce(%(table)s, pg_catalog.to_regclass('crontabber')::pg_catalog.oid),
            pg_catalog.to_regclass(%(log)s)::pg_catalog.oid
        ))
        OR (locktype = 'advisory' AND classid = 1668444014::pg_catalog.oid)
    )
    ORDER BY state, activity.pid
    LIMIT 3
) AS blocker

-- name: forget
WITH saved AS (
    DELETE FROM {here}.crontabber WHERE app_name = %(app_name)s RETURNING app_name
){passed}
SELECT app_name FROM saved

-- name: forget_and_log
WITH saved AS (
    DELETE FROM {here}.crontabber WHERE app_name = %(app_name)s RETURNING app_name
){logged}{passed}
SELECT app_name FROM saved

-- name: try_lock
SELECT pg_catalog.pg_try_advisory_lock(%(lock)s)

-- name: begin_migration
-- Two first ticks must not both create tables; and a migration that waits for a long
-- reader must not make every other reader wait behind it. The limit is set before the first
-- lock: any role may take that. The number spells "crontab", to be recognised in pg_locks.
-- The tables are created where the search path that we were given leads.
SELECT
    pg_catalog.set_config('lock_timeout', '10s', true),
    pg_catalog.set_config('search_path', coalesce(
        nullif(%(search_path)s::text, ''), pg_catalog.current_setting('search_path')
    ), true);
SELECT pg_catalog.pg_advisory_xact_lock(x'63726F6E74616200'::bigint)

-- name: is_old
-- Whether a log row is old. An index on log_time can answer the first condition.
log_time < pg_catalog.now() - least(%(successes)s::interval, %(errors)s::interval)
    AND log_time < pg_catalog.now() - CASE
        WHEN exc_type IS NULL THEN %(successes)s::interval ELSE %(errors)s::interval
    END

-- name: find_old
-- By ctid: ids say nothing about age once the sequence has been set back, and 0.18 made no
-- index on them.
SELECT ctid::text FROM crontabber_log WHERE {is_old} LIMIT %(limit)s

-- name: count_old
SELECT pg_catalog.count(*) FILTER (WHERE exc_type IS NULL), pg_catalog.count(exc_type)
FROM crontabber_log WHERE {is_old}

-- name: clean_log
-- Removes those of these rows that are old: another row may be at that ctid by now.
WITH gone AS (
    DELETE FROM crontabber_log WHERE ctid = ANY (%(rows)s::tid[]) AND {is_old} RETURNING exc_type
)
SELECT pg_catalog.count(*) FILTER (WHERE exc_type IS NULL), pg_catalog.count(exc_type) FROM gone

-- name: is_old_output
output IS NOT NULL AND log_time < pg_catalog.now() - %(output)s::interval

-- name: find_old_output
-- Found as above; only the text is removed.
SELECT ctid::text FROM crontabber_log WHERE {is_old_output} LIMIT %(limit)s

-- name: count_old_output
SELECT pg_catalog.count(*) FROM crontabber_log WHERE {is_old_output}

-- name: trim_output
WITH trimmed AS (
    UPDATE crontabber_log SET output = NULL
    WHERE ctid = ANY (%(rows)s::tid[]) AND {is_old_output} RETURNING 1
)
SELECT pg_catalog.count(*) FROM trimmed

-- name: log_numbers
-- The last number of the log, whether numbers have 64 bits, and whether they are used again. No
-- row without a sequence; null for the last number if there is none, or we may not see it.
SELECT
    CASE WHEN pg_catalog.has_sequence_privilege(seqrelid, 'SELECT, USAGE')
        THEN pg_catalog.pg_sequence_last_value(seqrelid)
    END AS last,
    pg_catalog.format_type(atttypid, NULL) = 'bigint' AS wide,
    seqcycle AS cycles
FROM pg_catalog.pg_attribute JOIN pg_catalog.pg_sequence ON seqrelid = pg_catalog.pg_get_serial_sequence(
    attrelid::pg_catalog.regclass::pg_catalog.text, 'id'
)::pg_catalog.regclass
WHERE attrelid = pg_catalog.to_regclass('{there_text}crontabber_log') AND attname = 'id'
