"""The source of pages: one thread with a database connection, and a cache of seconds.

All that uses the database runs in that thread, so that a slow query stops no other request. What
was just made comes from the cache, so that a wall of screens costs one look.
"""

import asyncio
import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ...app import CronTabber
from ...config.settings import Settings
from ...errors import CrontabberError
from ...process.clock import monotonic
from ...store.onlyreading import LimitedStore
from ...verbs.gather import Seen
from ...verbs.pages import PATIENCE, Page, Request, in_time, look, only_reading, page, problem

T = TypeVar("T")

KEPT = 2.0
"""For how many seconds a look, and a page, is cached."""
_MOST = 256
"""The most pages that are cached, and the most that are waited for."""
_AGE = 60.0
"""After how many seconds the configuration is read again: included files may have changed."""


class Source:
    """Makes pages from the database; *make* makes the application that reads it; see `reading`.

    *patience* is for how many seconds a browser waits.
    """

    def __init__(self, make: Callable[[], CronTabber], patience: float = PATIENCE) -> None:
        self._make = make
        self._patience = patience
        self._thread = ThreadPoolExecutor(1, "crontabber-pages")
        self._app: CronTabber | None = None
        self._made = 0.0
        self._stamp: object = None
        self._seen: tuple[float, Seen] | None = None
        self._pages: dict[Request, tuple[float, Page]] = {}
        self._waiting: dict[Request, asyncio.Future[Page]] = {}

    async def page(self, request: Request) -> Page:
        """The page that is asked for, at most `KEPT` seconds old; a 503 if that takes too long."""
        kept = self._pages.get(request)
        if kept and monotonic() - kept[0] < KEPT:
            return kept[1]
        made = self._waiting.get(request)
        if made is None or made.done():
            self._waiting = {each: f for each, f in self._waiting.items() if not f.done()}
            if len(self._waiting) >= _MOST:
                return _silent()
            made = asyncio.ensure_future(self.ask(functools.partial(self._page, request)))
            self._waiting[request] = made
        try:
            return await asyncio.wait_for(asyncio.shield(made), self._patience)
        except asyncio.TimeoutError:
            return _silent()

    async def ask(self, question: Callable[[], T]) -> T:
        """Run *question* in the thread of the database."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)

    def _page(self, request: Request) -> Page:
        try:
            with in_time(self._current(), self._patience):
                made = page(self.seen(), request)
        except CrontabberError as error:
            text = self._app.redact(str(error)) if self._app else str(error)
            self._drop()
            return problem(503, "The jobs cannot be looked at", text)
        self._pages = {k: v for k, v in self._pages.items() if monotonic() - v[0] < KEPT}
        if len(self._pages) < _MOST:
            self._pages[request] = (monotonic(), made)
        return made

    def seen(self) -> Seen:
        """A look at the jobs, at most `KEPT` seconds old; only in the thread of the database."""
        if self._seen is None or monotonic() - self._seen[0] >= KEPT:
            self._seen = (monotonic(), look(self._current()))
        return self._seen[1]

    def forget(self) -> None:
        """Make the next page look again, after a change."""
        self._seen, self._pages = None, {}

    def _current(self) -> CronTabber:
        """The application, made again if its configuration may have changed."""
        if self._app and (
            monotonic() - self._made >= _AGE or self._stamp != _stamp(self._app.settings.path)
        ):
            self._drop()
        if self._app is None:
            self._app = self._make()
            self._made, self._stamp = monotonic(), _stamp(self._app.settings.path)
        return self._app

    def _drop(self) -> None:
        if self._app:
            self._app.__exit__(None, None, None)
        self._app = self._seen = None

    def close(self) -> None:
        """Close the database connection, without waiting for what is under way."""
        if self._app and isinstance(self._app.store, LimitedStore):
            self._app.store.interrupt()
        self._thread.submit(self._drop)
        self._thread.shutdown(wait=False)


def _silent() -> Page:
    return problem(503, "The database does not answer", "This page tries again by itself.")


def reading(settings: Settings) -> CronTabber:
    """The jobs of a configuration, for pages that only look."""
    return only_reading(CronTabber(settings))


def _stamp(path: str) -> object:
    """What changes when the file does."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
