"""The verbs that test the configuration: ``--configtest`` and ``--sentrytest``."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from ..config.converters import ENGINES
from ..config.messages import did_you_mean
from ..config.options import DATABASE
from ..config.settings import Settings
from ..database import libpq
from ..errors import MOST_FAULTS, ConfigError, StoreError
from ..generic_app import Answer, GenericApp
from ..reporters.dsn import Dsn
from ..schedule.findings import Access, Problem
from ..store import Snapshot
from ..views.configtest import report

_PATIENCE = 30.0
"""For how many seconds a person waits for a test message to arrive."""
_JOB_LINE = re.compile("job line '(.*?)': ")


def configtest(app: GenericApp, form: str = "") -> Answer:
    """Check the whole configuration; the exit status is the number of faults.

    It asks the database for the rights of the role that runs the jobs, and for parents that
    are not in the configuration; an unreachable database is no fault of the configuration.
    """
    settings = app.settings
    catalogue = app.catalogue
    of_lines = catalogue.import_all()
    configs, of_options, _ = settings.app_configs(catalogue.classes)
    judged, warnings = settings.judge(catalogue.classes)
    faults = [*judged, *_with_places(app, of_lines)]
    faults += [fault for error in of_options.values() for fault in error.faults]
    faults += [*app.middleware()[1], *_connections(app), *_of_apps(configs.values())]
    access = _access(app)
    found = [(": ".join(each.parts), each.problem) for each in access.findings()]
    faults += [ConfigError(text) for text, problem in found if problem is Problem.DENIED]
    if settings.engine:
        faults += import_module(ENGINES[settings.engine]).faults(catalogue.classes).values()
    if not (catalogue.classes or faults):
        faults = [*_no_jobs(settings)]
    faults = list({str(fault): fault for fault in faults}.values())
    warnings = (*warnings, *settings.exposed(catalogue.classes), *_unknown_parents(app))
    warnings += tuple(text for text, problem in found if problem is not Problem.DENIED)
    warnings = (*warnings, *_odd_schedules(app, access.zone))
    code = min(len(faults), MOST_FAULTS)
    if form == "json":
        return Answer(_document(app, faults, warnings), code)
    return Answer(report(faults, warnings, len(catalogue.classes)), code)


def _document(app: GenericApp, faults: Iterable[ConfigError], warnings: Iterable[str]) -> str:
    """The faults as a document; the jobs are those that can be used."""
    from ..process.clock import utc_now
    from ..views.configtest import report_document

    zone = app.settings.timezone
    snapshot = Snapshot(utc_now(), str(zone or "UTC"), {})  # the database may be unreachable
    jobs = app.jobs(snapshot).imported().jobs
    texts = [str(fault) for fault in faults], [*warnings]
    return report_document(
        jobs, *texts, snapshot.now, str(zone) if zone else None, origin=app.origin
    )


def _no_jobs(settings: Settings) -> Iterator[ConfigError]:
    try:
        settings.require_jobs()
    except ConfigError as error:
        yield error


def _with_places(app: GenericApp, faults: Iterable[ConfigError]) -> Iterator[ConfigError]:
    """*faults*, those of job lines with the place of the line."""
    for fault in faults:
        line = _JOB_LINE.match(str(fault))
        place = line and app.settings.where_in_jobs(line[1])
        yield ConfigError(f"{place}: {fault}") if place else fault


def sentrytest(app: GenericApp) -> Answer:
    """Send a test exception to Sentry; raises ConfigError if it does not arrive."""
    return Answer(app.sentry().send_test())


def notifytest(app: GenericApp) -> Answer:
    """Send a test message to all receivers in ``[notify]``; a `ConfigError` if one fails."""
    from ..reporters.budget import Budget
    from ..reporters.courier import Courier
    from ..reporters.distant import whom_of
    from ..reporters.notify import NotifyReporter

    whom = whom_of(app.settings.tell)
    courier = Courier(Budget(_PATIENCE))
    return Answer(NotifyReporter(courier, lambda _: whom, app.redact).test(whom))


def _connections(app: GenericApp) -> Iterator[ConfigError]:
    """What is wrong with the addresses of the database and of Sentry."""
    where = app.settings.where
    try:
        for fault in _refused(app.database):
            name = fault.partition(" ")[0]
            own, common = f"crontabber.{name}", f"{DATABASE}.{name}"
            place = where(own, common, "crontabber.dsn", f"{DATABASE}.dsn")
            if name in libpq.FILES.values():  # no file of ours says so
                place = ""
            yield ConfigError(f"the database cannot be reached: {fault}{place and f': {place}'}")
    except ConfigError as error:
        place = where("crontabber.dsn", f"{DATABASE}.dsn")
        yield ConfigError(f"{error}{place and f': {place}'}")
    try:
        if app.settings.sentry_dsn:
            Dsn.parse(app.settings.sentry_dsn)
    except ConfigError as error:
        place = where("sentry.dsn")
        yield ConfigError(f"{error}{place and f': {place}'}")


def _of_apps(configs: Iterable[Any]) -> Iterator[ConfigError]:
    """What is wrong with the addresses of the databases of apps."""
    for config in configs:
        for resource in filter(lambda name: isinstance(config[name], Mapping), set(config)):
            cls = config[resource].get(f"{resource}_class")
            if hasattr(cls, "parameters"):
                yield from _of_resource(cls, config[resource], resource)


def _of_resource(cls: Any, config: Any, resource: str) -> Iterator[ConfigError]:
    try:
        for fault in _refused(cls(config)):
            yield ConfigError(f"{resource} cannot be reached: {fault}")
    except ConfigError as error:
        yield error


def _refused(database: Any) -> Iterator[str]:
    """What libpq would refuse, for a factory that knows libpq's parameters."""
    if not hasattr(database, "parameters"):
        return
    from ..database.driver import refused_by_libpq, unknown_to_libpq

    parameters = database.parameters()
    found = [*libpq.faults(parameters), *unknown_to_libpq(parameters)]
    yield from found or refused_by_libpq(parameters)  # which repeats some of them
    yield from libpq.missing_files(parameters)


def _access(app: GenericApp) -> Access:
    """Which rights the jobs lack in the database, and its zone, if it can be asked."""
    with suppress(ConfigError, StoreError):
        return app.store.access(app.settings.nagios.role)
    return Access()


def _odd_schedules(app: GenericApp, zone: str) -> Iterator[str]:
    """What may surprise about the schedules of the jobs that can be used."""
    from ..process.clock import utc_now
    from ..schedule.lint import oddities

    now = utc_now()
    with suppress(ConfigError):  # for a zone that is not known here, which each tick reports
        yield from oddities(app.jobs(Snapshot(now, zone, {})).imported().jobs, now)


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
