"""Jobs that are sections of the ini: commands, and classes that make several jobs."""

import os
from pathlib import Path

import pytest

from tests.acceptance.rows import CONF, pass_time, ran, state
from tests.support import ROOT, Command, Database

MYAPP = """\
from configman import Namespace
from crontabber.base import BaseCronApp


class Report(BaseCronApp):
    required_config = Namespace()
    required_config.add_option("region", default="nowhere")

    def run(self):
        with open("reports.txt", "a") as file:
            file.write(f"{self.app_name} {self.config.region}\\n")


class Old(BaseCronApp):
    app_name = "old"

    def run(self):
        open("old.txt", "w").write(str(self.timeout))
"""

INI = """\
[crontabber]
jobs='''
fetch|10m
backup|1d|00:00
report-eu|1d
report-us|12h
jobs.myapp.Old|5m
'''
{database}
[job]
[[fetch]]
command=echo fetch --since "$CRONTABBER_LAST_SUCCESS" >> fetch.txt
[[backup]]
command=echo backup > backup.txt
backfill=yes
depends_on=fetch
timeout=2h
[[report-eu]]
class=jobs.myapp.Report
region=eu
[[report-us]]
class=jobs.myapp.Report
region=us
[[old]]
timeout=3m
"""


@pytest.fixture
def installed(crontabber: Command, database: Database) -> Command:
    crontabber.write("jobs/myapp.py", MYAPP)
    configure(crontabber, database)
    return crontabber


def configure(crontabber: Command, database: Database, old: str = "", new: str = "") -> None:
    assert old in INI
    text = INI.format(database=database.ini_section())
    (crontabber.directory / "crontabber.ini").write_text(text.replace(old, new) if old else text)


def read(crontabber: Command, name: str) -> str:
    return (crontabber.directory / name).read_text()


def test_the_sections_of_the_ini_are_jobs(installed: Command, database: Database) -> None:
    tested = installed(CONF, "--configtest")
    assert (tested.returncode, tested.stdout) == (0, "OK: all 5 jobs are well\n")
    tick = installed(CONF)
    assert (tick.returncode, tick.stderr) == (0, "")
    assert read(installed, "fetch.txt").startswith("fetch --since")
    assert read(installed, "backup.txt") == "backup\n"
    assert read(installed, "reports.txt") == "report-eu eu\nreport-us us\n"
    assert read(installed, "old.txt") == "0:03:00"
    jobs = ["backup", "fetch", "old", "report-eu", "report-us"]
    assert sorted(ran(database)) == jobs
    rows = database.execute("SELECT app_name, class_path, depends_on, backfill FROM crontabber")
    assert {row[0]: tuple(row[1:]) for row in rows}["backup"] == ("backup", ["fetch"], True)
    again = installed(CONF)
    assert (again.returncode, again.stdout + again.stderr) == (0, "")
    assert len(ran(database)) == 5


def test_the_listing_shows_what_runs(installed: Command) -> None:
    installed(CONF)
    listing = installed(CONF, "--list-jobs").stdout
    assert "Command:        echo backup > backup.txt\nApp name:       backup\n" in listing
    assert "Class:          jobs.myapp.Report\nApp name:       report-eu\n" in listing
    ghosts = installed(CONF, "--audit-ghosts").stdout
    assert ghosts == "No ghosts: every job in the database is configured.\n"


def test_a_job_is_run_and_reset_by_its_name(installed: Command, database: Database) -> None:
    installed(CONF)
    assert installed(CONF, "--job=report-us", "--force").returncode == 0
    assert read(installed, "reports.txt").splitlines()[2:] == ["report-us us"]
    assert installed(CONF, "--reset-job=fetch").stdout.startswith("fetch is reset")
    unknown = installed(CONF, "--job=report-uk")
    assert (unknown.returncode, "did you mean report-us?" in unknown.stderr) == (1, True)


def test_a_row_is_found_again_when_a_job_becomes_a_section_and_back(
    installed: Command, database: Database
) -> None:
    installed(CONF)
    before = state(database, "old")
    configure(installed, database, "jobs.myapp.Old|5m", "old|5m")
    done = installed(CONF, "--configtest")
    assert "the section [job] [[old]]" in done.stdout, "it has to say what runs"
    text = read(installed, "crontabber.ini").replace("[[old]]", "[[old]]\nclass=jobs.myapp.Old")
    (installed.directory / "crontabber.ini").write_text(text)
    assert installed(CONF).returncode == 0
    after = state(database, "old")
    assert (class_path(database, "old"), after.next_run) == ("old", before.next_run)
    assert after.last_run == before.last_run, "it was not due, and did not run again"
    configure(installed, database)
    assert installed(CONF).returncode == 0
    assert class_path(database, "old") == "jobs.myapp.Old"
    assert ran(database, "old") == ["old"]


def class_path(database: Database, app_name: str) -> str:
    query = "SELECT class_path FROM crontabber WHERE app_name = %s"
    [(found,)] = database.execute(query, [app_name])
    return str(found)


def test_what_is_wrong_with_one_section_stops_that_job_only(
    installed: Command, database: Database
) -> None:
    configure(installed, database, "region=us", "regoin=us\ntimeout=1h")
    place = "(from crontabber.ini, line "
    tick = installed(CONF)
    assert tick.returncode == 1
    [line] = tick.stderr.splitlines()
    assert f"unknown option job.report-us.regoin {place}" in line
    assert line.endswith("did you mean region?")
    assert sorted(ran(database)) == ["backup", "fetch", "old", "report-eu"]
    tested = installed(CONF, "--configtest")
    assert tested.returncode == 1
    assert "did you mean region?" in tested.stdout


def test_a_section_of_no_job_is_an_error(installed: Command, database: Database) -> None:
    text = read(installed, "crontabber.ini").replace("jobs.myapp.Old|5m\n", "")
    (installed.directory / "crontabber.ini").write_text(text.replace("[[old]]", "[[fetc]]"))
    tick = installed(CONF)
    assert tick.returncode == 1
    assert tick.stderr.startswith("crontabber: unknown section [job] [[fetc]] (from crontabber.ini")
    assert len(tick.stderr.splitlines()) == 1


def test_a_mistyped_section_about_a_listed_class_is_an_error_of_a_tick(
    installed: Command, database: Database
) -> None:
    """trap: only --configtest told of it, and the job ran for months without its timeout"""
    configure(installed, database, "[[old]]", "[[odl]]")
    said = "unknown section [job] [[odl]] (from crontabber.ini, line "
    meant = "): did you mean [job] [[old]]?"
    first = installed(CONF)
    assert (first.returncode, first.stdout) == (1, "")
    [line] = first.stderr.splitlines()
    assert line.startswith(f"crontabber: {said}")
    assert line.endswith(meant)
    assert ran(database) == []
    configure(installed, database)
    assert installed(CONF).returncode == 0
    configure(installed, database, "[[old]]", "[[odl]]")
    jobs = ("--job=fetch", "--force"), ("--job=backup",)  # a backfill app, which is left alone
    for options in ((), *jobs, ("--engine=procrastinate",)):
        idle = installed(CONF, *options)
        assert (idle.returncode, idle.stderr) == (1, f"{line}\n")
    assert len(ran(database)) == 5
    assert installed.tty(CONF).stdout == f"{line}\n"
    checked = installed(CONF, "--configtest")
    assert f"crontabber: {checked.stdout}" == f"{line}\n"


def test_a_section_of_the_former_name_of_a_job_is_an_error(
    installed: Command, database: Database
) -> None:
    """trap: its old row vouched for it, and the job ran for ever without its timeout"""
    installed(CONF)
    installed.write("jobs/myapp.py", MYAPP.replace('app_name = "old"', 'app_name = "new"'))
    said = "crontabber: unknown section [job] [[old]] (from crontabber.ini, line "
    assert installed(CONF).stderr == "", "it is not due, so its class is not imported"
    pass_time(database, "5 minutes", "old")
    for options in ((), (), ("--job=fetch", "--force")):
        done = installed(CONF, *options)
        assert (done.returncode, done.stdout) == (1, "")
        [line] = done.stderr.splitlines()
        assert line.startswith(said)
    assert ran(database, "new") == []
    configure(installed, database, "[[old]]", "[[new]]")
    assert installed(CONF).stderr == ""
    assert ran(database, "new") == ["new"]
    configure(installed, database)
    assert installed(CONF).stderr.startswith(said), "the old row still stands"


def test_a_class_that_cannot_be_imported_may_be_the_one_that_a_section_is_about(
    installed: Command, database: Database
) -> None:
    (installed.directory / "jobs" / "myapp.py").write_text("1 / 0")
    tick = installed(CONF)
    assert tick.returncode == 1
    assert "unknown section" not in tick.stderr
    assert sorted(ran(database)) == ["backup", "fetch"]


# -- where modules are found -------------------------------------------------------------


def test_modules_are_found_beside_the_ini(installed: Command, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    conf = f"--admin.conf={tmp_path}/crontabber.ini"
    home = Command(elsewhere)
    tick = home(conf, env={"PYTHONPATH": str(ROOT)})
    assert (tick.returncode, tick.stderr) == (0, "")
    assert (elsewhere / "reports.txt").exists(), "the working directory is that of the start"
    named = home("--configtest", env={"PYTHONPATH": str(ROOT), "CRONTABBER_CONF": conf[13:]})
    assert (named.returncode, named.stdout) == (0, "OK: all 5 jobs are well\n")


def test_pythonpath_names_other_directories_from_that_of_the_ini(
    installed: Command, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "jobs").rename(tmp_path / "lib" / "jobs")
    conf = f"--admin.conf={tmp_path}/crontabber.ini"
    env = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    assert installed(conf, "--configtest", env=env).returncode == 3
    for path in ("lib", f"{tmp_path}/none:lib", "~/lib"):
        configure(installed, database, "[crontabber]", f"[crontabber]\npythonpath={path}")
        tested = installed(conf, "--configtest", env=env)
        assert tested.returncode == int("none" in path), tested.stdout
    assert (
        f"there is no directory {tmp_path}/none"
        in installed(
            conf, f"--crontabber.pythonpath={tmp_path}/none:lib", "--configtest", env=env
        ).stdout
    )


def test_what_python_has_itself_is_not_replaced_by_a_file_beside_the_ini(
    installed: Command, tmp_path: Path
) -> None:
    """trap: a queue.py or logging.py beside the ini would be imported in place of Python's"""
    (tmp_path / "logging.py").write_text("raise SystemError('not this one')")
    tick = installed(CONF, env={"PYTHONPATH": str(ROOT)})
    assert (tick.returncode, tick.stderr) == (0, "")


def test_a_directory_that_all_may_write_to_is_not_searched(
    installed: Command, database: Database, tmp_path: Path
) -> None:
    """trap: the jobs of an ini in /tmp would be any user's"""
    tmp_path.chmod(0o1777)
    env = {"PYTHONPATH": str(ROOT)}
    tested = installed(CONF, "--configtest", env=env)
    assert tested.returncode == 3
    assert (
        f"({tmp_path} is not searched, because all users may write there: keep the configuration "
        "in another directory, or set pythonpath)"
    ) in tested.stdout
    configure(installed, database, "[crontabber]", "[crontabber]\npythonpath=.")
    tested = installed(CONF, "--configtest", env=env)
    assert tested.returncode == 0
    assert f"all users may write to {tmp_path}, and so can run code as crontabber" in tested.stdout


def test_pythonpath_of_the_environment_comes_first(installed: Command, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "jobs").mkdir(parents=True)
    (other / "jobs" / "__init__.py").touch()
    text = (tmp_path / "jobs" / "myapp.py").read_text().replace('"reports.txt"', '"others.txt"')
    (other / "jobs" / "myapp.py").write_text(text)
    path = os.pathsep.join([str(other), str(ROOT)])
    assert installed(CONF, "--job=report-eu", env={"PYTHONPATH": path}).returncode == 0
    assert (tmp_path / "others.txt").exists()


def test_a_database_class_beside_the_ini_is_found(
    installed: Command, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "ours.py").write_text(
        "from crontabber.connection_factory import ConnectionFactory\n"
        "class Ours(ConnectionFactory): pass\n"
    )
    configure(installed, database, "[crontabber]", "[crontabber]\ndatabase_class=ours.Ours")
    tick = installed(CONF, env={"PYTHONPATH": str(ROOT)})
    assert (tick.returncode, tick.stderr) == (0, "")


def test_an_ini_that_is_not_there_is_told_with_who_names_it(installed: Command) -> None:
    gone = installed(env={"CRONTABBER_CONF": "gone.ini"})
    assert gone.returncode == 1
    assert gone.stderr == (
        "crontabber: cannot read gone.ini: No such file or directory (CRONTABBER_CONF in the "
        "environment names it)\n"
    )
    both = installed(CONF, "--configtest", env={"CRONTABBER_CONF": "gone.ini"})
    assert both.returncode == 0, "the command line wins"
