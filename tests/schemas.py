"""Documents are read by the JSON Schema of the package, and may have no field that it lacks."""

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

import crontabber

SCHEMA = Path(crontabber.__file__).parent / "views" / "crontabber-1.schema.json"


def conforming(text: str) -> dict[str, Any]:
    """A document that is as the schema has it; an AssertionError says what is not."""
    read = json.loads(text)
    faults = [f"{error.json_path}: {error.message}" for error in _validator().iter_errors(read)]
    assert not faults, "; ".join(faults)
    return dict(read)


@functools.cache
def _validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(_closed(schema))


def _closed(schema: Any) -> Any:
    """The schema, without the fields that others may ignore: ours have to be described."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    return {"additionalProperties": False, **closed} if "properties" in schema else closed
