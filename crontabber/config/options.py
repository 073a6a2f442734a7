"""The options of the command itself: their names, defaults, converters and one-line docs.

What the command line alone can ask for is in `command_options`, made from `commands`; what a
file, the environment or the command line can set is in `setting_options`. The options of the
database come from the ``database_class``, those of the jobs from their classes.
"""

import functools
from typing import Any

from ..schedule.grammar import duration_text
from . import compat  # noqa: F401  configman cannot be imported before
from .commands import COMMANDS
from .converters import (
    LINE_FORMATS,
    engine,
    facility,
    hours,
    jobs_text,
    jobs_to_str,
    lateness,
    line_format,
    log_level,
    nagios_separators,
    names_text,
    port,
    seconds,
    some_seconds,
    timezone,
    yes_or_no,
)
from .loader import load_database_class
from .telling import notify_options, otel_options, tell_options
from .web import web_options

from configman import Namespace

DATABASE = "resource.postgresql"
"""The section with the options that all users of the database share."""
NAGIOS_TIMEOUT = 8.0
"""Seconds: less than the ten that check_nrpe waits by default."""
APP_SECTION = "crontabber.class-"
"""What the namespace of an app begins with; the name of its class follows."""

JOB = "job."
"""What the names of options in the section of a job begin with; the name of the job follows."""
WHAT_TO_RUN = ("command", "class")
"""The options that make such a section a job: it needs one of them."""
JOB_SECTION = "crontabber.job-"
"""The same for an app that the section of a job makes; the name of the job follows."""


def has_optional_value(option: Any) -> bool:
    """Whether an option may be given a value, ``--init=DIR``, or none, ``--init``.

    Its value is in brackets in `commands`. Its field of `Command` is False, the text after
    ``=``, or True without one.
    """
    return option.default is False and option.from_string_converter is str


@functools.cache
def command_options() -> Namespace:
    """What only the command line can ask for; see `commands`. Read it, do not change it."""
    options = Namespace()
    for option in COMMANDS:
        options.add_option(
            option.name,
            default="" if option.value and not option.is_optional else False,
            from_string_converter=str if option.value else None,
            doc=option.doc,
            short_form=option.short,
            exclude_from_print_conf=True,
            exclude_from_dump_conf=True,
            foreign_data=option,
        )
    return options


@functools.cache
def setting_options() -> Namespace:
    """What a file, the environment or the command line can set. Read it, do not change it."""
    options = Namespace()
    for add_section in (_admin, _crontabber, _logging, _sentry):
        name = add_section.__name__[1:]
        add_section(options.namespace(name))
    notify_options(options.namespace("notify"))
    otel_options(options.namespace("otel"))
    web_options(options.namespace("web"))
    return options


def _admin(section: Namespace) -> None:
    section.add_option("conf", default="", doc="the configuration file to read")
    section.add_option("dump_conf", default="", doc="write the configuration to this file")
    section.add_option(
        "print_conf", default="", doc="print the configuration in this form: ini, json"
    )
    section.add_option(
        "strict",
        default=False,
        from_string_converter=yes_or_no,
        doc="treat unknown options as errors, not as warnings",
    )


def _crontabber(section: Namespace) -> None:
    section.add_option(
        "jobs",
        default="",
        from_string_converter=jobs_text,
        to_string_converter=jobs_to_str,
        doc="the jobs, one per line: package.module.Class|5m, or a section [job] [[NAME]]: NAME|5m",
    )
    section.add_option(
        "pythonpath",
        default="",
        doc="directories with the modules of jobs, separated by colons; empty: that of this file",
    )
    section.add_option(
        "error_retry_time",
        default=300,
        from_string_converter=seconds,
        doc="how many seconds a failed job waits before it is retried",
    )
    section.add_option(
        "max_ongoing_age_hours",
        default=12.0,
        from_string_converter=hours,
        doc="after how many hours a run that an older crontabber left ongoing is taken for dead",
    )
    _health(section)
    tell_options(section)
    section.add_option(
        "patience",
        default=300.0,
        from_string_converter=seconds,
        doc="how many seconds a result waits to be recorded while the database is away or locked",
    )
    section.add_option(
        "engine",
        default="",
        from_string_converter=engine,
        doc="who runs the due jobs: procrastinate; empty: the tick itself",
    )
    _around_jobs(section)


def _around_jobs(section: Namespace) -> None:
    """The options around the jobs: middleware, time zone, database."""
    section.add_option(
        "middleware",
        default="",
        from_string_converter=names_text,
        doc="functions that wrap every run, the first outermost: package.module.function, …",
    )
    section.add_option(
        "timezone",
        default="",
        from_string_converter=timezone,
        doc="the time zone of the schedules; empty: that of the PostgreSQL server",
    )
    section.add_option(
        "tables_owner",
        default="",
        doc="a role trusted to own the tables, besides us, the database's owner and superusers",
    )
    section.add_option(
        "database_class",
        default="crontabber.connection_factory.ConnectionFactory",
        from_string_converter=load_database_class,
        reference_value_from=DATABASE,
        doc="the class that connects to the database",
    )


def _health(section: Namespace) -> None:
    """The options of `_crontabber` for monitoring."""
    section.add_option(
        "late",
        default="1h",
        from_string_converter=lateness,
        to_string_converter=duration_text,
        doc="how late a job may be before --nagios reports it, such as 1h30m; an app's own wins",
    )
    section.add_option(
        "nagios_timeout",
        default=NAGIOS_TIMEOUT,
        from_string_converter=some_seconds,
        doc="within how many seconds --nagios answers; --nagios-timeout for short",
    )
    section.add_option(
        "nagios_separators",
        default="nagios",
        from_string_converter=nagios_separators,
        doc="what separates the values of --nagios: nagios (| begins performance data) or manual",
    )
    section.add_option(
        "nagios_role",
        default="",
        doc="the database role that runs the jobs, whose rights --nagios checks; empty: its own",
    )


def _logging(section: Namespace) -> None:
    section.add_option(
        "stderr_error_logging_level",
        default=30,
        from_string_converter=log_level,
        doc="the lowest level that is logged to stderr: 10 DEBUG, 20 INFO, 30 WARNING, 40 ERROR",
    )
    section.add_option(
        "stderr_line_format_string",
        default=LINE_FORMATS[0],
        from_string_converter=line_format,
        doc="the format of a line on stderr",
    )
    section.add_option("syslog_host", default="", doc="the host of syslog; empty: no syslog")
    section.add_option(
        "syslog_port", default=514, from_string_converter=port, doc="the UDP port of syslog"
    )
    section.add_option(
        "syslog_facility_string",
        default="user",
        from_string_converter=facility,
        doc="the facility of syslog",
    )
    section.add_option(
        "syslog_error_logging_level",
        default=40,
        from_string_converter=log_level,
        doc="the lowest level that is logged to syslog",
    )
    section.add_option(
        "syslog_line_format_string",
        default=LINE_FORMATS[1],
        from_string_converter=line_format,
        doc="the format of a line in syslog",
    )


def _sentry(section: Namespace) -> None:
    section.add_option(
        "dsn", default="", secret=True, doc="where to send the exceptions of jobs; empty: nowhere"
    )
    section.add_option(
        "crons",
        default=False,
        from_string_converter=yes_or_no,
        doc="whether runs check in, so that Sentry alerts on missed jobs; needs sentry-sdk",
    )
