"""The process around a job: what the job did to it is undone."""

import contextlib
import logging
import os
import sys
from typing import TextIO


class ProcessState:
    """Working directory, output and logging of this process, as they are now."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._directory = _working_directory()
        self._streams = sys.stdout, sys.stderr
        self._handlers = [*logging.root.handlers]
        self._level = logging.root.level
        self._disabled = logging.root.manager.disable

    def restore(self) -> None:
        """Put all of it back, and see that what the job printed is not lost with the next."""
        if os.getpid() != self._pid:
            os._exit(1)  # a child that the job forked, and that came back from run()
        if self._directory:
            with contextlib.suppress(OSError):  # it was removed: nobody can go back
                os.chdir(self._directory)
        sys.stdout, sys.stderr = map(_usable, self._streams)
        with contextlib.suppress(OSError, AttributeError):  # nobody reads it, or there is none
            sys.stdout.flush()
        self._restore_logging()

    def _restore_logging(self) -> None:
        root = logging.root
        if root.manager.disable != self._disabled:
            logging.disable(self._disabled)
        if root.level != self._level:
            root.setLevel(self._level)
        root.handlers[:] = self._handlers
        if logging.getLogger("crontabber").disabled:  # as dictConfig does with all it finds
            for name, logger in root.manager.loggerDict.items():
                if name.partition(".")[0] == "crontabber" and isinstance(logger, logging.Logger):
                    logger.disabled = False


def _working_directory() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  pathlib takes longer to import than a tick
    except OSError:  # it was removed
        return None


def _usable(stream: TextIO) -> TextIO:
    """*stream*, or nowhere if the job closed it: what is written must not raise."""
    return open(os.devnull, "w") if getattr(stream, "closed", False) else stream  # noqa: PTH123  as above
