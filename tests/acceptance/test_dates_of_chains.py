"""Dependencies are those of the date: two ticks at once, on real tables."""

from datetime import datetime

from tests.acceptance.rows import CONF, pass_time
from tests.acceptance.test_dependencies import held
from tests.support import Command, Database

APPS = """\
import os
from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app

def note(name, date):
    with open('order', 'a') as order:
        order.write(f'{name} {date:%Y-%m-%dT%H:%M}\\n')

@as_backfill_cron_app
class Parent(BaseCronApp):
    app_name = 'parent'

    def run(self, date):
        with open('dates', 'a') as dates:
            dates.write('.')
        if os.path.exists('begun') and os.path.getsize('dates') == 4:
            with open('begun', 'w') as begun:
                begun.write('.')
            open('go').close()  # waits until the other end is opened too
        if os.path.exists('broken') and os.path.getsize('dates') >= 6:
            raise OSError('broken')
        note('parent', date)

@as_backfill_cron_app
class Child(BaseCronApp):
    app_name = 'child'
    depends_on = 'parent'

    def run(self, date):
        note('child', date)
"""
TWO = "jobs.chain.Parent|{often}\n        jobs.chain.Child|{often}"


def begin(crontabber: Command, database: Database, often: str, outage: str) -> None:
    """Both have done their first date; then no tick came for a while."""
    crontabber.write("jobs/chain.py", APPS)
    crontabber.configure(database, TWO.format(often=often))
    done = crontabber(CONF)
    assert (done.returncode, done.stderr) == (0, "")
    pass_time(database, outage)
    (crontabber.directory / "order").unlink()


def order_of(crontabber: Command) -> list[tuple[str, datetime]]:
    """Who did which date, in that order; each date of the child came after the parent's."""
    lines = (crontabber.directory / "order").read_text().split("\n")[:-1]
    order = [(line.split()[0], datetime.fromisoformat(line.split()[1])) for line in lines]
    for number, (name, date) in enumerate(order):
        assert name == "parent" or ("parent", date) in order[:number], order
    assert len(set(order)) == len(order), "a date was done twice"
    return order


def dates(order: list[tuple[str, datetime]], name: str) -> list[datetime]:
    return [date for each, date in order if each == name]


def test_a_slow_parent_of_which_another_tick_does_the_child(
    crontabber: Command, database: Database
) -> None:
    """trap: a child got 03:52 to 04:00 while its parent had done 03:52 to 03:57"""
    begin(crontabber, database, "1m", "6 minutes")
    with held(crontabber, CONF) as first:
        other = crontabber(CONF)  # while the first one is at the third date of the parent
        assert (other.returncode, other.stderr) == (3, "")
        order = order_of(crontabber)
        assert len(dates(order, "parent")) == 2
        assert dates(order, "child") == dates(order, "parent")
    assert first.returncode == 0
    assert crontabber(CONF).returncode == 0
    order = order_of(crontabber)
    assert len(dates(order, "parent")) >= 6
    assert dates(order, "child") == dates(order, "parent")


def test_a_parent_that_fails_at_the_25th_leaves_its_child_the_21st_to_the_24th(
    crontabber: Command, database: Database
) -> None:
    """trap: the child got none of the dates that were good"""
    begin(crontabber, database, "1d", "7 days")
    broken = crontabber.write("broken", "")
    with held(crontabber, CONF) as first:
        assert crontabber(CONF).returncode == 3
    assert first.returncode == 0
    order = order_of(crontabber)
    assert dates(order, "parent") == dates(order, "child")
    assert len(dates(order, "child")) == 4  # and the fifth is the one that fails
    assert "parent" in crontabber("--admin.conf=crontabber.ini", "--nagios").stdout

    broken.unlink()
    pass_time(database, "5 minutes")
    assert crontabber(CONF).returncode == 0
    order = order_of(crontabber)
    assert len(dates(order, "child")) == 7
    assert dates(order, "child") == sorted(dates(order, "child"))
