"""What the tests of the Django app share: a project, and commands that show something."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.contrib_django.site import Site, blocks, commands, write_files
from tests.support import Database

NEEDED = "Django is not installed: pip install 'crontabber[django]'"

_COMMANDS = {
    "talk": """\
        import logging, sys
        from django.core.management.base import BaseCommand
        class Command(BaseCommand):
            def add_arguments(self, parser):
                parser.add_argument("words", nargs="*")
                parser.add_argument("--count", type=int, default=0)
                parser.add_argument("--loud", action="store_true")
            def handle(self, *, words, count, loud, **options):
                print("printed", words, count + 1, loud)
                print("to stderr", file=sys.stderr)
                self.stdout.write(self.style.SUCCESS("one\\ntwo"))
                self.stderr.write("an error")
                logging.getLogger("shop").warning("logged")
                self.stdout.write("no end", ending="")
        """,
    "dates": """\
        from django.core.management.base import BaseCommand
        class Command(BaseCommand):
            def add_arguments(self, parser):
                parser.add_argument("--run-time", required=True)
                parser.add_argument("--last-success", required=True)
            def handle(self, *, run_time, last_success, **options):
                self.stdout.write(f"{run_time}|{last_success}")
        """,
    "wait": """\
        import time
        from django.core.management.base import BaseCommand
        class Command(BaseCommand):
            def handle(self, **options):
                self.stdout.write("begun")
                time.sleep(60)
        """,
    "fail": """\
        from django.core.management.base import BaseCommand
        class Command(BaseCommand):
            def handle(self, **options):
                raise ValueError("<b>no\\x1b[31m luck</b>")
        """,
}


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the docs, with a few more commands."""
    if not find_spec("django"):
        pytest.skip(NEEDED)
    directory = tmp_path_factory.mktemp("project")
    [admin, app, make, *_] = [words for words, _ in commands(blocks("console"))]
    assert admin[0] == "django-admin"
    assert app[:3] == ["python", "manage.py", "startapp"]
    for words in ([sys.executable, "-m", "django", *admin[1:]], [sys.executable, *app[1:]], make):
        subprocess.run(words, cwd=directory, check=True)
    write_files(directory)
    site = Site(directory, Database("", 0, "", ""))
    for name, text in _COMMANDS.items():
        site.write(f"shop/management/commands/{name}.py", text)
    return directory


@pytest.fixture
def site(project: Path, database: Database) -> Site:
    """The project, on a database of its own."""
    return Site(project, database)
