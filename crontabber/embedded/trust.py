"""Directories that only we can change, and files in them that are no links."""

import contextlib
import errno
import grp
import os
import pwd
import stat
from pathlib import Path

from ..errors import ConfigError

_MOST_LINKS = 40
"""As many symbolic links as Linux follows on the way to one file."""


def private_directory(path: Path, mode: int | None = None) -> Path:
    """Return *path* as an absolute path without symbolic links, if only we can change it.

    With *mode*, missing directories are created. Raises `ConfigError` for a directory
    that is not ours or that others may write to, and for one on the way to it that another
    user could replace; `OSError` for what cannot be created or read.

    A directory that another user has prepared may hold a link in place of any file that we
    write. If they can rename it, they can replace it by such a one at any moment.
    """
    rest, step, links = [*reversed((Path.cwd() / path).parts)], Path(), 0
    while rest:
        parent, step = step, step / rest.pop()
        found = _look(step, mode)
        if stat.S_ISLNK(found.st_mode):
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            _check(step, found)
            rest.extend(reversed(step.readlink().parts))
            step = parent
        else:
            _check(step, found, last=not rest)
    return step


def _look(step: Path, mode: int | None) -> os.stat_result:
    """Return `lstat` of *step*; create a directory there if it is missing."""
    if mode is not None and not os.path.lexists(step):
        with contextlib.suppress(FileExistsError):  # another process has just made it
            step.mkdir(mode)
    return step.lstat()


def _check(step: Path, found: os.stat_result, *, last: bool = False) -> None:
    """Raise `ConfigError` if another user can change what is in *step*, or where it leads."""
    ours = {os.geteuid()} if last else {os.geteuid(), 0}
    if found.st_uid not in ours:
        raise ConfigError(
            f"data_directory: {step} belongs to {_name(found.st_uid)}, who could prepare its "
            "contents: name a directory that only you may change"
        )
    if stat.S_ISLNK(found.st_mode):
        return
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(step))
    if _is_open(found, last=last):
        raise ConfigError(
            f"data_directory: others may write to {step} (mode {stat.S_IMODE(found.st_mode):o}): "
            f"run chmod go-w {step}, or name another directory"
        )


def _is_open(found: os.stat_result, *, last: bool) -> bool:
    """Whether users other than the owner may replace what is in a directory.

    A directory on the way may have the sticky bit, like /tmp: then only the owner of a file
    can rename it. It may let a group write whose only member is its owner, as with umask 002.
    """
    mode = found.st_mode
    if last:
        return bool(mode & (stat.S_IWGRP | stat.S_IWOTH))
    if mode & stat.S_ISVTX:
        return False
    return bool(mode & stat.S_IWOTH or (mode & stat.S_IWGRP and not _is_alone(found)))


def _is_alone(found: os.stat_result) -> bool:
    """Whether the group of a file is the owner's own: it has that name and no other members."""
    try:
        owner, group = pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid)
    except KeyError:
        return False
    return group.gr_name == owner and {*group.gr_mem} <= {owner}


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def open_plainly(path: Path, flags: int) -> int:
    """Open a regular file; a link, a pipe or a device raises `OSError`, and nothing waits."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"{path.name} is not a regular file", str(path))
    return descriptor


def read_plainly(path: Path, most: int = 1 << 16) -> str:
    """Return the text at the end of a regular file, *most* bytes of it."""
    with os.fdopen(open_plainly(path, os.O_RDONLY), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - most))
        return file.read(most).decode(errors="replace")
