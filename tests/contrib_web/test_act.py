"""What operators do on the pages, with a real database and no code of jobs."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from crontabber.config.commandline import CommandLine
from crontabber.config.settings import Settings
from crontabber.contrib.web.app import guarded
from crontabber.contrib.web.policy import Policy
from crontabber.contrib.web.source import Source, reading
from tests.contrib_web.people import OWN, log_in, write_users
from tests.support import Command, Database

_JOBS = """
    from crontabber.base import BaseCronApp
    from crontabber.mixins import as_backfill_cron_app

    raise_at_import = None

    class Good(BaseCronApp):
        app_name = "good"
        def run(self):
            pass

    class Bad(BaseCronApp):
        app_name = "bad"
        def run(self):
            raise ValueError("<script>alert(1)</script>")

    @as_backfill_cron_app
    class Dates(BaseCronApp):
        app_name = "dates"
        def run(self, date):
            pass

    @as_backfill_cron_app
    class Child(BaseCronApp):
        app_name = "child"
        depends_on = "dates"
        def run(self, date):
            pass

    class Unseen(BaseCronApp):
        app_name = "unseen"
        def run(self):
            pass
"""
_LIST = """
    jobs.web.Good|1h
    jobs.web.Bad|1h
    jobs.web.Dates|1d
    jobs.web.Child|1d
    shell|1h
"""
_SHELL = """
    [job]
    [[shell]]
    command=true
"""


class Pages:
    """The pages of jobs that have run once, and an operator before them."""

    def __init__(self, command: Command, database: Database) -> None:
        self.command, self.database = command, database
        command.write("jobs/web.py", _JOBS)
        self.configure(_LIST)
        assert command("--admin.conf=crontabber.ini").returncode == 0
        self.configure(f"{_LIST}\njobs.web.Unseen|1h\nfresh|1h")
        write_users(command.directory / "users", vera="viewer", olga="operator")
        self.browser = self.open()
        log_in(self.browser, "olga")

    def configure(self, jobs: str) -> None:
        path = self.command.configure(self.database, jobs)
        more = "[job]\n[[shell]]\ncommand=true\n"
        more += "[[fresh]]\ncommand=true\n" if "fresh" in jobs else ""
        web = "[web]\nusers=users\nwritable=yes\n"
        path.write_text(f"{path.read_text()}\n{more}{web}")

    def open(self) -> TestClient:
        line = CommandLine.parse([f"--admin.conf={self.command.directory / 'crontabber.ini'}"])
        settings = Settings.load(line, {})
        load = settings.again
        app = guarded(load, Policy.of(settings.web), Source(lambda: reading(load())))
        return TestClient(app, follow_redirects=False)

    def ask(self, do: str, job: str = "", **more: str) -> Any:
        return self.browser.get("/act", params={"do": do, "job": job, **more})

    def do(self, do: str, job: str = "", **more: str) -> Any:
        return self.browser.post("/act", data={"do": do, "job": job, **more}, headers=OWN)

    def row(self, column: str, job: str) -> Any:
        [(value,)] = self.database.execute(
            f"SELECT {column} FROM crontabber WHERE app_name = %s", [job]
        )
        return value

    def ledger(self) -> list[tuple[Any, ...]]:
        return self.database.execute(
            "SELECT app_name, reason, done_by FROM crontabber_spans WHERE slots = 0 ORDER BY id"
        )

    def tick(self) -> None:
        assert self.command("--admin.conf=crontabber.ini").returncode == 0


@pytest.fixture(scope="module")
def _pages(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    made = Pages(Command(tmp_path_factory.mktemp("web")), module_database)
    with made.browser:
        yield made


@pytest.fixture
def pages(_pages: Pages) -> Iterator[Pages]:
    """Each test begins with the same rows, and none of them imports what jobs are made of."""
    database = _pages.database
    database.execute("CREATE TABLE IF NOT EXISTS kept AS TABLE crontabber")
    database.execute("DROP TABLE IF EXISTS crontabber_spans")
    database.execute("DELETE FROM crontabber")
    database.execute("INSERT INTO crontabber SELECT * FROM kept")
    modules = {name for name in sys.modules if name.startswith("jobs")}
    yield _pages
    assert {name for name in sys.modules if name.startswith("jobs")} == modules


def test_run_has_the_next_tick_run_it(pages: Pages) -> None:
    asked = pages.ask("run", "good")
    assert asked.status_code == 200
    assert "good runs next at the time below" in asked.text
    done = pages.do("run", "good")
    assert done.status_code == 200
    assert "good runs next at" in done.text
    before = pages.row("last_run", "good")
    pages.tick()
    assert pages.row("last_run", "good") > before
    assert pages.ledger() == [("good", "run", "olga")]


def test_run_at_a_time(pages: Pages) -> None:
    pages.do("run", "good", at="2099-11-21T03:00")
    assert pages.row("next_run", "good").isoformat().startswith("2099-11-2")


def test_to_ask_changes_nothing(pages: Pages) -> None:
    before = pages.database.execute("TABLE crontabber")
    for do in ("run", "retry", "mark", "pause", "resume", "reset", "backfill", "cancel"):
        pages.ask(do, "bad", number="1")
        pages.ask(do, "dates", **{"from": "2026-11-01", "to": "2026-11-03"}, number="1")
    assert pages.database.execute("TABLE crontabber") == before
    assert not pages.database.execute("SELECT 1 FROM pg_class WHERE relname = 'crontabber_spans'")


def test_retry(pages: Pages) -> None:
    asked = pages.ask("retry", "bad")
    assert "It failed once, at last with: &lt;script&gt;alert(1)" in asked.text
    assert "<script>alert" not in asked.text
    done = pages.do("retry", "bad")
    assert "bad is tried again by the next tick" in done.text
    pages.tick()
    assert pages.row("error_count", "bad") == 2
    assert pages.ledger() == [("bad", "retry", "olga")]


def test_retry_of_a_date_that_was_asked_for(pages: Pages) -> None:
    pages.do("backfill", "dates", **{"from": "2026-11-01", "to": "2026-11-03"})
    assert "has not failed" in pages.ask("retry", "dates").text
    failed = '{"retry_at": "2099-01-01T00:00:00+00:00", "attempts": 2, "error": "no <such>"}'
    pages.database.execute(
        "UPDATE crontabber SET asked = jsonb_build_array(asked::jsonb->0 || %s::jsonb)::json"
        " WHERE app_name = 'dates'",
        [failed],
    )
    shown = pages.ask("retry", "dates").text
    assert re.search(r"A date of backfill \d+ failed 2 times in a row, .*: no &lt;such&gt;", shown)
    assert "It failed" not in shown
    assert "dates is tried again by the next tick" in pages.do("retry", "dates").text
    assert pages.row("asked->0->>'retry_at'", "dates") is None


def test_mark(pages: Pages) -> None:
    done = pages.do("mark", "bad")
    assert "counts as having succeeded" in done.text
    assert pages.row("last_error", "bad") is None
    assert pages.ledger() == [("bad", "mark as successful", "olga")]


def test_pause_and_resume(pages: Pages) -> None:
    assert pages.do("pause", "good", **{"for": "2h", "why": "a\nmigration"}).status_code == 200
    assert "olga" in str(pages.database.execute("SELECT * FROM crontabber WHERE app_name='good'"))
    assert "paused until" in pages.ask("resume", "good").text
    assert "its next run is" in pages.do("resume", "good").text
    assert pages.ledger() == [("good", "pause: a migration", "olga"), ("good", "resume", "olga")]


def test_reset(pages: Pages) -> None:
    assert "is deleted, but not its log" in pages.ask("reset", "bad").text
    assert "bad is reset" in pages.do("reset", "bad").text
    assert not pages.database.execute("SELECT 1 FROM crontabber WHERE app_name = 'bad'")
    assert pages.ledger() == [("bad", "reset", "olga")]


def test_reset_of_a_ghost(pages: Pages) -> None:
    pages.database.execute("INSERT INTO crontabber (app_name) VALUES ('a,ghost'), ('ghost')")
    assert "It is in no configuration" in pages.ask("reset", "ghost").text
    assert pages.do("reset", "ghost").status_code == 200
    assert not pages.database.execute("SELECT 1 FROM crontabber WHERE app_name = 'ghost'")


def test_a_backfill_is_shown_before_it_is_asked_for_and_can_be_cancelled(pages: Pages) -> None:
    pages.database.execute(
        "INSERT INTO crontabber (app_name, class_path, backfill)"
        " VALUES ('unseen', 'jobs.web.Unseen', false)"
    )
    range_ = {"from": "2026-11-01", "to": "2026-11-03"}
    shown = pages.ask("backfill", "dates", **range_, **{"with-children": "yes"})
    assert len(re.findall(r"(dates|child) 2026-11-0[123]", shown.text)) == 6
    assert 'name="with-children" value="yes"' in shown.text
    done = pages.do("backfill", "dates", **range_, **{"with-children": "yes"})
    [number] = re.findall(r"backfill (\d+): 3 dates of dates", done.text)
    asked = str(pages.row("asked::text", "dates"))
    assert '"by": "olga"' in asked
    assert pages.ask("cancel", number=number).status_code == 200
    ended = pages.do("cancel", number=number)
    assert "is cancelled: 0 of 3 dates were done" in ended.text
    assert pages.row("asked", "dates") is None
    assert [who for *_, who in pages.ledger()] == ["olga"] * 4
    assert pages.do("cancel", number=number).status_code == 404


def test_ticks_do_the_dates_and_the_ledger_names_the_user(pages: Pages) -> None:
    pages.do("backfill", "dates", **{"from": "2026-11-01", "to": "2026-11-03"})
    pages.tick()
    done = pages.database.execute(
        "SELECT slots, done_by FROM crontabber_spans WHERE verdict = 'backfilled'"
    )
    assert done == [(3, "olga")]


def test_a_command_is_known_by_the_configuration(pages: Pages) -> None:
    for name in ("shell", "fresh"):
        assert pages.do("pause", name).status_code == 200


@pytest.mark.parametrize("do", ["run", "retry", "mark", "pause", "resume", "reset", "backfill"])
@pytest.mark.parametrize("job", ["jobs.web.Unseen", "unseen", "", "all", "good,bad", "<b>", "\x00"])
def test_what_cannot_be_known_without_the_class_is_refused(do: str, job: str, pages: Pages) -> None:
    before = pages.database.execute("TABLE crontabber")
    for answer in (pages.ask(do, job), pages.do(do, job)):
        assert answer.status_code in (404, 409)
        assert "<b>" not in answer.text
        if job == "jobs.web.Unseen":
            assert "import no code of jobs" in answer.text
    assert pages.database.execute("TABLE crontabber") == before


@pytest.mark.parametrize(
    ("do", "job", "given", "why"),
    [
        ("run", "dates", {}, "is not run: a backfill app"),
        ("run", "good", {"at": "soon"}, "is not a time"),
        ("retry", "good", {}, "has not failed"),
        ("mark", "good", {"at": "2099-01-01"}, "cannot have succeeded at"),
        ("pause", "good", {"for": "long"}, "&#x27;long&#x27;"),
        ("pause", "good", {"for": "1h", "until": "2099-01-01"}, "give only one"),
        ("pause", "good", {"until": "2001-01-01"}, "is over already"),
        ("resume", "good", {}, "is not paused"),
        ("backfill", "good", {"from": "2026-11-01", "to": "2026-11-02"}, "has no dates"),
        ("backfill", "dates", {}, "needs --from"),
        ("backfill", "dates", {"from": "2099-01-01", "to": "2099-01-02"}, "into the future"),
        ("backfill", "dates", {"from": "2026-11-01", "to": "2026-11-02", "redo": "x"}, "--redo=x"),
        ("cancel", "", {"number": "x"}, "There is no backfill x under way"),
        ("destroy", "good", {}, "there is no action"),
        ("__class__", "good", {}, "there is no action"),
    ],
)
def test_what_cannot_be_done_is_told(
    do: str, job: str, given: dict[str, str], why: str, pages: Pages
) -> None:
    answer = pages.do(do, job, **given)
    assert answer.status_code in (404, 409)
    assert why in answer.text
    assert not pages.database.execute("SELECT 1 FROM pg_class WHERE relname = 'crontabber_spans'")


def test_a_job_that_runs_is_left_alone(pages: Pages) -> None:
    pages.database.execute("UPDATE crontabber SET ongoing = now() WHERE app_name = 'bad'")
    for do in ("run", "retry", "mark", "reset"):
        assert pages.do(do, "bad").status_code == 409
    assert pages.do("pause", "bad").status_code == 200


def test_children_that_are_not_known_are_no_reason_to_guess(pages: Pages) -> None:
    pages.database.execute("DELETE FROM crontabber WHERE app_name = 'child'")
    given = {"from": "2026-11-01", "to": "2026-11-03"}
    answer = pages.do("backfill", "dates", **given, **{"with-children": "yes"})
    assert answer.status_code == 409
    assert "import no code of jobs" in answer.text
    assert pages.do("backfill", "dates", **given).status_code == 200


def test_a_viewer_sees_no_form_and_does_nothing(pages: Pages) -> None:
    viewer = pages.open()
    log_in(viewer, "vera")
    refused = viewer.get("/act?do=reset&job=bad", headers={"Accept": "text/html"})
    assert refused.status_code == 403
    assert "Only operators may do that." in refused.text
    assert 'href="timeline"' in refused.text
    assert viewer.get("/act?do=reset&job=bad").text == "only operators may do that\n"
    assert viewer.post("/act", data={"do": "reset", "job": "bad"}, headers=OWN).status_code == 403
    stranger = pages.open()
    assert stranger.get("/act?do=reset&job=bad").status_code == 303
    assert pages.row("error_count", "bad") == 1


def test_the_pages_themselves_are_behind_the_door(pages: Pages) -> None:
    page = pages.browser.get("/")
    assert page.status_code == 200
    assert "good" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert pages.open().get("/").status_code == 303
    assert pages.open().get("/static/crontabber.css").status_code == 200


def test_a_database_that_is_away_is_told_without_its_password(pages: Pages, tmp_path: Path) -> None:
    path = pages.command.directory / "crontabber.ini"
    text = path.read_text()
    try:
        path.write_text(re.sub("(?m)^host=.*$", "host=/nowhere\npassword=hunter2", text, count=1))
        answer = pages.ask("reset", "bad")
    finally:
        path.write_text(text)
    assert answer.status_code == 409
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
