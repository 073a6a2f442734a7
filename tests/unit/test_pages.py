"""The pages of one example: what each shows, and that nothing of it can do harm."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from crontabber.app import CronTabber
from crontabber.config.commandline import CommandLine
from crontabber.config.settings import Settings
from crontabber.schedule.lanes import lane
from crontabber.schedule.model import LastError
from crontabber.testing import Simulation
from crontabber.verbs import gather, report
from crontabber.verbs.pages import Request, look, page
from crontabber.views import svg_graph, svg_timeline
from crontabber.views.html import render
from crontabber.views.page import Part
from crontabber.views.static import read
from tests import example

HOSTILE = "<img src=x onerror=alert(1)>\"'&"
PAGES = ["", "timeline", "graph", "backfills", "ghosts"]


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return example.simulated()


def application(simulation: Simulation) -> CronTabber:
    lines = "\n".join(
        f"{cls.__module__}.{cls.__name__}|{text}" for cls, text in example.JOBS.items()
    )
    return CronTabber(
        Settings.load(CommandLine.parse([f"--crontabber.jobs={lines}"]), {}),
        store=simulation.store,
    )


@pytest.fixture
def app(simulation: Simulation) -> Iterator[CronTabber]:
    with application(simulation) as app:
        yield app


def shown(app: CronTabber, path: str = "", **query: str) -> str:
    made = page(look(app), Request(path, tuple(query.items())))
    assert made.status == 200, made.html
    return made.html


class Strict(HTMLParser):
    """Knows whether each element that begins ends, and what a policy without inline refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = dict(attributes)
        assert not [name for name in names if name.startswith("on") or name == "style"], names
        assert not str(names.get("href", "")).startswith(("javascript:", "http")), names
        self.ids += [str(names["id"])] if "id" in names else []
        if tag not in {"br", "hr", "img", "input", "link", "meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(html: str) -> str:
    parser = Strict()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    return html


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_and_has_nothing_inline(path: str, app: CronTabber) -> None:
    html = checked(shown(app, path))
    assert "<style" not in html
    assert re.findall(r"<script[^>]*>", html) == ['<script src="static/crontabber.js" defer>']


def test_the_jobs_come_with_state_reason_runs_and_what_is_next_the_worst_first(
    app: CronTabber,
) -> None:
    html = shown(app)
    names = re.findall(r'<a href="job\?name=(\w+)">', html)
    assert names[0] == "fetch"
    assert set(names) == {"fetch", "report", "backup", "rates", "clean"}
    assert "Connection refused" in html
    assert "fetch has not done 2026-11-24" in html
    assert re.search(r'aria-label="the last \d runs: 0 failed, the longest took 2h 5m"', html)
    assert "in 16 hours" in html


def test_jobs_can_be_searched_and_filtered_by_state(app: CronTabber) -> None:
    assert re.findall(r"job\?name=(\w+)", shown(app, q="REFUSED")) == ["fetch"]
    assert re.findall(r"job\?name=(\w+)", shown(app, state="paused")) == ["rates"]
    assert "There are no such jobs" in shown(app, q="nothing of the kind")


def test_a_job_shows_why_its_error_dates_slots_and_what_is_ahead(app: CronTabber) -> None:
    html = checked(shown(app, "job", name="fetch"))
    for part in ("Why", "Last error", "Dates", "Slots", "Ahead", "Last runs"):
        assert f"<h2>{part}</h2>" in html
    assert "Traceback (most recent call last)" in html
    assert "crontabber --retry=fetch" in html
    assert "<title>Tue 2026-11-24: failed, and tried again</title>" in html


def test_a_job_names_what_it_waits_for_and_the_root(app: CronTabber) -> None:
    html = shown(app, "job", name="report")
    assert '<li><a href="job?name=fetch">fetch</a>: failed' in html


@pytest.mark.parametrize("path", ["nope", "../etc/passwd"])
def test_a_page_that_does_not_exist_is_a_404(path: str, app: CronTabber) -> None:
    assert page(look(app), Request(path)).status == 404


def test_a_job_that_does_not_exist_is_a_404_that_repeats_it_safely(app: CronTabber) -> None:
    made = page(look(app), Request("job", (("name", HOSTILE),)))
    assert made.status == 404
    assert "<img" not in made.html


@pytest.mark.parametrize("path", ["", "timeline"])
def test_a_part_beyond_the_end_is_the_last(app: CronTabber, path: str) -> None:
    assert shown(app, path, page="99") == shown(app, path)


def test_a_long_list_comes_in_parts(app: CronTabber) -> None:
    jobs = look(app).overview.statuses[:5]
    parts = [Part.of(jobs, number, 2) for number in (-1, 0, 1, 2, 3, 4)]
    assert [part.number for part in parts] == [1, 1, 1, 2, 3, 3]
    assert [*parts[2].jobs, *parts[3].jobs, *parts[4].jobs] == jobs
    links = re.findall(r'href="(.*?)"', render(parts[3].more("?page={}".format)))
    assert links == ["?page=1", "?page=3"]
    assert Part.of([], 7, 2) == ([], 0, 1, 1)
    assert Part.of(jobs, 1, 5).more(str) is None


def test_the_timeline_tells_what_ran_what_did_not_and_what_is_to_come(
    simulation: Simulation, app: CronTabber
) -> None:
    seen = look(app)
    by_name = {each.job.app_name: each for each in seen.overview.statuses}
    lanes = gather.lanes(seen, seen.overview.statuses)
    assert [run.outcome.value for run in lanes["clean"].ran] == ["succeeded"]
    assert len(lanes["rates"].missing) == 16  # since Friday at six, by the hour
    assert lanes["rates"].ahead == []  # it is paused for longer than the picture reaches
    assert len(lanes["clean"].ahead) == 1
    never = lane(by_name["clean"].job, None, (), seen.overview.now, svg_timeline.SPAN)
    assert never.missing == []


def test_the_graph_puts_children_right_of_their_parents_also_in_a_circle() -> None:
    spots = svg_graph.places({"c": ("a", "b"), "b": ("a",), "a": (), "x": ("y",), "y": ("x",)})
    assert spots["a"].column < spots["b"].column < spots["c"].column
    assert len(set(spots.values())) == 5


def test_the_report_has_all_in_one_file_and_asks_for_nothing_else(app: CronTabber) -> None:
    html = checked(report.text_of(app))
    for part in ("jobs", "timeline", "errors", "dates", "graph", "backfills", "ghosts"):
        assert f'<section id="{part}">' in html
    assert not re.search(r"<(script|link|img|iframe)|url\(|@import|https?://", html)
    assert read("crontabber.css") in html


def test_what_comes_from_jobs_is_escaped_on_every_page_and_in_the_report(
    simulation: Simulation,
) -> None:
    with application(simulation) as app:
        names = simulation.store.states
        kept = dict(names)
        try:
            for name, state in kept.items():
                error = LastError(HOSTILE, HOSTILE, HOSTILE)
                names[name] = state._replace(last_error=error, depends_on=(HOSTILE,))
            names[HOSTILE] = kept["clean"]._replace(app_name=HOSTILE, class_path=HOSTILE)
            pages = [shown(app, path) for path in PAGES]
            pages += [shown(app, "job", name="clean"), report.text_of(app)]
        finally:
            names.clear()
            names.update(kept)
    found = ["&lt;img" in html for html in pages]
    assert found == [True, False, True, False, True, True, True]  # no name is of the others
    for html in pages:
        assert "<img" not in checked(html)
