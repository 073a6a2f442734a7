"""The manual's chapter 1.7: options of one's own, and where they can be set."""

import re
from datetime import datetime

import pytest

from tests.acceptance.rows import CONF, ran
from tests.support import Command, Database

APP = """\
import datetime
{imports}
class MyFirstConfigApp(BaseCronApp):
    app_name = 'my-first-config-app'
    required_config = Namespace()
    required_config.add_option(
        'date_format',
        default='%m/%d %Y - %H:%M',
        doc="Format for how the date is reported in the log file."
    )

    def run(self):
        with open(self.app_name + '.log', 'w') as f:
            dt = datetime.datetime.now()
            f.write('Now is %s\\n' % dt.strftime(self.config.date_format))
"""
CRONTABBER_FIRST = "from crontabber.base import BaseCronApp\nfrom configman import Namespace\n"
CONFIGMAN_FIRST = "from configman import Namespace\nfrom crontabber.base import BaseCronApp\n"
FUNCTION_APP = """\
import datetime
from crontabber.base import BaseCronApp
from configman import Namespace

def function_converter(function_reference):
    module, callable, function = function_reference.rsplit('.', 2)
    module = __import__(module, globals())
    callable = getattr(module, callable)
    return getattr(callable, function)

class MyFirstConfigApp(BaseCronApp):
    app_name = 'my-first-config-app'
    required_config = Namespace()
    required_config.add_option(
        'date_format',
        default='%m/%d %Y - %H:%M',
        doc="Format for how the date is reported in the log file."
    )
    required_config.add_option(
        'date_function',
        default=datetime.datetime.now,
        doc="Function that generates datetime instance",
        from_string_converter=function_converter
    )
    required_config.add_option('times', default=1, doc="how often")

    def run(self):
        assert isinstance(self.config.times, int)
        with open(self.app_name + '.log', 'w') as f:
            dt = self.config.date_function()
            f.write('Now is %s\\n' % dt.strftime(self.config.date_format) * self.config.times)
"""
SECTION = "crontabber.class-MyFirstConfigApp"
RUN = [CONF, "--job=my-first-config-app", "--force"]


def said(crontabber: Command) -> str:
    return (crontabber.directory / "my-first-config-app.log").read_text()


@pytest.mark.parametrize(
    "imports", [CRONTABBER_FIRST, CONFIGMAN_FIRST], ids=["crontabber first", "configman first"]
)
def test_an_option_is_its_default_or_what_file_environment_or_command_line_say(
    crontabber: Command, database: Database, imports: str
) -> None:
    """trap: no run with the environment as a source survived configman on Python 3."""
    crontabber.write("jobs/myapp.py", APP.replace("{imports}", imports))
    crontabber.configure(database, "jobs.myapp.MyFirstConfigApp|5m")
    done = crontabber(*RUN)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"Now is \d\d/\d\d \d{4} - \d\d:\d\d\n", said(crontabber))

    weekday = {f"{SECTION}.date_format": "%A"}
    done = crontabber(*RUN, env=weekday)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"Now is [A-Z][a-z]+day\n", said(crontabber))

    crontabber.configure(
        database,
        "jobs.myapp.MyFirstConfigApp|5m",
        """
        [[class-MyFirstConfigApp]]
        # Format for how the date is reported in the log file.
        date_format=%W %y %H:%M
        """,
    )
    done = crontabber(*RUN)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"Now is \d\d \d\d \d\d:\d\d\n", said(crontabber))

    crontabber(*RUN, env=weekday)
    assert re.fullmatch(r"Now is [A-Z][a-z]+day\n", said(crontabber))
    crontabber(*RUN, f"--{SECTION}.date_format=%Y!", env=weekday)
    assert re.fullmatch(r"Now is \d{4}!\n", said(crontabber))

    printed = crontabber(CONF, "--admin.print_conf=ini").stdout
    section = printed[printed.index("[[class-MyFirstConfigApp]]") :]
    assert "# Format for how the date is reported in the log file." in section
    assert "date_format=%W %y %H:%M" in section
    assert f"--{SECTION}.date_format" in crontabber(CONF, "--help=my-first-config-app").stdout


def test_an_option_may_be_something_to_import(crontabber: Command, database: Database) -> None:
    crontabber.write("jobs/myapp.py", FUNCTION_APP)
    crontabber.configure(database, "jobs.myapp.MyFirstConfigApp|5m")
    local = {"TZ": "Asia/Kolkata"}
    fmt = f"--{SECTION}.date_format=%Y-%m-%dT%H:%M:%S"

    def time() -> datetime:
        return datetime.fromisoformat(said(crontabber).split()[-1])

    assert crontabber(*RUN, fmt, env=local).returncode == 0
    here = time()
    function = {f"{SECTION}.date_function": "datetime.datetime.utcnow"}
    done = crontabber(*RUN, fmt, env={**local, **function, "PYTHONWARNINGS": "ignore"})
    assert (done.returncode, done.stderr) == (0, "")
    assert 5.3 * 3600 < (here - time()).total_seconds() < 5.6 * 3600

    done = crontabber(*RUN, env={f"{SECTION}.times": "2"})
    assert (done.returncode, len(said(crontabber).splitlines())) == (0, 2)
    done = crontabber(*RUN, env={f"{SECTION}.times": "twice"})
    assert done.returncode == 1
    assert f"option {SECTION}.times 'twice' (from the environment)" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_dotted_names_of_the_environment_are_ours(
    crontabber: Command, database: Database
) -> None:
    """trap: version=1, port=1, job=nightly, time=00:00 in the environment changed the run."""
    crontabber.write("jobs/myapp.py", APP.replace("{imports}", CRONTABBER_FIRST))
    crontabber.configure(database, "jobs.myapp.MyFirstConfigApp|5m")
    names = "version port job time host dbname password help force nagios jobs date_format dsn"
    strange = {"a.b": "1", "class-X.y": "2", "BASH_FUNC_x%%": "() { :; }", "resource.x.y": "3"}
    env = {**dict.fromkeys(names.split(), "1"), **strange}
    done = crontabber(CONF, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ran(database) == ["my-first-config-app"]
    assert "/" in said(crontabber)


def test_classes_of_one_name_are_jobs_of_their_own(crontabber: Command, database: Database) -> None:
    """trap: two classes of one name in different modules shared frequency and time."""
    for name in ("one", "two"):
        text = APP.replace("{imports}", CRONTABBER_FIRST)
        crontabber.write(f"jobs/{name}.py", text.replace("my-first-config-app", name))
    crontabber.configure(
        database, "jobs.one.MyFirstConfigApp|5m\njobs.two.MyFirstConfigApp|1d|00:00"
    )
    done = crontabber(CONF)
    assert (done.returncode, done.stderr) == (0, "")
    assert ran(database) == ["one", "two"]
    listed = crontabber(CONF, "--list").stdout
    assert listed.index("Frequency:      5m") < listed.index("Frequency:      1d @ 00:00")


def test_two_files_share_settings_by_including_a_third(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/myapp.py", APP.replace("{imports}", CRONTABBER_FIRST))
    crontabber.write("etc/database.ini", database.ini_section())
    crontabber.write(
        "etc/shared.ini",
        "[[class-MyFirstConfigApp]]\ndate_format=shared\n#+include ./database.ini\n",
    )
    for name, frequency in {"A": "5m", "B": "1h"}.items():
        jobs = f"jobs=jobs.myapp.MyFirstConfigApp|{frequency}"
        crontabber.write(f"etc/{name}.ini", f"[crontabber]\n{jobs}\n#+include ./shared.ini\n")

    assert crontabber("--admin.conf=etc/A.ini").returncode == 0
    assert said(crontabber) == "Now is shared\n"
    listed = crontabber("--admin.conf=etc/B.ini", "--list").stdout
    assert "Frequency:      1h\nLast run:" in listed
