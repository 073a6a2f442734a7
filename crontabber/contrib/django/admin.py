"""The jobs and their log in Django's admin: their states, the reasons, and actions."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.urls import reverse
from django.utils.html import format_html

from ...process.clock import utc_now
from ...reporters.wording import duration_words
from ...schedule.status import State
from ...schedule.transition import CRASHED
from ...views.status import open_dates
from .asking import AskingAdmin
from .columns import NONE, absolute, ago, block, error_block, exact_time, line, painted, time
from .conf import jobs
from .filters import NameFilter, OutcomeFilter, StateFilter
from .jobs import Job as CommandJob
from .judgement import backfills, calendar, explained, judgement, with_status
from .models import Job, Run
from .pages import urls
from .secrets import redactor

_BREAKABLE = '<span style="overflow-wrap: anywhere">{}{}</span>'


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
class JobAdmin(ReadOnlyAdmin, AskingAdmin):
    """The table ``crontabber``."""

    list_display = ("app_name", "state", "reason", "schedule", "last_run_ago", "next_ago")
    list_filter = (StateFilter,)
    search_fields = ("app_name",)
    fields = (
        "app_name",
        "command",
        "schedule",
        "parents",
        "state",
        "why",
        "dates",
        "backfills",
        "holder",
        "first_run_at",
        "last_run_at",
        "last_success_at",
        "next_run_at",
        "traceback",
        "log",
    )

    last_run_ago = time("last_run")
    first_run_at = exact_time("first_run")
    last_run_at = exact_time("last_run")
    last_success_at = exact_time("last_success")
    next_run_at = exact_time("next_run")

    def get_changelist_instance(self, request: Any) -> Any:
        """The list, each row with the status of its job."""
        found = super().get_changelist_instance(request)
        seen = judgement(request)
        if seen.fault:
            text = f"The state of the jobs cannot be read: {redactor()(seen.fault)}"
            self.message_user(request, text, messages.ERROR)
        found.result_list = with_status(request, found.result_list)
        return found

    def get_object(self, request: Any, object_id: str, from_field: str | None = None) -> Any:
        """One row, with the status of its job."""
        found = super().get_object(request, object_id, from_field)
        return found and with_status(request, [found])[0]

    def get_urls(self) -> list[Any]:
        """The URLs of the list, and of the live pages."""
        return [*urls(self), *super().get_urls()]

    @admin.display(description="state", ordering="error_count")
    def state(self, job: Job) -> str:
        """The state of the job, in a word or two."""
        if job.status is None:
            return "running" if job.ongoing else NONE
        return painted(job.status.state.value, job.status.state)

    @admin.display(description="why")
    def reason(self, job: Job) -> str:
        """Why it is so, on one line, and since when."""
        status = job.status
        if status is None:
            error: Any = job.last_error or {}
            return line(error.get("value") or error.get("type") or "")
        text = status.reason
        if status.open and status.open.number > 1:
            text = "; ".join(filter(None, (text, open_dates(status))))
        since = status.state not in (State.OK, State.WAITING) and ago(status.since, ", since {}")
        return format_html(_BREAKABLE, line(text), since or "")

    @admin.display(description="next", ordering="next_run")
    def next_ago(self, job: Job) -> str:
        """When it runs next."""
        if job.status is None or job.status.state is State.RUNNING:
            return NONE
        upcoming = job.status.next
        return "due" if upcoming and upcoming <= utc_now() else ago(upcoming)

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
        return redactor()(str(_configured(job) or NONE))

    @admin.display(description="depends on")
    def parents(self, job: Job) -> str:
        """The jobs that it depends on."""
        return ", ".join(job.depends_on or ()) or NONE

    @admin.display(description="when it runs, and why not now")
    def why(self, job: Job) -> str:
        """Each check that stands between the job and its run."""
        return block(explained(job.app_name)) if job.status else NONE

    @admin.display(description="dates")
    def dates(self, job: Job) -> str:
        """The dates of a backfill job: which are done, which failed, which are open."""
        status = job.status
        if status is None or not status.job.backfill:
            return NONE
        return block(calendar(job.app_name))

    @admin.display(description="requested backfills")
    def backfills(self, job: Job) -> str:
        """How far the requested backfills are."""
        asked = job.status and job.status.row and job.status.row.asked
        return block(backfills(job.app_name)) if asked else NONE

    @admin.display(description="run by")
    def holder(self, job: Job) -> str:
        """Who is running it."""
        return job.holder or NONE

    @admin.display(description="last error")
    def traceback(self, job: Job) -> str:
        """The traceback of what the last run raised."""
        error: Any = job.last_error or {}
        return error_block(error.get("type"), error.get("value"), error.get("traceback"))

    @admin.display(description="log")
    def log(self, job: Job) -> str:
        """A link to the runs of the job."""
        url = reverse(f"{self.admin_site.name}:crontabber_run_changelist")
        query = urlencode({NameFilter.parameter_name: job.app_name})
        return format_html('<a href="{}?{}">all runs of this job</a>', url, query)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """The table ``crontabber_log``."""

    list_display = ("recorded", "app_name", "outcome", "error", "slot_time", "took")
    list_filter = (OutcomeFilter, "log_time", NameFilter)
    fields = (
        *("app_name", "recorded_at", "outcome", "slot_time", "took", "host"),
        *("traceback", "printed"),
    )

    recorded = time("log_time", "recorded")
    recorded_at = exact_time("log_time", "recorded")

    @admin.display(description="slot", ordering="slot")
    def slot_time(self, run: Run) -> str:
        """The slot that it was about."""
        return absolute(run.slot) if run.slot else NONE

    @admin.display(description="outcome")
    def outcome(self, run: Run) -> str:
        """How the run ended."""
        if run.exc_type is None:
            return "marked as successful" if run.duration is None else "succeeded"
        if run.exc_type == CRASHED:
            return painted("crashed", State.CRASHED)
        return painted("failed", State.FAILED)

    @admin.display(description="duration", ordering="duration")
    def took(self, run: Run) -> str:
        """How long the run took."""
        return duration_words(run.duration) if run.duration else NONE

    @admin.display(description="error")
    def error(self, run: Run) -> str:
        """What the run raised, on one line."""
        return line(run.exc_value or run.exc_type or "")

    @admin.display(description="error")
    def traceback(self, run: Run) -> str:
        """What the run raised, in full."""
        return error_block(run.exc_type, run.exc_value, run.exc_traceback)

    @admin.display(description="output")
    def printed(self, run: Run) -> str:
        """The end of what the run printed, if it is kept."""
        return block(run.output or "")


def _configured(job: Job) -> CommandJob | None:
    return next((known for known in jobs() if known.name == job.app_name), None)
