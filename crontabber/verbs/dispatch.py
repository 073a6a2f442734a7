"""Which verb answers which option. Each is imported when it is asked for."""

from typing import TextIO

from ..config.command import Command
from ..generic_app import Answer, GenericApp


def answer(command: Command, app: GenericApp, stream: TextIO) -> Answer:
    """Do the one verb that *command* asks for; *stream* is where the answer is printed."""
    if command.nagios:
        from .nagios import nagios

        return nagios(app, command.job, command.format)
    if command.add_user:
        return _add_user(app, command.add_user)
    if command.report or command.serve:
        return _pages(command, app, stream)
    return _look(command, app, stream) or _steer(command, app) or _check(command, app)


def _add_user(app: GenericApp, text: str) -> Answer:
    from importlib import import_module

    add_user = import_module("crontabber.contrib.web.add_user").add_user  # a guest
    return add_user(app.settings.web, text)  # type: ignore[no-any-return]


def _pages(command: Command, app: GenericApp, stream: TextIO) -> Answer:
    if command.report:
        from .report import report

        return report(app, command.report)
    from importlib import import_module

    serve = import_module("crontabber.contrib.web.serve").serve  # a guest, which needs an extra
    return serve(app, command, stream)  # type: ignore[no-any-return]


def _look(command: Command, app: GenericApp, stream: TextIO) -> Answer | None:
    from . import look

    if command.status:
        return look.status(app, command.status, stream, command.format)
    if command.explain:
        from . import why

        return why.explain(app, command, stream)
    if command.history or command.dates:
        from . import past

        show = past.history if command.history else past.dates
        return show(app, command, stream)
    if command.preview or command.graph:
        from . import ahead

        look_ahead = ahead.preview if command.preview else ahead.graph
        return look_ahead(app, command, stream)
    if command.list_jobs:
        return look.list_jobs(app, stream, command.list_jobs, command.format)
    return look.audit_ghosts(app, command.format) if command.audit_ghosts else None


def _steer(command: Command, app: GenericApp) -> Answer | None:
    from . import steer

    if command.reset_job:
        return steer.reset_job(app, command.reset_job)
    if command.mark_success:
        return steer.mark_success(app, command.mark_success.split(","), command.at)
    if command.retry:
        return steer.retry(app, command.retry)
    if command.job:
        return steer.run_at(app, command.job, command.run_at, command.run_in)
    return _ask(command, app)


def _ask(command: Command, app: GenericApp) -> Answer | None:
    """Pauses, and requested backfills."""
    from . import backfill, backfills, pause

    if command.pause:
        return pause.pause(app, command.pause, command.for_, command.until, command.why)
    if command.resume:
        return pause.resume(app, command.resume)
    if command.backfill:
        return backfill.ask(app, command)
    if command.cancel_backfill:
        return backfills.cancel(app, command.cancel_backfill)
    return backfills.list_backfills(app, command.format) if command.list_backfills else None


def _check(command: Command, app: GenericApp) -> Answer:
    from . import check

    if command.sentrytest:
        return check.sentrytest(app)
    if command.notifytest:
        return check.notifytest(app)
    return check.configtest(app, command.format)
