"""Files that others read while we write them."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


def replace(path: Path, text: str) -> None:
    """Replace the file atomically, so that no reader sees half of it.

    All users may read it: its readers, such as a web server, have users of their own. Raises
    OSError.
    """
    with replacing(path) as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(text)


def is_free(path: Path) -> bool:
    """Whether *path* is a regular file, which can be replaced, or nothing yet. Raises OSError."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return True
    except ValueError as error:  # a NUL
        raise OSError(errno.EINVAL, str(error)) from None


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A file that only its owner can read, which replaces *path* when it is written.

    If anything is raised meanwhile, what was there stays. Raises OSError, also if *path* is a link
    or a device: to replace it would take ``/dev/null`` from the whole host.
    """
    if not is_free(path):
        raise OSError(errno.EEXIST, "it is a directory, a link or a device, and stays as it is")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
