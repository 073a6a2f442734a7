"""``docs/howto/monitor.md`` to the letter: roles, files, and the command as NRPE runs it."""

import os
import re
import subprocess
import sys

import pytest
from psycopg2 import errors

from tests.acceptance.rows import CONF
from tests.support import ROOT, TIMEOUT, Command, Database

PAGE = ROOT / "docs/howto/monitor.md"
GRANTS = ROOT / "docs/howto/grants.md"
APPS = """\
from crontabber.base import BaseCronApp

class MyFirstApp(BaseCronApp):
    app_name = 'my-first-app'

    def run(self):
        open('/etc', 'w')

class MySecondApp(BaseCronApp):
    app_name = 'my-second-app'

    def run(self):
        pass
"""
ROLES = re.compile(r"\bcrontabber_(owner|run|watch)\b")


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(r"```(\w*)\n(.*?)```", page, re.DOTALL)
    return [text for kind, text in found if kind == language]


def local(text: str) -> str:
    """With roles of this test's own, which are the whole server's."""
    return ROLES.sub(rf"crontabber_\1_{os.getpid()}", text)


def execute(database: Database, sql: str) -> None:
    for statement in filter(str.strip, sql.split(";")):
        database.execute(local(statement))


def test_the_page_on_nagios_to_the_letter(crontabber: Command, database: Database) -> None:
    page = PAGE.read_text(encoding="utf-8")
    make_roles, grants, *_ = blocks(GRANTS.read_text(encoding="utf-8"), "sql")
    jobs = next(text for text in blocks(page, "") if text.startswith("jobs="))
    command = next(text for text in blocks(page, "") if text.startswith("command["))
    ini = next(text for text in blocks(page, "ini") if "nagios_role" in text)
    try:
        execute(database, make_roles)
    except errors.InsufficientPrivilege:
        pytest.skip("the tests' user may not make roles")
    owner, ticker = local("crontabber_owner"), local("crontabber_run")
    try:
        crontabber.write("jobs/myapp.py", APPS)
        crontabber.write("jobs.ini", jobs)
        crontabber.write(
            "crontabber.ini",
            f"[crontabber]\ntables_owner={owner}\n#+include jobs.ini\n{database.ini_section()}",
        )
        tick = crontabber(CONF, f"--resource.postgresql.user={owner}", "--list-jobs")
        if tick.returncode:
            pytest.skip("the tests' server asks roles for passwords")
        execute(database._replace(user=owner), local(grants))
        execute(database, blocks(page, "sql")[0])
        where = f"host={database.host}\nport={database.port}"
        ini = ini.replace("host=localhost", where).replace("=crontabber\n", f"={database.dbname}\n")
        crontabber.write("nagios.ini", local(ini))
        line = command.partition("=")[2].strip().replace("/srv/jobs/venv/bin/crontabber", "{}")
        line = line.format(f"{sys.executable} -m crontabber")
        assert "PYTHONPATH" not in line
        line = line.replace("/srv/jobs", str(crontabber.directory))

        def check() -> tuple[int, str]:
            done = subprocess.run(  # as NRPE does: by a shell, and with next to no environment
                ["/bin/sh", "-c", line],
                env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)},  # of this crontabber
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
                timeout=TIMEOUT,
            )
            assert done.stderr == ""
            return done.returncode, done.stdout

        assert check()[0] == 1
        assert crontabber(CONF, f"--resource.postgresql.user={ticker}").returncode == 0
        code, text = check()
        assert code == 2
        assert text.startswith("CRITICAL - my-first-app (MyFirstApp): <class 'IsADirectoryError'>")
        assert " | jobs=2 failed=1;;0;0;2 " in text
    finally:
        for role in ("watch", "run", "owner"):
            execute(
                database, f"DROP OWNED BY crontabber_{role} CASCADE; DROP ROLE crontabber_{role}"
            )


def test_the_default_is_less_than_check_nrpe_waits() -> None:
    from crontabber.config.options import NAGIOS_TIMEOUT

    assert NAGIOS_TIMEOUT < 10
    assert f"After {NAGIOS_TIMEOUT:g} seconds" in PAGE.read_text(encoding="utf-8")
