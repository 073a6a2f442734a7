"""What people can do to jobs in Django's admin; each asks before it does anything."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django import forms

from ...config.command import Command
from ...generic_app import Answer
from ...schedule.ranges import Redo
from ...verbs import steer
from ...verbs.backfill import ask
from ...verbs.pause import EVER, pause, resume
from .cron import DjangoCron

Given = Mapping[str, Any]
"""The values of a form."""


class Action(NamedTuple):
    """Something that can be done to jobs."""

    label: str
    permission: str
    """The codename of the permission to do it."""
    meaning: str
    """What it does, for the page that asks."""
    done: str
    """Its text in the history of a job."""
    act: Callable[[DjangoCron, str, Given], Answer]
    form: type[forms.Form] = forms.Form


class _Time(forms.CharField):
    """A time on a clock in the zone of the schedules."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"type": "datetime-local"})
        super().__init__(required=False, widget=widget, **options)


class MarkForm(forms.Form):
    """When a job counts as having succeeded."""

    at = _Time(help_text="In the zone of the schedules. Empty: now.")


class PauseForm(forms.Form):
    """For how long, and why."""

    length = forms.CharField(
        label="For",
        required=False,
        help_text=f"Such as 2h or 3d; {EVER}: until it is resumed. "
        "Empty: for a day, or until the time below.",
    )
    until = _Time(help_text="In the zone of the schedules.")
    why = forms.CharField(required=False, help_text="The reason, for others to read.")


class BackfillForm(forms.Form):
    """Which dates."""

    first = forms.CharField(label="From", help_text="The first date, such as 2026-11-21.")
    last = forms.CharField(label="To", help_text="The last date; all of that day.")
    redo = forms.ChoiceField(
        label="Which of them",
        choices=[
            (Redo.MISSING.value, "those that were never done"),
            (Redo.FAILED.value, "those that it gave up on"),
            (Redo.ALL.value, "all, done or not"),
        ],
    )
    with_children = forms.BooleanField(
        required=False, help_text="Those of the jobs that depend on it, too."
    )
    newest_first = forms.BooleanField(required=False)


def _run_now(cron: DjangoCron, name: str, _given: Given) -> Answer:
    return steer.run_at(cron, name, wait="0s")


def _mark(cron: DjangoCron, name: str, given: Given) -> Answer:
    return steer.mark_success(cron, [name], given["at"])


def _pause(cron: DjangoCron, name: str, given: Given) -> Answer:
    return pause(cron, name, given["length"], given["until"], given["why"])


def _backfill(cron: DjangoCron, name: str, given: Given) -> Answer:
    more = {key: given[key] for key in ("redo", "with_children", "newest_first")}
    return ask(cron, Command(backfill=name, from_=given["first"], to=given["last"], **more))


ACTIONS: Mapping[str, Action] = {
    "run_selected_now": Action(
        "Run now",
        "run_job",
        "The next cronrun runs these jobs, if their parents allow it. Their schedules do not "
        "change. Backfill jobs are left alone: their dates have an order.",
        "To be run now.",
        _run_now,
    ),
    "retry_selected": Action(
        "Try again what failed",
        "retry_job",
        "The next cronrun tries these jobs again, also those that gave up on a date.",
        "To be tried again.",
        lambda cron, name, _: steer.retry(cron, name),
    ),
    "mark_selected_successful": Action(
        "Mark as successful",
        "mark_success_job",
        "The errors of these jobs are cleared, and they wait for their next slot. A backfill job "
        "does not get the dates up to then.",
        "Marked as successful.",
        _mark,
        MarkForm,
    ),
    "pause_selected": Action(
        "Pause",
        "pause_job",
        "These jobs do not run by their schedule for a while. A run in progress continues.",
        "Paused.",
        _pause,
        PauseForm,
    ),
    "resume_selected": Action(
        "Resume",
        "pause_job",
        "The pause of these jobs ends: a backfill job catches up, any other runs next by its "
        "schedule.",
        "Resumed.",
        lambda cron, name, _: resume(cron, name),
    ),
    "backfill_selected": Action(
        "Run past dates",
        "backfill_job",
        "cronrun does these dates of backfill jobs, after what is due by the schedule.",
        "Backfill requested.",
        _backfill,
        BackfillForm,
    ),
    "reset_selected": Action(
        "Reset: run as if for the first time",
        "reset_job",
        "The state of these jobs is deleted, but not their log: they run as if for the first "
        "time. Dates that a backfill job has not done are lost.",
        "Reset.",
        lambda cron, name, _: cron.reset_jobs([name]),
    ),
}
"""By the names in forms."""
