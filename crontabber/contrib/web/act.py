"""The page on which operators act: it says what it will do, and does it when confirmed."""

import io
import logging
from collections.abc import Callable
from typing import NamedTuple

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ...config.command import Command
from ...config.settings import Settings
from ...errors import ConfigError, CrontabberError, ExitCode, UnknownJobError
from ...generic_app import Answer
from ...store import Snapshot
from ...tick.lookup import EVERYTHING, app_name_of, find_job
from ...verbs.actions import ACTIONS, CANCEL, Action, Given, Subject
from ...verbs.dispatch import answer
from ...views.html import Node, tag
from ...views.page import job_link, person_node
from ...views.text import one_line
from .acting import ActingApp
from .forms import action_form, cancel_form, note, page_of, sentences, sure_form
from .guard import USER, WRITABLE
from .requests import sent
from .users import User

_PATIENCE = 15.0
"""For how many seconds a person waits: an action is several statements."""


class Wish(NamedTuple):
    """What the user wants to do."""

    do: str
    given: Given
    person: User

    @property
    def job(self) -> str:
        """The name of the job."""
        return self.given.get("job", "")


class Shown(NamedTuple):
    """A page: its status, title and body, and what takes the secrets out of it."""

    status: int
    title: str
    body: Node
    redact: Callable[[str], str] = str


def act_routes(
    load: Callable[[], Settings], changed: Callable[[], None], *, may_leave: bool
) -> list[Route]:
    """The page ``act``; *load* reads the configuration, *changed* is called after a change.

    *may_leave* says whether persons can log out.
    """

    async def act(request: Request) -> Response:
        if not request.scope.get(WRITABLE):
            raise HTTPException(403, "only operators may do that")
        sends = request.method == "POST"
        given = await sent(request) if sends else dict(request.query_params)
        wish = Wish(given.get("do", ""), given, request.scope[USER])
        shown = await _in_time(load, wish, sends)
        if sends:
            changed()
        person = person_node(wish.person.name, may_leave=may_leave)
        text = page_of(shown.title, shown.body, person, shown.redact)
        # without a referrer, a browser would not say which page a form comes from
        return HTMLResponse(text, shown.status, {"Referrer-Policy": "same-origin"})

    return [Route("/act", act, methods=["GET", "POST"])]


async def _in_time(load: Callable[[], Settings], wish: Wish, sends: bool) -> Shown:
    """The page for a wish, which is carried out if the user *sends* it; within a time limit.

    A silent database is given up.
    """
    try:
        app = ActingApp.of(await anyio.to_thread.run_sync(load), wish.person.name)
    except CrontabberError as error:
        return _refused("The configuration cannot be read", error)
    with anyio.move_on_after(_PATIENCE):
        return await anyio.to_thread.run_sync(_shown, app, wish, sends, abandon_on_cancel=True)
    app.give_up()
    text = "The database does not answer. The page of the job shows what it remembers."
    return Shown(503, "That cannot be done now", note(text, bad=True))


def _shown(app: ActingApp, wish: Wish, sends: bool) -> Shown:
    try:
        with app:
            return _cancel(app, wish, sends) if wish.do == CANCEL else _act(app, wish, sends)
    except CrontabberError as error:  # the application has masked its secrets
        return _refused("That cannot be done", error)


def _refused(title: str, error: CrontabberError) -> Shown:
    status = 404 if isinstance(error, UnknownJobError) else 409
    return Shown(status, title, note(str(error), bad=True))


def _act(app: ActingApp, wish: Wish, sends: bool) -> Shown:
    action = ACTIONS.get(wish.do)
    if action is None:
        raise UnknownJobError(f"there is no action {wish.do[:40]!r}: go back to the page of a job")
    # a question is no reason to create tables
    about = _subject(app, app.store.look(None, migrate=sends), wish.job)
    title = f"{action.title}: {about.name}"
    if obstacle := action.obstacle(about):
        return Shown(409, title, [note(obstacle, bad=True), _back(about.name)], app.redact)
    if wish.do == "backfill":
        _refuse_unseen(app, about, wish)
    if not sends:
        return Shown(200, title, _confirmation(app, wish, action, about), app.redact)
    done = answer(action.command(about, wish.given), app, io.StringIO())
    if done.code == ExitCode.OK:
        _keep(app, wish, about.name, action.title.lower())
    return _result(app, title, done, about.name)


def _subject(app: ActingApp, snapshot: Snapshot, name: str) -> Subject:
    """The job of this app_name or class path; also a ghost. Raises `UnknownJobError`."""
    jobs = app.jobs(snapshot)
    job = None
    try:
        job = find_job(name, jobs)
        name = job.app_name
    except UnknownJobError:
        name = app_name_of(name, snapshot, jobs)
    if name == EVERYTHING or "," in name:
        raise ConfigError(f"{name!r} could mean several jobs: use the command line, or rename it")
    return Subject(name, job, snapshot.states.get(name), snapshot.now)


def _refuse_unseen(app: ActingApp, about: Subject, wish: Wish) -> None:
    """Raise `JobLineError` if a backfill needs what only classes know."""
    if about.state is None:
        raise ConfigError(f"{about.name} has not run yet, so it has no dates of the past")
    if "with-children" in wish.given:
        for fault in app.jobs(app.store.look(None, migrate=False)).imported().faults:
            raise fault  # it could be a child


def _confirmation(app: ActingApp, wish: Wish, action: Action, about: Subject) -> Node:
    if action.previews and wish.given.get("from"):
        command = action.command(about, wish.given)._replace(dry_run=True)
        dates = answer(command, app, io.StringIO()).text
        more = [tag("pre", dates, class_="dates", tabindex="0", aria_label="Dates")]
        return [
            sentences(["Ticks will do these dates, when nothing of the schedule is due:"]),
            more,
            sure_form(wish.do, action, about.name, wish.given),
            _back(about.name),
        ]
    zone = str(about.job.zone) if about.job else "the zone of the schedules"
    form = action_form(wish.do, action, about.name, wish.given, zone)
    return [sentences(action.effect(about)), form, _back(about.name)]


def _cancel(app: ActingApp, wish: Wish, sends: bool) -> Shown:
    number = wish.given.get("number", "")
    states = app.store.look(None, migrate=sends).states.values()
    names = [
        state.app_name for state in states for each in state.asked if str(each.number) == number
    ]
    title = f"Cancel backfill {number[:20]}"
    if not names:
        missing = f"There is no backfill {number[:20]} under way: it may be done."
        return Shown(404, title, note(missing, bad=True), app.redact)
    if not sends:
        effect = f"{', '.join(names)} does no more dates of it. What is done of it stays done."
        return Shown(200, title, [sentences([effect]), cancel_form(number)], app.redact)
    done = answer(Command(cancel_backfill=number), app, io.StringIO())
    for name in names:
        _keep(app, wish, name, f"cancel backfill {number}")
    return _result(app, title, done, names[0])


def _keep(app: ActingApp, wish: Wish, name: str, what: str) -> None:
    """Log who did what; the ledger has it already."""
    why = wish.given.get("why", "")[:500]
    reason = one_line(f"{what}: {why}" if why else what)
    _logger.info("%s: %s %s", app.asker, reason, name, extra={"action": "act", "app_name": name})


def _result(app: ActingApp, title: str, done: Answer, name: str) -> Shown:
    failed = done.code != ExitCode.OK
    body = [note(line, bad=failed) for line in done.text.splitlines()]
    return Shown(409 if failed else 200, title, [body, _back(name)], app.redact)


def _back(name: str) -> Node:
    return tag("p", tag("a", f"Back to {name}", href=job_link(name)))


_logger = logging.getLogger("crontabber")
