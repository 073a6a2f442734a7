"""Functions run as transactions: once, or again and again until the database is back."""

import contextlib
import itertools
import logging
import math
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import TRANSACTION_STATUS_INERROR
from psycopg2.extensions import connection as Connection

from .config import compat  # noqa: F401  configman cannot be imported before
from .config.messages import reason_of
from .process import clock

from configman import Namespace, RequiredConfig

T = TypeVar("T")

logger = logging.getLogger(__name__)

_CHECK = 1.0
"""How many seconds of a wait are between two quit checks."""


class TransactionExecutor(RequiredConfig):  # type: ignore[misc]
    """Runs a function as one transaction."""

    required_config = Namespace()

    def __init__(
        self,
        config: Any,
        connection_factory: Any,
        quit_check_callback: Callable[[], object] | None = None,
    ) -> None:
        """Work with the connections of *connection_factory*.

        *quit_check_callback* is called before each try, and every second of a wait: what
        it raises ends the work. Its return value is ignored.
        """
        self.config = config
        self.connection_factory = connection_factory
        self.quit_check_callback = quit_check_callback

    def _check(self) -> None:
        if self.quit_check_callback:
            self.quit_check_callback()

    def __call__(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call ``function(connection, *args, **kwargs)`` and return what it returns.

        When it returns, its transaction is committed; when it raises, it is rolled back
        and the exception is passed on. The connection comes from the factory, and goes back at
        the end.
        """
        self._check()
        with self.connection_factory() as connection:
            try:
                result = function(connection, *args, **kwargs)
                _commit(connection)
            except BaseException as error:
                with contextlib.suppress(Exception):  # the first error is the one to report
                    connection.rollback()
                if _is_disguised_loss(error, connection):
                    raise psycopg2.OperationalError(str(error)) from error
                raise
            return result


def _commit(connection: Any) -> None:
    if (
        isinstance(connection, Connection)
        and connection.get_transaction_status() == TRANSACTION_STATUS_INERROR
    ):
        # the answer to COMMIT would be ROLLBACK, without an error
        raise errors.InFailedSqlTransaction(
            "the transaction cannot be committed: a statement in it failed, "
            "and the exception was caught"
        )
    connection.commit()


def _is_disguised_loss(error: BaseException, connection: Any) -> bool:
    """Whether *error* is a lost connection in disguise.

    Code that goes on using it, such as the roll-back at the end of ``with connection:``, gets
    an `InterfaceError`. psycopg2 sets ``closed`` to 2 if it was not we who closed it.
    """
    return (
        isinstance(connection, Connection)
        and connection.closed == 2
        and isinstance(error, psycopg2.Error)
        and not isinstance(error, psycopg2.OperationalError)
    )


def _is_operational(factory: Any, error: Exception) -> bool:
    """Whether the same work may succeed later, as a factory of any class says."""
    if hasattr(factory, "is_operational_exception"):
        return bool(factory.is_operational_exception(error))
    return isinstance(error, getattr(factory, "operational_exceptions", ()))


def _unavailable(factory: Any, error: Exception) -> str:
    if hasattr(factory, "unavailable"):
        return str(factory.unavailable(error))
    return f"cannot use the database: {reason_of(error)}"


def _seconds(text: str) -> tuple[float, ...]:
    """Numbers of seconds, separated by commas."""
    delays = tuple(float(part) for part in text.split(","))
    if not all(0 <= delay < math.inf for delay in delays):
        raise ValueError("it holds what is not a number of seconds")
    return delays


def _seconds_to_str(delays: tuple[float, ...]) -> str:
    return ", ".join(f"{delay:g}" for delay in delays)


class _BackoffExecutor(TransactionExecutor):
    """Runs a function as one transaction, and again while the database is away.

    Each try is a new transaction on a new connection, so the function may be called
    several times; what it does outside the database is done as often.
    """

    required_config = Namespace()
    required_config.add_option(
        "backoff_delays",
        default="10, 30, 60, 120, 300",
        doc="how many seconds to wait before the second try, the third, …",
        from_string_converter=_seconds,
        to_string_converter=_seconds_to_str,
    )
    required_config.add_option(
        "wait_log_interval",
        default=10.0,
        doc="how often a wait is logged, in seconds; 0: once, at its start",
    )

    def _delays(self) -> Iterable[float]:
        """How many seconds to wait before each further try."""
        raise NotImplementedError

    def __call__(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call *function* as `TransactionExecutor` does, until the database is back.

        It tries again after the errors that the factory's `is_operational_exception` names, or its
        ``operational_exceptions`` if it has only these; others are passed on at once.
        """
        for delay in self._delays():
            try:
                return super().__call__(function, *args, **kwargs)
            except Exception as error:
                if not _is_operational(self.connection_factory, error):
                    raise
                reason = _unavailable(self.connection_factory, error)
            self._wait(delay, reason)
        return super().__call__(function, *args, **kwargs)

    def _wait(self, seconds: float, reason: str) -> None:
        """Sleep; a signal's handler that raises ends it."""
        interval: float = self.config.wait_log_interval
        interval = interval if interval > 0 else math.inf
        while seconds > 0:
            logger.warning(
                "%s; next try in %g seconds", reason, seconds, extra={"action": "back off"}
            )
            self._sleep(min(seconds, interval))
            seconds -= interval

    def _sleep(self, seconds: float) -> None:
        step = _CHECK if self.quit_check_callback else math.inf
        while seconds > 0:
            self._check()
            clock.sleep(min(seconds, step))
            seconds -= step


class TransactionExecutorWithInfiniteBackoff(_BackoffExecutor):
    """Tries for as long as the database is away; the last delay is repeated."""

    def _delays(self) -> Iterable[float]:
        delays = self.config.backoff_delays
        return itertools.chain(delays, itertools.repeat(delays[-1]))


class TransactionExecutorWithLimitedBackoff(_BackoffExecutor):
    """Tries again after each delay, and then raises the database's own error."""

    def _delays(self) -> Iterable[float]:
        delays: Iterable[float] = self.config.backoff_delays
        return delays
