"""The verbs that test the configuration: ``--configtest`` and ``--sentrytest``."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from ..config.converters import ENGINES
from ..config.messages import did_you_mean
from ..database import libpq
from ..errors import ConfigError, StoreError
from ..generic_app import Answer, GenericApp
from ..reporters.dsn import Dsn
from ..views.configtest import report


def configtest(app: GenericApp) -> Answer:
    """Check the whole configuration; the exit status is the number of faults.

    The database is asked only for parents that are not in the configuration.
    """
    settings = app.settings
    catalogue = app.catalogue
    of_lines = catalogue.import_all()
    configs, of_options, _ = settings.app_configs(catalogue.classes)
    faults = [*of_lines, *of_options.values(), *app.middleware()[1], *_connections(app)]
    if settings.engine:
        faults += import_module(ENGINES[settings.engine]).faults(catalogue.classes).values()
    usable = {path: cls for path, cls in catalogue.classes.items() if path in configs}
    warnings = [*settings.check(usable), *_unknown_parents(app)]
    return Answer(report(faults, warnings, len(catalogue.classes)), min(len(faults), 125))


def sentrytest(app: GenericApp) -> Answer:
    """Send a test exception to Sentry; raises ConfigError if it does not get there."""
    return Answer(app.sentry().send_test())


def _connections(app: GenericApp) -> Iterator[ConfigError]:
    """What is wrong with where the database and Sentry are said to be."""
    try:
        for fault in libpq.faults(_parameters(app.database)):
            yield ConfigError(f"the database cannot be reached: {fault}")
    except ConfigError as error:
        yield error
    try:
        if app.settings.sentry_dsn:
            Dsn.parse(app.settings.sentry_dsn)
    except ConfigError as error:
        yield error


def _parameters(database: Any) -> libpq.Parameters:
    """What libpq is told, by a factory that can say so."""
    return database.parameters() if hasattr(database, "parameters") else {}


def _unknown_parents(app: GenericApp) -> Iterator[str]:
    apps = app.catalogue.apps
    names = {app.app_name for app in apps}
    missing = [(each, name) for each in apps for name in each.depends_on if name not in names]
    if not missing:
        return
    try:
        stored = set(app.store.look(None).states)
        where = "neither in this configuration nor in the database"
    except StoreError:
        stored = set()
        where = "not in this configuration, and the database could not be asked"
    for each, name in missing:
        if name not in stored:
            yield f"{each.app_name} depends on {name}, which is {where}{did_you_mean(name, names)}"
