"""A job that is a command: what runs it, in the form of an app class."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple


class CommandOptions(NamedTuple):
    """What the section of a command says of it."""

    command: str
    directory: str = ""
    environment: Mapping[str, str] = MappingProxyType({})
    environment_file: str = ""
    nice: int | None = None
    success_codes: frozenset[int] = frozenset({0})
    shell: str = "/bin/sh"
    keep_output: int = 16384


def command_app(app_name: str, options: CommandOptions, *, backfill: bool) -> type:
    """The app class of a command."""

    class CommandApp:
        def __init__(self, config: Any, job_information: Any = None) -> None:
            self.config = config

        before_commit = None
        is_backfill = backfill

        def main(self, slots: Iterable[datetime]) -> Iterator[datetime]:
            for slot in slots:
                done = subprocess.run(
                    [options.shell, "-c", options.command],
                    cwd=options.directory or None,
                    check=False,
                )
                if done.returncode not in options.success_codes:
                    raise RuntimeError(f"exit status {done.returncode}")
                yield slot

    CommandApp.app_name = app_name  # type: ignore[attr-defined]
    return CommandApp
