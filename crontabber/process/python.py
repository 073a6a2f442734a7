"""Start a module of ours in another Python, which takes no code from the working directory."""

import sys

# What -m does, but with the working directory off the path: -m itself imports from there.
_RUN = (
    "import sys; sys.path[:] = filter(None, sys.path); del sys.argv[0]; import runpy; "
    "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)

_DETACHED = (
    "import os, sys; os.fork() and os._exit(0); import runpy; "
    "runpy.run_path(sys.argv[1], run_name='__main__')"
)


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs *module* with *arguments*, as ``python -m`` does.

    The working directory is on its path only if ``PYTHONPATH`` names it. ``python -m`` has it
    there before the standard library: a ``json.py`` in the directory would be imported as ours.
    """
    return [sys.executable, *_how(), module, *arguments]


def detached_command(script: str, *arguments: str) -> list[str]:
    """Return the command line that runs *script*, of the standard library, but not as our child.

    Its process ends at once, and the script continues in another: a job that waits for all its
    children must not wait for it. Only the standard library is imported, which saves half
    of the start-up time.
    """
    return [sys.executable, "-I", "-S", "-c", _DETACHED, script, *arguments]


def _how(version: tuple[int, ...] = sys.version_info[:2]) -> tuple[str, ...]:
    return ("-P", "-m") if version >= (3, 11) else ("-c", _RUN)


def interpreter() -> str:
    """The Python that runs us, for a person who is to start it."""
    return sys.executable
