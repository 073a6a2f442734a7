"""Shows runs at a terminal: a line for each, a progress bar for many slots."""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TextIO, cast

from ..errors import Redact
from ..process.clock import monotonic
from ..schedule.calendar import count_slots
from ..schedule.model import JobSpec, Run, Skip, SkipReason
from . import Reporter
from .wording import crash_line, duration_words, exception_line, message_line, slot_text

if TYPE_CHECKING:
    from rich.console import Console

    from ..schedule.forecast import Upcoming

MANY = 3
"""The number of open slots from which there is a progress bar."""


_WIDEST = 40
"""Columns of the longest name with which others are aligned."""
_OUTCOME = len("crashed")
"""Columns of the word for the outcome."""
_STYLES = {"ok": "green", "failed": "bold red", "crashed": "bold red", "handed over": "cyan"}
_SKIPS = {SkipReason.ONGOING: "running", SkipReason.LOCKED: "locked"}
"""One word for why a job does not run, if the reason itself is longer."""


class TerminalReporter(Reporter):
    """Writes to *stream*, which is a terminal; *redact* takes secrets out of a text.

    Colours and the progress bar come from rich, which is imported with the first line. After
    the stream was closed or broken, nothing more is written to it.
    """

    def __init__(self, stream: TextIO, redact: Redact = str, *, tells_skips: bool = True) -> None:
        self._stream = _Forgiving(stream)
        self._redirect = stream is sys.stdout
        self._redact = redact
        self._console: Console | None = None
        self._bar: _Bar | None = None
        self._app_name = ""
        """The job that began last."""
        self._tells_skips = tells_skips
        self._width = 0
        """Columns for names, so that what follows them is aligned."""

    def selected(self, jobs: Sequence[JobSpec]) -> None:
        self._width = min(
            max((_columns(message_line(job.app_name)) for job in jobs), default=0), _WIDEST
        )

    def started(self, job: JobSpec, run: Run) -> None:
        if job.app_name == self._app_name:
            return
        self.finished()
        self._app_name = job.app_name
        count = open_slots(job, run) if job.backfill else 1
        if count >= MANY:
            self._bar = _Bar(self._rich(), job.app_name, count, redirect=self._redirect)

    def succeeded(self, job: JobSpec, run: Run) -> None:
        if self._bar:
            self._bar.advance(run.duration)
        else:
            self._say(job.app_name, "ok", _slot(job, run), duration_words(run.duration))

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        self.finished()
        if error is None:
            self._say(job.app_name, "crashed", _slot(job, run), crash_line(run, self._redact))
        else:
            what = exception_line(error, self._redact)
            self._say(job.app_name, "failed", _slot(job, run), duration_words(run.duration), what)

    def skipped(self, job: JobSpec, skip: Skip) -> None:
        if self._tells_skips and skip.reason is not SkipReason.NOT_DUE:
            self.finished()
            why = message_line(self._redact(skip.detail))
            self._say(job.app_name, _SKIPS.get(skip.reason, skip.reason.value), why)

    def handed_over(self, job: JobSpec) -> None:
        self._say(job.app_name, "handed over", "to the workers")

    def idle(self, upcoming: "Upcoming | None", now: datetime) -> None:
        what = "; no job has a next time"
        if upcoming:
            local = upcoming.at.astimezone(upcoming.job.zone)
            when = f"{local:%a} {local.day} {local:%b %H:%M} ({upcoming.job.zone})"
            name = message_line(upcoming.job.app_name)
            what = f"; next: {name} in {_until(upcoming.at - now)}, at {when}"
        self._rich().print(f"nothing is due{what}", markup=False, soft_wrap=True)

    def finished(self) -> None:
        bar, self._bar, self._app_name = self._bar, None, ""
        if bar:
            bar.close()
        if bar and bar.done:
            what = f"{bar.done} slot{'s' if bar.done > 1 else ''}"
            self._say(bar.app_name, "ok", what, duration_words(bar.duration))

    def _say(self, app_name: str, outcome: str, *words: str) -> None:
        from rich.text import Text

        style = _STYLES.get(outcome, "yellow")
        name = message_line(app_name)
        left = Text(f"{name}{' ' * (self._width - _columns(name))}")
        padding = " " * (_OUTCOME - len(outcome))
        parts = [left, Text.assemble((outcome, style), padding), *map(Text, filter(None, words))]
        self._rich().print(Text("  ").join(parts), soft_wrap=True)

    def _rich(self) -> "Console":
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=cast(TextIO, self._stream), highlight=False)
        return self._console


def open_slots(job: JobSpec, run: Run) -> int:
    """How many slots of *job* are open, from that of its first *run* to the start of this run."""
    return max(count_slots(job.schedule, run.slot, run.started, job.zone), 1)


def _columns(name: str) -> int:
    from rich.cells import cell_len

    return cell_len(name)


def _until(span: timedelta) -> str:
    """A remaining time in its two largest units: ``15 h 27 min``, ``3 d 2 h``."""
    minutes = max(-(-span // timedelta(minutes=1)), 1)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def _slot(job: JobSpec, run: Run) -> str:
    return slot_text(job, run) if job.backfill else ""


class _Bar:
    """A progress bar: slots that are done, slots that are left, time to go.

    It is drawn after each slot, and not by a thread, because a job may fork. What the job
    prints to ``sys.stdout`` (and to ``sys.stderr``, if that is a terminal too) appears above
    the bar. The output of its child processes is not moved.
    """

    def __init__(self, console: "Console", app_name: str, count: int, *, redirect: bool) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.app_name = app_name
        self._count = count
        self.done = 0
        self.duration = timedelta()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.completed:.0f} done, {task.remaining:.0f} left, time to go"),
            TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
            speed_estimate_period=86400,
            transient=True,
            redirect_stdout=redirect,
            redirect_stderr=redirect and sys.stderr.isatty(),
            get_time=monotonic,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(app_name, total=count)
        self._progress.start()
        console.show_cursor()  # a SIGKILL would leave it hidden
        self._progress.refresh()

    def advance(self, duration: timedelta | None) -> None:
        """Count one more slot, which took *duration*."""
        self.done += 1
        self.duration += duration or timedelta()
        total = max(self.done, self._count)  # the count is too low if the schedule was changed
        self._progress.update(self._task, completed=self.done, total=total, refresh=True)

    def close(self) -> None:
        """Remove the bar; first print what was written without a line end."""
        try:
            if not self._progress.disable:
                sys.stdout.flush()
                sys.stderr.flush()
        finally:
            self._progress.stop()


class _Forgiving:
    """A stream that ignores all writes after one has failed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._given_up = False

    def write(self, text: str) -> int:
        encoding = self._stream.encoding or "utf-8"
        sayable = text.encode(encoding, "backslashreplace").decode(encoding)
        self._try(lambda: self._stream.write(sayable))
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, act: Callable[[], object]) -> None:
        if self._given_up:
            return
        try:
            act()
        except (OSError, ValueError):  # broken, or closed
            self._given_up = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
