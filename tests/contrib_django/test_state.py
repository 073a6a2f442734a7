"""What a command changes of Django and of its process: the next one finds all as it was."""

import pytest

from tests.acceptance.rows import runs
from tests.contrib_django.site import Site
from tests.support import Database

COMMAND = """
import os, sys
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection, connections, transaction
from django.utils import timezone, translation
class Command(BaseCommand):
    def handle(self, **options):
        {body}
"""

SPOILERS = {
    "the language": (
        "translation.activate('de')",
        "assert translation.get_language() == 'en-us', translation.get_language()",
    ),
    "no language": (
        "translation.deactivate_all()",
        "assert translation.get_language() == 'en-us', translation.get_language()",
    ),
    "the time zone": (
        "timezone.activate('Asia/Tokyo')",
        "assert timezone.get_current_timezone_name() == 'UTC'",
    ),
    "a setting": ("settings.DEBUG = not settings.DEBUG; settings.NEW = 1", "check_settings()"),
    "all settings": (
        "from django.test import override_settings; override_settings(DEBUG=5).enable()",
        "check_settings()",
    ),
    "another database": (
        "connection.settings_dict['NAME'] = 'elsewhere'; connection.close()",
        "connection.cursor().execute('SELECT 1')",
    ),
    "another database in the settings": (
        "settings.DATABASES['default']['NAME'] = 'elsewhere'; connections.close_all()",
        "connection.cursor().execute('SELECT 1')",
    ),
    "a transaction that goes on": (
        "transaction.atomic().__enter__()",
        "assert not connection.in_atomic_block and connection.get_autocommit()",
    ),
    "no autocommit": (
        "connection.cursor(); connection.set_autocommit(False)",
        "assert connection.get_autocommit()",
    ),
    "stdout": (
        "import io; sys.stdout = io.TextIOWrapper(sys.__stdout__.buffer)",
        "self.stdout.write('x'); print('y')",
    ),
    "the environment": (
        "os.environ['PGDATABASE'] = 'no'",
        "assert os.environ.get('PGDATABASE') != 'no'",
    ),
}
CHECK = """
def check_settings():
    assert settings.DEBUG is True
    assert not hasattr(settings, 'NEW')
"""


@pytest.mark.parametrize("name", SPOILERS)
def test_what_a_command_changed_does_not_reach_the_next(
    site: Site, database: Database, name: str
) -> None:
    """trap: translation.activate and the like reached the next command"""
    spoil, check = SPOILERS[name]
    site.write("shop/management/commands/spoils.py", COMMAND.format(body=spoil))
    site.write("shop/management/commands/sees.py", COMMAND.format(body=check) + CHECK)
    told = site.told(database, [{"cmd": "spoils"}, {"cmd": "sees"}])
    said = told("cronrun")
    assert runs(database) == [("spoils", None), ("sees", None)], said.stderr
    assert said.returncode == 0
