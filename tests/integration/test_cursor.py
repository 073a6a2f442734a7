"""The cursor of crontabber's own statements: each value reaches the server as it is."""

import contextlib

import pytest

from crontabber.database.cursor import OwnCursor
from tests.support import Database

TEXTS = [
    "",
    "app-1",
    "it's",
    "''",
    "'; DROP TABLE crontabber; --",
    "\\",
    "\\'",
    "a\nb",
    "%s",
    "é",
    "日",
]


@pytest.mark.parametrize("conforming", ["on", "off"])
def test_every_text_arrives_as_it_is(database: Database, conforming: str) -> None:
    with (
        contextlib.closing(database.connect()) as connection,
        connection.cursor(cursor_factory=OwnCursor) as cursor,
    ):
        cursor.execute(f"SET standard_conforming_strings = {conforming}")
        for text in TEXTS:
            cursor.execute("SELECT %(text)s::text", {"text": text})
            assert cursor.fetchall() == [(text,)]
        with pytest.raises(ValueError, match="NUL"):
            cursor.execute("SELECT %(text)s", {"text": "a\0b"})
