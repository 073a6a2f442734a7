"""Python processes that are forks of a parent which has imported most of what they need.

A fork is a process of its own: it has its own arguments, environment, directory and descriptors,
hears signals and dies like any other. It only saves the processor time that Python takes to
start and to import, which is most of what a short command costs.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import os
import pickle
import runpy
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_MOST = 1 << 20
"""Bytes of a request."""
_CORE = (
    *"crontabber.app crontabber.base crontabber.cli crontabber.config.apps".split(),
    *"crontabber.config.places crontabber.config.section crontabber.connection_factory".split(),
    *"crontabber.generic_app crontabber.log.setup crontabber.mixins".split(),
    *"crontabber.process.command_app crontabber.process.commands crontabber.process.person".split(),
    *"crontabber.process.watched crontabber.reporters.distant crontabber.reporters.dsn".split(),
    *"crontabber.reporters.log crontabber.reporters.terminal crontabber.schedule.changes".split(),
    *"crontabber.schedule.information crontabber.schedule.lint crontabber.secrecy.redactor".split(),
    *"crontabber.store.access crontabber.store.logrows crontabber.store.numbers".split(),
    *"crontabber.tick.attempt crontabber.tick.batch crontabber.tick.marking".split(),
    *"crontabber.tick.select crontabber.transaction_executor crontabber.verbs.backfill".split(),
    *"crontabber.verbs.backfills crontabber.verbs.check crontabber.verbs.dispatch".split(),
    *"crontabber.verbs.look crontabber.verbs.nagios crontabber.verbs.past".split(),
    *"crontabber.verbs.pause crontabber.verbs.steer crontabber.verbs.why".split(),
    *"crontabber.views.colour crontabber.views.configtest crontabber.views.explain".split(),
    *"crontabber.views.history crontabber.views.listing crontabber.views.nagios".split(),
    *"crontabber.views.status configman difflib hashlib logging.handlers psycopg2".split(),
    *"queue random shutil tempfile".split(),
)
_PROCRASTINATE = ("crontabber.contrib.procrastinate.engine", "procrastinate", "psycopg")
_DJANGO = (
    *"django.core.management.commands.check django.core.management.commands.migrate".split(),
    *"django.contrib.admin.templatetags.admin_list django.contrib.auth.hashers".split(),
    *"django.contrib.contenttypes.apps django.contrib.contenttypes.management".split(),
    *"django.contrib.messages.middleware django.contrib.sessions.middleware".split(),
    *"django.contrib.staticfiles.apps django.db.backends.postgresql.base django.test".split(),
    *"crontabber.contrib.django.checks crontabber.contrib.django.management.base".split(),
    *"crontabber.contrib.django.pages crontabber.verbs.pages psycopg".split(),
)
PRELOADED: Mapping[str, Sequence[str]] = {
    "crontabber": (*_CORE, *_PROCRASTINATE),
    "manage.py": (*_CORE, "django.core.management", "django.contrib.admin", *_DJANGO),
    "procrastinate": (*_CORE, *_PROCRASTINATE, "procrastinate.cli"),
}
"""What the parent of a program imports; each has a parent of its own."""
_OPTIONS = {"cwd", "env", "stdin", "stdout", "stderr", "text", "start_new_session"}
COVERAGE = "COVERAGE_PROCESS_CONFIG"
"""The variable that has Python's start count the lines that run: `make coverage`."""
_VARIABLES = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}


def popen(line: Sequence[str], **options: Any) -> "subprocess.Popen[str]":
    """Start a Python program as `subprocess.Popen` does: by a fork, if that makes no difference."""
    return (Warm if _makes_no_difference(line, options) else subprocess.Popen)(line, **options)


def _makes_no_difference(line: Sequence[str], options: Mapping[str, Any]) -> bool:
    """Whether Python's start would make nothing of the options and the environment."""
    env = options.get("env") or {}
    return (
        hasattr(os, "pidfd_open")
        and line[0] == sys.executable
        and _program(line[1:])[0] in PRELOADED
        and options.keys() <= _OPTIONS
        and COVERAGE not in env
        and not any(name.startswith("PYTHON") for name in env.keys() - _VARIABLES)
        and not any(name.startswith("LC_") for name in env)
        and env.get("LANG") == "C.UTF-8"
        and not any(
            Path(directory, f"{name}.py").exists()
            for directory in env.get("PYTHONPATH", "").split(os.pathsep)
            for name in ("sitecustomize", "usercustomize", "procrastinate")
        )
    )


def _program(words: Sequence[str]) -> tuple[str, bool, list[str]]:
    """The program of a command line of Python, whether warnings are errors, and its arguments."""
    strict = [*words[:2]] == ["-W", "error"]
    words = words[2:] if strict else words
    words = words[1:] if words[0] == "-m" else words
    return words[0], strict, [*words[1:]]


class Warm(subprocess.Popen[Any]):
    """A fork, which is used as `subprocess.Popen` is."""

    def _execute_child(self, args: Any, *rest: Any) -> None:
        # what starts the process, and the places of its arguments, are those of Python 3.10 to 3.14
        cwd, env, pipes, session = rest[4], rest[5], rest[9:15], rest[20]
        ends = (pipes[0], pipes[3], pipes[5])
        given = [number if end == -1 else end for number, end in enumerate(ends)]
        program, *more = _program(args[1:])
        request = (program, more, os.fspath(cwd), dict(env), session)
        self._status = _parent(program).fork(request, given)
        self.pid = int(self._status.recv(64))
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None:
            self._look(0)
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        if self.returncode is None and not self._look(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self.returncode

    def _look(self, timeout: float | None) -> bool:
        """Wait for the status; whether it came."""
        self._status.settimeout(timeout)
        try:
            status = self._status.recv(64)
        except (BlockingIOError, TimeoutError):
            return False
        self._status.close()
        self._handle_exitstatus(int(status))  # type: ignore[attr-defined]
        return True


class _Parent:
    """The process that forks; it ends with this one."""

    def __init__(self, program: str) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, program, str(theirs.fileno())],
                env=environment,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.close)

    def fork(self, request: Any, descriptors: Sequence[int]) -> socket.socket:
        """Have it fork; what comes back gives the process's number, and then its status."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            everything = [*descriptors, theirs.fileno()]
            socket.send_fds(self._control, [pickle.dumps(request)], everything)
        return ours

    def close(self) -> None:
        """Have it end."""
        self._control.close()
        self._process.wait()


_parent = functools.cache(_Parent)


# -- in the parent, and in its forks -----------------------------------------------


def _serve(control: socket.socket) -> Any:
    """Fork for each request, and tell the status of each fork; in the fork, the request."""
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is not control:
                _tell(key)
                selector.unregister(key.fileobj)
                continue
            data, descriptors, *_ = socket.recv_fds(control, _MOST, 4)
            if not data:
                os._exit(0)
            status = socket.socket(fileno=descriptors.pop())
            pid = os.fork()
            if not pid:
                for held in [*selector.get_map().values()]:
                    _close(held)
                selector.close()
                status.close()
                return pickle.loads(data), descriptors
            for descriptor in descriptors:
                os.close(descriptor)
            status.send(str(pid).encode())
            selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, status))


def _tell(key: selectors.SelectorKey) -> None:
    pid, status = key.data
    code = os.waitpid(pid, 0)[1]
    with contextlib.suppress(BrokenPipeError):  # no test waits for it any more
        status.send(str(code).encode())
    _close(key)


def _close(key: selectors.SelectorKey) -> None:
    for held in (key.fileobj, *(key.data or ())[1:]):
        os.close(held) if isinstance(held, int) else held.close()


def _become(path: Sequence[str], request: Any, descriptors: Sequence[int]) -> None:
    """Be the process that was asked for, as if Python had just started."""
    program, (strict, arguments), directory, env, session = request
    if session:
        os.setsid()
    os.chdir(directory)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.dont_write_bytecode = bool(env.get("PYTHONDONTWRITEBYTECODE"))
    sys.path[:] = [str(Path.cwd()), *filter(None, env["PYTHONPATH"].split(os.pathsep)), *path]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = _stream(number, getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    if strict:
        import warnings

        sys.warnoptions[:] = ["error"]
        warnings.simplefilter("error")
    sys.argv = [program, *arguments]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        if program.endswith(".py"):
            runpy.run_path(program, run_name="__main__")
        else:
            runpy._run_module_as_main(program)  # type: ignore[attr-defined]  # what python -m does
    except SystemExit as end:
        code = end.code or 0
    else:
        code = 0
    if not isinstance(code, int):
        sys.exit(code)
    leave(code)


def leave(code: int) -> None:
    """End as Python does, but do not clear the modules.

    That would copy each page of memory which the fork shares with its parent, and take longer
    than most commands do.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()
    try:
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            if stream is not None and not stream.closed:
                stream.flush()
    except Exception:  # noqa: BLE001  Python tells of it, and has a status for it
        sys.exit(code)
    os._exit(code & 0xFF)


def _stream(number: int, like: Any) -> Any:
    """A stream as Python makes them at its start."""
    return open(
        number,
        "w" if number else "r",
        encoding=like.encoding,
        errors=like.errors,
        buffering=1 if number == 2 or (number and os.isatty(number)) else -1,
        closefd=False,
    )


def _main() -> None:
    path = sys.path[1:]  # without this directory
    sys.path[0] = str(ROOT)
    for module in PRELOADED[sys.argv[1]]:
        importlib.import_module(module)
    control = socket.socket(fileno=int(sys.argv[2]))
    gc.collect()
    gc.freeze()
    _become(path, *_serve(control))


if __name__ == "__main__":
    _main()
