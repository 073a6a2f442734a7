"""A Django project, made by the steps of ``docs/django.md``, and its ``manage.py`` as a process."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import ROOT, Command, Database

CHAPTER = ROOT / "docs" / "django.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\S+\.py)\n")

# The database of the test, in place of the one in the docs.
_HERE = """
import os
DATABASES["default"]["NAME"] = os.environ["PGDATABASE"]
"""


class Site(Command):
    """``manage.py`` of a project; what it logs is on stderr."""

    def __init__(self, directory: Path, database: Database, settings: str = "mysite.settings"):
        super().__init__(directory)
        self.database = database
        self.settings = settings

    def line(self, *arguments: str) -> list[str]:
        return [sys.executable, "-W", "error", "manage.py", *arguments]

    def environ(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        here = {"DJANGO_SETTINGS_MODULE": self.settings, **self.database.environ()}
        return super().environ({**here, **(more or {})})

    def told(self, database: Database, jobs: Any, more: str = "") -> "Site":
        """The same project on another database, with other jobs, and *more* settings."""
        name = f"settings_{database.dbname}"
        text = f"from .settings import *\nCRONTABBER_JOBS = {jobs!r}\n{more}\n"
        (self.directory / "mysite" / f"{name}.py").write_text(text)
        return Site(self.directory, database, f"mysite.{name}")

    @contextmanager
    def started(self, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """The command while it runs; it does not outlive the block."""
        with self.popen(*arguments) as process:
            try:
                yield process
            finally:
                process.kill()

    def ok(self, *arguments: str, **options: Any) -> str:
        """Run the command; it must succeed, and this is all that it said."""
        done = self(*arguments, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


def blocks(language: str) -> Iterator[str]:
    """The blocks of code in the chapter."""
    for kind, text in _BLOCK.findall(CHAPTER.read_text(encoding="utf-8")):
        if kind == language:
            yield text


def commands(blocks: Iterable[str]) -> Iterator[tuple[list[str], str]]:
    """What is typed in *blocks*, as words, with what is said to be printed then."""
    for block in blocks:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            yield shlex.split(line), shown


def write_files(directory: Path) -> None:
    """Do to a new project what the blocks of Python say: each names its file."""
    for text in blocks("py"):
        match = _FILE.match(text)
        assert match, f"a block without a file: {text}"
        path = directory / match[1]
        with path.open("a") as file:
            file.write(text)
            if path.name == "settings.py":
                file.write(_HERE)
