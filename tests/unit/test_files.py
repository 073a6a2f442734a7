"""Files that others read while we write them: as a whole or not at all, and nothing but files."""

import os
from pathlib import Path

import pytest

from crontabber.process.files import replace


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "report.html"


def test_a_file_is_replaced_as_a_whole(path: Path) -> None:
    replace(path, "one")
    before = path.open()
    replace(path, "two")
    with before:
        assert before.read() == "one"
    assert path.read_text() == "two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["link", "link to nothing", "pipe", "directory"])
def test_what_is_no_file_stays(path: Path, kind: str) -> None:
    """/dev/null, /dev/stdout and /dev/full were replaced by files, for the whole host."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(__file__ if kind == "link" else "nothing")
    before = path.lstat()
    with pytest.raises(OSError, match="it is a directory, a link or a device, and stays as it is"):
        replace(path, "text")
    assert path.lstat() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_path_that_can_be_none_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="null"):
        replace(Path("a\0b"), "text")
