"""The two tables, for Django to read; only crontabber writes to them and changes them."""

import json
from typing import Any

from django.db import models

from ...schedule.status import JobStatus
from .conf import value


class NativeField(models.Field):
    """A column whose value is the driver's, such as a list or a dict."""

    def __init__(self, *args: Any, column_type: str, **options: Any) -> None:
        self.column_type = column_type
        super().__init__(*args, **options)

    def deconstruct(self) -> Any:
        """How a migration writes the field."""
        name, path, args, options = super().deconstruct()
        return name, path, args, {**options, "column_type": self.column_type}

    def db_type(self, connection: Any) -> str:
        """The column's type."""
        return self.column_type

    def from_db_value(self, value: Any, *_: Any) -> Any:
        """The value; a driver may give JSON as its text."""
        is_text = isinstance(value, str) and self.column_type == "json"
        return json.loads(value) if is_text else value


class Manager(models.Manager):
    """Reads from the database that ``CRONTABBER_DATABASE`` names."""

    def get_queryset(self) -> Any:
        """All rows."""
        return super().get_queryset().using(value("DATABASE"))


class Job(models.Model):
    """The state of a job: a row of ``crontabber``."""

    app_name = models.TextField("name", primary_key=True)
    next_run = models.DateTimeField(null=True)
    first_run = models.DateTimeField(null=True)
    last_run = models.DateTimeField(null=True)
    last_success = models.DateTimeField(null=True)
    ongoing = models.DateTimeField("running since", null=True)
    error_count = models.IntegerField("failures in a row", null=True)
    depends_on = NativeField(null=True, column_type="text[]")
    last_error = NativeField(null=True, column_type="json")
    class_path = models.TextField(null=True)
    claim_time = models.DateTimeField(null=True)
    claim_host = models.TextField(null=True)
    claim_pid = models.IntegerField(null=True)
    backfill = models.BooleanField(null=True)
    next_slot = models.DateTimeField(null=True)
    first_slot = models.DateTimeField(null=True)
    attempts = models.IntegerField(null=True)
    gave_up = models.BooleanField(null=True)
    paused_since = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    paused_by = models.TextField(null=True)
    pause_reason = models.TextField(null=True)
    waits_for = models.TextField(null=True)
    waits_since = models.DateTimeField(null=True)
    asked = NativeField(null=True, column_type="json")

    status: JobStatus | None = None
    """Its status, if the admin has judged it; None if it is not in the settings."""

    objects = Manager()

    class Meta:
        """Not managed: the form of the table is crontabber's own."""

        managed = False
        db_table = "crontabber"
        ordering = ("app_name",)
        default_permissions = ("view",)
        permissions = (
            ("reset_job", "Can reset jobs"),
            ("mark_success_job", "Can mark jobs as successful"),
            ("run_job", "Can have jobs run now"),
            ("retry_job", "Can have jobs tried again"),
            ("pause_job", "Can pause and resume jobs"),
            ("backfill_job", "Can ask for dates of the past"),
        )

    def __str__(self) -> str:
        return str(self.app_name)

    @property
    def holder(self) -> str:
        """Which process runs it, for people; empty if it is not running."""
        if self.ongoing is None:
            return ""
        if self.claim_time != self.ongoing:
            return "an older crontabber"
        return f"process {self.claim_pid} on {self.claim_host}"


class Run(models.Model):
    """One attempt at one slot: a row of ``crontabber_log``."""

    id = models.BigAutoField(primary_key=True)
    app_name = models.TextField("job")
    log_time = models.DateTimeField("recorded")
    slot = models.DateTimeField(null=True)
    duration = models.DurationField(null=True)
    success = models.DateTimeField(null=True)
    host = models.TextField(null=True)
    exc_type = models.TextField(null=True)
    exc_value = models.TextField(null=True)
    exc_traceback = models.TextField(null=True)
    output = models.TextField(null=True)

    objects = Manager()

    class Meta:
        """Not managed, for the same reason as `Job`."""

        managed = False
        db_table = "crontabber_log"
        ordering = ("-id",)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.app_name}, {self.log_time:%Y-%m-%d %H:%M:%S}"
