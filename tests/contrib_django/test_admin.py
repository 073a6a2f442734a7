"""The admin: how each job is and why, and what people do about it; it is noted who did."""

from tests.acceptance.rows import pass_time
from tests.contrib_django.site import Site
from tests.contrib_django.staff import as_staff
from tests.support import ROOT, Database

_JOBS = [
    {"cmd": "failing"},
    {"cmd": "talk", "name": "child", "depends_on": "failing"},
    {"cmd": "talk", "name": "lost"},
    {"cmd": "talk", "name": "resting"},
    {"cmd": "talk", "name": "well", "keep_output": 100},
    {"cmd": "talk", "name": "slow", "frequency": "1h", "late": "5m"},
    {"cmd": "dates", "cmd_args": ["--last-success="], "frequency": "1d", "backfill": True},
    {"cmd": "failing", "name": "once", "backfill": True, "retry": 1},
]

_CRASH = """
UPDATE crontabber SET ongoing = now(), own_last_run = last_run, claim_time = now(),
    claim_host = 'elsewhere', claim_pid = 1, claim_backend_pid = 1 WHERE app_name = 'lost'
"""


def test_a_job_says_how_it_is(site: Site, database: Database) -> None:
    """A job that crashed, is blocked, late or paused says so, and why."""
    site.write("shop/management/commands/failing.py", _FAIL)
    told = site.told(database, _JOBS)
    told.ok("migrate", "-v0")
    told("cronrun", "-v0")
    told.ok("cronpause", "resting", "--why=the <b>shop</b> moves")
    pass_time(database, "3 days")
    told("cronrun", "-v0", "--job=well")
    database.execute(_CRASH)
    database.execute("INSERT INTO crontabber (app_name) VALUES ('a ghost')")
    program = """
import re
from django.utils.html import strip_tags
looker = staff("view_job", "view_run")
def texts(page):
    rows = re.findall("<tr>(.*?)</tr>", page, re.DOTALL)
    cells = [re.findall("<t[dh] class.*?</t[dh]>", row, re.DOTALL) for row in rows]
    return [[strip_tags(cell).strip() for cell in row] for row in cells]
say([row for row in texts(page(looker, "job/")[1]) if row[:1]])
say({name: page(looker, f"job/{name}/change/")[1] for name in ("child", "dates", "resting")})
states = ("failed", "blocked", "late", "crashed", "paused", "gave-up", "running", "waiting", "ok")
say({state: count(page(looker, f"job/?state={state}")[1]) for state in (*states, "ghost")})
from crontabber.contrib.django.models import Run
say(page(looker, f"run/{Run.objects.filter(app_name='well').first().pk}/change/")[1])
"""
    rows, pages, counts, run = as_staff(told, program)
    shown = {row[0]: row[1:] for row in rows}
    states = {name: row[0] for name, row in shown.items() if name != "name"}
    assert states == {
        "a ghost": "-",
        "child": "blocked",
        "dates": "late",
        "failing": "failed",
        "lost": "crashed",
        "once": "gave up",
        "resting": "paused",
        "slow": "late",
        "well": "ok",
    }
    assert shown["child"][1].startswith("failing failed")
    assert "4 dates open" in shown["dates"][1] or "3 dates open" in shown["dates"][1]
    assert "shop" in shown["resting"][1]
    assert "<b>shop" not in pages["resting"]
    assert shown["well"][3].endswith("s ago")
    assert shown["slow"][4] == "due"
    assert "BLOCKED since" in pages["child"]
    assert "manage.py cron" in pages["child"]
    assert "days" in pages["dates"]
    assert counts["late"] == "2 jobs"
    assert counts["ghost"] == "1 job"
    assert counts["ok"] == "1 job"
    assert "two\nan error\n" in run


_FAIL = """\
from django.core.management.base import BaseCommand
class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("--run-time")
    def handle(self, **options):
        raise ValueError("no luck")
"""


def test_what_people_do_asks_first_and_says_who(site: Site, database: Database) -> None:
    jobs = [
        {"cmd": "fail", "frequency": "1d"},
        {"cmd": "dates", "cmd_args": ["--last-success="], "backfill": True},
        {"cmd": "talk"},
    ]
    told = site.told(database, jobs)
    told.ok("migrate", "-v0")
    told("cronrun", "-v0")
    pass_time(database, "1 hour", "dates")
    program = """
from crontabber.contrib.django.models import Job
def row(name):
    return Job.objects.get(app_name=name)

may = [f"{what}_job" for what in "view run retry pause mark_success backfill reset".split()]
looker, boss = staff("view_job"), staff(*may)
User.objects.filter(username="-".join(may)).update(username="boss")
menu = re.compile('<option value="([a-z_]+)">')
say(menu.findall(page(looker, "job/")[1]))
say(menu.findall(page(boss, "job/")[1]))
form = {"action": "reset_selected", "_selected_action": ["talk"]}
asks = boss.post("/admin/crontabber/job/", form)
say([asks.status_code, *(text in asks.content.decode() for text in ("talk: ok", "is deleted"))])
say(act(boss, "pause_selected", "talk", "dates", length="2h", until="", why="holidays"))
say([row("talk").paused_by, row("talk").pause_reason])
say(act(boss, "pause_selected", "talk", length="soon", until="", why=""))
say(act(boss, "resume_selected", "talk", "dates"))
say(row("talk").paused_since)
say(act(boss, "retry_selected", "fail", "talk"))
say(act(boss, "run_selected_now", "talk", "dates"))
from django.utils import timezone
say((timezone.now() - row("talk").next_run).total_seconds() < 60)
say(act(boss, "mark_selected_successful", "fail", at="2099-01-01T00:00"))
at = timezone.now().strftime("%Y-%m-%dT%H:%M")
say(act(boss, "mark_selected_successful", "fail", "dates", at=at))
say(at)
say(act(boss, "backfill_selected", "dates", first="x", last="y", redo="all"))
day = (timezone.now() - timezone.timedelta(days=30)).strftime("%Y-%m-%d")
say(act(boss, "backfill_selected", "dates", first=day, last=day, redo="missing"))
say(row("dates").asked[0]["by"])
say([text in page(boss, "job/dates/change/")[1] for text in ("0 of 1 dates", "asked by boss")])
say(act(boss, "reset_selected", "dates"))
say(sorted(LogEntry.objects.values_list("change_message", flat=True)))
"""
    said = as_staff(told, program)
    assert said.pop(0) == []
    assert len(said.pop(0)) == 7
    assert said.pop(0) == [200, True, True]
    paused = said.pop(0)
    assert [text.partition(" until ")[0] for text in paused] == [
        "Done: dates is paused",
        "Done: talk is paused",
    ]
    assert paused[1].endswith("; manage.py cronresume talk ends it")
    assert said.pop(0) == ["boss", "holidays"]
    [refused] = said.pop(0)
    assert refused.startswith("Not done: 'soon' is not a length of time")
    assert all(text.startswith("Done: ") and "was paused" in text for text in said.pop(0))
    assert said.pop(0) is None
    assert said.pop(0) == [
        "Done: fail is tried again by the next tick",
        "Done: talk has not failed: there is nothing to try again",
    ]
    refused, done = said.pop(0)
    assert refused.startswith("Not done: dates is not run")
    assert done.startswith("Done: talk runs next at ")
    assert said.pop(0) is True
    [refused] = said.pop(0)
    assert refused.startswith("Not done: fail cannot have succeeded at 2099")
    marked = said.pop(0)
    at = said.pop(0).replace("T", " ")
    assert marked[0].startswith("Done: dates counts as having succeeded at ")
    assert marked[1].startswith(f"Done: fail counts as having succeeded at {at}:00: ")
    [refused] = said.pop(0)
    assert (
        refused == "Not done: 'x' is not a time: write YYYY-MM-DDTHH:MM, such as 2026-11-21T03:00"
    )
    [asked] = said.pop(0)
    assert ": 1 date of dates" in asked
    assert "manage.py cronbackfill --list" in asked
    assert said.pop(0) == "boss"
    assert said.pop(0) == [True, True]
    assert said.pop(0) == ["Done: dates is reset: it will run as if for the first time"]
    assert set(said.pop(0)) >= {"Paused.", "Resumed.", "To be run now.", "To be tried again."}
    verdicts = database.execute("SELECT DISTINCT verdict, done_by FROM crontabber_spans")
    assert ("marked", "boss") in verdicts, "the ledger says who did it"


def test_the_live_pages_are_in_the_admin_for_those_who_may_view_jobs(
    site: Site, database: Database
) -> None:
    told = site.told(database, [{"cmd": "fail"}, {"cmd": "clearsessions"}])
    told.ok("migrate", "-v0")
    told.ok("cronrun")
    program = """
outsider, looker = staff(), staff("view_job")
wheres = [f"job/pages/{name}" for name in ("", "job?name=fail", "timeline", "graph", "ghosts")]
say([page(looker, where)[0] for where in [*wheres, "job/pages/static/crontabber.css"]])
say([page(client, "job/pages/")[0] for client in (outsider, Client())])
say(page(looker, "job/pages/nope")[0])
say([page(looker, where)[1] for where in wheres[:2]])
say(dict(looker.get("/admin/crontabber/job/pages/").headers)["Content-Security-Policy"])
"""
    shown, refused, missing, (jobs, job), policy = as_staff(told, program)
    assert shown == [200] * 6
    assert refused == [403, 302]
    assert missing == 404
    assert "1 failed" in jobs
    assert "<dd><code>fail</code></dd>" in job
    assert "unsafe-inline" not in policy


def test_pages_only_look_and_do_not_wait_long_for_a_server_that_is_silent(
    site: Site, database: Database
) -> None:
    told = site.told(database, [{"cmd": "clearsessions"}])
    told.ok("migrate", "-v0")
    program = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from django.db import connections
from crontabber.contrib.django import looking
from crontabber.errors import CrontabberError
from crontabber.verbs.pages import look
from tests.contrib_web.tap import Tap
from tests.support import Database

def tried(function, *arguments):
    try:
        return len(function(*arguments).overview.statuses)
    except CrontabberError as error:
        return str(error)

looking.PATIENCE = 0.3
with Tap(Database(*{tuple(database)!r})) as tap:
    line = tap.leading_here()
    connections["default"].settings_dict |= {{"HOST": line.host, "PORT": line.port}}
    with looking.looking() as cron:
        say([tried(look, cron), tried(cron.store.pause, "clearsessions", None)])
        tap.shut()
        say(tried(look, cron))
"""
    [count, refused], lost = as_staff(told, program)
    assert count == 1
    assert "read-only transaction" in refused
    assert "the connection was lost" in lost
