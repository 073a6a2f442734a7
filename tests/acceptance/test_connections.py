"""How the command, and the apps, get to PostgreSQL: libpq's variables, a dsn, single options."""

import pytest

from tests.acceptance.rows import CONF, ran
from tests.support import Command, Database

APP = """\
from crontabber.base import BaseCronApp
from crontabber.mixins import using_postgres, with_postgres_connection_as_argument

@using_postgres
@with_postgres_connection_as_argument
class App(BaseCronApp):
    app_name = 'app'

    def run(self, connection):
        cursor = connection.cursor()
        cursor.execute('SELECT current_database()')
        print(cursor.fetchone()[0])
"""


def ways(database: Database) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """By name: the options in the section of the database, and the environment."""
    single = database._asdict()
    uri = f"postgresql://{database.user}@/{database.dbname}?host={database.host}"
    words = f"host={database.host} port={database.port} user={database.user}"
    return {
        "single options": (single, {}),
        "libpq's variables": ({}, database.environ()),
        "a URI": ({"dsn": f"{uri}&port={database.port}", "password": database.password}, {}),
        "a dsn and an option": ({"dsn": f"{words} dbname=nowhere", "dbname": database.dbname}, {}),
        "options and variables": (
            {"dbname": database.dbname},
            {**database.environ(), "PGDATABASE": "nowhere"},
        ),
    }


@pytest.mark.parametrize("way", list(ways(Database("", 0, "", ""))))
def test_each_way_leads_to_the_database(crontabber: Command, database: Database, way: str) -> None:
    options, environment = ways(database)[way]
    if database.password:
        environment = {"PGPASSWORD": database.password, **environment}
    crontabber.write("jobs/apps.py", APP)
    section = "\n".join(f"{name}={value}" for name, value in options.items())
    crontabber.write(
        "crontabber.ini",
        f"[crontabber]\njobs=jobs.apps.App|1h\n[resource]\n[[postgresql]]\n{section}\n",
    )
    done = crontabber(CONF, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{database.dbname}\n", "")
    assert ran(database) == ["app"]
