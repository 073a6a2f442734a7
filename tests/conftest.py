"""Fixtures for all tests; where the database comes from is said in CONTRIBUTING.md."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from hypothesis import settings

from crontabber import embedded
from tests.support import (
    ROOT,
    Command,
    Database,
    fresh_database,
    memory_directory,
    server_directory,
    signals_heard,
)

settings.register_profile(
    "mutation", max_examples=10, deadline=None, derandomize=True, database=None
)
"""Fewer examples, always the same ones, for thousands of runs: `make mutation`."""
settings.register_profile("suite", max_examples=15, deadline=None)
"""What `make test` has time for; HYPOTHESIS_PROFILE=default tries a hundred."""
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

OURS = ("PG", "CRONTABBER", "crontabber.")
"""How the variables begin that could change what is tested."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Each worker has a server of its own, but one that we are given has to serve one alone.

    There are two workers more than processors, as a third of their time is spent waiting.
    """
    if (ROOT / "test-crontabber.ini").exists() or os.environ.get("CRONTABBER_TEST_DATABASE"):
        return 1
    return min((os.cpu_count() or 1) + 2, 6)


def pytest_configure(config: pytest.Config) -> None:
    """Directories of tests are in memory if there is room: most are made and removed at once."""
    memory = memory_directory()
    if memory is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", memory)


@pytest.fixture(scope="session")
def _environment() -> Iterator[Mapping[str, str]]:
    """The environment that the tests were started in; they themselves do not see it."""
    original = dict(os.environ)
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in original:
            if name.startswith(OURS):
                monkeypatch.delenv(name)
        if not any(original.get(name) for name in ("LC_ALL", "LANG")):
            monkeypatch.setenv("LANG", "C.UTF-8")  # as people have it who read the pages
        yield original


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(_environment: Mapping[str, str]) -> None:
    """No test depends on the variables of the person who runs it."""


@pytest.fixture(scope="session", autouse=True)
def _default_signals() -> Iterator[None]:
    with signals_heard():
        yield


@pytest.fixture(scope="session")
def postgres_server(_environment: Mapping[str, str]) -> Iterator[Database]:
    """A real PostgreSQL, once for all tests: the database to make others from."""
    ini = ROOT / "test-crontabber.ini"
    if ini.exists():
        yield _database_of_ini(ini)
    elif _environment.get("CRONTABBER_TEST_DATABASE"):
        yield _database_of_environment(_environment)
    else:
        with _private_server() as database:
            yield database


def _database_of_ini(ini: Path) -> Database:
    """The database that ``test-crontabber.ini`` names, in the form of a crontabber.ini."""
    from configobj import ConfigObj

    section = ConfigObj(str(ini))["resource"]["postgresql"]
    return _resolved({name: value for name, value in section.items() if value})


def _database_of_environment(environment: Mapping[str, str]) -> Database:
    """The database that libpq's variables lead to; ``CRONTABBER_TEST_DATABASE`` may name it."""
    dbname = environment["CRONTABBER_TEST_DATABASE"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in environment.items():
            if name.startswith("PG"):
                monkeypatch.setenv(name, value)
        return _resolved({} if dbname == "1" else {"dbname": dbname})


def _resolved(parameters: Mapping[str, Any]) -> Database:
    """What libpq makes of the parameters, with its own defaults for those left out."""
    with closing(psycopg2.connect("", **parameters)) as connection:
        info = connection.info
        return Database(info.host, info.port, info.dbname, info.user, info.password or "")


@contextmanager
def _private_server() -> Iterator[Database]:
    """A server for this session; it ends with the session, however that ends."""
    with server_directory() as directory:
        settings = {"fsync": "off", "full_page_writes": "off"}
        with embedded.server(directory, linger=0.2, settings=settings) as parameters:
            yield Database(**parameters)
        embedded.wait_until_stopped(directory)


@pytest.fixture
def database(postgres_server: Database) -> Iterator[Database]:
    """An empty database, for this test only."""
    with fresh_database(postgres_server) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def module_database(postgres_server: Database) -> Iterator[Database]:
    """An empty database for all tests of a module, which keep out of each other's way."""
    with fresh_database(postgres_server) as fresh:
        yield fresh


@pytest.fixture
def crontabber(tmp_path: Path) -> Command:
    """The real ``crontabber`` command, in a directory of its own."""
    return Command(tmp_path)
