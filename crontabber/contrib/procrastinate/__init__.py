"""Procrastinate as the engine: a tick hands due jobs over, workers on any number of hosts run them.

``procrastinate --app=crontabber.contrib.procrastinate.app worker`` is a worker; the variable
``CRONTABBER_CONF`` says where its configuration is. `configure` and `defer` run an app once,
beside its schedule.
"""

import atexit
import logging
from functools import cache
from typing import TYPE_CHECKING, Any

from ...errors import ConfigError, CrontabberError

if TYPE_CHECKING:
    from procrastinate.jobs import JobDeferrer

    from .application import Application

__all__ = ["app", "configure", "defer", "procrastinate_app"]


def procrastinate_app(*arguments: str) -> "Application":
    """A Procrastinate app for the configuration that the command's *arguments* name.

    Without ``--admin.conf=…`` among them it is that of ``CRONTABBER_CONF``. Raises
    `ConfigError`.
    """
    from .settings import load

    settings = load(arguments)
    try:
        from .application import Application
    except ImportError as error:
        raise ConfigError(
            f"procrastinate cannot be imported: {error}; pip install 'crontabber[procrastinate]'"
        ) from error
    return Application(settings, arguments)


def configure(job: str | type, **options: Any) -> "JobDeferrer":
    """Return an object whose ``defer(**arguments)`` runs an app once.

    *job* is an app class, or the app_name or class path of a job that is listed. The
    *options* are those of Procrastinate's ``Task.configure``: ``schedule_at``,
    ``schedule_in``, ``queue``, ``priority``, ``lock`` … The arguments reach ``run`` by
    name; those that ``run`` does not take are a `ConfigError`. Raises `UnknownJobError` and
    `ConfigError`.
    """
    return _opened().configure_run(job, **options)


def defer(job: str | type, **arguments: Any) -> int:
    """Run an app once, as soon as a worker can; return its number in Procrastinate's table.

    Raises what `configure` does.
    """
    return int(configure(job).defer(**arguments))


@cache
def _app() -> "Application":
    return procrastinate_app()


@cache
def _opened() -> "Application":
    """That app, with its own connections until the process ends."""
    opened = _app()
    opened.open()
    atexit.register(opened.close)
    return opened


def __getattr__(name: str) -> Any:
    """``app``: that of ``CRONTABBER_CONF``, which is read when it is first used."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return _app()
    except CrontabberError as error:
        # procrastinate's command only says that there is no app
        logging.getLogger("crontabber").critical("crontabber: %s", error)
        raise AttributeError(str(error)) from error
