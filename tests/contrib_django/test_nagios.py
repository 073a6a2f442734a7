"""``manage.py cronlist --nagios``: one line and a Nagios status, in time."""

import socket
import time

from tests.acceptance.rows import pass_time
from tests.contrib_django.site import Site
from tests.support import TIMEOUT, Database


def test_it_is_one_line_with_performance_data(site: Site, database: Database) -> None:
    told = site.told(database, [{"cmd": "talk", "late": "10m"}, {"cmd": "fail", "name": "f"}])
    done = told("cronlist", "--nagios")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("WARNING - none of the 2 jobs has been seen by a tick: ")
    assert database.execute("SELECT to_regclass('crontabber')") == [(None,)]
    told.ok("cronrun")
    done = told("cronlist", "--nagios")
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("CRITICAL - f (django:f): <class 'ValueError'>: ")
    assert " | jobs=2 failed=1;;0;0;2 " in done.stdout
    pass_time(database, "1 day 15 minutes", "talk")
    assert "talk (django:talk): overdue: " in told("cronlist", "--nagios").stdout
    patient = site.told(database, [{"cmd": "talk"}], "CRONTABBER_LATE = '2h'")
    assert patient("cronlist", "--nagios").returncode == 0
    odd = site.told(database, [{"cmd": "talk"}], "CRONTABBER_LATE = 'soon'")("cronlist", "--nagios")
    assert odd.returncode == 3
    assert odd.stdout.startswith("UNKNOWN - CRONTABBER_LATE cannot be used: ")


def test_a_server_that_is_silent_or_gone_is_unknown(site: Site) -> None:
    """trap: exit 1, a warning, with the database down"""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as silent:
        host, port = silent.getsockname()
        told = site.told(Database(host, port, "d", "u"), [{"cmd": "talk"}], _AT.format(host, port))
        began = time.monotonic()
        done = told("cronlist", "--nagios")
        assert time.monotonic() - began < 8 + TIMEOUT
        assert (done.returncode, done.stderr) == (3, "")
        assert done.stdout.startswith("UNKNOWN - no answer within 8 s: ")
    done = told("cronlist", "--nagios")
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("UNKNOWN - cannot use the database ")


_AT = 'DATABASES["default"] |= {{"HOST": {!r}, "PORT": {!r}}}'
