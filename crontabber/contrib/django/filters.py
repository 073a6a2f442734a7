"""The filters of the lists in Django's admin."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import SimpleListFilter

from ...schedule.status import State
from .conf import jobs
from .judgement import judgement
from .models import Job

_GHOST = "ghost"


class StateFilter(SimpleListFilter):
    """Jobs by their state."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, str]]:
        """What there is to choose from."""
        states = ((state.value.replace(" ", "-"), state.value) for state in State)
        return (*states, (_GHOST, "not in the settings"))

    def queryset(self, request: Any, queryset: Any) -> Any:
        """The rows that are chosen."""
        chosen = self.value()
        if chosen is None:
            return queryset
        if chosen == _GHOST:
            return queryset.exclude(app_name__in=[job.name for job in jobs()])
        statuses = judgement(request).statuses.items()
        names = [name for name, each in statuses if each.state.value.replace(" ", "-") == chosen]
        return queryset.filter(app_name__in=names)


class OutcomeFilter(SimpleListFilter):
    """Runs by how they ended."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, str]]:
        """What there is to choose from."""
        return (("failed", "failed"), ("succeeded", "succeeded"))

    def queryset(self, request: Any, queryset: Any) -> Any:
        """The rows that are chosen."""
        if self.value() in {"failed", "succeeded"}:
            return queryset.filter(exc_type__isnull=self.value() == "succeeded")
        return queryset


class NameFilter(SimpleListFilter):
    """Runs by their job; the names come from the table of jobs, as the log may be long."""

    title = "job"
    parameter_name = "job"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, str]]:
        """What there is to choose from."""
        names = Job.objects.values_list("app_name", flat=True)
        return [(name, name) for name in names]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """The rows that are chosen."""
        return queryset.filter(app_name=self.value()) if self.value() else queryset
