"""Code of jobs that would end the process outside of a run costs its own job a line, no other."""

import os
import re
import signal
from collections.abc import Sequence

import pytest

from tests.acceptance.rows import CONF, ran, runs
from tests.support import TIMEOUT, Command, Database, alarm

ENDINGS = {
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "generates": ("raise GeneratorExit", "GeneratorExit"),
    "leaves": ("import sys; sys.exit()", "sys.exit"),
    "leaves_well": ("raise SystemExit(0)", "sys.exit"),
    "dies": ("import os; os._exit(0)", "os._exit"),
}
"""What code does, and the words that are to be in its job's line."""

GOOD = """\
from crontabber.base import BaseCronApp

class App(BaseCronApp):
    app_name = 'good'

    def run(self):
        pass
"""
LOOKED_AT = """\
from configman import Namespace
from crontabber.base import BaseCronApp

def end(*args, **kwargs):
    {ending}

class Named(type):
    app_name = property(end)

class Named(BaseCronApp, metaclass=Named):
    pass

class Meant(BaseCronApp):
    app_name = 'meant'
    get_required_config = classmethod(end)

    def run(self):
        pass

class Converted(BaseCronApp):
    app_name = 'converted'
    required_config = Namespace()
    required_config.add_option('number', default='7', from_string_converter=end)

    def run(self):
        pass

class Derived(BaseCronApp):
    app_name = 'derived'
    __init_subclass__ = classmethod(end)

    def run(self):
        pass
"""
RESOURCE = """\
from crontabber.base import BaseCronApp
from crontabber.mixins import as_single_postgres_transaction, using_postgres

@using_postgres()
@as_single_postgres_transaction()
class App(BaseCronApp):
    app_name = "fetches"

    def run(self, connection):
        pass
"""


@pytest.fixture
def endings(crontabber: Command, database: Database) -> Command:
    """A configuration with a job whose module ends in each way, and a good one after them."""
    for name, (code, _) in ENDINGS.items():
        crontabber.write(f"{name}.py", f"{code}\n")
    crontabber.write("good.py", GOOD)
    lines = [f"{name}.App|1d" for name in ENDINGS]
    crontabber.configure(database, "\n".join([*lines, "good.App|1d"]))
    return crontabber


def told(text: str) -> dict[str, str]:
    """What is said of each job line, by the line's module."""
    return dict(re.findall(r"job line '(\w+)\.\w+\|1d': (.*)", text))


def test_a_module_that_ends_the_process_is_an_error_of_its_job(
    endings: Command, database: Database
) -> None:
    """trap: KeyboardInterrupt or os._exit(0) at import: status 0 or 130, silence, no other job"""
    done = endings(CONF)
    assert done.returncode == 1
    assert told(done.stderr).keys() == ENDINGS.keys()
    for name, text in told(done.stderr).items():
        assert ENDINGS[name][1] in text
        assert f"{name}.py:1)" in text
    assert "Traceback" not in done.stderr
    assert ran(database) == ["good"]


@pytest.mark.parametrize(
    ("verb", "status"), [("--configtest", len(ENDINGS)), ("--list-jobs", 0), ("--nagios", 2)]
)
def test_verbs_that_import_classes_tell_of_it(endings: Command, verb: str, status: int) -> None:
    done = endings(CONF, verb)
    assert done.returncode == status
    for name, (_, words) in ENDINGS.items():
        assert f"{name}.App" in done.stdout + done.stderr
        assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("ending", ["interrupts", "leaves_well", "dies"])
def test_a_class_that_ends_the_process_is_an_error_of_its_job(
    crontabber: Command, database: Database, ending: str
) -> None:
    """Its name, options and converters are code of the job's, and so is what is derived from it."""
    code, words = ENDINGS[ending]
    crontabber.write("looked.py", LOOKED_AT.format(ending=code))
    crontabber.write("good.py", GOOD)
    crontabber.write("fetches.py", RESOURCE)
    crontabber.write("ends.py", f"{code}\n")
    more = (
        "[[class-App]]\n[[[database]]]\ndatabase_class=ends.Factory\n[job]\n"
        "[[derived]]\ntimeout=5m\n"
    )
    classes = ("Named", "Meant", "Converted", "Derived")
    jobs = "\n".join(f"looked.{each}|1d" for each in classes)
    crontabber.configure(database, f"{jobs}\nfetches.App|1d\ngood.App|1d", more)
    done = crontabber(CONF)
    lines = done.stderr.splitlines()
    assert [words in line for line in lines] == [True] * (len(classes) + 1)
    assert (done.returncode, ran(database)) == (1, ["good"])
    assert "Traceback" not in done.stderr
    checked = crontabber(CONF, "--configtest")
    assert [words in line for line in checked.stdout.splitlines()] == [True] * len(lines)
    assert checked.returncode == len(lines)
    assert checked.stderr == ""


def test_a_class_of_connections_that_leaves_is_told_of(
    crontabber: Command, database: Database
) -> None:
    """trap: status 0, silence, no job"""
    lines = "class Lines:\n    def connect(self): pass\n    def __init__(self, config): exit(0)\n"
    crontabber.write("lines.py", lines)
    crontabber.write("good.py", GOOD)
    crontabber.configure(database, "good.App|1d", "database_class=lines.Lines")
    done = crontabber(CONF)
    assert (done.returncode, done.stdout) == (1, "")
    what = "a class that the configuration names ends the process: it calls sys.exit"
    assert done.stderr == f"crontabber: {what} ({crontabber.directory}/lines.py:3)\n"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise KeyboardInterrupt", "it raises KeyboardInterrupt"),
        ("raise SystemExit(0)", "it calls sys.exit"),
        ("__import__('os')._exit(0)", "it calls os._exit"),
    ],
)
@pytest.mark.parametrize("verb", [(), ("--nagios",)])
def test_connections_that_would_end_the_process_are_told_of(
    crontabber: Command, database: Database, code: str, words: str, verb: Sequence[str]
) -> None:
    """trap: status 130 or 0, silence, no job; to Nagios the number of a process"""
    base = "from crontabber.connection_factory import ConnectionFactory"
    lines = f"{base}\nclass Lines(ConnectionFactory):\n    def connect(self): {code}\n"
    crontabber.write("lines.py", lines)
    crontabber.write("good.py", GOOD)
    crontabber.configure(database, "good.App|1d", "database_class=lines.Lines")
    done = crontabber(CONF, *verb)
    what = "a class that the configuration names ends the process"
    told = f"{what}: {words} ({crontabber.directory}/lines.py:3)\n"
    expected = (3, f"UNKNOWN - {told}", "") if verb else (1, "", f"crontabber: {told}")
    assert (done.returncode, done.stdout, done.stderr) == expected


@pytest.mark.parametrize("method", ["__init__(self, config)", "connect(self)"])
def test_an_error_of_a_class_of_connections_is_one_line(
    crontabber: Command, database: Database, method: str
) -> None:
    """trap: a traceback"""
    base = "from crontabber.connection_factory import ConnectionFactory"
    lines = f"{base}\nclass Lines(ConnectionFactory):\n    def {method}: {{}}['key\\n']\n"
    crontabber.write("lines.py", lines)
    crontabber.configure(database, "good.App|1d", "database_class=lines.Lines")
    done = crontabber(CONF)
    what = "cannot use the database: lines.Lines raises KeyError: 'key\\n'"
    assert done.stderr == f"crontabber: {what} ({crontabber.directory}/lines.py:3)\n"
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("object", "the database_class lines.Lines has no method unavailable(): derive it from "),
        ("ConnectionFactory", "connect() of the database_class returns no connection, but str"),
    ],
)
def test_a_class_that_makes_no_connections_is_told_in_one_line(
    crontabber: Command, database: Database, base: str, said: str
) -> None:
    crontabber.write(
        "lines.py",
        f"""\
        from crontabber.connection_factory import ConnectionFactory

        class Lines({base}):
            def __init__(self, config):
                if {base} is not object:
                    super().__init__(config)

            def connect(self):
                return 'connected'
        """,
    )
    crontabber.configure(database, "good.App|1d", "database_class=lines.Lines")
    done = crontabber(CONF)
    assert done.stderr.startswith(f"crontabber: {said}")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


def test_sigint_while_a_class_of_connections_connects_ends_the_tick(
    crontabber: Command, database: Database
) -> None:
    crontabber.write(
        "lines.py",
        f"""\
        import time
        from crontabber.connection_factory import ConnectionFactory

        class Lines(ConnectionFactory):
            def connect(self):
                print('connecting', flush=True)
                time.sleep({TIMEOUT})
        """,
    )
    crontabber.write("good.py", GOOD)
    crontabber.configure(database, "good.App|1d", "database_class=lines.Lines")
    with crontabber.popen(CONF) as process:
        assert process.stdout
        assert process.stdout.readline() == "connecting\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, output, errors) == (130, "", "")


def test_sigint_during_an_import_ends_the_tick(crontabber: Command, database: Database) -> None:
    """Also if the module swallows the exception, as ``except BaseException`` does"""
    for name, code in {"hears": "", "swallows": "except BaseException: pass"}.items():
        crontabber.write(
            f"{name}.py",
            f"""\
            import time
            try:
                print('importing', flush=True)
                time.sleep({TIMEOUT})
            {code or "finally: pass"}
            """,
        )
        crontabber.write("good.py", GOOD)
        crontabber.configure(database, f"{name}.App|1d\ngood.App|1d")
        with crontabber.popen(CONF) as process:
            assert process.stdout
            assert process.stdout.readline() == "importing\n"
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=TIMEOUT)
        assert (process.returncode, output, errors) == (130, "", "")
        assert ran(database) == []


EXITS = """\
{imports}
from crontabber.base import BaseCronApp

class App(BaseCronApp):
    app_name = 'exits'

    def run(self):
        {name}(0)
"""


@pytest.mark.parametrize(
    ("imports", "name"), [("import os", "os._exit"), ("from os import _exit", "_exit")]
)
def test_a_job_that_ends_the_process_has_crashed_says_the_next_tick(
    crontabber: Command, database: Database, imports: str, name: str
) -> None:
    """Nothing catches os._exit() in a run: it must not pass for success, nor hinder others"""
    crontabber.write("exits.py", EXITS.format(imports=imports, name=name))
    crontabber.write("good.py", GOOD)
    crontabber.configure(database, "exits.App|1d\ngood.App|1d")
    assert crontabber(CONF).returncode == 0
    assert runs(database) == []
    done = crontabber(CONF)
    assert "exits crashed: process" in done.stderr
    crashed = ("exits", "<class 'crontabber.errors.JobCrashed'>")
    assert sorted(runs(database)) == [crashed, ("good", None)]


def test_a_child_that_a_module_forks_may_leave_by_os_exit(
    crontabber: Command, database: Database
) -> None:
    forks = "import os\nif not os.fork():\n    os._exit(0)\nassert os.wait()[1] == 0\n"
    crontabber.write("good.py", forks + GOOD)
    crontabber.configure(database, "good.App|1d")
    done = crontabber(CONF)
    assert (done.returncode, done.stderr, ran(database)) == (0, "", ["good"])


LEAVES_THREADS = """\
import threading
from concurrent.futures import ThreadPoolExecutor
from crontabber.base import BaseCronApp

executor = ThreadPoolExecutor()
over = threading.Event()

class Pool(BaseCronApp):
    app_name = 'pool'

    def run(self):
        executor.submit(print, 'done').result()
        threading.Thread(target=over.wait, daemon=True).start()

class Leaves(BaseCronApp):
    app_name = 'leaves'

    def run(self):
        for name in ('first', 'second'):
            threading.Thread(target=over.wait, name=name).start()
"""
IMPORTED = """\
import threading, time
threading.Thread(target=threading.Event().wait, name='of the module').start()
"""


def test_a_process_that_stands_for_a_thread_says_who_left_it(
    crontabber: Command, database: Database
) -> None:
    """trap: ticks piled up, and nothing said why"""
    crontabber.write("threads.py", LEAVES_THREADS)
    crontabber.write("good.py", IMPORTED + GOOD)
    crontabber.configure(database, "threads.Pool|1d\nthreads.Leaves|1d\ngood.App|1d")
    with crontabber.popen(CONF) as process, alarm(process):
        assert process.stderr
        told = [process.stderr.readline() for _ in range(2)]
        assert process.poll() is None
        process.kill()
        assert process.stderr.read() == ""
    assert "importing good left running: thread 'of the module'; this" in told[0]
    assert (
        "leaves left running: thread 'first', thread 'second'; this process cannot end" in told[1]
    )
    assert sorted(ran(database)) == ["good", "leaves", "pool"]
    assert crontabber(CONF, "--nagios").returncode == 0


LEAVES_CHILD = """\
import multiprocessing, signal
from crontabber.base import BaseCronApp

class Leaves(BaseCronApp):
    app_name = 'leaves'

    def run(self):
        child = multiprocessing.get_context('fork').Process(target=signal.pause, name='child')
        child.start()
        with open('child', 'w') as f:
            f.write(str(child.pid))
"""


def test_a_process_that_stands_for_a_child_of_multiprocessing_says_who_left_it(
    crontabber: Command, database: Database
) -> None:
    """Python waits for these at its end, as for threads"""
    crontabber.write("children.py", LEAVES_CHILD)
    crontabber.configure(database, "children.Leaves|1d")
    with crontabber.popen(CONF) as process, alarm(process):
        assert process.stderr
        told = process.stderr.readline()
        os.kill(int((crontabber.directory / "child").read_text()), signal.SIGKILL)
        assert process.wait(TIMEOUT) == 0
    assert "leaves left running: process 'child'; this process cannot end" in told


def test_threads_that_end_with_the_process_are_no_news(
    crontabber: Command, database: Database
) -> None:
    crontabber.write("threads.py", LEAVES_THREADS)
    crontabber.configure(database, "threads.Pool|1d")
    done = crontabber(CONF)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
