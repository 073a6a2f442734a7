"""All SQL of crontabber: a file of named statements, and the numbered migrations."""

import functools
import re
from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).parent
_BLOCK = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^ *--.*\n", re.MULTILINE)


@functools.cache
def load_queries() -> Mapping[str, str]:
    """The named statements of ``queries.sql``, without comments, shared parts filled in."""
    text = (_FOLDER / "queries.sql").read_text(encoding="utf-8")
    blocks = {name: _COMMENT.sub("", body).strip() for name, body in _BLOCK.findall(text)}
    return {
        name: body.replace("{state_columns}", blocks["state_columns"]).replace(
            "{assignments}", blocks["assignments"]
        )
        for name, body in blocks.items()
    }


def load_migrations() -> list[str]:
    """The numbered migrations, in their order; each may be run again without harm."""
    return [path.read_text(encoding="utf-8") for path in sorted(_FOLDER.glob("0*.sql"))]
