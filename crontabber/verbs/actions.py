"""The actions of operators: what each will do, what it asks for, and its command."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import NamedTuple
from urllib.parse import urlencode

from ..config.command import Command
from ..schedule.model import JobSpec, JobState
from ..tick.marking import has_failed
from ..tick.results import left_alone
from ..views.html import Element, tag
from ..views.text import one_line
from ..views.times import clock

Given = Mapping[str, str]
"""The values of a form, by the names of its fields."""


class Subject(NamedTuple):
    """What an action is about."""

    name: str
    """The app_name of the job."""
    job: JobSpec | None
    """None for a ghost."""
    state: JobState | None
    now: datetime

    def at(self, moment: datetime | None) -> str:
        """A time, for people."""
        zone = self.job.zone if self.job else timezone.utc
        return f"{clock(moment, zone, self.now)} ({zone})" if moment else "no time that is known"


class Field(NamedTuple):
    """Something that a form asks for."""

    name: str
    label: str
    kind: str = "text"
    """``text``, ``checkbox``, ``datetime-local``, or one of ``choices``."""
    hint: str = ""
    choices: Mapping[str, str] = {}
    """What can be chosen, and its label."""
    required: bool = False


class Action(NamedTuple):
    """One thing that can be done with a job."""

    title: str
    """Also the label of the button."""
    effect: Callable[[Subject], Sequence[str]]
    """What it will do, in sentences."""
    command: Callable[[Subject, Given], Command]
    """The same as a command line."""
    obstacle: Callable[[Subject], str] = lambda _about: ""
    """Why it cannot be done; empty: it can, as far as is known."""
    fields: Sequence[Field] = ()
    grave: bool = False
    """Whether something is lost by it."""
    previews: bool = False
    """Whether it can first show what it would do."""


def _run(about: Subject) -> Sequence[str]:
    planned = about.state.next_run if about.state else None
    return (
        f"{about.name} runs next at the time below, or with the next tick if you give none.",
        f"By its schedule it would run at {about.at(planned)}. Its slots stay as they are planned.",
        "Its parents, its lock and a pause still count.",
    )


def _no_dates(about: Subject) -> str:
    return left_alone(about.job).refusal if about.job and about.job.backfill else _running(about)


def _running(about: Subject) -> str:
    if about.state and about.state.ongoing:
        return f"{about.name} is running now, or it crashed: wait for it to finish"
    return ""


def _retry(about: Subject) -> Sequence[str]:
    first = f"The next tick tries {about.name} again, without waiting for its time."
    return (first, *(_failures(about.state) if about.state else ()))


def _failures(state: JobState) -> Iterator[str]:
    """What failed and would be tried again."""

    def sentence(what: str, count: int, error: str) -> str:
        times = "once" if count == 1 else f"{count} times in a row"
        return f"{what} failed {times}, at last with: {one_line(error)[:200]}"

    if state.last_error:
        yield sentence("It", state.error_count, state.last_error.value)
    for asked in state.asked:
        if asked.attempts:
            yield sentence(f"A date of backfill {asked.number}", asked.attempts, asked.error)


def _not_failed(about: Subject) -> str:
    if about.state is None or not has_failed(about.state):
        return f"{about.name} has not failed: there is nothing to try again"
    return _running(about)


def _mark(about: Subject) -> Sequence[str]:
    dates = "It does not get the dates up to then. "
    return (
        f"{about.name} counts as having succeeded at the time below, or now if you give none.",
        "Its error is cleared, and it waits for the first slot after that.",
        f"{dates if about.job and about.job.backfill else ''}Nothing is run.",
    )


def _pause(about: Subject) -> Sequence[str]:
    then = "catches up" if about.job and about.job.backfill else "waits for its next slot"
    return (
        f"{about.name} does not run until the pause ends. A run in progress continues.",
        f"After the pause it {then}. Without a length or an end it lasts a day.",
    )


def _resume(about: Subject) -> Sequence[str]:
    pause = about.state.pause if about.state else None
    until = about.at(pause.until) if pause and pause.until else "a person resumes it"
    by = f", by {pause.by}" if pause and pause.by else ""
    why = f": {pause.why}" if pause and pause.why else ""
    then = "catches up" if about.job and about.job.backfill else "runs next by its schedule"
    return (
        f"{about.name} is paused until {until}{by}{why}",
        f"The pause ends now, and it {then}.",
    )


def _not_paused(about: Subject) -> str:
    return "" if about.state and about.state.pause else f"{about.name} is not paused"


def _reset(about: Subject) -> Sequence[str]:
    left = "It is in no configuration, so only its log remains."
    fresh = "It runs as if for the first time. Dates that are open are lost; request a backfill."
    return (
        f"The state of {about.name} is deleted, but not its log.",
        "That is its error, when it runs next, which dates are done, its pause, its backfills.",
        fresh if about.job else left,
    )


def _nothing_known(about: Subject) -> str:
    if about.state is None:
        return f"{about.name} has no state: there is nothing to reset"
    return _running(about)


def _backfill(about: Subject) -> Sequence[str]:
    return (
        f"Ticks run {about.name} for the dates from one day to another, both included.",
        "They do so when nothing of the schedule is due.",
        "Nothing is done yet: the dates are shown first.",
    )


def _has_no_dates(about: Subject) -> str:
    if about.job and not about.job.backfill:
        return f"{about.name} is not a backfill app, so it has no dates"
    return ""


def _run_command(about: Subject, given: Given) -> Command:
    now = about.now.astimezone(timezone.utc).isoformat()
    return Command(job=about.name, run_at=given.get("at") or now)


def _backfill_command(about: Subject, given: Given) -> Command:
    return Command(
        backfill=about.name,
        from_=given.get("from", ""),
        to=given.get("to", ""),
        redo=given.get("redo", ""),
        with_children="with-children" in given,
        newest_first="newest-first" in given,
    )


_AT = Field("at", "When", "datetime-local", "On a clock in {zone}. Empty: now.")
ACTIONS: Mapping[str, Action] = {
    "run": Action("Run", _run, _run_command, _no_dates, (_AT,)),
    "retry": Action("Retry", _retry, lambda about, _: Command(retry=about.name), _not_failed),
    "mark": Action(
        "Mark as successful",
        _mark,
        lambda about, given: Command(mark_success=about.name, at=given.get("at", "")),
        _running,
        (_AT,),
        grave=True,
    ),
    "pause": Action(
        "Pause",
        _pause,
        lambda about, given: Command(
            pause=about.name,
            for_=given.get("for", ""),
            until=given.get("until", ""),
            why=given.get("why", "")[:500],
        ),
        fields=(
            Field("for", "For how long", hint="Such as 2h or 1d; ever: until it is resumed."),
            Field("until", "Or until", "datetime-local", "On a clock in {zone}."),
            Field("why", "Why", hint="For others to read."),
        ),
    ),
    "resume": Action("Resume", _resume, lambda about, _: Command(resume=about.name), _not_paused),
    "reset": Action(
        "Reset", _reset, lambda about, _: Command(reset_job=about.name), _nothing_known, grave=True
    ),
    "backfill": Action(
        "Backfill",
        _backfill,
        _backfill_command,
        _has_no_dates,
        (
            Field("from", "From", hint="Such as 2026-11-21, or 2026-11-21T03:00.", required=True),
            Field("to", "To", hint="All of this day.", required=True),
            Field(
                "redo",
                "Which dates",
                "choice",
                choices={
                    "missing": "those that were never done",
                    "failed": "those that it gave up on",
                    "all": "all, done or not",
                },
            ),
            Field("with-children", "Also of the jobs that depend on it", "checkbox"),
            Field("newest-first", "The newest first", "checkbox"),
        ),
        previews=True,
    ),
}
"""All actions except cancelling a backfill, which is about a number."""
CANCEL = "cancel"


def links(about: Subject) -> Element:
    """The links to the actions that are possible."""
    fitting = [name for name, action in ACTIONS.items() if not action.obstacle(about)]
    names = fitting if about.job else ["reset"]
    items = [
        tag("li", tag("a", ACTIONS[name].title, href=link(name, job=about.name), class_="button"))
        for name in names
    ]
    return tag("ul", *items, class_="actions", aria_label="Actions")


def link(do: str, **about: str) -> str:
    """The link to an action on a *job*, or to `CANCEL` the backfill with this *number*."""
    return f"act?{urlencode({'do': do, **about})}"
