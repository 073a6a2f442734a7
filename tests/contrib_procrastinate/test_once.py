"""One-off runs: deferred from Python, run by real workers."""

import datetime as dt
import logging
import subprocess
import sys
from typing import Any

import pytest

from crontabber.contrib.procrastinate import procrastinate_app
from crontabber.contrib.procrastinate.application import Application
from crontabber.contrib.procrastinate.loglines import Discreet
from crontabber.errors import ConfigError, UnknownJobError
from crontabber.secrecy.redactor import Redactor
from tests.contrib_procrastinate.cluster import Cluster

APPS = """
    from crontabber.base import BaseCronApp
    from crontabber.mixins import as_backfill_cron_app, as_single_postgres_transaction
    from crontabber.mixins import using_postgres


    @using_postgres
    @as_single_postgres_transaction
    class Report(BaseCronApp):
        app_name = "report"
        queue = "reports"

        def run(self, connection, customer=0, **more):
            if customer < 0:
                raise ValueError(f"no customer {customer}")
            connection.cursor().execute("INSERT INTO did VALUES (%s)", (f"{customer} {more}",))


    class Broken(Report):
        app_name = "broken"

        def __init__(self, *args):
            raise RuntimeError("no engine")


    @as_backfill_cron_app
    class Daily(Report):
        app_name = "daily"

        def run(self, connection, date, customer=0):
            text = f"{customer} {date.isoformat()}"
            connection.cursor().execute("INSERT INTO did VALUES (%s)", (text,))
"""


JOBS = "apps.Report|1d|03:00\napps.Daily|1d\napps.Broken|1d|03:00"


@pytest.fixture
def app(cluster, monkeypatch):
    cluster.configure(APPS, JOBS, "timezone=Europe/Berlin")
    assert cluster.tick().returncode == 0
    cluster.database.execute("DELETE FROM procrastinate_jobs")
    monkeypatch.syspath_prepend(str(cluster.command.directory))
    monkeypatch.delitem(sys.modules, "apps", raising=False)
    app = procrastinate_app(f"--admin.conf={cluster.command.directory / 'crontabber.ini'}")
    with app.open():
        yield app
    monkeypatch.delitem(sys.modules, "apps", raising=False)


def state(cluster):
    return cluster.database.execute("SELECT * FROM crontabber ORDER BY app_name")


def test_an_app_is_run_once_with_arguments_and_its_schedule_stays_as_it_is(
    cluster: Cluster, app: Application
) -> None:
    before = state(cluster)
    app.configure_run("report").defer(customer=17, kind="x")
    app.configure_run("apps.Report", priority=-1).defer()
    cluster.work("--one-shot").wait()
    assert cluster.did() == ["17 {'kind': 'x'}", "0 {}"]
    assert state(cluster) == before
    assert cluster.database.execute("SELECT 1 FROM crontabber_log") == []


def test_a_program_defers_by_the_configuration_of_the_environment(
    cluster: Cluster, app: Application
) -> None:
    script = (
        "from apps import Report; from crontabber.contrib.procrastinate import configure, defer;"
        "defer('report', customer=5); configure(Report, schedule_in={'days': 1}).defer()"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=cluster.command.directory,
        env=cluster.command.environ({"CRONTABBER_CONF": "crontabber.ini"}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    cluster.work("--one-shot").wait()
    assert cluster.did() == ["5 {}"]


def test_a_run_waits_for_its_time(cluster: Cluster, app: Application) -> None:
    from apps import Report  # type: ignore[import-not-found]

    moment = dt.datetime(2038, 1, 19, 3, 14, 7, tzinfo=dt.timezone.utc)
    app.configure_run(Report, schedule_at=moment).defer()
    app.configure_run(Report, schedule_in={"hours": 1, "minutes": 30}).defer()
    cluster.work("--one-shot").wait()
    rows = cluster.database.execute(
        "SELECT queue_name, scheduled_at > now(), lock FROM procrastinate_jobs"
        " WHERE task_name = 'crontabber.once'"
    )
    assert rows == [("reports", True, None)] * 2


def test_a_backfill_app_is_given_the_date_that_was_deferred(
    cluster: Cluster, app: Application
) -> None:
    app.configure_run("daily").defer(date="2026-11-20", customer=3)
    app.configure_run("daily").defer(date="2026-11-20T00:00+05:00")
    cluster.work("--one-shot").wait()
    assert cluster.did() == ["3 2026-11-20T00:00:00+01:00", "0 2026-11-19T20:00:00+01:00"]


def test_a_run_that_fails_is_seen_in_the_log_and_in_procrastinates_table(
    cluster: Cluster, app: Application
) -> None:
    before = state(cluster)
    app.configure_run("report").defer(customer=-1)
    cluster.work("--one-shot").wait()
    assert cluster.queued("failed") == ["crontabber:report once in reports"]
    assert "ValueError" in cluster.log()
    assert "no customer -1" in cluster.log()
    assert state(cluster) == before


def test_a_run_whose_worker_died_is_queued_again(cluster: Cluster, app: Application) -> None:
    app.configure_run("report").defer()
    cluster.database.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL")
    cluster.work()
    cluster.until("SELECT FROM did")


def test_an_unknown_job_is_told_at_once(app: Application) -> None:
    with pytest.raises(UnknownJobError, match="did you mean report"):
        app.configure_run("raport")


def test_an_app_that_cannot_be_made_is_told_of_and_the_process_lives_on(
    cluster: Cluster, app: Application
) -> None:
    app.configure_run("broken").defer()
    app.configure_run("report").defer()
    cluster.work("--one-shot").wait()
    assert "broken failed: RuntimeError: no engine" in cluster.log()
    assert "that ran the job ended" not in cluster.log()
    assert cluster.did() == ["0 {}"]


def test_a_date_that_is_no_text_is_told_by_the_worker_too(
    cluster: Cluster, app: Application
) -> None:
    arguments = {"crontabber_class": "apps.Daily", "arguments": {"date": 5}}
    app.tasks["crontabber.once"].defer(**arguments)
    cluster.work("--one-shot").wait()
    assert "the date 5 is not text, such as '2026-11-20'" in cluster.log()
    assert "that ran the job ended" not in cluster.log()


@pytest.mark.parametrize(
    ("job", "arguments", "expected"),
    [
        ("report", {"customer": dt.date(2026, 11, 20)}, "report: .* what JSON can hold.*date"),
        ("report", {"customer": float("nan")}, "report: .* what JSON can hold"),
        ("daily", {"custommer": 1}, r"no argument 'custommer': did you mean customer\?"),
        ("daily", {"date": 20261120}, "the date 20261120 is not text"),
        ("daily", {"date": "tomorrow"}, "'tomorrow' is not a time"),
    ],
)
def test_arguments_that_no_run_can_be_given_are_refused_at_once(app, job, arguments, expected):
    with pytest.raises(ConfigError, match=expected):
        app.configure_run(job).defer(**arguments)
    with pytest.raises(ConfigError, match=expected):
        app.configure_run(job, task_kwargs=arguments).defer()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"priority": "high"}, "report: its priority 'high' is not a number"),
        ({"priority": 2**31}, "report: its priority 2147483648 is not a number"),
        ({"shedule_in": {"days": 1}}, r"option 'shedule_in': did you mean schedule_in\?"),
        ({"queue": 5}, "report: its queue 5 is not a name"),
    ],
)
def test_options_that_no_queue_takes_are_refused_at_once(
    app: Application, options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        app.configure_run("report", **options)


def test_no_name_is_reserved(cluster: Cluster, app: Application) -> None:
    app.configure_run("report").defer(crontabber_class="apps.Daily", arguments=[])
    cluster.work("--one-shot").wait()
    assert cluster.did() == ["0 {'arguments': [], 'crontabber_class': 'apps.Daily'}"]


SECRET = "hunt'er\\22 %x"


def test_secrets_among_the_arguments_are_not_in_the_log(cluster: Cluster, app: Application) -> None:
    """trap: Procrastinate logs a job with its arguments, and their values were readable."""
    app.configure_run("report").defer(customer=-1, api_token=SECRET)
    app.configure_run("report").defer(api_token=SECRET)
    cluster.work("--one-shot", env={"PROCRASTINATE_VERBOSE": "2"}).wait()
    assert cluster.did() == [f"0 { {'api_token': SECRET} }"]
    assert "no customer -1" in cluster.log()
    assert "********" in cluster.log()
    assert "er\\\\22" not in cluster.log()
    assert "er\\22" not in cluster.log()


def test_records_of_procrastinate_are_discreet() -> None:
    job = {"task_kwargs": {"arguments": {"password": SECRET, "kind": "x"}}, "id": 1}
    options = {"name": "procrastinate.worker", "levelno": logging.ERROR, "levelname": "ERROR"}
    try:
        raise ValueError(f"no {SECRET}") from KeyError(SECRET)
    except ValueError:
        exc_info = sys.exc_info()
    record = logging.makeLogRecord(
        {**options, "msg": "Job %s, hunter99", "args": (job,), "exc_info": exc_info, "job": job}
    )
    assert Discreet(lambda: Redactor(frozenset({"hunter99"}))).filter(record)
    text = logging.Formatter("{message} {job}", style="{").format(record)
    assert SECRET not in text
    assert repr(SECRET)[1:-1] not in text
    assert "hunter99" not in text
    assert "'kind': 'x'" in text
    assert "ValueError: no ********" in text
