"""What becomes of secrets in a tick: they are in no log, no table and no message."""

import json
import threading

import pytest

from crontabber.secrecy import MASK
from tests.disguises import passwords, readable
from tests.integration.test_reporters_sentry import Sentry
from tests.support import Command, Database

COUNT = 12
"""Secrets of the job; all that is raised has each of them, in each form."""

JOB = """\
import json, logging
from configman import Namespace
from crontabber.base import BaseCronApp
from tests.disguises import FORMS

class Wrapped:
    def __init__(self, text):
        self._text = text[3:]

class Leaky(BaseCronApp):
    app_name = "leaky"
    required_config = Namespace()
    for number in range({count}):
        required_config.add_option(
            f"pin{{number}}", default="", secret=True,
            from_string_converter=Wrapped if number % 2 else str,
        )
    required_config.add_option("fixed", default={default!r}, secret=True)

    def run(self):
        secrets = [getattr(value, "_text", value) for value in dict(self.config).values()
                   if isinstance(value, str | Wrapped)]
        assert len(secrets) > {count}
        texts = [form(secret) for secret in secrets for form in FORMS.values()]
        logging.getLogger("of.the.job").error("so: %s", texts[0])
        try:
            raise KeyError(secrets[0], secrets[1])
        except KeyError as error:
            wrong = ValueError("\\n".join(texts))
            if hasattr(wrong, "add_note"):
                wrong.add_note(json.dumps(texts))
            raise wrong from error
"""


@pytest.fixture
def sentry():
    with Sentry() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.let_go.set()
        server.shutdown()
        thread.join()


def one_line(password: str) -> str:
    """What an ini file can hold in one pair of quotes."""
    return "".join(each for each in password if each.isprintable() and each not in "'\"").strip()


def test_a_failed_job_tells_no_secret(
    crontabber: Command, database: Database, sentry: Sentry
) -> None:
    """trap: repr, JSON, notes, causes, converted values and defaults were readable."""
    texts = [one_line(password) + "x7" for password in passwords(COUNT + 1, "tick")]
    default, *given = texts
    crontabber.write("jobs/leaky.py", JOB.format(count=COUNT, default=default))
    section = "\n".join(
        f"pin{number}='{'abc' * (number % 2)}{text}'" for number, text in enumerate(given)
    )
    crontabber.configure(database, "jobs.leaky.Leaky|1h", f"[[class-Leaky]]\n{section}")
    done = crontabber(
        "--admin.conf=crontabber.ini",
        f"--sentry.dsn={sentry.dsn}",
        "--logging.stderr_error_logging_level=10",
    )
    assert "leaky failed: ValueError: " in done.stderr
    listed = crontabber("--admin.conf=crontabber.ini", "--list-jobs").stdout
    [(error,)] = database.execute("SELECT last_error FROM crontabber")
    [row] = database.execute("SELECT exc_type, exc_value, exc_traceback FROM crontabber_log")
    event = json.dumps(sentry.event, ensure_ascii=False)
    for told in (done.stderr, listed, *error.values(), *row, event):
        for text in texts:
            assert not readable(text, told), (text, told[:200])
    assert error["value"].count(MASK) > COUNT
    assert f"so: {MASK}\n" in done.stderr, "what a job logs is searched too"
    assert event.count(MASK) > COUNT


@pytest.mark.parametrize("password", ["postgres", "a", "test"])
def test_a_common_password_leaves_the_log_as_it_is(
    crontabber: Command, database: Database, password: str
) -> None:
    crontabber.write(
        "jobs/plain.py",
        """\
        from crontabber.base import BaseCronApp

        class Plain(BaseCronApp):
            app_name = "plain"

            def run(self):
                raise OSError("a test of postgres, password=%r" % PASSWORD)
        """.replace("PASSWORD", repr(password)),
    )
    crontabber.configure(database._replace(password=password), "jobs.plain.Plain|1h")
    done = crontabber("--admin.conf=crontabber.ini")
    assert done.stderr.endswith(f"OSError: a test of postgres, password='{MASK}'\n")
