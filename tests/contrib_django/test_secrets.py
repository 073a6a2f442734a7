"""Secrets of a Django project: in the admin, in the list, in errors and at Sentry."""

import json

import pytest

from tests.acceptance.rows import state
from tests.contrib_django.site import Site
from tests.support import Database

pytest.importorskip("django", reason="Django is not installed: pip install 'crontabber[django]'")

from crontabber.contrib.django.jobs import Job, SettingError, read_job
from crontabber.schedule.grammar import Schedule
from crontabber.secrecy import MASK, redacted
from crontabber.secrecy.redactor import Redactor

SECRET = "hunt'er\\22 %x"


@pytest.mark.parametrize(
    ("arguments", "shown", "secrets"),
    [
        (["--days=3", "archive"], "--days=3 archive", set()),
        (["--password=hunter22", "x"], "--password=******** x", {"hunter22"}),
        (["--db-password", "hunter22", "x"], "--db-password ******** x", {"hunter22"}),
        (["--api-key=a b", "--token", "x"], "--api-key=******** --token ********", {"a b", "x"}),
        (["--ask-password", "--dry", "x"], "--ask-password --dry x", set()),
        (["--token", "********"], "--token ********", set()),
    ],
)
def test_arguments_are_shown_without_those_that_are_named_as_secrets(arguments, shown, secrets):
    """trap: a password in cmd_args was readable for all who may look at the jobs"""
    job = Job("report", "report", Schedule.parse("1d"), tuple(arguments))
    assert str(job) == f"report {shown}"
    assert job.secrets == secrets


def test_a_fault_in_the_arguments_does_not_quote_them():
    with pytest.raises(SettingError) as caught:
        read_job({"cmd": "r", "cmd_args": "--password=hunter22"}, "here")
    assert "hunter22" not in str(caught.value)


_LOOK = """
import json
from unittest.mock import patch
from django.conf import settings
from django.contrib import admin
from crontabber.contrib.django.models import Job, Run
from crontabber.contrib.django.admin import JobAdmin, RunAdmin
from tests.disguises import FORMS, passwords, readable

jobs, runs = JobAdmin(Job, admin.site), RunAdmin(Run, admin.site)
job, run = Job.objects.get(), Run.objects.first()
shown = [jobs.command(job), jobs.reason(job), jobs.traceback(job), runs.error(run)]
shown.append(runs.traceback(run))
bad = []
for password in passwords(20, "admin"):
    text = "\\n".join(form(password) for form in FORMS.values())
    job.last_error = {"type": "X", "value": text, "traceback": text}
    run.exc_type, run.exc_value, run.exc_traceback = "X", text, text
    with patch.object(settings, "SECRET_KEY", password):
        old = [jobs.reason(job), jobs.traceback(job), runs.error(run), runs.traceback(run)]
    bad += [password for each in old if readable(password, each) or "****" not in each]
print(json.dumps([shown, bad]))
"""


def test_no_secret_of_the_settings_can_be_read(site: Site, database: Database) -> None:
    sent = site.directory / "sent-secrets"
    site.write(
        "shop/management/commands/leak.py",
        """\
        import json
        from django.conf import settings
        from django.core.management.base import BaseCommand

        class Command(BaseCommand):
            def add_arguments(self, parser):
                parser.add_argument("--token")
                parser.add_argument("--count", type=int)

            def handle(self, *, token, **options):
                secrets = [token, settings.SECRET_KEY, settings.MAIL["PASSWORD"], "hunter33"]
                self.stdout.write(repr(secrets))
                try:
                    raise KeyError(secrets)
                except KeyError as error:
                    raise ValueError(json.dumps(secrets)) from error
        """,
    )
    more = f"""
import json, sentry_sdk
from sentry_sdk.transport import Transport
SECRET_KEY = {SECRET!r} + "1"
MAIL = {{"PASSWORD": {SECRET!r} + "2"}}
BROKER_URL = "amqp://user:hunter33@host/"

class Outbox(Transport):
    def capture_envelope(self, envelope):
        with open({str(sent)!r}, "a") as file:
            print(json.dumps(envelope.get_event()), file=file)

sentry_sdk.init("http://key@127.0.0.1:9/1", transport=Outbox)
"""
    pytest.importorskip("sentry_sdk")
    told = site.told(database, [{"cmd": "leak", "cmd_args": ["--token", f"{SECRET}3"]}], more)
    ran = told("cronrun")
    listed = told("cronlist")
    checked = told("check")
    looked = told("shell", "-v0", "-c", _LOOK)
    assert looked.returncode == 0, looked.stderr
    shown, bad = json.loads(looked.stdout)
    assert bad == []
    [(error,)] = database.execute("SELECT last_error FROM crontabber")
    event = sent.read_text()
    everything = [ran.stderr, listed.stdout, checked.stderr, event, *error.values(), *shown]
    assert error["value"] == json.dumps(["********"] * 4)
    assert "leak --token ********" in listed.stdout
    assert shown[0] == "leak --token ********"
    for text in everything:
        assert "hunt" not in text, text


def test_a_setting_that_django_refuses_keeps_no_failure_from_its_record(
    site: Site, database: Database
) -> None:
    done = site.told(database, [{"cmd": "fail"}], 'SECRET_KEY = ""')("cronrun")
    assert "fail failed: ValueError" in done.stderr
    assert state(database, "fail").error_count == 1


def test_local_variables_are_masked_before_an_older_client_makes_texts_of_them() -> None:
    sentry = pytest.importorskip("crontabber.contrib.django.sentry")
    pytest.importorskip("sentry_sdk")
    found = {"error": ValueError(SECRET), "more": [{"a": {SECRET}}], "plain": SECRET, "n": 1}
    frames = [{"vars": found}, {"function": "f"}]
    event = {"exception": {"values": [{"stacktrace": {"frames": frames}}, {"stacktrace": None}]}}
    written = json.dumps(redacted(sentry._written(event), Redactor(frozenset({SECRET}))))
    assert "hunt" not in written
    assert written.count(MASK) == 3
