"""Class decorators for apps: backfill, PostgreSQL at three levels of help, subprocesses.

They can be written in any order, and above a subclass of an app that has them already.
"""

import functools
import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar, cast, overload

from .config.loader import load_class
from .errors import ConfigError
from .process import commands as process

App = TypeVar("App", bound=type[Any])

_CONNECTION_FACTORY = "crontabber.connection_factory.ConnectionFactory"
_TRANSACTION_EXECUTOR = "crontabber.transaction_executor.TransactionExecutor"


class _Decorator(Protocol):
    """Decorates a class, written with ``()`` or without."""

    @overload
    def __call__(self, cls: App) -> App: ...
    @overload
    def __call__(self) -> Callable[[App], App]: ...


def _parentheses_optional(decorate: Callable[[App], App]) -> _Decorator:
    """Let a decorator without options be written with ``()`` or without."""

    @functools.wraps(decorate)
    def decorator(cls: App | None = None) -> App | Callable[[App], App]:
        return decorate if cls is None else decorate(cls)

    return cast("_Decorator", decorator)


@_parentheses_optional
def as_backfill_cron_app(cls: App) -> App:
    """Give every slot that was missed to ``run(self, date)``, oldest first, each once.

    The date is the slot: an aware datetime in the time zone of the schedules. It follows
    connections: ``run(self, connection, date)``.
    """
    cls.is_backfill = True
    return cls


@_parentheses_optional
def with_subprocess(cls: App) -> App:
    """Give the app ``self.run_process(command, input=None, timeout=None)``.

    It returns (exit code, stdout, stderr), with the blanks and line breaks around the output
    stripped. Items of a list that are not strings are converted. For the rest, see
    `crontabber.process.commands.run`.
    """
    cls.run_process = staticmethod(_run_process)
    return cls


def _run_process(
    command: object, input: str | None = None, timeout: float | None = None
) -> tuple[int, str, str]:
    exit_code, stdout, stderr = process.run(_command(command), input, timeout)
    return exit_code, stdout.strip(), stderr.strip()


def _command(given: Any) -> process.Command:
    if isinstance(given, list | tuple):
        texts = (str, bytes, os.PathLike)
        return [os.fsdecode(each) if isinstance(each, texts) else str(each) for each in given]
    return os.fsdecode(given) if isinstance(given, bytes) else given


def with_transactional_resource(
    class_path: str | type, resource_name: str, reference_value_from: str | None = None
) -> Callable[[App], App]:
    """Give the app a database, or another resource with connections and transactions.

    *class_path* names a class like `ConnectionFactory`: it takes a config, and a call returns
    a context manager with a connection. For the resource NAME the app gets

    * ``self.NAME_connection_factory`` and ``self.NAME_transaction_executor``, made when
      they are first used;
    * the options ``NAME_class`` and ``transaction_executor_class``, and those of both, under
      ``self.config.NAME``. If they are not set, they are as in the section
      *reference_value_from*, such as ``resource.postgresql``.
    """

    def decorate(cls: App) -> App:
        _check(cls)
        required_config = cls.get_required_config().safe_copy()
        if resource_name not in required_config:
            required_config.namespace(resource_name)
        add_option = functools.partial(
            required_config[resource_name].add_option,
            from_string_converter=load_class,
            reference_value_from=reference_value_from,
        )
        add_option(
            f"{resource_name}_class", default=class_path, doc="the class that makes connections"
        )
        add_option(
            "transaction_executor_class",
            default=_TRANSACTION_EXECUTOR,
            doc="the class that runs functions as transactions",
        )
        cls.required_config = required_config
        _set_lazily(cls, f"{resource_name}_connection_factory", _make_factory, resource_name)
        _set_lazily(cls, f"{resource_name}_transaction_executor", _make_executor, resource_name)
        return cls

    return decorate


def with_resource_connection_as_argument(resource_name: str) -> Callable[[App], App]:
    """Give ``run`` a connection, which is closed at its end; what is not committed is lost.

    The app needs the resource too: see `with_transactional_resource`. With several
    resources, the connections come in the order of the decorators, from the top.
    """

    def decorate(cls: App) -> App:
        _add_argument(cls, resource_name, transaction=False)
        return cls

    return decorate


def with_single_transaction(resource_name: str) -> Callable[[App], App]:
    """Make the whole ``run`` one transaction, on a connection that it gets.

    It is committed when ``run`` returns, and rolled back when ``run`` raises. An app
    with both a connection and a transaction of one resource gets one
    connection, and the transaction. ``before_commit`` is called in the topmost
    transaction, which commits last: nothing is recorded that can still be rolled back.
    """

    def decorate(cls: App) -> App:
        _add_argument(cls, resource_name, transaction=True)
        cls.single_transaction = True
        return cls

    return decorate


@_parentheses_optional
def using_postgres(cls: App) -> App:
    """Give the app ``self.database_connection_factory`` and ``…_transaction_executor``.

    Its options are under ``self.config.database``; those that are not set come from the
    section ``[resource] [[postgresql]]``.
    """
    return with_transactional_resource(_CONNECTION_FACTORY, "database", "resource.postgresql")(cls)


@_parentheses_optional
def with_postgres_connection_as_argument(cls: App) -> App:
    """Give ``run`` a PostgreSQL connection, on which it commits itself."""
    return with_resource_connection_as_argument("database")(cls)


@_parentheses_optional
def as_single_postgres_transaction(cls: App) -> App:
    """Make the whole ``run(self, connection)`` one PostgreSQL transaction."""
    return with_single_transaction("database")(cls)


with_postgres_transactions = using_postgres
"""The older name."""
with_single_postgres_transaction = as_single_postgres_transaction
"""The older name."""


def _check(cls: type[Any]) -> None:
    if not (hasattr(cls, "get_required_config") and hasattr(cls, "_run_proxy")):
        raise TypeError(f"{cls.__name__} is not an app: derive it from crontabber.base.BaseCronApp")


def _set_lazily(cls: type[Any], name: str, make: Callable[[Any, str], Any], resource: str) -> None:
    # On the class, not in an __init__ of ours: the app's own runs once, undisturbed.
    attribute = functools.cached_property(lambda app: make(app, resource))
    attribute.__set_name__(cls, name)
    setattr(cls, name, attribute)


def _make_factory(app: Any, resource: str) -> Any:
    config = app.config[resource]
    return config[f"{resource}_class"](config)


def _make_executor(app: Any, resource: str) -> Any:
    config = app.config[resource]
    return config.transaction_executor_class(config, _get(app, resource, "connection_factory"))


def _get(app: Any, resource: str, what: str) -> Any:
    try:
        return getattr(app, f"{resource}_{what}")
    except AttributeError:
        if hasattr(type(app), f"{resource}_{what}"):
            raise  # it exists, but could not be made
        need = (
            "using_postgres()"
            if resource == "database"
            else f"with_transactional_resource(…, {resource!r})"
        )
        raise ConfigError(
            f"{type(app).__name__} wants a connection of {resource!r} and does not have it: "
            f"add the decorator @{need}"
        ) from None


def _add_argument(cls: type[Any], resource: str, transaction: bool) -> None:
    """Call ``run`` with a connection of *resource* as its first argument."""
    _check(cls)
    inherited: Mapping[str, bool] = getattr(cls, "_connection_arguments", {})
    if not inherited:
        cls._run_proxy = _with_connections(cls._run_proxy)
    if resource in inherited:
        cls._connection_arguments = {
            **inherited,
            resource: inherited[resource] or transaction,
        }
    else:
        cls._connection_arguments = {resource: transaction, **inherited}


def _with_connections(run_proxy: Callable[..., None]) -> Callable[..., None]:
    """*run_proxy* called with a connection for each of the app's ``_connection_arguments``."""

    def _run_proxy(self: Any, *args: Any) -> None:
        wanted: dict[str, bool] = self._connection_arguments
        last_to_commit = next((name for name, transaction in wanted.items() if transaction), None)

        def call(*connections: Any) -> None:
            run_proxy(self, *connections, *args)

        run: Callable[..., None] = call
        for resource in reversed(wanted):
            if not wanted[resource]:
                run = functools.partial(_give_connection, self, resource, run)
            else:
                record = resource == last_to_commit
                run = functools.partial(_give_transaction, self, resource, run, record)
        run()

    return _run_proxy


def _give_connection(app: Any, resource: str, run: Callable[..., None], *others: Any) -> None:
    with _get(app, resource, "connection_factory")() as connection:
        run(*others, connection)


def _give_transaction(
    app: Any, resource: str, run: Callable[..., None], record: bool, *others: Any
) -> None:
    def work(connection: Any) -> None:
        run(*others, connection)
        if record and app.before_commit is not None:
            app.before_commit(connection)

    _get(app, resource, "transaction_executor")(work)
