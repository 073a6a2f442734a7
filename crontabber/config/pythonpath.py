"""The option ``pythonpath``: where to look for modules of jobs besides ``PYTHONPATH``."""

# pathlib would be several milliseconds of a tick
# ruff: noqa: PTH111, PTH112, PTH116, PTH118

import os
import stat
import sys
from collections.abc import Iterator

from ..errors import ConfigError
from .sources import Sources

OPTION = "crontabber.pythonpath"
_INSTALLED = ("site-packages", "dist-packages")


def extend(sources: Sources) -> str:
    """Make Python look for modules there too; harmless when called again.

    The directories come after ``PYTHONPATH`` and Python's own modules, which a file
    beside the configuration must not replace, and before installed packages. Returns why the
    directory of the configuration is left out, for people; or nothing.
    """
    found, why = _directories(sources)
    new = [directory for directory in found if directory not in sys.path]
    installed = (n for n, path in enumerate(sys.path) if path.rstrip("/").endswith(_INSTALLED))
    place = next(installed, len(sys.path))
    sys.path[place:place] = new
    return why


def faults(sources: Sources) -> Iterator[ConfigError]:
    """What is wrong with the directories that the option names."""
    for directory in _named(sources):
        if not os.path.isdir(directory):
            where = sources.where(OPTION)
            yield ConfigError(f"option {OPTION} (from {where}): there is no directory {directory}")


def warnings(sources: Sources) -> Iterator[str]:
    """What is odd about the directories that the option names, but no error."""
    for directory in filter(_is_open_to_all, _named(sources)):
        yield (
            f"option {OPTION} (from {sources.where(OPTION)}): all users may write to {directory}, "
            "and so can run code as crontabber"
        )


def _directories(sources: Sources) -> tuple[list[str], str]:
    """Where to look, and why not beside the configuration."""
    if named := [*_named(sources)]:
        return named, ""
    if not sources.path:
        return [], ""
    if _is_open_to_all(sources.directory):
        return [], (
            f"{sources.directory} is not searched, because all users may write there: keep the "
            "configuration in another directory, or set pythonpath"
        )
    return [sources.directory], ""


def _named(sources: Sources) -> Iterator[str]:
    for part in sources.texts.get(OPTION, "").split(os.pathsep):
        if part.strip():
            path = os.path.join(sources.directory, os.path.expanduser(part.strip()))
            yield os.path.normpath(path)


def _is_open_to_all(directory: str) -> bool:
    """Whether others than the owner and the group may add files.

    The owner and the group may replace the configuration itself.
    """
    try:
        return bool(os.stat(directory).st_mode & stat.S_IWOTH)
    except OSError:
        return False
