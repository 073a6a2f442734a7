"""The two tables, and what Django has to know about them."""

from django.db import migrations, models

from crontabber.contrib.django.models import NativeField
from crontabber.contrib.django.operations import MakeTables


class Migration(migrations.Migration):
    """Makes the tables, if crontabber has not made them already."""

    initial = True

    operations = (
        MakeTables(),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("app_name", models.TextField("name", primary_key=True, serialize=False)),
                ("next_run", models.DateTimeField(null=True)),
                ("first_run", models.DateTimeField(null=True)),
                ("last_run", models.DateTimeField(null=True)),
                ("last_success", models.DateTimeField(null=True)),
                ("ongoing", models.DateTimeField("running since", null=True)),
                ("error_count", models.IntegerField("failures in a row", null=True)),
                ("depends_on", NativeField(null=True, column_type="text[]")),
                ("last_error", NativeField(null=True, column_type="json")),
                ("class_path", models.TextField(null=True)),
                ("claim_time", models.DateTimeField(null=True)),
                ("claim_host", models.TextField(null=True)),
                ("claim_pid", models.IntegerField(null=True)),
            ],
            options={
                "managed": False,
                "db_table": "crontabber",
                "ordering": ("app_name",),
                "default_permissions": ("view",),
                "permissions": (
                    ("reset_job", "Can reset jobs"),
                    ("mark_success_job", "Can mark jobs as successful"),
                ),
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("app_name", models.TextField("job")),
                ("log_time", models.DateTimeField("recorded")),
                ("slot", models.DateTimeField(null=True)),
                ("duration", models.DurationField(null=True)),
                ("success", models.DateTimeField(null=True)),
                ("host", models.TextField(null=True)),
                ("exc_type", models.TextField(null=True)),
                ("exc_value", models.TextField(null=True)),
                ("exc_traceback", models.TextField(null=True)),
            ],
            options={
                "managed": False,
                "db_table": "crontabber_log",
                "ordering": ("-id",),
                "default_permissions": ("view",),
            },
        ),
    )
