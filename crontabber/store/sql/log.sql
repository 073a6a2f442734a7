-- What people read of the log; no tick does.

-- name: log_index
-- Whether the runs of one job can be found quickly: by an index, or because the log is small.
SELECT
    EXISTS (
        SELECT FROM pg_catalog.pg_index
        JOIN pg_catalog.pg_attribute AS first ON first.attrelid = indrelid
            AND first.attnum = indkey[0] AND first.attname = 'app_name'::pg_catalog.name
        JOIN pg_catalog.pg_attribute AS second ON second.attrelid = indrelid
            AND second.attnum = indkey[1] AND second.attname = 'log_time'::pg_catalog.name
        WHERE indrelid = '{there_text}crontabber_log'::pg_catalog.regclass::pg_catalog.oid
            AND indisvalid AND indpred IS NULL
    ) OR pg_catalog.pg_relation_size('{there_text}crontabber_log'::pg_catalog.regclass) < 33554432,
    pg_catalog.pg_size_pretty(
        pg_catalog.pg_relation_size('{there_text}crontabber_log'::pg_catalog.regclass)
    )

-- name: sane_duration
-- One that Python can compute with.
CASE WHEN duration BETWEEN '0' AND '100 years'::pg_catalog.interval THEN duration END

-- name: run_columns
-- A row as Run reads it. A run is recorded after its slot; an older crontabber wrote the
-- slot only of those that succeeded. What Python cannot represent reads as null.
app_name,
CASE WHEN coalesce(slot, success) {tellable} THEN coalesce(slot, success) END,
log_time,
{sane_duration},
success IS NOT NULL,
host,
exc_type,
exc_value,
exc_traceback,
output

-- name: history
-- The newest first. No slot is in the future, so the index on log_time leaves out what is older.
SELECT {run_columns} FROM {here}.crontabber_log
WHERE app_name = %(app_name)s
    AND (%(first)s::timestamptz IS NULL OR log_time >= %(first)s)
    AND (%(first)s::timestamptz IS NULL OR coalesce(slot, success, log_time) >= %(first)s)
    AND (%(last)s::timestamptz IS NULL OR coalesce(slot, success, log_time) <= %(last)s)
    AND (NOT %(failed)s OR exc_type IS NOT NULL)
    AND log_time {tellable}
ORDER BY log_time DESC, id DESC
LIMIT %(limit)s

-- name: last_runs
SELECT
    name,
    CASE WHEN last.duration BETWEEN '0' AND '100 years'::pg_catalog.interval
        THEN last.duration
    END,
    failing.since
FROM pg_catalog.unnest(%(names)s::text[]) AS name
CROSS JOIN LATERAL (
    SELECT duration, exc_type FROM {here}.crontabber_log
    WHERE app_name = name ORDER BY log_time DESC LIMIT 1
) AS last
LEFT JOIN LATERAL (
    SELECT pg_catalog.min(log_time) AS since FROM {here}.crontabber_log
    WHERE app_name = name AND exc_type IS NOT NULL AND log_time {tellable} AND log_time > coalesce((
        SELECT log_time FROM {here}.crontabber_log
        WHERE app_name = name AND exc_type IS NULL ORDER BY log_time DESC LIMIT 1
    ), '-infinity'::timestamptz)
) AS failing ON last.exc_type IS NOT NULL

-- name: error_kind
-- What pictures show of an error: its text would be most of the rows.
CASE WHEN exc_type = %(crashed)s THEN exc_type WHEN exc_type IS NOT NULL THEN 'failed' END

-- name: recent_runs
-- The newest runs of several jobs, the newest first: those of a job are one text, because reading
-- thousands of rows is slow, and a text that did not change need not be parsed again.
SELECT name, runs.text FROM pg_catalog.unnest(%(names)s::text[]) AS name
CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(run.text, '/') AS text FROM (
        SELECT pg_catalog.concat(
            EXTRACT(EPOCH FROM log_time),
            '|',
            EXTRACT(EPOCH FROM {sane_duration}),
            '|',
            success IS NOT NULL,
            '|',
            {error_kind}
        ) AS text
        FROM {here}.crontabber_log
        WHERE app_name = name AND log_time {tellable}
        ORDER BY log_time DESC, id DESC
        LIMIT %(limit)s
    ) AS run
) AS runs
WHERE runs.text IS NOT NULL

-- name: runs_since
-- The runs of several jobs since a time; those that ended within so many seconds of each other,
-- and in the same way, are one row. A crash and a mark took no time that is known.
SELECT
    name,
    pg_catalog.max(ended),
    pg_catalog.max(ended) - pg_catalog.min(ended - took),
    succeeded,
    exc_type,
    pg_catalog.count(*)
FROM pg_catalog.unnest(%(names)s::text[]) AS name
CROSS JOIN LATERAL (
    SELECT
        log_time AS ended,
        {sane_duration} AS took,
        success IS NOT NULL AS succeeded,
        {error_kind} AS exc_type
    FROM {here}.crontabber_log
    WHERE app_name = name AND log_time >= %(since)s AND log_time {tellable}
) AS run
GROUP BY
    name,
    succeeded,
    exc_type,
    took IS NULL,
    pg_catalog.floor(EXTRACT(EPOCH FROM ended) / %(seconds)s)
ORDER BY 2 DESC

-- name: reading
-- Before a statement of a page, in the same message and so in its transaction: what we set is
-- undone with it, even if a pooler gives the session to others.
SELECT
    pg_catalog.set_config('statement_timeout', '5s', true),
    pg_catalog.set_config('lock_timeout', '2s', true)

-- name: reading_only
{reading}, pg_catalog.set_config('transaction_read_only', 'on', true)
