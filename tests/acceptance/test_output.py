"""What is printed: next to nothing for cron, a little more for a person at a terminal."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.rows import CONF, pass_time, ran
from tests.support import TIMEOUT, Command, Database

APPS = """\
from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app

class Good(BaseCronApp):
    app_name = 'good'

    def run(self):
        self.config.logger.info('working')

class Bad(BaseCronApp):
    app_name = 'bad'

    def run(self):
        raise ValueError('it went wrong,\\non several lines')

@as_backfill_cron_app
class Dated(BaseCronApp):
    app_name = 'dated'

    def run(self, date):
        pass
"""
SECRETS = {"password": "s3cret-word", "dsn": "http://public:s3cret-key@127.0.0.1:9/1"}
DURATION = r"\d+\.\d\d s"


@pytest.fixture
def jobs(crontabber: Command, database: Database) -> Command:
    """The command, with a good job, a bad one and one that is given dates."""
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.Good|1h\njobs.myapp.Dated|1h\njobs.myapp.Bad|1h")
    return crontabber


def test_cron_has_nothing_to_mail_unless_a_job_fails(jobs: Command, database: Database) -> None:
    """trap: an idle tick of one job wrote 53 lines (a mail each time)."""
    done = jobs(CONF)
    assert (done.returncode, done.stdout) == (0, "")
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
    assert re.fullmatch(
        rf"{time} ERROR - bad failed: ValueError: it went wrong, on several lines\n", done.stderr
    )
    assert ran(database) == ["good", "dated"]

    pass_time(database, "3 minutes")
    done = jobs(CONF)  # nothing is due
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    pass_time(database, "4 hours", "dated")  # a good job, and progress to show to a person
    done = jobs(CONF)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ran(database, "dated") == ["dated"] * 5


def test_a_person_at_a_terminal_sees_a_line_for_each_job_that_ran(
    jobs: Command, database: Database
) -> None:
    plain = {"NO_COLOR": "1"}
    shown = jobs.tty(CONF, env=plain)
    assert shown.returncode == 0
    assert not re.search("\x1b\\[[34]", shown.stdout)  # a bold word is no colour
    good, dated, bad = re.sub("\x1b\\[[01]m", "", shown.stdout).splitlines()
    assert re.fullmatch(rf"good   ok       {DURATION}", good)
    assert re.fullmatch(rf"dated  ok       \d{{4}}-\d\d-\d\d \d\d:\d\d \w+  {DURATION}", dated)
    assert re.fullmatch(
        rf"bad    failed   {DURATION}  ValueError: it went wrong, on several lines", bad
    )

    idle = jobs.tty(CONF, env=plain).stdout
    assert re.fullmatch(r"nothing is due; next: \w+ in \d+ min, at .* \(.*\)\n", idle)

    pass_time(database, "1 hour")
    coloured = jobs.tty(CONF)
    assert "\x1b[32mok\x1b[0m" in coloured.stdout
    assert "\x1b[1;31mfailed\x1b[0m" in coloured.stdout


def test_a_backfill_of_many_slots_shows_its_progress_on_a_terminal(
    jobs: Command, database: Database
) -> None:
    jobs(CONF, "--logging.stderr_error_logging_level=CRITICAL")
    pass_time(database, "7 hours", "dated")
    shown = jobs.tty(CONF)
    assert "0 done, 7 left" in shown.stdout
    assert "6 done, 1 left" in shown.stdout
    assert re.search(r"dated  .*ok.*  7 slots  ", shown.stdout)
    assert ran(database, "dated") == ["dated"] * 8


def test_the_listing_has_colours_on_a_terminal_only(jobs: Command) -> None:
    jobs(CONF)
    assert "\x1b[31m" in jobs.tty(CONF, "--list-jobs").stdout
    piped = jobs(CONF, "--list-jobs").stdout
    assert "\x1b" not in piped
    plain = jobs.tty(CONF, "--list-jobs", env={"NO_COLOR": "1"}).stdout
    assert "\x1b" not in plain
    assert re.sub(r"\(.*\)", "", plain) == re.sub(r"\(.*\)", "", piped)
    assert re.search(
        r"Error!!         \(1 times\)\n"
        r"Traceback \(most recent call last\):\n"
        r"  File \".*/jobs/myapp\.py\", line \d+, in run\n"
        r"(?:    .*\n)+"
        r"<class 'ValueError'>: it went wrong,\non several lines\n",
        piped,
    )


def test_the_configuration_is_logged_at_debug_only_and_without_its_secrets(
    jobs: Command, database: Database
) -> None:
    """trap: the Sentry DSN, secret included, went to stderr on every tick."""
    path = jobs.directory / "crontabber.ini"
    text = path.read_text().replace("password=", f"password={SECRETS['password']}\n#password=")
    path.write_text(f"{text}\n[sentry]\ndsn={SECRETS['dsn']}\n")
    level = "--logging.stderr_error_logging_level={}".format

    debug = jobs(CONF, "--job=good", level("DEBUG"))
    assert debug.returncode == 0
    assert f"resource.postgresql.dbname: {database.dbname} (from crontabber.ini)" in debug.stderr
    assert "resource.postgresql.password: ****" in debug.stderr
    assert "sentry.dsn: ****" in debug.stderr
    said = debug.stdout + debug.stderr

    info = jobs(CONF, "--job=good", "--force", level("INFO"))
    assert "INFO - working" in info.stderr
    assert re.search(rf"INFO - good succeeded in {DURATION}", info.stderr)
    assert "resource.postgresql" not in info.stderr
    said += info.stdout + info.stderr

    form = "--logging.stderr_line_format_string={levelname}:{message}"
    error = jobs(CONF, "--job=bad", level("ERROR"), form)
    assert error.stderr.startswith("ERROR:bad failed: ValueError")
    said += error.stderr

    for arguments in (["--admin.print_conf=ini"], ["--help=settings"], ["--list-jobs"]):
        said += jobs(CONF, *arguments).stdout
    path.write_text(path.read_text().replace("[resource]", "[resource"))
    said += jobs(CONF).stderr
    for secret in ("s3cret-word", "s3cret-key"):
        assert secret not in said


def shell(command: Command, words: str) -> "subprocess.CompletedProcess[str]":
    """Run the command by a shell, which opens and closes what *words* say."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {words}', "sh", *command.line(CONF)],
        cwd=command.directory,
        env=command.environ(),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_closed_stream_keeps_no_job_from_running(
    jobs: Command, database: Database, closed: str
) -> None:
    """trap: AttributeError with stdout closed, and no job was run."""
    done = shell(jobs, closed)
    assert done.returncode == 0
    assert "Traceback" not in done.stdout + done.stderr
    assert ran(database) == ["good", "dated"]


def test_a_closed_descriptor_is_that_of_no_connection(jobs: Command, database: Database) -> None:
    jobs.write(
        "jobs/myapp.py",
        """\
        import os, subprocess, sys
        from crontabber.base import BaseCronApp

        class Good(BaseCronApp):
            app_name = 'good'

            def run(self):
                leads = [os.readlink(f'/proc/self/fd/{n}') for n in (0, 1, 2)]
                assert leads == [os.devnull] * 3, leads
                print('said')
                print('said', file=sys.stderr)
                subprocess.run(['sh', '-c', 'echo said; echo said >&2; cat'], check=True)
        """,
    )
    jobs.configure(database, "jobs.myapp.Good|1h")
    assert shell(jobs, "<&- >&- 2>&-").returncode == 0
    assert ran(database) == ["good"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_an_answer_that_nobody_can_get_is_told_by_the_status(jobs: Command) -> None:
    """trap: 120, and a traceback, when the disk behind stdout was full."""
    jobs(CONF)
    for verb, status in {"--list-jobs": 1, "--configtest": 1, "--nagios": 3}.items():
        done = shell(jobs, f"{verb} >/dev/full")
        assert done.returncode == status
        assert done.stderr == ("crontabber: cannot write the output: No space left on device\n")
        assert shell(jobs, f"{verb} >/dev/full 2>&1").returncode == status
    assert shell(jobs, "--nonsense 2>/dev/full").returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_behind_stderr_changes_nothing(jobs: Command, database: Database) -> None:
    assert shell(jobs, "2>/dev/full").returncode == 0
    assert ran(database) == ["good", "dated"]


def test_secrets_of_jobs_are_not_in_what_is_kept_of_their_exceptions(
    crontabber: Command, database: Database
) -> None:
    crontabber.write(
        "jobs/myapp.py",
        """\
        from configman import Namespace
        from crontabber.base import BaseCronApp
        from crontabber.mixins import using_postgres

        @using_postgres
        class Good(BaseCronApp):
            app_name = 'good'
            required_config = Namespace()
            required_config.add_option('pin', default='', secret=True)
            required_config.add_option('api_key', default='')

            def run(self):
                config = self.config
                raise OSError(f'{config.pin} {config.api_key} {config.database.password}')
        """,
    )
    section = "[[class-Good]]\npin=hunter1\napi_key='hunter 2'\n[[[database]]]\npassword=hunter3"
    crontabber.configure(database, "jobs.myapp.Good|1h", section)
    done = crontabber(CONF)
    assert done.stderr.endswith("good failed: OSError: ******** ******** ********\n")
    [(value, traceback)] = database.execute(
        "SELECT last_error ->> 'value', last_error ->> 'traceback' FROM crontabber"
    )
    assert value == "******** ******** ********"
    assert "hunter" not in traceback


def test_a_person_who_gives_a_password_on_the_command_line_is_warned(jobs: Command) -> None:
    """trap: a password that all users of the host could read, and no word of it"""
    password = "--resource.postgresql.password=s3cret-word"
    shown = jobs.tty(CONF, password, "--list-jobs").stdout
    assert shown.count("is a secret that all users of this host see in ps") == 1
    assert "s3cret-word" not in shown
    done = jobs(CONF, password, "--list-jobs")
    assert done.stderr == ""  # cron would mail it, each time
    secret = """
        from crontabber.base import BaseCronApp
        from crontabber.config import compat
        from configman import Namespace

        class Secretive(BaseCronApp):
            app_name = 'secretive'
            required_config = Namespace()
            required_config.add_option('word', default='', secret=True)

            def run(self):
                pass
    """
    jobs.write("jobs/other.py", secret)
    jobs.write("other.ini", "[crontabber]\njobs='jobs.other.Secretive|1h'\n")
    done = jobs(
        "--admin.conf=other.ini", "--crontabber.class-Secretive.word=s3cret-word", "--configtest"
    )
    assert "--crontabber.class-Secretive.word is a secret that all users" in done.stdout
    assert "s3cret-word" not in done.stdout
    assert done.returncode == 0
