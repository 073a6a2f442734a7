"""What tests of apps need: an app made from its class as the command makes it."""

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from crontabber.config import compat  # noqa: F401  configman cannot be imported before
from tests.support import Database

from configman import ConfigurationManager, Namespace

SLOT = datetime(2026, 11, 21, 3, tzinfo=timezone.utc)


def configured(cls: type, options: Mapping[str, object] | None = None) -> Any:
    """The config of a class, under ``crontabber.class-NAME`` as the command has it.

    *options* are set by their dotted names, or for this class alone by ``class.`` and
    the rest of it.
    """
    section = f"crontabber.class-{cls.__name__}"
    definition = Namespace()
    definition.add_option(f"{section}.cls", default=cls)
    values = {
        name.replace("class.", f"{section}.", 1) if name.startswith("class.") else name: value
        for name, value in (options or {}).items()
    }
    manager = ConfigurationManager(
        [definition], [values], use_auto_help=False, use_admin_controls=False, argv_source=[]
    )
    config = manager.get_config()
    config[section].__dict__["root"] = config  # its parent is held by weak references only
    return config[section]


def options_of(database: Database) -> dict[str, object]:
    """The settings in ``[resource] [[postgresql]]`` that lead to a database."""
    return {f"resource.postgresql.{name}": str(value) for name, value in database._asdict().items()}


def make(cls: type, database: Database | None = None, **options: object) -> Any:
    """An app, with options set as `configured` says; a double underscore is a dot."""
    named = {name.replace("__", "."): value for name, value in options.items()}
    return cls(configured(cls, {**(options_of(database) if database else {}), **named}))


def run(app: Any, *slots: datetime) -> list[datetime]:
    """Run an app for its slots, or for one, and return what it says it did."""
    return list(app.main(slots or (SLOT,)))
