"""Files that others read while we write them."""

import os
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


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A file that only its owner can read, which replaces *path* when it is written.

    If anything is raised meanwhile, what was there stays. Raises OSError.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
