"""What people ask of jobs, and the output of runs."""

from django.db import migrations, models

from crontabber.contrib.django.models import NativeField
from crontabber.contrib.django.operations import MakeTables

_TIME = ("next_slot", "first_slot", "paused_since", "paused_until", "waits_since")
_TEXT = ("paused_by", "pause_reason", "waits_for")
_FIELDS = {
    "attempts": models.IntegerField(null=True),
    "backfill": models.BooleanField(null=True),
    "gave_up": models.BooleanField(null=True),
    "asked": NativeField(null=True, column_type="json"),
    **{name: models.DateTimeField(null=True) for name in _TIME},
    **{name: models.TextField(null=True) for name in _TEXT},
}


class Migration(migrations.Migration):
    """Brings the tables up to date, and tells Django what is new in them."""

    dependencies = (("crontabber", "0001_initial"),)

    operations = (
        MakeTables(),
        *(migrations.AddField("job", name, field) for name, field in _FIELDS.items()),
        migrations.AddField("run", "output", models.TextField(null=True)),
        migrations.AlterModelOptions(
            "job",
            {
                "managed": False,
                "ordering": ("app_name",),
                "default_permissions": ("view",),
                "permissions": (
                    ("reset_job", "Can reset jobs"),
                    ("mark_success_job", "Can mark jobs as successful"),
                    ("run_job", "Can have jobs run now"),
                    ("retry_job", "Can have jobs tried again"),
                    ("pause_job", "Can pause and resume jobs"),
                    ("backfill_job", "Can ask for dates of the past"),
                ),
            },
        ),
    )
