"""The chapter of the manual, step by step: from a new project to the pages of the admin."""

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from crontabber.process.clock import sleep
from tests.acceptance.rows import pass_time, ran, runs, state
from tests.contrib_django import browser
from tests.contrib_django.site import Site, blocks, commands
from tests.contrib_django.staff import as_staff
from tests.support import TIMEOUT, Database, fresh_database

# A test does not depend on how slow passwords are hashed.
_QUICK = 'PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]'


@pytest.fixture(scope="module")
def site(project: Path, postgres_server: Database) -> Iterator[Site]:
    """The project after all steps of the chapter; each did what it says."""
    with fresh_database(postgres_server) as database:
        site = Site(project, database)
        with (project / "mysite" / "settings.py").open("a") as file:
            file.write(f"{_QUICK}\n")
        steps = list(commands(blocks("console")))[3:]
        assert len(steps) == 7
        for words, shown in steps:
            if words[:2] == ["python", "manage.py"]:
                check(site, words[2:], shown)
            else:
                subprocess.run(words, cwd=project, check=True)
        yield site


def check(site: Site, words: list[str], shown: str) -> None:
    """Run a command, and compare what it says with what the chapter shows, but for figures.

    A job that is asked for by its name, and fails, is an exit status.
    """
    done = site(*words)
    said = done.stdout + done.stderr
    fails = "--job=fetch_orders" in words and " failed: " in shown
    assert done.returncode == (1 if fails else 0), said
    if shown:
        assert without_figures(said) == without_figures(shown)
    if words == ["cronrun"]:
        assert site.ok("cronrun") == ""


def without_figures(text: str) -> str:
    text = re.sub(r"[\d.,:]+", "#", re.sub(r"\d+T\S+|\d{4}-\S+", "DATE", text))
    # whose time may be yet to come today
    return "\n".join(line for line in text.splitlines() if "clearsessions" not in line)


def test_it_failed_and_is_retried_and_three_missed_slots_are_backfilled(site: Site) -> None:
    assert state(site.database, "fetch_orders").error_count == 1
    nagios = site("cronlist", "--nagios")
    assert (nagios.returncode, nagios.stderr) == (2, "")
    assert nagios.stdout.startswith("CRITICAL - fetch_orders (django:fetch_orders): <class")
    pass_time(site.database, "3 hours")
    output = site.ok("cronrun")
    hours = re.findall(r"the report of (\S+), as csv", output)
    assert len(hours) == len(set(hours)) == 3
    assert output.index("fetch_orders succeeded") < output.index("the report of")
    assert ran(site.database, "report") == ["report"] * 4
    assert runs(site.database, "fetch_orders")[1][1]
    assert "Command:        report --format=csv\n" in site.ok("cronlist")
    assert site("cronlist", "--nagios").returncode == 0


def test_django_and_crontabber_agree_on_the_tables(site: Site, database: Database) -> None:
    """trap: the one that comes second changes the tables that the first has made"""
    assert "No changes detected" in site.ok("makemigrations", "--check", "--dry-run")
    other = site.told(database, [{"cmd": "clearsessions"}])
    other("cronlist")
    crontabbers = schema(database)
    other.ok("migrate", "-v0", "crontabber")
    assert schema(database) == crontabbers == schema(site.database)
    other.ok("migrate", "-v0", "crontabber", "zero")
    assert schema(database) == crontabbers


def test_the_tables_are_made_in_the_database_that_is_named(
    site: Site, database: Database, module_database: Database
) -> None:
    more = f"""
DATABASES["jobs"] = {{**DATABASES["default"], "NAME": {module_database.dbname!r}}}
CRONTABBER_DATABASE = "jobs"
"""
    other = site.told(database, [{"cmd": "talk"}], more)
    other.ok("migrate", "-v0", "crontabber")
    assert schema(database) == []
    other.ok("migrate", "-v0", "crontabber", "--database=jobs")
    assert schema(module_database) == schema(site.database)
    other.ok("cronrun")
    assert ran(module_database) == ["talk"]
    count = "from crontabber.contrib.django.models import Run; print(Run.objects.count())"
    assert other.ok("shell", "-v0", "-c", count) == "1\n"


def schema(database: Database) -> list[tuple[str, ...]]:
    """The columns and indexes of the two tables: the ledger is made only if it is needed."""
    return database.execute(
        "SELECT table_name, column_name, data_type, column_default FROM information_schema.columns"
        " WHERE table_name IN ('crontabber', 'crontabber_log') UNION ALL"
        " SELECT tablename, indexname, indexdef, '' FROM pg_indexes"
        " WHERE tablename IN ('crontabber', 'crontabber_log') ORDER BY 1, 2"
    )


def test_pages_are_for_staff_with_permission_and_cannot_be_written(
    site: Site, database: Database
) -> None:
    told = site.told(database, [{"cmd": "fail"}, {"cmd": "clearsessions"}])
    told.ok("migrate", "-v0")
    told.ok("cronrun")
    database.execute("INSERT INTO crontabber (app_name) VALUES ('a ghost')")
    program = """
outsider, looker = staff(), staff("view_job", "view_run")
pages = "job/", "run/", "job/fail/change/", "job/add/", "job/fail/delete/", "run/1/change/"
say([page(client, where)[0] for client in (outsider, looker) for where in pages])
say([page(looker, where)[1] for where in ("job/", "job/fail/change/", "run/?outcome=failed")])
states = ("state=ghost", "state=failed", "state=ok", "state=running")
say([count(page(looker, f"job/?{state}")[1]) for state in states])
forms = ("job/add/", "job/fail/change/", "job/fail/delete/")
say([looker.post(f"/admin/crontabber/{where}", {"app_name": "x"}).status_code for where in forms])
say([act(looker, "reset_selected", "fail"), act(looker, "delete_selected", "fail")])
resetter, marker = staff("view_job", "reset_job"), staff("view_job", "mark_success_job")
say([act(resetter, "mark_selected_successful", "fail"), act(marker, "reset_selected", "fail")])
say(act(marker, "mark_selected_successful", "fail", "a ghost"))
say(act(resetter, "reset_selected", "fail", "a ghost"))
entries = LogEntry.objects.values_list("user__username", "object_id", "change_message")
say(sorted(map(list, entries)))
say(act(resetter, "reset_selected", "fail", "clearsessions"))
"""
    said = as_staff(told, program)
    assert said.pop(0) == [403] * 6 + [200, 200, 200, 403, 403, 200]
    jobs, job, failed = said.pop(0)
    assert ">a ghost<" in jobs
    assert "not in the settings" in jobs
    assert "&lt;b&gt;no\\x1b[31m luck&lt;/b&gt;" in jobs  # trap: errors that are HTML
    assert "Traceback (most recent call last):" in job
    assert "raise ValueError(" in job
    assert "/admin/crontabber/run/?job=fail" in job
    assert "ValueError" not in failed
    assert "luck" in failed
    assert said.pop(0) == ["1 job", "1 job", "1 job", "0 jobs"]
    assert said.pop(0) == [403, 403, 403]
    assert said.pop(0) == [[], []]  # there is nothing to choose from
    not_theirs = ["No action selected."]
    assert said.pop(0) == [not_theirs, not_theirs]
    ghost, marked = said.pop(0)
    assert ghost.startswith("Not done: there is no job 'a ghost'")
    assert marked.startswith("Done: fail counts as having succeeded at ")
    assert [text.split(": ")[:2] for text in said.pop(0)] == [
        ["Done", "a ghost is reset"],
        ["Done", "fail is reset"],
    ]
    assert said.pop(0) == [
        ["view_job-mark_success_job", "fail", "Marked as successful."],
        ["view_job-reset_job", "a ghost", "Reset."],
        ["view_job-reset_job", "fail", "Reset."],
    ]
    gone, reset = said.pop(0)
    assert gone == "Not done: fail is not in this list any more"
    assert reset.startswith("Done: clearsessions is reset")
    assert said == []


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    """Where the project is served."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/admin/"
    with site.popen(
        "runserver", "--noreload", str(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            for _ in range(TIMEOUT * 20):
                try:
                    urlopen(address).close()
                    break
                except URLError:
                    assert server.poll() is None
                    sleep(0.05)
            yield address
        finally:
            server.kill()


@pytest.mark.skipif(not browser.program(), reason="there is no Chromium here")
def test_the_pages_in_a_real_browser(site: Site, address: str, tmp_path: Path) -> None:
    env = {"DJANGO_SUPERUSER_PASSWORD": "boss"}
    site.ok("createsuperuser", "--noinput", "--username=boss", "--email=b@example.org", env=env)
    site.ok("cronrun", "--job=fetch_orders", "--force")
    (site.directory / "outage").touch()
    assert site("cronrun", "--job=fetch_orders", "--force").returncode == 1
    (site.directory / "outage").unlink()
    with browser.browser() as page:
        page.open(address)
        page.fill("#id_username", "boss")
        page.fill("#id_password", "boss")
        page.click("input[type=submit]")
        page.click("a[href='/admin/crontabber/job/']")
        page.screenshot(tmp_path / "jobs.png")
        rows = page.evaluate(
            "[...document.querySelectorAll('#result_list tbody tr')]"
            ".map(row => [...row.children].map(cell => cell.innerText))"
        )
        assert [row[1] for row in rows] == ["clearsessions", "cronclean", "fetch_orders", "report"]
        assert rows[2][2] == "failed"
        assert "CommandError: the shop does not answer, since " in rows[2][3]
        assert rows[2][4] == "5m"
        assert rows[2][5].endswith("s ago")
        assert rows[3][2:5] == ["ok", "-", "1h, backfill"]
        fits = "document.querySelector('#result_list').scrollWidth <= window.innerWidth - 300"
        assert page.evaluate(fits)

        page.click("a[href='?state=failed']")
        assert "1 job" in page.text
        page.click("#result_list tbody th a")
        page.screenshot(tmp_path / "job.png")
        assert "Traceback (most recent call last):" in page.text
        assert page.evaluate("document.querySelectorAll('#job_form [name=_save]').length") == 0
        page.click(".field-log a")
        page.screenshot(tmp_path / "runs.png")
        assert f"{len(runs(site.database, 'fetch_orders'))} runs" in page.text

        page.open(f"{address}crontabber/job/")
        page.evaluate("document.querySelector('input[value=fetch_orders]').click()")
        page.fill("select[name=action]", "mark_selected_successful")
        page.click("button[name=index]")
        page.screenshot(tmp_path / "confirm.png")
        assert "The errors of these jobs are cleared" in page.text
        assert "fetch_orders: failed" in page.text
        assert state(site.database, "fetch_orders").last_error
        page.click("input[value^=Yes]")
        page.screenshot(tmp_path / "marked.png")
        assert "Done: fetch_orders counts as having succeeded at" in page.text
        assert state(site.database, "fetch_orders").last_error is None
        assert [text for text in page.console if "404" not in text] == []  # there is no favicon
