"""The manual's chapter 1.2.1: jobs that depend on others."""

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.acceptance.rows import CONF, INFO, pass_time, ran, runs, state, without_news
from tests.support import TIMEOUT, Command, Database

APPS = """\
import os
from crontabber.base import BaseCronApp

class App(BaseCronApp):
    def run(self):
        if os.path.exists(self.app_name + '.broken'):
            raise OSError('broken')

class MyFirstApp(App):
    app_name = 'my-first-app'

class MySecondApp(App):
    app_name = 'my-second-app'
    depends_on = ('my-first-app',)

class MyThirdApp(App):
    app_name = 'my-third-app'
    depends_on = 'my-second-app'

class MyFourthApp(App):
    app_name = 'my-fourth-app'
    depends_on = ['my-first-app', 'my-third-app']

class Zebra(App):
    app_name = 'a-zebra'

class Aardvark(App):
    app_name = 'an-aardvark'
"""
WAITING = """\
from crontabber.base import BaseCronApp

class Parent(BaseCronApp):
    app_name = 'parent'

    def run(self):
        with open('begun', 'w') as begun:
            begun.write('.')
        open('go').close()  # waits until the other end is opened too

class Child(BaseCronApp):
    app_name = 'child'
    depends_on = 'parent'

    def run(self):
        pass
"""


@contextmanager
def held(crontabber: Command, *arguments: str) -> Iterator[Any]:
    """A command that is in the middle of the run of ``parent``; it goes on at the end."""
    begun, go = (crontabber.directory / name for name in ("begun", "go"))
    for path in (begun, go):
        os.mkfifo(path)
    with crontabber.popen(*arguments) as process, begun.open("r+b", buffering=0) as said:
        try:
            assert select.select([said], [], [], TIMEOUT)[0], "it does not begin"
            yield process
            go.open("w").close()
            process.communicate()
        finally:
            process.kill()


def test_jobs_run_in_the_order_of_their_dependencies_and_else_as_they_are_listed(
    crontabber: Command, database: Database
) -> None:
    """trap: independent jobs ran alphabetically, not in the listed order."""
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(
        database,
        """\
        jobs.myapp.MyFourthApp|1h
        jobs.myapp.Zebra|1h
        jobs.myapp.MyThirdApp|1h
        jobs.myapp.MySecondApp|1h
        jobs.myapp.Aardvark|1h
        jobs.myapp.MyFirstApp|5m
        """,
    )
    done = crontabber(CONF)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    order = ran(database)
    family = [name for name in order if name.startswith("my-")]
    assert family == ["my-first-app", "my-second-app", "my-third-app", "my-fourth-app"]
    assert order.index("a-zebra") < order.index("an-aardvark")
    assert state(database, "my-fourth-app").depends_on == ["my-first-app", "my-third-app"]


def test_a_failed_parent_stops_all_below_it_until_it_recovers(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(
        database,
        "jobs.myapp.MyThirdApp|1h; jobs.myapp.MySecondApp|1h; jobs.myapp.MyFirstApp|1h;"
        " jobs.myapp.Zebra|1h",
    )
    broken = crontabber.write("my-first-app.broken", "")

    done = crontabber(CONF, INFO)
    assert done.returncode == 0  # a job that raises is remembered, and does not change the status
    assert "my-first-app failed: OSError: broken" in done.stderr
    assert "my-second-app is skipped: blocked, my-first-app failed when it last ran" in done.stderr
    assert "my-third-app is skipped: blocked, my-second-app has never run" in done.stderr
    assert runs(database) == [("my-first-app", "<class 'OSError'>"), ("a-zebra", None)]

    broken.unlink()
    pass_time(database, "5 minutes", "my-first-app")
    done = crontabber(CONF)
    assert (done.returncode, without_news(done.stderr)) == (0, "")
    assert ran(database) == ["a-zebra", "my-first-app", "my-second-app", "my-third-app"]

    # a parent that is due first, and then fails, takes its child's turn with it
    broken.touch()
    pass_time(database, "1 hour")
    crontabber(CONF)
    assert ran(database, "my-second-app") == ["my-second-app"]


def test_a_parent_in_another_configuration_is_looked_up_in_the_database(
    crontabber: Command, database: Database
) -> None:
    """trap: a parent in another config, or an empty jobs list, raised an error of circles."""
    crontabber.write("jobs/myapp.py", APPS)
    path = crontabber.configure(database, "jobs.myapp.MyFirstApp|1h")
    other = path.rename(path.with_name("other.ini"))
    crontabber.configure(database, "jobs.myapp.MySecondApp|1h")

    done = crontabber(CONF, INFO)
    assert done.returncode == 0
    assert "my-second-app is skipped: blocked, my-first-app has never run" in done.stderr
    assert runs(database) == []

    assert crontabber(f"--admin.conf={other.name}").returncode == 0
    assert crontabber(CONF).returncode == 0
    assert ran(database) == ["my-first-app", "my-second-app"]

    crontabber.configure(database, "")
    done = crontabber(CONF)
    said = (
        "crontabber: there are no jobs in crontabber.ini: list them there, as the option jobs in "
        "the section [crontabber]\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_a_parent_that_is_running_holds_its_child_back(
    crontabber: Command, database: Database
) -> None:
    """trap: a parent in its first run elsewhere crashed the tick; a parent that was
    running counted as satisfied.
    """
    crontabber.write("jobs/waiting.py", WAITING)
    path = crontabber.configure(database, "jobs.waiting.Parent|1h")
    parents = path.rename(path.with_name("parents.ini"))
    crontabber.configure(database, "jobs.waiting.Child|1h")

    with held(crontabber, f"--admin.conf={parents.name}"):
        done = crontabber(CONF, INFO)
        assert (done.returncode, done.stdout) == (0, "")
        assert "child is skipped: blocked, parent is running" in done.stderr
        assert runs(database) == []

    assert crontabber(CONF).returncode == 0
    assert ran(database) == ["parent", "child"]


def test_a_parent_that_is_due_at_every_tick_is_good_enough_for_its_child(
    crontabber: Command, database: Database
) -> None:
    """trap: a parent whose period is shorter than the tick's never satisfied its child."""
    crontabber.write("jobs/myapp.py", APPS)
    crontabber.configure(database, "jobs.myapp.MySecondApp|5m\njobs.myapp.MyFirstApp|1m")
    crontabber(CONF)
    pass_time(database, "5 minutes")
    crontabber(CONF, "--job=my-first-app")
    pass_time(database, "2 minutes")
    # the parent ran since the child's turn came, and is due again; it is not in this tick
    done = crontabber(CONF, "--job=my-second-app")
    assert (done.returncode, done.stdout) == (0, "")
    assert ran(database) == [
        "my-first-app",
        "my-second-app",
        "my-first-app",
        "my-second-app",
    ]


def test_what_cannot_be_depended_on_is_seen(crontabber: Command, database: Database) -> None:
    """trap: a typo in depends_on, or depending on oneself, went unseen for ever."""
    crontabber.write(
        "jobs/myapp.py",
        """\
        from crontabber.base import BaseCronApp

        class App(BaseCronApp):
            def run(self):
                pass

        class Typo(App):
            app_name = 'typo'
            depends_on = 'my-frist-app'

        class Narcissus(App):
            app_name = 'narcissus'
            depends_on = 'narcissus'

        class Hen(App):
            app_name = 'hen'
            depends_on = 'egg'

        class Egg(App):
            app_name = 'egg'
            depends_on = 'hen'

        class MyFirstApp(App):
            app_name = 'my-first-app'
        """,
    )
    jobs = "Typo|1h;{m}Narcissus|1h;{m}Hen|1h;{m}Egg|1h;{m}MyFirstApp|1h".format(m="jobs.myapp.")
    crontabber.configure(database, f"jobs.myapp.{jobs}")

    done = crontabber(CONF, "--configtest")
    assert done.returncode == 2
    assert "typo depends on my-frist-app" in done.stdout
    assert "did you mean my-first-app?" in done.stdout
    assert "in a circle: narcissus -> narcissus" in done.stdout
    assert "in a circle: hen -> egg -> hen" in done.stdout

    done = crontabber(CONF)  # the others run
    assert done.returncode == 1
    assert "hen -> egg -> hen" in done.stderr
    assert ran(database) == ["my-first-app"]
