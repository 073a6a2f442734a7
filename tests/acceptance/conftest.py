"""What the acceptance tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg2 import sql

from tests.server import own_server
from tests.support import Database

PASSWORD = "open sesame's"


@pytest.fixture
def database(database: Database) -> Database:
    """An empty database whose days all have 24 hours."""
    name = sql.Identifier(database.dbname)
    database.execute(sql.SQL("ALTER DATABASE {} SET timezone TO 'UTC'").format(name))
    return database


@pytest.fixture(scope="session")
def guarded() -> Iterator[Database]:
    """A database on a server that asks for a password: the one that it comes with."""
    with own_server() as server:
        server.database.execute(
            # PostgreSQL 13 would make it MD5
            "SET password_encryption = 'scram-sha-256'; CREATE USER guarded PASSWORD %s",
            [PASSWORD],
        )
        server.database.execute("CREATE DATABASE guarded OWNER guarded")
        [(path,)] = server.database.execute("SHOW hba_file")
        with Path(path).open("r+") as file:
            rules = file.read()
            file.seek(0)
            file.write(f"local all guarded scram-sha-256\n{rules}")
        server.restart()
        yield server.database._replace(dbname="guarded", user="guarded", password=PASSWORD)
