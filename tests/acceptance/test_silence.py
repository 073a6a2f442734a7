"""Silence is only for success: what is mistyped, missing or means nothing is told."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.acceptance.rows import CONF, ran, snapshot
from tests.support import TIMEOUT, Command, Database

APP = """\
from crontabber.base import BaseCronApp
from crontabber.mixins import using_postgres

class App(BaseCronApp):
    app_name = 'app'

    def run(self):
        with open('schedule', 'w') as f:
            f.write(f"{self.config.frequency} {self.config.time}")

@using_postgres()
class OnDatabase(BaseCronApp):
    app_name = 'on-database'

    def run(self):
        with open('seen', 'w') as f:
            executor = type(self.database_transaction_executor).__name__
            f.write(f"{executor} {self.database_connection_factory.parameters()['sslmode']}")
"""
NOT_NAMED = (
    "no configuration is named: write --admin.conf=crontabber.ini, or set "
    "CRONTABBER_CONF=crontabber.ini in the environment\n"
)


@pytest.fixture
def installed(crontabber: Command) -> Command:
    crontabber.write("jobs.py", APP)
    return crontabber


def test_a_tick_without_jobs_is_an_error(installed: Command, database: Database) -> None:
    """trap: ``[crontaber]``: exit 0, no output, and no job ever ran"""
    good = installed.configure(database, "jobs.App|1d").read_text()
    path = installed.directory / "crontabber.ini"
    for text, said in {
        good.replace("[crontabber]", "[crontaber]"): (
            "unknown section [crontaber] (from crontabber.ini, line 1): did you mean [crontabber]?"
        ),
        good.replace("[crontabber]", "[jobs]"): (
            "unknown section [jobs] (from crontabber.ini, line 1): did you mean [crontabber]?"
        ),
        good.replace("[crontabber]\n", ""): (
            "unknown option jobs (from crontabber.ini, line 1): did you mean crontabber.jobs?"
        ),
        good.replace("jobs.App|1d", "# jobs.App|1d"): (
            "there are no jobs in crontabber.ini: list them there, as the option jobs in the "
            "section [crontabber]"
        ),
    }.items():
        path.write_text(text)
        done = installed(CONF)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"crontabber: {said}\n"
        checked = installed(CONF, "--configtest")
        assert (checked.returncode, checked.stdout, checked.stderr) == (1, f"{said}\n", "")
    assert snapshot(database) == []


def test_without_a_configuration_that_is_what_is_said(
    installed: Command, database: Database
) -> None:
    """trap: ``crontabber`` alone complained of a socket"""
    for verb in ([], ["--list-jobs"], ["--configtest"], ["--job=app"], ["--reset-job=app"]):
        done = installed(*verb, env=database.environ())
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"crontabber: {NOT_NAMED}"
    done = installed("--nagios", env=database.environ())
    assert (done.returncode, done.stdout) == (3, f"UNKNOWN - {NOT_NAMED}")
    done = installed(env={**database.environ(), "crontabber.jobs": "jobs.App|1d"})
    assert (done.returncode, done.stderr) == (0, "")
    assert ran(database) == ["app"]


def test_the_environment_may_name_the_configuration(installed: Command, database: Database) -> None:
    installed.configure(database, "jobs.App|1d|03:00")
    named = {"CRONTABBER_CONF": "crontabber.ini"}
    assert "App name:       app" in installed("--list-jobs", env=named).stdout
    other = installed("--admin.conf=gone.ini", env=named)
    assert other.stderr == "crontabber: cannot read gone.ini: No such file or directory\n"
    dotted = installed(env={**named, "admin.conf": "gone.ini"})
    assert "cannot read gone.ini" in dotted.stderr
    assert "(admin.conf in the environment names it)" in dotted.stderr
    gone = installed(env={"CRONTABBER_CONF": "gone.ini"})
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr == (
        "crontabber: cannot read gone.ini: No such file or directory (CRONTABBER_CONF in the "
        "environment names it)\n"
    )
    assert installed("--nagios", env={"CRONTABBER_CONF": ""}).returncode == 3


@pytest.fixture
def plain_server() -> Iterator[int]:
    """The port of a server that has no TLS, and no more to say than that."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    client.recv(8)
                    client.sendall(b"N")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(TIMEOUT)


def test_parameters_of_libpq_are_taken(
    installed: Command, database: Database, plain_server: int
) -> None:
    """trap: ``sslmode`` was ignored, and the server not verified"""
    there = {"host": "localhost", "port": plain_server, "sslmode": "require"}
    given = {f"resource.postgresql.{name}": str(value) for name, value in there.items()}
    installed.configure(database, "jobs.App|1d")
    by_environment = installed(CONF, env=given)
    by_command_line = installed(CONF, *(f"--{name}={value}" for name, value in given.items()))
    host = "localhost\nsslmode=require"
    installed.configure(database._replace(host=host, port=plain_server), "jobs.App|1d")
    by_file = installed(CONF)
    for done in (by_environment, by_command_line, by_file):
        assert (done.returncode, done.stdout) == (1, "")
        assert "server does not support SSL, but SSL was required" in done.stderr


def test_a_parameter_that_libpq_does_not_have_is_refused(
    installed: Command, database: Database
) -> None:
    installed.configure(database._replace(host=f"{database.host}\nsslmod=x"), "jobs.App|1d")
    done = installed(CONF)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "unknown option resource.postgresql.sslmod" in done.stderr
    assert "did you mean resource.postgresql.sslmode?" in done.stderr
    assert snapshot(database) == []


def test_configtest_asks_libpq_what_it_would_refuse(installed: Command, database: Database) -> None:
    """trap: a wrong sslmode, a service or a certificate that is not there: OK, all jobs are well"""
    services = installed.write("services", "[there]\nhost=nowhere\nhostaddr=192.0.2.1\n")
    installed.write("root.crt", "")
    line = "the database cannot be reached: "
    for text, said in {
        "sslmode=requre": 'sslmode cannot be used: invalid sslmode value: "requre": resource',
        "service=gone": 'service cannot be used: definition of service "gone" not found: resource',
        "sslrootcert=gone.crt": "sslrootcert 'gone.crt' is a file that is not there: resource",
        "sslcert=root.crt\nsslkey=gone": "sslkey 'gone' is a file that is not there: resource",
        "target_session_attrs=primry": "target_session_attrs cannot be used: invalid",
        "dsn=sslmode=requre": 'sslmode cannot be used: invalid sslmode value: "requre": resource',
        "service=there\nsslrootcert=root.crt\nsslmode=verify-full": "",
        "sslrootcert=system\nsslmode=verify-full": "",
    }.items():
        ini = f"[crontabber]\njobs=jobs.App|1d\n[resource]\n[[postgresql]]\n{text}\n"
        installed.write("crontabber.ini", ini)
        nowhere = {"PGSERVICEFILE": str(services), "PGHOST": "/nowhere"}
        done = installed(CONF, "--configtest", env=nowhere)
        found = done.stdout.splitlines()
        assert (done.returncode, done.stderr) == (1 if said else 0, "")
        assert found[0].startswith(f"{line}{said}" if said else "OK: "), text
        assert len(found) == 1
        assert not said or "(from crontabber.ini, line " in found[0]
    installed.write("crontabber.ini", "[crontabber]\njobs=jobs.App|1d\n")
    wrong = installed(CONF, "--configtest", env={"PGHOST": "/nowhere", "PGSSLMODE": "requre"})
    assert wrong.stdout == f'{line}sslmode cannot be used: invalid sslmode value: "requre"\n'
    installed.write("crontabber.ini", "[crontabber]\njobs=jobs.App|1d\ndsn=host=/nowhere\n")
    gone = {"PGSSLROOTCERT": "/gone.crt", "PGSSLCERT": "", "PGPASSFILE": "/gone"}
    done = installed(CONF, "--configtest", env=gone)
    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        f"{line}{variable} {path!r} (from the environment) is a file that is not there"
        for variable, path in (("PGPASSFILE", "/gone"), ("PGSSLROOTCERT", "/gone.crt"))
    ]


def test_an_apps_own_database_takes_parameters_of_libpq(
    installed: Command, database: Database
) -> None:
    own = "[[class-OnDatabase]]\n[[[database]]]\nsslmode=allow"
    installed.configure(database, "jobs.OnDatabase|1d", own)
    assert installed(CONF, "--configtest").returncode == 0
    done = installed(CONF)
    assert (done.returncode, done.stderr) == (0, "")
    assert (installed.directory / "seen").read_text() == "TransactionExecutor allow"
    installed.configure(database, "jobs.OnDatabase|1d", f"{own}\nport=abc")
    done = installed(CONF, "--configtest")
    assert done.returncode == 1
    assert "database cannot be reached: port 'abc' is not a port" in done.stdout


def test_unknown_names_in_sections_of_ours_stop_the_tick(
    installed: Command, database: Database
) -> None:
    installed.configure(database, "jobs.App|1d", "eror_retry_time=5\n[logging]\nlevl=3")
    done = installed(CONF)
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout, len(lines)) == (1, "", 2)
    assert "crontabber.eror_retry_time (from crontabber.ini, line 5): did you mean" in lines[0]
    assert "unknown option logging.levl (from crontabber.ini, line 7)" in lines[1]
    assert installed(CONF, "--configtest").returncode == 2
    assert installed(CONF, "--admin.print_conf=ini").returncode == 0
    assert snapshot(database) == []


def test_configtest_tells_all_faults_at_once_with_their_lines(
    installed: Command, database: Database
) -> None:
    """trap: one bad logging level hid six other faults"""
    installed.write("more.ini", "[logging]\nstderr_error_logging_level=loud\nsyslog_port=0\n")
    installed.configure(
        database._replace(port="abc", password="ab#c"),  # type: ignore[arg-type]
        "jobs.App|1d\njobs.App2|1d\njobs.OnDatabase|1x",
        "timezone=Europe/Berln\n[[class-App]]\n#+include more.ini\n[sentry]\ndsn=x\n[loging]\na=1",
    )
    done = installed(CONF, "--configtest")
    assert [line.partition(": ")[0] for line in done.stdout.splitlines()] == [
        "crontabber.ini, line 20",
        "option crontabber.timezone 'Europe/Berln' (from crontabber.ini, line 7) cannot be used",
        "option logging.stderr_error_logging_level 'loud' (from more.ini, line 2) cannot be used",
        "option logging.syslog_port '0' (from more.ini, line 3) cannot be used",
        "unknown section [loging] (from crontabber.ini, line 12)",
        "crontabber.ini, line 5",
        "crontabber.ini, line 4",
        "the database cannot be reached",
        "sentry.dsn cannot be used",
    ]
    assert "line 17)" in done.stdout.splitlines()[-2]
    assert done.returncode == 9


def test_a_text_that_cannot_be_replaced_is_one_fault(
    installed: Command, database: Database
) -> None:
    """trap: the section of the job counted as one that says nothing to run"""
    jobs = "[job]\n[[one]]\ncommand=echo %(no)s\n[[two]]\nclass=%(no)s\ntimeout=5m"
    installed.configure(database, "one|1d\ntwo|1d\njobs.App|1d", jobs)
    done = installed(CONF, "--configtest")
    assert [line.partition(": its")[0] for line in done.stdout.splitlines()] == [
        "crontabber.ini, line 9: option job.one.command",
        "crontabber.ini, line 11: option job.two.class",
    ]
    assert done.returncode == 2


def test_what_0_18_had_is_honoured(installed: Command, database: Database) -> None:
    backoff = "crontabber.transaction_executor.TransactionExecutorWithLimitedBackoff"
    own = "transaction_executor_class=crontabber.transaction_executor.TransactionExecutor"
    section = database.ini_section() + f"sslmode=prefer\n{own}\n"
    for more, executor in {
        f"database_transaction_executor_class={backoff}": "TransactionExecutorWithLimitedBackoff",
        own: "TransactionExecutor",
    }.items():
        installed.write(
            "crontabber.ini",
            f"[crontabber]\njobs=jobs.App|1d, jobs.OnDatabase|1d\n{more}\n{section}"
            "[[logging]]\nstderr_error_logging_level=20\n"
            "stderr_line_format_string={app_name} {levelname}\n"
            "[secrets]\n[[sentry]]\ndsn=https://k@127.0.0.1:1/1\n",
        )
        checked = installed(CONF, "--configtest")
        assert checked.returncode == 0, checked.stdout
        assert ("has no effect any more" in checked.stdout) == (more == own)
        done = installed(CONF, "--job=on-database", "--force")
        assert (done.returncode, done.stderr) == (0, "crontabber INFO\n")
        assert (installed.directory / "seen").read_text() == f"{executor} prefer"
    level, form = "stderr_error_logging_level=10", "stderr_line_format_string={message}"
    said = installed(CONF, f"--logging.{level}", f"--logging.{form}", "--job=app").stderr
    assert "sentry.dsn: **************** (from crontabber.ini)" in said


@pytest.mark.parametrize(
    ("schedule", "seen"), [("5m", "5m "), ("1d|03:00", "1d 03:00"), ("03:00", "1d 03:00")]
)
def test_an_app_can_read_its_schedule(
    installed: Command, database: Database, schedule: str, seen: str
) -> None:
    installed.configure(database, f"jobs.App|{schedule}")
    assert installed(CONF, "--job=app", "--force").returncode == 0
    assert (installed.directory / "schedule").read_text() == seen
