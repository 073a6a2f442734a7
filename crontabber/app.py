"""CronTabber: what the command can do, each of it one method."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TextIO

from .errors import ExitCode, JobOngoingError
from .generic_app import Answer, GenericApp
from .lookup import EVERYTHING, app_name_of, find_all, find_job
from .reporters import Reporter, Reporters
from .roster import Roster
from .schedule.decide import marked_by_older
from .schedule.model import JobSpec, JobState, Skip, SkipReason
from .schedule.transition import crashed
from .store import Look

if TYPE_CHECKING:
    from .signals import Signals


class CronTabber(GenericApp):
    """The jobs of one configuration, and what people ask of them."""

    signals: "Signals | None" = None
    """Installed already, by a caller that lives longer than a tick; None: we have our own."""

    def tick(self) -> ExitCode:
        """Run the jobs that are due."""
        from .tick import Tick

        look = self.look()
        roster = self.roster(look.zone, look.states)

        def run(jobs: Sequence[JobSpec]) -> ExitCode:
            if self.settings.engine:
                return self._hand_over(jobs, look, roster)
            return self._run(jobs, look, roster, self.reporter)

        return Tick(look, roster, self.reporter, verbose=self.verbose).run(run)

    def run_job(self, name: str, *, force: bool = False) -> Answer:
        """Run one job, by app_name or class path, if it is due; with *force* come what may.

        The answer says why it was not run. A backfill app is left alone: its dates have
        an order. Raises `UnknownJobError`, or what is wrong with the job's line.
        """
        look = self.look()
        roster = self.roster(look.zone, look.states)
        job = find_job(name, roster)
        roster.faults.clear()  # those of others, which were not asked for
        if job.backfill:
            return _answer(job, Skip(SkipReason.BACKFILL, "which only runs by its own schedule"))
        heard = _Heard()
        reporter = Reporters(lambda: [self.reporter, heard])
        code = self._run([job], look, roster, reporter, force=force)
        return _answer(job, heard.skip, code)

    def run_due(self, class_path: str, listener: Reporter) -> ExitCode:
        """Run the job of one class if it is due, as a tick would: backfill apps too.

        *listener* is told of it, besides our own reporters. Raises `UnknownJobError`, or
        what is wrong with the job's line.
        """
        look = self.store.look([class_path])
        roster = self.roster(look.zone, look.states)
        job = find_job(class_path, roster)
        roster.faults.clear()  # those of others
        reporter = Reporters(lambda: [self.reporter, listener])
        return self._run([job], look, roster, reporter)

    def find(self, job: str | type) -> tuple[JobSpec, type]:
        """A listed job by its class, app_name or class path; and its class, imported.

        No database is asked. Raises `UnknownJobError`, or what is wrong with the job's line.
        """
        name = job if isinstance(job, str) else f"{job.__module__}.{job.__qualname__}"
        roster = self.roster("UTC", {})
        spec = find_job(name, roster)
        return spec, roster.classes[spec.class_path]

    def _hand_over(self, jobs: Sequence[JobSpec], look: Look, roster: Roster) -> ExitCode:
        """Have the engine of the settings do what `_run` does."""
        from importlib import import_module

        from .config.converters import ENGINES

        engine = import_module(ENGINES[self.settings.engine])
        return engine.run(self, jobs, look, roster)  # type: ignore[no-any-return]

    def _run(
        self,
        jobs: Sequence[JobSpec],
        look: Look,
        roster: Roster,
        reporter: Reporter,
        *,
        force: bool = False,
    ) -> ExitCode:
        from contextlib import nullcontext

        from .batch import Batch
        from .clock import ServerClock
        from .runner import Runner
        from .signals import Signals

        middleware, faults = self.middleware()
        roster.faults += faults
        clock = ServerClock(look.now)
        with nullcontext(self.signals) if self.signals else Signals() as signals:
            runner = Runner(self.store, clock, reporter, signals, self.redact, middleware)
            return Batch(look, roster, runner, self.prepare).run(jobs, force=force)

    def list_jobs(self, stream: TextIO) -> str:
        """The state of each job, in the order listed; coloured if *stream* shows colours."""
        from .views.colour import style_for
        from .views.listing import listing
        from .views.text import one_line

        look = self.look()
        roster = self.roster(look.zone, look.states)
        jobs = roster.all()
        states = self._with_crashes(jobs, look)
        text = listing(jobs, states, look.now, style_for(stream), self.origin)
        return "\n\n".join([*(one_line(str(fault)) for fault in roster.faults), text])

    def origin(self, job: JobSpec) -> tuple[str, str]:
        """What a job comes from, for people: the word for that, and which one."""
        return "Class:", job.class_path

    def nagios(self) -> Answer:
        """The health of all jobs, as Nagios wants it."""
        from .schedule.health import judge
        from .views.nagios import report

        look = self.look()
        roster = self.roster(look.zone, look.states)
        jobs = roster.all()
        findings = judge(jobs, self._with_crashes(jobs, look), look.now)
        return Answer(*report(findings, roster.faults, len(jobs)))

    def _with_crashes(self, jobs: Sequence[JobSpec], look: Look) -> Mapping[str, JobState]:
        """The rows as the next tick will find them, if processes are gone that ran jobs."""
        rows = ((job, look.states.get(job.app_name)) for job in jobs)
        marked = {
            job.app_name: (job, row) for job, row in rows if row and row.ongoing and row.claim
        }
        if not marked:
            return look.states
        states, claimed = dict(look.states), self.store.claimed(marked)
        for name, (job, row) in marked.items():
            # it may have been recorded, and its claim given back, since we looked
            if name not in claimed and self.store.read(name) == row:
                states[name] = crashed(job, row, look.now)
        return states

    def audit_ghosts(self) -> str:
        """The jobs in the database that are not in the configuration."""
        from .views.ghosts import ghosts

        look = self.store.look(None)
        roster = self.roster(look.zone, look.states)
        jobs = roster.all()
        unusable = {line.class_path for line in roster.lines} - {job.class_path for job in jobs}
        return ghosts(look.states, jobs, unusable=unusable, zone=roster.zone)

    def reset_job(self, name: str) -> str:
        """Forget the state of one job, by app_name or class path; its log stays.

        Raises `UnknownJobError`, and `JobOngoingError` if it is being run.
        """
        look = self.store.look(None)
        roster = self.roster(look.zone, look.states)
        app_name = app_name_of(name, look, roster)
        state = look.states.get(app_name)
        if state and marked_by_older(state, look.now, self.settings.max_ongoing_age):
            raise JobOngoingError(
                f"an older crontabber runs {app_name} since {state.ongoing}; reset it when it has "
                "finished"
            )
        if not self.store.reset(app_name):
            return f"{app_name} has no state: there is nothing to reset"
        if app_name in {job.app_name for job in roster.all()}:
            return f"{app_name} is reset: it will run as if for the first time"
        return f"{app_name} is reset: nothing is remembered of it but its log"

    def app_names(self, names: Iterable[str]) -> list[str]:
        """The app_names that *names* mean, which may be class paths, each once.

        ``all`` means all jobs that are configured; others may be those of ghosts. Raises
        `UnknownJobError`.
        """
        look = self.store.look(None)
        roster = self.roster(look.zone, look.states)
        if EVERYTHING in names:
            return [job.app_name for job in roster.all()]
        return list(dict.fromkeys(app_name_of(name, look, roster) for name in names))

    def mark_success(self, names: Iterable[str], at: str = "") -> Answer:
        """Have jobs, by app_name or class path, count as having succeeded now, or *at* a time.

        ``all`` means all that are configured. What it means for a job is told by
        `crontabber.schedule.transition.marked_successful`; one that is being run is left
        alone. Raises `UnknownJobError` before anything is done, and `ConfigError` for a
        time that cannot be read, or is yet to come.
        """
        from .marking import mark_success
        from .schedule.grammar import parse_moment

        look = self.look()
        roster = self.roster(look.zone, look.states)
        moment = parse_moment(at, roster.zone) if at else look.now
        lines, code = [], ExitCode.OK
        for job in find_all(names, roster):
            seen = look.states.get(job.app_name) or self.store.read(job.app_name)
            try:
                after = mark_success(self.store, job, seen, moment, look.now)
            except JobOngoingError as error:
                lines.append(str(error))
                code = ExitCode.ONGOING
            else:
                lines.append(_marked(job, moment, after))
        return Answer("\n".join(lines), code)

    def run_at(self, name: str, at: str = "", wait: str = "") -> Answer:
        """Set when a job, by app_name or class path, runs next: *at* a time, or in a *wait*.

        Its slots stay as they are planned. A backfill app is left alone: its dates have
        an order. Raises `UnknownJobError`, `JobOngoingError` if it is being run, and
        `ConfigError` for a time that cannot be read.
        """
        from .marking import run_next_at
        from .schedule.grammar import parse_duration, parse_moment

        look = self.look()
        roster = self.roster(look.zone, look.states)
        job = find_job(name, roster)
        moment = parse_moment(at, roster.zone) if at else look.now + parse_duration(wait)
        if job.backfill:
            return _answer(job, Skip(SkipReason.BACKFILL, "which only runs by its own schedule"))
        seen = look.states.get(job.app_name) or self.store.read(job.app_name)
        run_next_at(self.store, job, seen, moment.astimezone(timezone.utc), look.now)
        return Answer(
            f"{job.app_name} runs next at {moment.astimezone(job.zone):%Y-%m-%d %H:%M:%S}"
        )

    def retry(self, name: str) -> str:
        """Have the next tick try a job again, by app_name or class path, that failed.

        A backfill app that gave up on a date goes on with it. Raises `UnknownJobError`,
        and `JobOngoingError` if it is being run.
        """
        from .marking import try_again

        look = self.look()
        job = find_job(name, self.roster(look.zone, look.states))
        seen = look.states.get(job.app_name) or self.store.read(job.app_name)
        if seen is None or seen.last_error is None:
            return f"{job.app_name} has not failed: there is nothing to try again"
        try_again(self.store, job, seen, look.now)
        return f"{job.app_name} is tried again by the next tick"

    def sentrytest(self) -> str:
        """Send a test exception to Sentry; raises ConfigError if it does not get there."""
        return self.sentry().send_test()


class _Heard(Reporter):
    """Remembers why a job was not run."""

    def __init__(self) -> None:
        self.skip: Skip | None = None

    def skipped(self, job: JobSpec, skip: Skip) -> None:
        self.skip = skip


def _answer(job: JobSpec, skip: Skip | None, code: int = ExitCode.OK) -> Answer:
    if skip is None:
        return Answer("", code)
    return Answer(f"{job.app_name} is not run: {skip.reason.value}, {skip.detail}", code)


def _marked(job: JobSpec, moment: datetime, after: JobState) -> str:
    times = (after.last_success or moment, after.next_run or moment)
    success, upcoming = (f"{time.astimezone(job.zone):%Y-%m-%d %H:%M:%S}" for time in times)
    return f"{job.app_name} counts as having succeeded at {success}: its next run is at {upcoming}"
