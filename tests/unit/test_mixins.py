"""The decorators, on resources that need no server; see also test_mixins_postgres.py."""

import contextlib
import itertools
from pathlib import Path
from typing import Any

import pytest

from crontabber import mixins
from crontabber.base import BaseCronApp
from crontabber.errors import ConfigError
from crontabber.mixins import (
    as_backfill_cron_app,
    as_single_postgres_transaction,
    using_postgres,
    with_postgres_connection_as_argument,
    with_resource_connection_as_argument,
    with_single_transaction,
    with_subprocess,
    with_transactional_resource,
)
from tests.apps import SLOT, make, run

from configman import Namespace, RequiredConfig

EVENTS: list[str] = []


@pytest.fixture(autouse=True)
def _forget():
    EVENTS.clear()


class Connection:
    def __init__(self, name):
        self.name = name

    def commit(self):
        EVENTS.append(f"commit {self.name}")

    def rollback(self):
        EVENTS.append(f"rollback {self.name}")


class Resource(RequiredConfig):
    """Something with connections and transactions that is no database."""

    def __init__(self, config):
        self.config = config

    @contextlib.contextmanager
    def __call__(self):
        EVENTS.append(f"open {self.config.name}")
        try:
            yield Connection(self.config.name)
        finally:
            EVENTS.append(f"close {self.config.name}")


class Queue(Resource):
    required_config = Namespace()
    required_config.add_option("name", default="queue")


class Cache(Resource):
    required_config = Namespace()
    required_config.add_option("name", default="cache")


QUEUE = f"{__name__}.Queue"
queue = with_transactional_resource(QUEUE, "queue")
cache = with_transactional_resource(f"{__name__}.Cache", "cache")


class App(BaseCronApp):
    app_name = "app"

    def run(self, *args):
        names = (
            arg.name if isinstance(arg, Connection) else arg.date().isoformat() for arg in args
        )
        EVENTS.append(f"run {' '.join(names)}".strip())


def decorated(*decorators, base=App):
    """A subclass of *base* with these decorators, the topmost first."""
    cls = type("Decorated", (base,), {})
    for decorate in reversed(decorators):
        cls = decorate(cls)
    return cls


WITH_CONNECTION = [
    queue,
    with_resource_connection_as_argument("queue"),
    as_backfill_cron_app,
    with_subprocess,
]
WITH_TRANSACTION = [queue, with_single_transaction("queue"), as_backfill_cron_app, with_subprocess]


@pytest.mark.parametrize("decorators", list(itertools.permutations(WITH_CONNECTION)))
def test_decorators_work_in_any_order_a_connection_first_and_the_date_last(decorators):
    run(make(decorated(*decorators)))
    assert EVENTS == ["open queue", "run queue 2026-11-21", "close queue"]


@pytest.mark.parametrize("decorators", list(itertools.permutations(WITH_TRANSACTION)))
def test_a_single_transaction_works_in_any_order(decorators):
    run(make(decorated(*decorators)))
    assert EVENTS == ["open queue", "run queue 2026-11-21", "commit queue", "close queue"]


@pytest.mark.parametrize(
    "decorators",
    list(
        itertools.permutations(
            [queue, with_single_transaction("queue"), with_resource_connection_as_argument("queue")]
        )
    ),
)
def test_a_connection_and_a_transaction_of_one_resource_are_one(decorators):
    run(make(decorated(*decorators)))
    assert EVENTS == ["open queue", "run queue", "commit queue", "close queue"]


def test_several_connections_come_in_the_order_of_the_decorators():
    cls = decorated(
        with_single_transaction("queue"),
        with_resource_connection_as_argument("cache"),
        as_backfill_cron_app,
        queue,
        cache,
    )
    run(make(cls))
    assert EVENTS == [
        "open queue",
        "open cache",
        "run queue cache 2026-11-21",
        "close cache",
        "commit queue",
        "close queue",
    ]


def test_a_subclass_can_be_decorated_again():
    """trap: decorating a subclass of a backfill app again raised TypeError."""
    parent = decorated(*WITH_TRANSACTION)
    child = decorated(*WITH_TRANSACTION, base=parent)
    run(make(child))
    assert EVENTS == ["open queue", "run queue 2026-11-21", "commit queue", "close queue"]


def test_a_subclass_adds_to_what_its_parent_has_and_leaves_the_parent_alone():
    parent = decorated(queue, with_resource_connection_as_argument("queue"))
    child = decorated(cache, with_single_transaction("cache"), as_backfill_cron_app, base=parent)
    run(make(child))
    assert "run cache queue 2026-11-21" in EVENTS
    EVENTS.clear()
    run(make(parent))
    assert EVENTS == ["open queue", "run queue", "close queue"]
    assert not parent.is_backfill
    assert not parent.single_transaction
    assert "cache" not in parent.get_required_config()


def test_a_subclass_without_decorators_is_what_its_parent_is():
    base: Any = decorated(*WITH_TRANSACTION)

    class Child(base):
        def run(self, connection, date):
            super().run(connection, date)

    run(make(Child))
    assert "run queue 2026-11-21" in EVENTS


def test_the_init_of_an_app_runs_once():
    """trap: using_postgres ran the app's __init__ twice."""

    class Counting(App):
        def __init__(self, config, job_information=None):
            super(Counting, self).__init__(config, job_information)  # noqa: UP008  old apps do
            EVENTS.append("init")

    make(decorated(queue, cache, *WITH_TRANSACTION, using_postgres, base=Counting))
    assert EVENTS == ["init"]


def test_super_with_names_as_old_apps_write_it_works_in_a_decorated_class():
    @queue
    @with_single_transaction("queue")
    class Old(App):
        def run(self, *args):
            super(Old, self).run(*args)  # noqa: UP008

    run(make(Old))
    assert "run queue" in EVENTS


def test_a_failed_run_rolls_back_and_goes_on_as_it_is():
    base: Any = decorated(*WITH_TRANSACTION)

    class Failing(base):
        def run(self, connection, date):
            raise KeyError("no")

    with pytest.raises(KeyError, match="no"):
        run(make(Failing))
    assert EVENTS == ["open queue", "rollback queue", "close queue"]


def test_before_commit_is_called_between_run_and_commit():
    app = make(decorated(*WITH_TRANSACTION))
    app.before_commit = lambda connection: EVENTS.append(f"record {connection.name}")
    run(app, SLOT)
    assert EVENTS[1:4] == ["run queue 2026-11-21", "record queue", "commit queue"]
    assert app.single_transaction


def test_before_commit_that_raises_undoes_the_work():
    app = make(decorated(*WITH_TRANSACTION))

    def refuse(connection):
        raise LookupError("closed")

    app.before_commit = refuse
    with pytest.raises(LookupError, match="closed"):
        run(app)
    assert "rollback queue" in EVENTS
    assert "commit queue" not in EVENTS


def test_before_commit_is_called_in_the_transaction_that_commits_last():
    """A record must not commit before work that may still be undone."""
    cls = decorated(
        queue, cache, with_single_transaction("cache"), with_single_transaction("queue")
    )
    app = make(cls)
    app.before_commit = lambda connection: EVENTS.append(f"record {connection.name}")
    run(app)
    assert EVENTS[2:6] == ["run cache queue", "commit queue", "close queue", "record cache"]


def test_an_app_that_commits_for_itself_does_not_call_before_commit():
    app = make(decorated(*WITH_CONNECTION))
    app.before_commit = EVENTS.append
    run(app)
    assert EVENTS == ["open queue", "run queue 2026-11-21", "close queue"]
    assert not app.single_transaction


@pytest.mark.parametrize(
    ("decorate", "missing"),
    [
        (with_postgres_connection_as_argument(), "@using_postgres()"),
        (as_single_postgres_transaction(), "@using_postgres()"),
        (with_single_transaction("queue"), "@with_transactional_resource(…, 'queue')"),
    ],
)
def test_a_connection_without_its_resource_names_the_decorator_that_is_missing(decorate, missing):
    with pytest.raises(ConfigError) as caught:
        run(make(decorated(decorate)))
    assert str(caught.value).startswith("Decorated wants a connection of ")
    assert str(caught.value).endswith(f"add the decorator {missing}")


def test_a_resource_that_cannot_be_made_says_why_itself():
    class Broken(Resource):
        def __init__(self, config):
            raise AttributeError("its own fault")

    cls = decorated(with_transactional_resource(Broken, "queue"), with_single_transaction("queue"))
    with pytest.raises(AttributeError, match="its own fault"):
        run(make(cls))


@pytest.mark.parametrize("decorate", [using_postgres(), with_single_transaction("database")])
def test_what_is_no_app_is_refused(decorate):
    with pytest.raises(TypeError, match=r"Other is not an app: derive it from crontabber\.base"):
        decorate(type("Other", (), {}))


def test_options_of_a_resource_that_the_app_declared_itself_stay():
    class Declaring(App):
        required_config = Namespace()
        required_config.namespace("queue")
        required_config.queue.add_option("length", default=7)

    assert make(decorated(queue, base=Declaring)).config.queue.length == 7


def test_an_attribute_of_ones_own_takes_the_place_of_a_factory():
    app = make(decorated(*WITH_CONNECTION))
    app.queue_connection_factory = lambda: contextlib.nullcontext(Connection("fake"))
    run(app)
    assert EVENTS == ["run fake 2026-11-21"]


def test_a_factory_and_an_executor_are_made_once_and_share_their_config():
    app = make(decorated(queue))
    assert app.queue_connection_factory is app.queue_connection_factory
    assert app.queue_transaction_executor is app.queue_transaction_executor
    assert app.queue_transaction_executor.connection_factory is app.queue_connection_factory
    assert app.queue_connection_factory.config is app.config.queue


def test_two_resources_have_their_own_options():
    app = make(decorated(queue, cache))
    assert app.queue_connection_factory.config.name == "queue"
    assert app.cache_connection_factory.config.name == "cache"


def test_resources_can_share_the_options_of_a_section():
    shared = with_transactional_resource(QUEUE, "queue", "resource.queue")
    app = make(decorated(shared), resource__queue__name="shared")
    assert app.config.queue.name == "shared"
    app = make(decorated(shared), resource__queue__name="shared", class__queue__name="own")
    assert app.config.queue.name == "own"


def test_a_resource_class_can_be_replaced_in_the_config():
    app = make(
        decorated(with_transactional_resource("nowhere.Class", "queue")),
        class__queue__queue_class=QUEUE,
    )
    assert isinstance(app.queue_connection_factory, Resource)


@pytest.mark.parametrize(
    ("name", "older"),
    [
        ("using_postgres", "with_postgres_transactions"),
        ("as_single_postgres_transaction", "with_single_postgres_transaction"),
    ],
)
def test_the_older_names_are_the_same_decorators(name, older):
    assert getattr(mixins, name) is getattr(mixins, older)


@pytest.mark.parametrize(
    "decorate",
    [
        as_backfill_cron_app,
        with_subprocess,
        using_postgres,
        with_postgres_connection_as_argument,
        as_single_postgres_transaction,
    ],
)
def test_decorators_without_options_can_be_written_with_and_without_parentheses(decorate):
    for plain in (decorate, decorate()):
        cls = type("Plain", (App,), {})
        assert plain(cls) is cls


def test_with_subprocess_gives_run_process():
    base: Any = decorated(with_subprocess)

    class Shell(base):
        def run(self):
            self.result = self.run_process("cat; exit 3", input="hello", timeout=60)

    app = make(Shell)
    run(app)
    assert app.result == (3, "hello", "")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo; echo ' a  b '; echo; echo ' oops ' >&2", (0, "a  b", "oops")),
        (["echo", 7, 2.5, None, Path("/tmp")], (0, "7 2.5 None /tmp", "")),
        (("echo", b"x", "y"), (0, "x y", "")),
        (b"echo $((6 * 7))", (0, "42", "")),
        (Path("/bin/true"), (0, "", "")),
    ],
)
def test_run_process_takes_values_and_gives_stripped_text(command, said):
    """trap: numbers among the arguments raised, and output that was compared had a line break"""
    base: Any = decorated(with_subprocess)

    class Shell(base):
        def run(self):
            self.result = self.run_process(command)

    app = make(Shell)
    run(app)
    assert app.result == said


@pytest.mark.parametrize("command", [[], None, ()])
def test_run_process_without_a_command_is_refused(command):
    with pytest.raises(ValueError, match="write a program and its arguments"):
        make(decorated(with_subprocess)).run_process(command)
