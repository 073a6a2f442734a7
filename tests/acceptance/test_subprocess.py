"""The manual's chapter 1.2.5: jobs that run other programs."""

import json
from typing import Any

from tests.acceptance.rows import CONF, ran, runs, state
from tests.support import Command, Database

APPS = """\
import json
import subprocess
from crontabber.base import BaseCronApp
from crontabber.mixins import with_subprocess

@with_subprocess
class MyFirstCommandlineApp(BaseCronApp):
    app_name = 'my-first-commandline-app'

    def run(self):
        command = 'rm oldjunk.log'
        exit_code, stdout, stderr = self.run_process(command)
        if exit_code != 0:
            self.config.logger.error(
                'Failed to execute %r' % command,
            )
            raise Exception(stderr)

@with_subprocess
class Many(BaseCronApp):
    app_name = 'many'

    def run(self):
        said = {
            'shell': self.run_process('echo $((6 * 7)) | tr 4 5; echo oops >&2; exit 3'),
            'list': self.run_process(['echo', '$HOME', '; touch injected', '*']),
            'input': self.run_process('cat', input='h\\u00e9llo\\n'),
            'no input': self.run_process('cat'),
        }
        try:
            self.run_process('echo begun; sleep 60 & sleep 60', timeout=0.2)
        except subprocess.TimeoutExpired as error:
            said['late'] = error.stdout
        with open('said.json', 'w') as f:
            json.dump(said, f)
"""


def read(crontabber: Command) -> Any:
    return json.loads((crontabber.directory / "said.json").read_text())


def test_a_command_gives_its_exit_code_and_what_it_wrote(
    crontabber: Command, database: Database
) -> None:
    """trap: run_process ignored input; list arguments went through a shell."""
    crontabber.write("jobs/commands.py", APPS)
    crontabber.configure(database, "jobs.commands.Many|1h")
    done = crontabber(CONF)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert read(crontabber) == {
        "shell": [3, "52", "oops"],
        "list": [0, "$HOME ; touch injected *", ""],
        "input": [0, "héllo", ""],
        "no input": [0, "", ""],
        "late": "begun\n",
    }
    assert not (crontabber.directory / "injected").exists()
    assert ran(database) == ["many"]


def test_a_command_that_fails_can_be_logged_and_remembered(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("jobs/commands.py", APPS)
    crontabber.configure(database, "jobs.commands.MyFirstCommandlineApp|1h")
    done = crontabber(CONF)
    assert done.returncode == 0
    assert "ERROR - Failed to execute 'rm oldjunk.log'" in done.stderr
    assert runs(database) == [("my-first-commandline-app", "<class 'Exception'>")]
    error = state(database, "my-first-commandline-app").last_error
    assert "No such file or directory" in error["value"]

    crontabber.write("oldjunk.log", "")
    crontabber(CONF, "--job=my-first-commandline-app", "--force")
    assert ran(database) == ["my-first-commandline-app"]
    assert not (crontabber.directory / "oldjunk.log").exists()
