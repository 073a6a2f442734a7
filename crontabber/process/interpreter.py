"""What Python itself keeps for the process, and is more than a name in a module."""

import decimal
import gc
import locale
import logging
import os
import sys
import time
from typing import Any

from .things import Attribute, InModule, Names, Thing, are_same

_environ, _environb = os.environ, os.environb
_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)


class Environment(Thing):
    """All variables, and ``os.environ`` itself."""

    def read(self) -> Any:
        """How it is now: as bytes, which need not be decoded."""
        return os.environ, _environ._data.copy()  # type: ignore[attr-defined]  # noqa: SLF001  40 µs less

    def put_back(self, was: Any) -> bool:
        """Restore the variables that there were, and no others."""
        environ, variables = was
        now = _environ._data  # type: ignore[attr-defined]  # noqa: SLF001
        if os.environ is environ and now == variables:
            return False
        os.environ = environ  # noqa: B003  it is the one that there was
        zone = now.get(b"TZ") != variables.get(b"TZ")
        for name in [*now]:
            if name not in variables:
                del _environb[name]
        _environb.update(
            {name: value for name, value in variables.items() if now.get(name) != value}
        )
        if zone:
            time.tzset()  # C may have read it, without Python's knowledge
        return True


class Zone(Thing):
    """The time zone that C and `time` use."""

    def read(self) -> Any:
        """How it is now."""
        return time.tzname, time.timezone, time.altzone

    def write(self, was: Any) -> None:
        """Have C read it from the environment, which is restored before."""
        time.tzset()


class Locale(Thing):
    """The locale, by all its categories."""

    def read(self) -> str:
        """How it is now."""
        return locale.setlocale(locale.LC_ALL)

    def write(self, was: str) -> None:
        """Set it; raises `locale.Error` if the locale is gone."""
        locale.setlocale(locale.LC_ALL, was)


class Decimals(Thing):
    """The context of decimal arithmetic: which one it is, and what it says."""

    def read(self) -> Any:
        """How it is now."""
        context = decimal.getcontext()
        return context, context.copy()

    def put_back(self, was: Any) -> bool:
        """Put back the context, and in it what has changed."""
        context, copy = was
        changed = decimal.getcontext() is not context
        if changed:
            decimal.setcontext(context)
        if _numbers(context) != _numbers(copy):
            changed = True
            for name in ("prec", "rounding", "Emin", "Emax", "capitals", "clamp"):
                setattr(context, name, getattr(copy, name))
            context.traps, context.flags = copy.traps, copy.flags
        return changed


def _numbers(context: decimal.Context) -> tuple[Any, ...]:
    numbers = (context.prec, context.rounding, context.Emin, context.Emax, context.capitals)
    return (*numbers, context.clamp, context.traps, context.flags)


class Filters(InModule):
    """The filters of warnings: which list it is, and what is in it."""

    def _read(self, module: Any) -> Any:
        return module.filters, [*module.filters]

    def write(self, was: Any) -> None:
        """Put the list back, and have Python forget decisions that it made by another."""
        module: Any = sys.modules[self._module]
        module.filters = was[0]
        module.resetwarnings()
        was[0][:] = was[1]


class Collector(Thing):
    """Whether Python collects garbage, and how often."""

    def read(self) -> Any:
        """How it is now."""
        return gc.isenabled(), gc.get_threshold()

    def write(self, was: Any) -> None:
        """Set it."""
        enabled, threshold = was
        (gc.enable if enabled else gc.disable)()
        gc.set_threshold(*threshold)


class Loggers(Thing):
    """The loggers that there were: levels, handlers, filters, whether they are disabled.

    The same for their handlers. Those that a job makes are its own.
    """

    def read(self) -> Any:
        """How it is now."""
        root = logging.root
        found = [root, *root.manager.loggerDict.values()]
        loggers = [_logger(each) for each in found if "level" in each.__dict__]  # or a mere place
        handlers = {id(handler): handler for *_, known in loggers for handler in known[1]}
        return root.manager.disable, loggers, [*map(_handler, handlers.values())], found

    def is_watched(self, was: Any) -> bool:
        """Yes, always: code makes loggers when it is imported."""
        return True

    def is_current(self, was: Any) -> bool:
        """Whether there are the same loggers as there were."""
        root, *others = was[-1]
        return logging.root is root and are_same(others, logging.root.manager.loggerDict.values())

    def put_back(self, was: Any) -> bool:
        """Set those that differ."""
        disabled, loggers, handlers, _ = was
        spoilt = [before for before in handlers if _handler(before[0]) != before]
        for handler, level, formatter, filters in spoilt:
            handler.level, handler.formatter, handler.filters[:] = level, formatter, filters
        changed = [before for before in loggers if _logger(before[0]) != before]
        for logger, level, is_off, propagates, (filters, known) in changed:
            logger.level, logger.disabled, logger.propagate = level, is_off, propagates
            logger.filters[:], logger.handlers[:] = filters, known
        if changed or logging.root.manager.disable != disabled:
            logging.disable(disabled)  # this also forgets what was decided by other levels
            return True
        return bool(spoilt)


def _logger(logger: Any) -> tuple[Any, ...]:
    lists = [*logger.filters], [*logger.handlers]
    return logger, logger.level, logger.disabled, logger.propagate, lists


def _handler(handler: Any) -> tuple[Any, ...]:
    return handler, handler.level, handler.formatter, [*handler.filters]


class LevelNames(Thing):
    """The names of the log levels."""

    def read(self) -> list[str]:
        """How it is now."""
        return [*map(logging.getLevelName, _LEVELS)]

    def write(self, was: list[str]) -> None:
        """Name them."""
        for level, name in zip(_LEVELS, was, strict=True):
            logging.addLevelName(level, name)


_CALLERS = "faulthandler" in sys.modules
"""Whether it was used before any job: then it is not ours to stop."""


class Watchdog(Thing):
    """The timer that dumps all tracebacks, and may end the process: a job's ends with its run."""

    def read(self) -> None:
        """Nothing: it cannot be read."""

    def put_back(self, was: None) -> bool:
        """Stop it."""
        if not _CALLERS and (faulthandler := sys.modules.get("faulthandler")):
            faulthandler.cancel_dump_traceback_later()
        return False


class Tracing(InModule):
    """Whether Python's memory is traced."""

    def __init__(self, module: str, why: str) -> None:
        super().__init__(module, "start", why, label=module)

    def _read(self, module: Any) -> Any:
        return module.is_tracing()

    def write(self, was: Any) -> None:
        """Stop what a job began; what it stopped is lost."""
        if was is not True:
            sys.modules[self._module].stop()


class Connecting(Attribute):
    """How sockets connect; left alone if gevent or the like is in use."""

    def put_back(self, was: Any) -> bool:
        """Put back the very same object."""
        return self.read() is not was and not is_green() and super().put_back(was)


class Clock(Names):
    """The functions that read the clock and sleep; left alone if gevent or the like is in use."""

    def put_back(self, was: Any) -> bool:
        """Put back what has changed."""
        return not is_green() and super().put_back(was)


class Waiting(InModule):
    """How psycopg2 waits; left alone if gevent or the like is in use: its patches are one whole."""

    def _read(self, module: Any) -> Any:
        return module.get_wait_callback()

    def write(self, was: Any) -> None:
        """Set it."""
        if not is_green():
            sys.modules[self._module].set_wait_callback(was)


def is_green() -> bool:
    """Whether a library has replaced how the whole process waits: then all of it stays."""
    return "gevent.monkey" in sys.modules or "eventlet.patcher" in sys.modules
