"""The filters of the lists in Django's admin."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import SimpleListFilter

from .conf import jobs
from .models import Job


class StateFilter(SimpleListFilter):
    """Jobs by their state."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, str]]:
        """What there is to choose from."""
        return (
            ("failed", "failed"),
            ("running", "running"),
            ("well", "well"),
            ("ghost", "not in the settings"),
        )

    def queryset(self, request: Any, queryset: Any) -> Any:
        """The rows that are chosen."""
        match self.value():
            case "failed":
                return queryset.filter(error_count__gt=0)
            case "running":
                return queryset.filter(ongoing__isnull=False)
            case "well":
                well = queryset.filter(error_count=0, ongoing__isnull=True)
                return well.exclude(last_run__isnull=True, last_success__isnull=True)
            case "ghost":
                return queryset.exclude(app_name__in=[job.name for job in jobs()])
        return queryset


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
    """Runs by their job; the names come from the table of jobs, because the log may be long."""

    title = "job"
    parameter_name = "job"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, str]]:
        """What there is to choose from."""
        names = Job.objects.values_list("app_name", flat=True)
        return [(name, name) for name in names]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """The rows that are chosen."""
        return queryset.filter(app_name=self.value()) if self.value() else queryset
