"""What is remembered of jobs, as rows of the two tables; and how to let time pass."""

from types import SimpleNamespace
from typing import Any

from tests.support import Database

CONF = "--admin.conf=crontabber.ini"
INFO = "--logging.stderr_error_logging_level=20"
"""Has the log say why a job is not run."""

_MOMENTS = "next_run next_slot first_run last_run own_last_run last_success".split()
_COLUMNS = [*_MOMENTS, *"error_count depends_on last_error ongoing".split()]


def state(database: Database, app_name: str) -> Any:
    """The row of a job: its columns as attributes; fails if there is none."""
    [row] = database.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM crontabber WHERE app_name = %s", [app_name]
    )
    return SimpleNamespace(**dict(zip(_COLUMNS, row, strict=True)))


def runs(database: Database, app_name: str = "%") -> list[tuple[str, str | None]]:
    """The log, oldest first: app_name and, for a run that failed, the type of its exception."""
    return database.execute(
        "SELECT app_name, exc_type FROM crontabber_log WHERE app_name LIKE %s"
        " AND (duration IS NOT NULL OR success IS NULL)"  # else it was marked as successful
        " ORDER BY id",
        [app_name],
    )


def ran(database: Database, app_name: str = "%") -> list[str]:
    """The app_names of the runs that succeeded, in their order."""
    return [name for name, error in runs(database, app_name) if error is None]


def snapshot(database: Database) -> list[tuple[Any, ...]]:
    """All that is remembered, to be compared; nothing if there are no tables."""
    [(exists,)] = database.execute("SELECT to_regclass('crontabber') IS NOT NULL")
    if not exists:
        return []
    return database.execute(
        "SELECT 1, crontabber::text FROM crontabber UNION ALL"
        " SELECT 2, crontabber_log::text FROM crontabber_log ORDER BY 1, 2"
    )


def pass_time(database: Database, how_much: str, app_name: str = "%") -> None:
    """Make it as if all that happened had happened earlier, by *how_much* (an interval)."""
    moved = ", ".join(f"{column} = {column} - %(how_much)s::interval" for column in _MOMENTS)
    database.execute(
        f"UPDATE crontabber SET {moved} WHERE app_name LIKE %(app_name)s",
        {"how_much": how_much, "app_name": app_name},
    )


def without_news(stderr: str) -> str:
    """What a tick said, but for the lines that tell that a job is well again."""
    return "".join(line for line in stderr.splitlines(True) if " is well again (" not in line)
