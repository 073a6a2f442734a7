"""A job that spoils its process: the job is recorded, and the next one finds all as it was."""

import os
import re
import signal
import textwrap
import time

import pytest

from crontabber.process.state import THINGS
from crontabber.process.things import Thing
from tests import warm
from tests.acceptance.rows import CONF, runs, state
from tests.fighters import FIGHTERS
from tests.support import ROOT, Command, Database

MODULE = """\
import builtins, io, os, signal, sys, time
from crontabber.base import BaseCronApp
from crontabber.mixins import (
    as_single_postgres_transaction, using_postgres, with_postgres_connection_as_argument,
    with_subprocess,
)
"""
PAIR = """
class Spoils{n}(BaseCronApp):
    app_name = 'spoils{n}'

    def run(self):
{spoil}

@with_subprocess
class Next{n}(BaseCronApp):
    app_name = 'next{n}'

    def run(self):
{check}
        print('heard of next{n}')
"""

SPOILERS = {
    # name: (what a job does, what the next one sees)
    "wraps stdout": ("sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')", ""),
    "wraps stdout and prints": (
        "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8'); print('wrapped')",
        "",
    ),
    "detaches and wraps stdout": (
        "sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8'); print('detached')",
        "",
    ),
    "detaches stdout": ("sys.stdout.detach()", ""),
    "detaches the buffer of stdout": ("sys.stdout.buffer.detach()", ""),
    "closes stdout": ("sys.stdout.close()", ""),
    "closes the buffer of stdout": ("sys.stdout.buffer.close()", ""),
    "closes the file of stdout": ("sys.stdout.buffer.raw.close()", ""),
    "has no stdout": ("sys.stdout = None; sys.__stdout__ = None", ""),
    "wraps stdout by codecs": (
        "import codecs; sys.stdout = codecs.getwriter('utf-8')(sys.stdout.buffer)",
        "",
    ),
    "opens stdout again": ("sys.stdout = open(1, 'w'); print('opened')", ""),
    "opens stderr again": ("sys.stderr = open(2, 'w')", ""),
    "wraps stdout for longer than its run": (
        "self.out = io.TextIOWrapper(sys.stdout.buffer)",
        "import gc; gc.collect()",
    ),
    "wraps stdout until the next job runs": (
        "builtins.left = io.TextIOWrapper(sys.stdout.buffer, write_through=True)",
        "import gc; getattr(builtins, 'left', None) and builtins.left.close(); print('so')",
    ),
    "wraps stderr": ("sys.stderr = io.TextIOWrapper(sys.stderr.buffer)", ""),
    "detaches stderr": ("sys.stderr.detach()", "sys.stderr.write('')"),
    "puts an object in place of stdout": ("sys.stdout = object()", ""),
    "puts a text in place of stdout": ("sys.stdout = io.StringIO()", ""),
    "encodes stdout as ASCII": (
        "sys.stdout.reconfigure(encoding='ascii', errors='strict')",
        "print('gr\\xfcn')",
    ),
    "closes descriptor 0": ("os.close(0)", "assert os.read(0, 1) == b''"),
    "closes descriptor 1": ("os.close(1)", "os.write(1, b'raw ')"),
    "closes descriptor 2": ("os.close(2)", "os.write(2, b'')"),
    "closes descriptors 0 to 2": ("os.closerange(0, 3)", "os.write(1, b'raw ')"),
    "closes descriptor 1 after it printed": ("print('printed'); os.close(1)", ""),
    "opens a file as descriptor 1": ("os.close(1); builtins.f = open('f', 'w')", ""),
    "leads descriptor 1 elsewhere": (
        "os.dup2(os.open('elsewhere', os.O_CREAT | os.O_WRONLY), 1)",
        "os.write(1, b'raw ')",
    ),
    "does not wait at descriptor 1": (
        "os.set_blocking(1, False)",
        "assert os.get_blocking(1)",
    ),
    "closes all descriptors": ("os.closerange(3, 1024)", ""),
    "closes all descriptors and opens files": (
        "os.closerange(3, 1024); builtins.files = [open(f'f{n}', 'w+') for n in range(9)]",
        "assert all(not open(f'f{n}').read() for n in range(9))",
    ),
    "opens a file in place of the database": (
        "os.closerange(0, 1024); builtins.files = [open(f'f{n}', 'w+') for n in range(9)]",
        "assert all(not open(f'f{n}').read() for n in range(9))",
    ),
    "ignores SIGCHLD": (
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        "assert self.run_process('exit 3')[0] == 3",
    ),
    "reaps all children": (
        "signal.signal(signal.SIGCHLD, lambda *_: os.waitpid(-1, os.WNOHANG))",
        "assert self.run_process('exit 3')[0] == 3",
    ),
    "names another database": (
        "os.environ['PGDATABASE'] = os.environ['PGHOST'] = 'elsewhere'",
        "assert not {'PGDATABASE', 'PGHOST'} & set(os.environ)",
    ),
    "clears the environment": ("os.environ.clear()", "assert os.environ['HOME']"),
    "has an environment of its own": (
        "os.environ = {'PATH': '/nowhere'}",
        "assert os.environ['HOME']; assert self.run_process('echo $HOME')[1].strip()",
    ),
    "changes a variable for its children": (
        "os.environb[b'HOME'] = b'\\xff'",
        "assert self.run_process('echo $HOME')[1].strip() == os.environ['HOME'] == os.getcwd()",
    ),
    "sets the umask": (
        "os.umask(0o777)",
        "open('new', 'w').close(); assert os.stat('new').st_mode & 0o600 == 0o600",
    ),
    "sets the zone": (
        "os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()",
        "assert time.localtime(0).tm_hour == 0 and time.tzname == ('UTC', 'UTC')",
    ),
    "sets the zone for good": (
        (
            "was = os.environ['TZ']; os.environ['TZ'] = 'Asia/Tokyo'; time.tzset();"
            " os.environ['TZ'] = was"
        ),
        "assert time.localtime(0).tm_hour == 0",
    ),
    "goes to another directory": ("os.chdir('/')", "assert os.path.exists('crontabber.ini')"),
    "sets the locale": (
        "import locale; locale.setlocale(locale.LC_ALL, 'C')",
        "import locale; assert locale.setlocale(locale.LC_CTYPE) == 'C.UTF-8'",
    ),
    "lets sockets time out": (
        "import socket; socket.setdefaulttimeout(0.001)",
        "import socket; assert socket.getdefaulttimeout() is None",
    ),
    "makes warnings errors": (
        "import warnings; warnings.simplefilter('error')",
        "import warnings; warnings.warn('just so', DeprecationWarning)",
    ),
    "replaces the list of warnings": (
        "import warnings; warnings.catch_warnings().__enter__(); warnings.simplefilter('error')",
        "import warnings; warnings.warn('just so', DeprecationWarning)",
    ),
    "has warnings logged": (
        "import logging; logging.captureWarnings(True)",
        "import warnings; assert warnings.showwarning.__module__ == 'warnings'",
    ),
    "disables logging": (
        "import logging; logging.disable(logging.CRITICAL)",
        "import logging; assert logging.getLogger('crontabber').isEnabledFor(logging.ERROR)",
    ),
    "takes the handlers away": (
        "import logging; logging.root.handlers.clear(); logging.root.setLevel(60)",
        "import logging; assert logging.root.handlers and logging.root.level <= 50",
    ),
    "silences the handlers": (
        (
            "import logging; hs = logging.root.handlers; [h.setLevel(99) for h in hs];"
            " [h.addFilter(lambda _: 0) for h in hs]"
        ),
        "import logging; h, *_ = logging.root.handlers; assert h.level <= 50 and not h.filters",
    ),
    "silences a logger": (
        (
            "import logging; x = logging.getLogger('crontabber'); x.setLevel(99);"
            " x.disabled = True; x.propagate = False; x.addFilter(lambda _: 0)"
        ),
        (
            "import logging; x = logging.getLogger('crontabber');"
            " assert (x.level, x.disabled, x.propagate, x.filters) == (0, False, True, [])"
        ),
    ),
    "logs records of its own": (
        "import logging; logging.setLogRecordFactory(lambda *_, **__: 1 / 0)",
        "import logging; assert logging.getLogRecordFactory() is logging.LogRecord",
    ),
    "renames a level": (
        "import logging; logging.addLevelName(40, 'oops')",
        "import logging; assert logging.getLevelName(40) == 'ERROR'",
    ),
    "logs by another clock": (
        "import logging; logging.Formatter.converter = None",
        "import logging; assert logging.Formatter.converter",
    ),
    "sets the decimal context": (
        "import decimal; decimal.getcontext().prec = 2; decimal.getcontext().rounding = 'ROUND_UP'",
        "import decimal; assert str(decimal.Decimal(1) / 3) == '0.' + 28 * '3'",
    ),
    "replaces the decimal context": (
        "import decimal; decimal.setcontext(decimal.Context(prec=2))",
        "import decimal; assert str(decimal.Decimal(1) / 3) == '0.' + 28 * '3'",
    ),
    "traps inexact numbers": (
        "import decimal; decimal.getcontext().traps[decimal.Inexact] = True",
        "import decimal; decimal.Decimal(1) / 3",
    ),
    "ignores signals": (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGUSR1, print)",
        (
            "assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL;"
            " assert callable(signal.getsignal(signal.SIGTERM))"
        ),
    ),
    "blocks signals": (
        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())",
        "assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])",
    ),
    "leaves timers": (
        (
            "signal.setitimer(signal.ITIMER_PROF, 0.01);"
            "signal.setitimer(signal.ITIMER_VIRTUAL, 0.01);"
            "signal.setitimer(signal.ITIMER_REAL, 0.2)"
        ),
        (
            "import itertools; began = time.process_time();"
            " [0 for _ in itertools.takewhile(lambda _: time.process_time() < began + 0.2,"
            " itertools.count())]; time.sleep(0.3)"
        ),
    ),
    "has signals written to a pipe": (
        "r, w = os.pipe(); os.set_blocking(w, False); signal.set_wakeup_fd(w)",
        "assert signal.set_wakeup_fd(-1) == -1",
    ),
    "limits its resources": (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))",
        "open('big', 'w').write('x' * 10000)",
    ),
    "limits its memory": (
        "import resource; resource.setrlimit(resource.RLIMIT_DATA, (1, resource.RLIM_INFINITY))",
        "bytearray(50_000_000)",
    ),
    "limits all that it can": (
        (
            "import resource\nfor name, it in vars(resource).items():\n"
            "    if name.startswith('RLIMIT_') and name != 'RLIMIT_CPU':\n"
            "        resource.setrlimit(it, (0, resource.getrlimit(it)[1]))"
        ),
        "import resource; now = resource.getrlimit(resource.RLIMIT_SIGPENDING); assert now[0], now",
    ),
    "lets others go first": (
        "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))",
        "assert os.sched_getscheduler(0) == os.SCHED_OTHER",
    ),
    "moves to one processor": (
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})",
        (
            "import multiprocessing;"
            " assert len(os.sched_getaffinity(0)) == int(os.environ['PROCESSORS'])"
        ),
    ),
    "changes the arguments": ("sys.argv[:] = ['other']", "assert sys.argv[1:]"),
    "clears the modules": ("sys.modules.clear()", "import json, logging; json.loads('1')"),
    "has modules of its own": ("sys.modules = {}", "import colorsys"),
    "forbids modules": (
        "sys.modules.update(dict.fromkeys(('json', 'logging', 'psycopg2', 'traceback')))",
        "import json, logging",
    ),
    "has no way to import": ("sys.meta_path.clear()", "import colorsys"),
    "has no way to find modules": (
        "sys.path_hooks.clear(); sys.path_importer_cache.clear(); sys.meta_path = None",
        "import colorsys, xml.dom",
    ),
    "adds a way to import": (
        (
            "builtins.finder = type('Finder', (), {'find_spec': lambda *_: None})();"
            " sys.meta_path.insert(0, builtins.finder)"
        ),
        "assert sys.meta_path[0] is builtins.finder",  # as six and wrapt do
    ),
    "removes its own module": (
        "open('mine.py', 'w').close(); import mine; del sys.modules['mine']",
        "assert 'mine' not in sys.modules",
    ),
    "clears the path": ("sys.path.clear()", "import colorsys"),
    "replaces the path": ("sys.path = []", "import colorsys"),
    "puts a directory first": (
        "os.mkdir('lib'); open('lib/colorsys.py', 'w').close(); sys.path.insert(0, 'lib')",
        "import colorsys; assert colorsys.rgb_to_hls",
    ),
    "recurses": ("sys.setrecursionlimit(100)", "assert sys.getrecursionlimit() == 1000"),
    "hooks exceptions": (
        (
            "sys.excepthook = sys.unraisablehook = sys.displayhook = None; import threading;"
            " threading.excepthook = None"
        ),
        (
            "import threading; assert sys.excepthook is sys.__excepthook__;"
            " assert sys.unraisablehook is sys.__unraisablehook__;"
            " assert threading.excepthook is threading.__excepthook__"
        ),
    ),
    "traces": (
        "sys.settrace(lambda *_: None); sys.setprofile(lambda *_: None)",
        "assert sys.gettrace() is None is sys.getprofile()",
    ),
    "traces threads": (
        "import threading; threading.settrace(print); threading.setprofile(print)",
        "import threading; assert threading.gettrace() is None is threading.getprofile()",
    ),
    "traces memory": (
        "import tracemalloc; tracemalloc.start()",
        "import tracemalloc; assert not tracemalloc.is_tracing()",
    ),
    "limits numbers and fields": (
        "import csv; csv.field_size_limit(3); sys.set_int_max_str_digits(640)",
        "import csv; str(10**3000); assert [*csv.reader(['long field'])]",
    ),
    "cramps threads": (
        "import threading; threading.stack_size(1 << 20); sys.setswitchinterval(9)",
        "import threading; assert threading.stack_size() == 0 and sys.getswitchinterval() < 1",
    ),
    "hears no signals": ("signal.signal = signal.setitimer = signal.pthread_sigmask = None", ""),
    "goes through a proxy": (
        "import socket; socket.socket = socket.create_connection = socket.getaddrinfo = None",
        "import socket; socket.create_server(('127.0.0.1', 0)).close(); assert socket.getaddrinfo",
    ),
    "hides tracebacks": ("sys.tracebacklimit = 0", "assert not hasattr(sys, 'tracebacklimit')"),
    "disables the collector": (
        "import gc; gc.disable(); gc.set_threshold(1); gc.callbacks.append(print)",
        "import gc; assert gc.isenabled() and gc.get_threshold()[0] > 1 and not gc.callbacks",
    ),
    "keeps its garbage": (
        "import gc; gc.set_debug(gc.DEBUG_SAVEALL)",
        "import gc; assert not gc.get_debug()",
    ),
    "leaves a loop that runs": (
        "import asyncio; asyncio._set_running_loop(asyncio.new_event_loop())",
        "import asyncio; asyncio.run(asyncio.sleep(0))",
    ),
    "runs a loop": (
        "import asyncio; asyncio.run(asyncio.sleep(0))",
        (
            "import asyncio, warnings; warnings.simplefilter('ignore');"
            " asyncio.get_event_loop().run_until_complete(asyncio.sleep(0))"
        ),
    ),
    "sets a policy of loops": (
        (
            "import asyncio; asyncio.set_event_loop_policy(type('P',"
            " (asyncio.DefaultEventLoopPolicy,), {'new_event_loop': lambda _: 1 / 0})())"
        ),
        "import asyncio; asyncio.run(asyncio.sleep(0))",
    ),
    "chooses how to start processes": (
        "import multiprocessing; multiprocessing.set_start_method('spawn')",
        "import multiprocessing; multiprocessing.set_start_method('fork')",
    ),
    "dumps and exits": (
        "import faulthandler; faulthandler.dump_traceback_later(0.1, exit=True)",
        "time.sleep(0.3)",
    ),
    "trusts every server": (
        "import ssl; ssl._create_default_https_context = ssl._create_unverified_context",
        "import ssl; assert ssl._create_default_https_context().verify_mode == ssl.CERT_REQUIRED",
    ),
    "installs an opener": (
        "import urllib.request; urllib.request.install_opener(object())",
        "import urllib.request; assert urllib.request._opener is None",
    ),
    "has its own place for temporary files": (
        "import tempfile; os.mkdir('tmp'); os.environ['TMPDIR'] = 'tmp'; tempfile.gettempdir()",
        (
            "import tempfile; assert not tempfile.gettempdir().endswith('/tmp/tmp')"
            " and os.getcwd() not in tempfile.gettempdir()"
        ),
    ),
    "patches the clocks": (
        (
            "import datetime; time.time = time.monotonic = time.perf_counter = lambda: 0.0;"
            " time.sleep = None; datetime.datetime = None"
        ),
        (
            "import datetime; assert time.time() > 1e9 and time.monotonic() and datetime.datetime;"
            " time.sleep(0)"
        ),
    ),
    "patches what is built in": (
        "builtins.print = builtins.open = builtins.sorted = None; del builtins.hash",
        "assert hash('x') and sorted('x'); open('crontabber.ini').close()",
    ),
    "registers a type": (
        (
            "from psycopg2 import extensions as e;"
            " e.register_type(e.new_type(tuple(e.string_types), 'BAD', lambda *_: 1 / 0))"
        ),
        (
            "from psycopg2 import extensions as e;"
            " assert 'BAD' not in [t.name for t in e.string_types.values()]"
        ),
    ),
    "clears the types": (
        "from psycopg2 import extensions as e; e.string_types.clear(); e.adapters.clear()",
        "from psycopg2 import extensions as e; assert e.string_types and e.adapters",
    ),
    "registers adapters": (
        (
            "from psycopg2 import extensions as e;"
            " [e.register_adapter(t, lambda _: e.AsIs('1 / 0')) for t in (str, int, bool, list)]"
        ),
        "from psycopg2 import extensions as e; assert e.adapt('x').getquoted() == b\"'x'\"",
    ),
    "waits in its own way": (
        "from psycopg2 import extensions as e; e.set_wait_callback(lambda _: 1 / 0)",
        "from psycopg2 import extensions as e; assert e.get_wait_callback() is None",
    ),
    "patches the driver": (
        (
            "import psycopg2, select; psycopg2.connect = select.select = None;"
            " psycopg2.extensions.set_wait_callback = psycopg2.extensions.cursor = None"
        ),
        "",
    ),
    "sets a variable of its context": (
        "import contextvars; v = builtins.var = contextvars.ContextVar('v'); v.set('spoilt')",
        "assert builtins.var.get('fresh') == 'fresh'",
    ),
    "lowers its rights": (
        "os.getuid() or (os.setegid(12345), os.seteuid(12345))",
        "assert os.geteuid() == os.getuid() and os.getegid() == os.getgid()",
    ),
    "leaves a thread": (
        "import threading; threading.Thread(target=time.sleep, args=(0.2,)).start()",
        "",
    ),
}
LOST = ["opens a file in place of the database"]
"""After these, what is printed is not seen; all else is as it was."""
_IN_VAIN = {"traces", "traces threads"} if warm.COVERAGE in os.environ else set()
"""What counts lines traces, too."""
_SEEN = [name for name in SPOILERS if name not in {*LOST, *_IN_VAIN}]
TICKS = [LOST, *(_SEEN[start : start + 8] for start in range(0, len(_SEEN), 8))]
"""A tick has the jobs of some of them, as most of its time is not theirs."""


def configure(crontabber: Command, database: Database, *pairs: tuple[str, str]) -> None:
    """List jobs that spoil their process, each with the one that comes next."""
    module, jobs = MODULE, ""
    for n, pair in enumerate(pairs):
        spoil, check = (textwrap.indent(text or "pass", 8 * " ") for text in pair)
        module += PAIR.format(n=n, spoil=spoil, check=check)
        jobs += f"jobs.Spoils{n}|1h\njobs.Next{n}|1h\n"
    crontabber.write("jobs.py", module)
    crontabber.configure(database, jobs)


PROCESSORS = {"PROCESSORS": str(len(os.sched_getaffinity(0)))}


@pytest.mark.parametrize("names", TICKS, ids=", ".join)
def test_what_a_job_did_to_its_process_does_not_reach_the_next(
    crontabber: Command, database: Database, names: list[str]
) -> None:
    """trap: what a job did to its process reached the next one, and the tick"""
    configure(crontabber, database, *(SPOILERS[name] for name in names))
    done = crontabber(CONF, env=PROCESSORS)
    errors = dict(runs(database))
    ran = {name: (errors[f"spoils{n}"], errors[f"next{n}"]) for n, name in enumerate(names)}
    assert ran == dict.fromkeys(names, (None, None)), done.stderr
    assert len(runs(database)) == 2 * len(names)
    assert (done.returncode, done.stderr) == (0, "")
    heard = re.findall("heard of next([0-9]+)$", done.stdout, re.MULTILINE)
    assert heard == ([] if names is LOST else [str(n) for n in range(len(names))])
    assert not any(state(database, app_name).ongoing for app_name in errors)


@pytest.mark.parametrize("ignored", [True, False])
def test_started_with_sigchld_ignored_a_command_that_fails_has_failed(
    crontabber: Command, database: Database, ignored: bool
) -> None:
    """trap: crontabber started where SIGCHLD is ignored: run_process("exit 3") returned 0"""
    check = (
        "import subprocess; assert subprocess.run('exit 4', shell=True).returncode == 4\n"
        "assert self.run_process('exit 3')[0] == 3"
    )
    if ignored:
        check = f"signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n{check.splitlines()[1]}"
    configure(crontabber, database, ("", check))
    previous = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        process = crontabber.popen(CONF)
    finally:
        signal.signal(signal.SIGCHLD, previous)
    with process:
        said = process.communicate()[1]
    assert (runs(database), said) == ([("spoils0", None), ("next0", None)], "")


IMPORTED = {
    # what a module does when it is imported, and what the other module's job sees
    "goes to another directory": "import os; os.chdir('/')",
    "disables logging": "import logging; logging.disable(logging.CRITICAL)",
    "writes to descriptor 1": "import os; os.write(1, b'noise\\n')",
    "prints": "print('noise')",
    "prints in a child process": "import subprocess; subprocess.run('echo noise', shell=True)",
    "prints at the end": "import atexit; atexit.register(print, 'noise')",
    "wraps stdout": "import io, sys; sys.stdout = io.TextIOWrapper(sys.stdout.buffer)",
    "closes descriptor 1": "import os; os.close(1)",
    "names another database": "import os; os.environ['PGDATABASE'] = 'elsewhere'",
    "closes all descriptors": "import os; os.closerange(3, 300)",
    "ignores signals": "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "registers a type": (
        "from psycopg2 import extensions as e\n"
        "e.register_type(e.new_type(tuple(e.string_types), 'BAD', lambda *_: 1 / 0))"
    ),
    "raises what cannot be looked at": "from fighters import Exits\nraise Exits",
    "has a class that cannot be looked at": (
        "class Spoils:\n    def main(self): pass\n"
        "    class Raises:\n        def __get__(self, *_): 1 / 0\n"
        "    app_name = Raises()"
    ),
}
UNUSABLE = {"raises what cannot be looked at", "has a class that cannot be looked at"}
APP = """
from crontabber.base import BaseCronApp
class {name}(BaseCronApp):
    app_name = '{name}'
    def run(self):
        import logging, os, signal
        assert os.path.exists('crontabber.ini') and 'PGDATABASE' not in os.environ
        assert not logging.root.manager.disable
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN
"""


@pytest.mark.parametrize("name", IMPORTED)
def test_what_a_module_did_when_it_was_imported_reaches_no_job_and_no_answer(
    crontabber: Command, database: Database, name: str
) -> None:
    """trap: os.chdir and logging.disable in a module; os.write(1, …) in it under --nagios"""
    (crontabber.directory / "fighters.py").write_text((ROOT / "tests/fighters.py").read_text())
    text = IMPORTED[name]
    if name not in UNUSABLE:
        text += APP.format(name="Spoils")
    crontabber.write("spoils.py", text)
    crontabber.write("other.py", APP.format(name="Other"))
    crontabber.configure(database, "spoils.Spoils|1h\nother.Other|1h")
    told = crontabber(CONF, "--nagios")
    if name != "closes all descriptors":  # where the answer is to go is among them
        assert told.stdout.count("\n") == 1, told.stdout
        assert "noise" not in told.stdout
        assert ("CRITICAL - " in told.stdout) == (name in UNUSABLE), told.stdout + told.stderr
    done = crontabber(CONF)
    assert done.returncode == (1 if name in UNUSABLE else 0), done.stderr
    expected = [("Other", None)] if name in UNUSABLE else [("Spoils", None), ("Other", None)]
    assert runs(database) == expected
    assert "Traceback" not in done.stderr


def test_an_exception_that_fights_back_is_recorded_and_the_next_job_runs(
    crontabber: Command, database: Database
) -> None:
    """trap: an exception whose attributes raise ended the tick"""
    (crontabber.directory / "fighters.py").write_text((ROOT / "tests/fighters.py").read_text())
    fights = [f"import fighters; raise fighters.FIGHTERS[{name!r}]()" for name in FIGHTERS]
    configure(crontabber, database, *((fight, "") for fight in fights))
    done = crontabber(CONF)
    errors = dict(runs(database))
    ran = {
        name: (bool(errors[f"spoils{n}"]), errors[f"next{n}"]) for n, name in enumerate(FIGHTERS)
    }
    assert ran == dict.fromkeys(FIGHTERS, (True, None)), done.stderr
    numbers = [str(n) for n in range(len(FIGHTERS))]
    assert (done.returncode, done.stdout) == (0, "".join(f"heard of next{n}\n" for n in numbers))
    assert re.findall(r"ERROR - spoils(\d+) failed: .", done.stderr) == numbers
    assert done.stderr.count("\n") == len(numbers)
    assert crontabber(CONF, "--nagios").returncode == 2


def test_a_daemon_that_a_job_leaves_does_not_keep_others_waiting_for_the_output(
    crontabber: Command, database: Database
) -> None:
    """It leads its own descriptors elsewhere; copies of ours would keep the pipe open."""
    spoil = (
        "if os.fork() == 0:\n"
        "    nowhere = os.open(os.devnull, os.O_RDWR)\n"
        "    [os.dup2(nowhere, number) for number in range(3)]\n"
        "    open('pid', 'w').write(str(os.getpid()))\n"
        "    time.sleep(60); os._exit(0)"
    )
    check = "while not os.path.exists('pid'): time.sleep(0.01)"
    configure(crontabber, database, (spoil, check))
    began = time.monotonic()
    crontabber(CONF)
    assert time.monotonic() - began < 30
    os.kill(int((crontabber.directory / "pid").read_text()), signal.SIGKILL)


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.name)
def test_what_is_put_back_is_documented(thing: Thing) -> None:
    rows = (ROOT / "docs/apps.md").read_text(encoding="utf-8")
    assert f"| {thing.name} | {thing.why} |" in rows
