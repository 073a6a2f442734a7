"""Why a job runs now or does not: each check by which a tick decides, one by one, in words.

The checks are those of `crontabber.schedule.decide`, with what only the store knows: who holds the
lock, and who has the claim. An obstacle is followed through the parents to its root.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from .asked import AskedBackfill
from .backfill import failing, may_be_tried, next_date, wait_of_date
from .calendar import local_text
from .decide import CHECKS, Case, case_of, decide
from .dependencies import waits_of
from .missed import pause_text
from .model import Decision, JobSpec, JobState, Replan, Skip, States
from .plan import has_given_up
from .status import JobStatus, State, failures


class Held(NamedTuple):
    """What the store knows of claims and locks at this moment."""

    claims: Collection[str] = ()
    """The app_names of jobs that a session has a claim on."""
    locks: Collection[str] = ()
    """The locks that a session holds."""


class Check(NamedTuple):
    """What stands between a job and its run, or does not."""

    name: str
    ok: bool
    reason: str
    since: datetime | None = None
    until: datetime | None = None
    """When it is over, as far as is known."""
    commands: tuple[str, ...] = ()
    """What would help, as one types it after ``crontabber``."""


class Explanation(NamedTuple):
    """All checks of one job, and the root of what fails."""

    status: JobStatus
    checks: Sequence[Check]
    causes: Sequence[JobStatus] = ()
    """The parents that stand in the way, each because of the next; the last is the root."""

    notes: Sequence[str] = ()
    """What else the next tick does: to the plan before it decides, or because a person asked."""

    helps: Sequence[str] = ()
    """The commands that help besides those of ``checks``."""

    @property
    def can_run(self) -> bool:
        """Whether the next tick runs it."""
        return all(check.ok for check in self.checks)

    @property
    def obstacle(self) -> Check | None:
        """The first check that fails."""
        return next((check for check in self.checks if not check.ok), None)

    @property
    def not_before(self) -> datetime | None:
        """The time before which it cannot run, by what is known now; None: there is none."""
        times = [check.until for check in self.checks if not check.ok]
        root = self.causes[-1] if self.causes else None
        if root and root.state in (State.FAILED, State.CRASHED, State.OK):
            times.append(root.next)
        return max(filter(None, times), default=None)

    @property
    def commands(self) -> list[str]:
        """What would help, without repetition; what helps at the root comes first."""
        found = [*_commands_of(self.causes[-1])] if self.causes else []
        found += [command for check in self.checks if not check.ok for command in check.commands]
        found += self.helps
        return list(dict.fromkeys(found))


def explain(
    status: JobStatus, others: Sequence[JobStatus], states: States, now: datetime, held: Held
) -> Explanation:
    """Explain the decision about the job of *status*.

    *others* are the statuses of all jobs; *states* the rows as the next tick will find them.
    """
    job, row, notes = status.job, *_settled(status.job, status.row, states, now)
    case = case_of(job, row, states, now)
    running = bool(status.row and status.row.ongoing and status.row.claim)
    asked = row.asked if row else ()
    notes += [_asked(each, case) for each in asked]
    waits = any(not may_be_tried(each, now) for each in asked)
    checks = [] if running else [*map_checks(case)]
    checks.append(_lock(job, others, held))
    checks.append(_claim(status, held))
    by_name = {other.job.app_name: other for other in others}
    blocked = any(check.name == "parent" and not check.ok for check in checks)
    causes = _causes(case, by_name) if blocked else []
    helps = [f"--retry={job.app_name}"] if waits and job.backfill else []
    return Explanation(status, checks, causes, notes, helps)


NO_DATES = "the job gets no dates any more"


def ends_by_hand(asked: AskedBackfill) -> str:
    """Why *asked* does not go on, if its job is not a backfill app any more, and what to do."""
    return f"{NO_DATES}: --cancel-backfill={asked.number} ends it"


def _asked(asked: AskedBackfill, case: Case) -> str:
    """What becomes of the next date of a backfill that was asked for."""
    job, now = case.job, case.now
    if not job.backfill:
        what = ends_by_hand(asked)
    elif not may_be_tried(asked, now) and asked.retry_at:
        date, again = (local_text(at, job.zone) for at in (next_date(asked), asked.retry_at))
        what = f"{date} {failures(asked.attempts)} ({asked.error}), again {again}"
    elif wait := wait_of_date(job, asked, case.states, now):
        what = f"waits: {wait}"
    else:
        what = "the next tick does a requested date"
    return f"backfill {asked.number}: {what}"


_MOST_REPLANS = 4
"""A pause that ended, slots that are passed over, and an edited schedule need fewer."""


def _settled(
    job: JobSpec, row: JobState | None, states: States, now: datetime
) -> tuple[JobState | None, list[str]]:
    """The row as the next tick will have written it before it decides, and why."""
    notes: list[str] = []
    decision = decide(job, row, states, now)
    while isinstance(decision, Replan) and len(notes) < _MOST_REPLANS:
        row = decision.state
        notes.append(f"the next tick plans it anew: {decision.why}")
        decision = decide(job, row, states, now)
    return row, notes


def map_checks(case: Case) -> list[Check]:
    """What each check of a tick says, whether or not an earlier one has decided already."""
    return [_WORDS[name](case, test(case)) for name, test in CHECKS]


# -- in words ------------------------------------------------------------------------


def _schedule(case: Case, decision: Decision | None) -> Check:
    due = case.planned.due_at(case.job)
    if decision is None:
        return Check("schedule", True, "due", since=min(due, case.planned.slot))
    name = case.job.app_name
    force = () if case.job.backfill else (f"--job={name} --force",)
    return Check("schedule", False, "not due", until=due, commands=force)


_SPREAD = "its spread delays it"


def _retry(case: Case, decision: Decision | None) -> Check:
    state = case.state
    error = state.last_error if state else None
    until = case.planned.due_at(case.job)
    if decision is None:
        again = "it is time to try again" if until <= case.now else "tried again when it is due"
        tries = f"{failures(state.error_count)}, {again}" if state and error else _no_failure(state)
        return Check("retry", True, tries)
    if state is None:
        return Check("retry", False, _SPREAD, until=until)
    help_ = (f"--retry={case.job.app_name}",) if error else ()
    if has_given_up(case.job, state):
        reason = f"gave up after {state.attempts} tries"
        return Check("retry", False, reason, since=state.last_run, commands=help_)
    if error:
        reason = f"{failures(state.error_count)}, waits"
    elif case.planned.when == case.planned.slot:
        reason = _SPREAD
    else:
        reason = "a person said when it runs next"
    return Check("retry", False, reason, state.last_run if error else None, until, help_)


def _no_failure(state: JobState | None) -> str:
    return "no failure of its schedule" if state and failing(state) else "no failure"


def _pause(case: Case, decision: Decision | None) -> Check:
    pause = case.state.pause if case.state else None
    if decision is None or pause is None:
        return Check("pause", True, "not paused")
    help_ = (f"--resume={case.job.app_name}",)
    return Check("pause", False, pause_text(pause), pause.since, pause.until, help_)


def _missed(_case: Case, decision: Decision | None) -> Check:
    if decision is None:
        return Check("missed", True, "no slot is too late")
    return Check("missed", False, "slots are passed over first")


def _parent(case: Case, decision: Decision | None) -> Check:
    parents = ", ".join(case.job.depends_on)
    if decision is None:
        return Check("parent", True, f"done: {parents}" if parents else "it depends on none")
    state = case.state
    since = state.waits_since if state else None
    waits = waits_of(case.job, case.states, case.planned.slot, case.now)
    reason = "; ".join(map(str, waits))
    due = case.planned.due_at(case.job)
    if due > case.now:  # what stands in the way now may be gone when its slot comes up
        return Check("parent", True, f"counts when it is due; now {reason}")
    return Check("parent", False, reason, since or due)


def _mark(case: Case, decision: Decision | None) -> Check:
    if isinstance(decision, Skip) and case.state:
        until = case.state.ongoing and case.state.ongoing + case.job.max_ongoing_age
        return Check("mark", False, "an older crontabber runs it", case.state.ongoing, until)
    return Check("mark", True, "no older crontabber runs it")


_WORDS = {
    "schedule": _schedule,
    "pause": _pause,
    "retry": _retry,
    "missed": _missed,
    "parent": _parent,
    "mark": _mark,
}
"""The words for the answer of each of `CHECKS`."""


def _lock(job: JobSpec, others: Sequence[JobStatus], held: Held) -> Check:
    if not job.lock:
        return Check("lock", True, "it shares none")
    if job.lock not in held.locks:
        return Check("lock", True, f'"{job.lock}" is free')
    holders = [o for o in others if o.job.lock == job.lock and o.state is State.RUNNING]
    who = f" by {holders[0].job.app_name}" if holders else ""
    since = holders[0].since if holders else None
    return Check("lock", False, f'"{job.lock}" is held{who}', since)


def _claim(status: JobStatus, held: Held) -> Check:
    row = status.row
    if row and row.ongoing and row.claim:
        return Check("claim", False, f"{row.claim} runs it", row.ongoing)
    if status.job.app_name in held.claims:
        return Check("claim", False, "another session has just claimed it")
    return Check("claim", True, "nothing runs it")


# -- the root ------------------------------------------------------------------------


def _causes(case: Case, statuses: dict[str, JobStatus]) -> list[JobStatus]:
    """The parent that stands in the way, the one that stands in its way, and so on."""
    found: list[JobStatus] = []
    seen = {case.job.app_name}
    while True:
        waits = waits_of(case.job, case.states, case.planned.slot, case.now)
        wait = next((each for each in waits if each.parent not in seen), None)
        status = statuses.get(wait.parent) if wait else None
        if status is None:  # the root; or it is of another configuration
            return found
        found.append(status)
        seen.add(status.job.app_name)
        if status.state is not State.BLOCKED:
            return found
        case = case_of(status.job, status.row, case.states, case.now)


_FAILING = (State.FAILED, State.CRASHED, State.GAVE_UP)


def _commands_of(status: JobStatus) -> tuple[str, ...]:
    """What would help the job that is at the root."""
    name = status.job.app_name
    if status.state in _FAILING and status.row and status.row.last_error:
        return (f"--retry={name}",)
    return (f"--resume={name}",) if status.state is State.PAUSED else ()
