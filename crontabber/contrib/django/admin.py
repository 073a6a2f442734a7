"""The jobs and their log in Django's admin: to look at, to reset, and to mark as successful."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import template_localtime

from ...errors import CrontabberError
from ...generic_app import Answer
from ...reporters.wording import duration_words
from ...schedule.transition import CRASHED
from ...verbs import steer
from ...views.text import escaped, one_line
from .conf import jobs
from .cron import DjangoCron
from .filters import NameFilter, OutcomeFilter, StateFilter
from .jobs import Job as CommandJob
from .models import Job, Run
from .secrets import redactor

_NONE = "-"
_LONGEST = 60
"""Characters of an error in a list."""
_BLOCK = '<pre style="white-space: pre-wrap; overflow-wrap: anywhere; margin: 0">{}</pre>'


def _time(field: str, description: str = "") -> Any:
    """A column with the time in a field, short and to the second."""

    @admin.display(description=description or field.replace("_", " "), ordering=field)
    def show(_admin: Any, row: Any) -> str:
        moment = getattr(row, field)
        return date_format(template_localtime(moment), "Y-m-d H:i:s") if moment else _NONE

    return show


def _red(text: str) -> str:
    return format_html('<span style="color: var(--error-fg)">{}</span>', text)


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows, and lets no user write them."""

    show_full_result_count = False  # a log can be long

    def has_add_permission(self, request: Any) -> bool:
        """No."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """No."""
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """No."""
        return False


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """The table ``crontabber``."""

    list_display = ("app_name", "state", "error", "schedule", "last_run_at", "next_run_at")
    list_filter = (StateFilter,)
    search_fields = ("app_name",)
    actions = ("reset_selected", "mark_selected_successful")
    fields = (
        "app_name",
        "command",
        "schedule",
        "parents",
        "state",
        "holder",
        "first_run_at",
        "last_run_at",
        "last_success_at",
        "next_run_at",
        "traceback",
        "log",
    )

    first_run_at = _time("first_run")
    last_run_at = _time("last_run")
    last_success_at = _time("last_success")
    next_run_at = _time("next_run")

    @admin.display(description="state", ordering="error_count")
    def state(self, job: Job) -> str:
        """The state of the job, in a word or two."""
        if job.ongoing:
            return "running"
        if job.error_count:
            return _red(f"failed {job.error_count} times" if job.error_count > 1 else "failed")
        return "well" if job.last_run or job.last_success else "did not run yet"

    @admin.display(description="schedule")
    def schedule(self, job: Job) -> str:
        """The schedule of the job in the settings."""
        configured = _configured(job)
        if configured is None:
            return "not in the settings"
        text = str(configured.schedule).replace("|", " at ")
        return f"{text}, backfill" if configured.backfill else text

    @admin.display(description="command")
    def command(self, job: Job) -> str:
        """The command and its arguments in the settings."""
        return redactor()(str(_configured(job) or _NONE))

    @admin.display(description="depends on")
    def parents(self, job: Job) -> str:
        """The jobs that it depends on."""
        return ", ".join(job.depends_on or ()) or _NONE

    @admin.display(description="run by")
    def holder(self, job: Job) -> str:
        """Who is running it."""
        return job.holder or _NONE

    @admin.display(description="last error")
    def error(self, job: Job) -> str:
        """What the last run raised, on one line."""
        error: Any = job.last_error or {}
        return _line(error.get("type"), error.get("value"))

    @admin.display(description="last error")
    def traceback(self, job: Job) -> str:
        """The traceback of what the last run raised."""
        error: Any = job.last_error or {}
        return _block(error.get("type"), error.get("value"), error.get("traceback"))

    @admin.display(description="log")
    def log(self, job: Job) -> str:
        """A link to the runs of the job."""
        url = reverse(f"{self.admin_site.name}:crontabber_run_changelist")
        query = urlencode({NameFilter.parameter_name: job.app_name})
        return format_html('<a href="{}?{}">all runs of this job</a>', url, query)

    def has_reset_permission(self, request: Any) -> bool:
        """Whether the user of *request* may reset jobs."""
        return bool(request.user.has_perm("crontabber.reset_job"))

    def has_mark_success_permission(self, request: Any) -> bool:
        """Whether the user of *request* may mark jobs as successful."""
        return bool(request.user.has_perm("crontabber.mark_success_job"))

    @admin.action(description="Reset: run as if for the first time", permissions=["reset"])
    def reset_selected(self, request: Any, queryset: Any) -> None:
        """Forget what is remembered of jobs."""
        self._each(request, queryset, "Reset.", lambda cron, name: cron.reset_jobs([name]))

    @admin.action(description="Mark as successful now", permissions=["mark_success"])
    def mark_selected_successful(self, request: Any, queryset: Any) -> None:
        """Have jobs count as having succeeded now."""
        self._each(request, queryset, "Marked as successful.", _mark)

    def _each(
        self, request: Any, queryset: Any, what: str, act: Callable[[DjangoCron, str], Answer]
    ) -> None:
        """Act on each job, show the result, and note it in the history of the job."""
        rows = list(queryset)
        gone = set(request.POST.getlist(ACTION_CHECKBOX_NAME)) - {job.app_name for job in rows}
        for name in sorted(gone):
            text = f"Not done: {name} is not in this list any more"
            self.message_user(request, text, messages.WARNING)
        for job in rows:
            try:
                with DjangoCron() as cron:
                    text, code = act(cron, job.app_name)
            except CrontabberError as error:
                text, code = str(error), error.exit_code
            # Django begins a message with a capital, which is wrong for a name
            if code:
                self.message_user(request, f"Not done: {text}", messages.ERROR)
            else:
                self.message_user(request, f"Done: {text}", messages.SUCCESS)
                self.log_change(request, job, what)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """The table ``crontabber_log``."""

    list_display = ("recorded", "app_name", "outcome", "error", "slot_time", "took")
    list_filter = (OutcomeFilter, "log_time", NameFilter)
    fields = ("app_name", "recorded", "outcome", "slot_time", "took", "host", "traceback")

    recorded = _time("log_time", "recorded")
    slot_time = _time("slot")

    @admin.display(description="outcome")
    def outcome(self, run: Run) -> str:
        """How the run ended."""
        if run.exc_type is None:
            return "marked as successful" if run.duration is None else "succeeded"
        return _red("crashed" if run.exc_type == CRASHED else "failed")

    @admin.display(description="duration", ordering="duration")
    def took(self, run: Run) -> str:
        """How long the run took."""
        return duration_words(run.duration) if run.duration else _NONE

    @admin.display(description="error")
    def error(self, run: Run) -> str:
        """What the run raised, on one line."""
        return _line(run.exc_type, run.exc_value)

    @admin.display(description="error")
    def traceback(self, run: Run) -> str:
        """What the run raised, in full."""
        return _block(run.exc_type, run.exc_value, run.exc_traceback)


def _configured(job: Job) -> CommandJob | None:
    return next((known for known in jobs() if known.name == job.app_name), None)


def _mark(cron: DjangoCron, app_name: str) -> Answer:
    return steer.mark_success(cron, [app_name])


def _line(kind: str | None, value: str | None) -> str:
    line = one_line(redactor()(value or kind or "")) or _NONE
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _block(kind: str | None, value: str | None, traceback: str | None) -> str:
    text = traceback or ": ".join(filter(None, (kind, value)))
    return format_html(_BLOCK, escaped(redactor()(text.rstrip()))) if text else _NONE
