"""What is wrong with the jobs, if anything: the one judgement, which ``--nagios`` prints.

Pure: from the states, and the time at which they were read, to a `Health`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from .asked import AskedBackfill
from .backfill import failing, next_date
from .calendar import next_slot
from .dag import order
from .dependencies import wait_of
from .findings import NO_JOBS, Access, Counts, Finding, Health, Problem, Status
from .missed import is_paused
from .model import JobSpec, JobState, States
from .plan import Plan, has_given_up, is_by_schedule, plan

_ALL_RIGHTS = Access()


def judge(
    jobs: Sequence[JobSpec],
    states: States,
    now: datetime,
    *,
    faults: Iterable[str] = (),
    access: Access = _ALL_RIGHTS,
    among: Sequence[JobSpec] | None = None,
    unseen: str = "",
) -> Health:
    """The findings about *jobs*, the worst of each; and about all of them together.

    *faults* are what is wrong with job lines that cannot be used. *among* are all jobs of the
    configuration, if *jobs* are a choice of them; *unseen* is why there are no states at all.
    A job is not late if it has no row yet (it is new), is ongoing, or is
    blocked by a parent that has a finding itself or is ongoing.
    """
    findings: dict[str, Finding] = {}
    for job in jobs:
        state = states.get(job.app_name)
        if state and (found := _of_itself(job, state, now)):
            findings[job.app_name] = _mild(found) if state.pause else found
    plans = [plan(job, states.get(job.app_name), now) for job in jobs]
    # most often nothing is due, and then there is no order to be found
    due = [
        job
        for job, planned in zip(jobs, plans, strict=True)
        if job.app_name not in findings and is_due(job, states, now, planned)
    ]
    if due:
        busy = any(
            _is_running(states.get(j.app_name), j.max_ongoing_age, now) for j in among or jobs
        )
        findings |= _late_ones(due, findings, states, now, busy=busy)
    findings = _failed_on_purpose(jobs, states) | _orphans(jobs, among or jobs, states) | findings
    ours = [findings[job.app_name] for job in jobs if job.app_name in findings]
    unusable = [Finding(Status.CRITICAL, Problem.UNUSABLE, (fault,)) for fault in faults]
    said = [*unusable, *access.findings(), *_unseen(jobs, states, unusable, unseen), *ours]
    counts = _counts(jobs, plans, states, now, ours)._replace(blocked=_blocked(due, states, now))
    return Health(sorted(said, key=lambda one: -one.status), counts, access.standby)


def standing(job: JobSpec, states: States, now: datetime) -> Finding | None:
    """What is wrong with *job* on its own: only a parent that is running excuses it."""
    state = states.get(job.app_name)
    if state is None:
        return None
    found = _of_itself(job, state, now)
    if found or not is_due(job, states, now) or _is_excused(job, states, set(), now):
        return found
    return _late(job, state, states, now, busy=False)


def _of_itself(job: JobSpec, state: JobState, now: datetime) -> Finding | None:
    """What its row says about *job*, the worst first."""
    return failure(job, state) or _stuck(job, state, now) or _astray(job, state, now)


def is_due(job: JobSpec, states: States, now: datetime, planned: Plan | None = None) -> bool:
    """Whether *job* waits to be run; *planned* is its `plan`, if that is known."""
    state = states.get(job.app_name)
    if state is not None and (state.ongoing is not None or is_paused(state, now)):
        return False
    return (planned or plan(job, state, now)).due_at(job) < now


def _unseen(
    jobs: Sequence[JobSpec], states: States, unusable: Sequence[Finding], why: str
) -> Iterable[Finding]:
    """That there are no jobs, or that no tick has seen any of them."""
    if not jobs:
        if not unusable:
            yield Finding(Status.WARNING, Problem.UNUSABLE, (NO_JOBS,))
    elif not any(job.app_name in states for job in jobs):
        who = f"none of the {len(jobs)} jobs has" if jobs[1:] else f"{jobs[0].app_name} has not"
        parts = (f"{who} been seen by a tick", *filter(None, [why]), _WHERE)
        yield Finding(Status.WARNING, Problem.UNSEEN, parts)


_WHERE = "does cron run it, with this configuration and on this database?"


def _counts(
    jobs: Sequence[JobSpec],
    plans: Sequence[Plan],
    states: States,
    now: datetime,
    findings: Sequence[Finding],
) -> Counts:
    known = [
        planned.slot for job, planned in zip(jobs, plans, strict=True) if job.app_name in states
    ]
    oldest = min(known, default=now)
    problems = [finding.problem for finding in findings]
    return Counts(
        jobs=len(jobs),
        failed=problems.count(Problem.FAILED),
        late=problems.count(Problem.LATE),
        new=len(jobs) - len(known),
        oldest_open=max(now - oldest, timedelta()),
    )


def _blocked(due: Iterable[JobSpec], states: States, now: datetime) -> int:
    """How many of those that are due wait for a parent."""
    rows = ((job, states.get(job.app_name)) for job in due)
    return sum(
        1
        for job, state in rows
        if wait_of(job, states, plan(job, state, now).slot_at(job, state, now), now)
    )


def failure(job: JobSpec, state: JobState) -> Finding | None:
    """The last run failed; a backfill app may fail once, as it loses no date by that."""
    if state.last_error is None:
        return None
    texts = (state.last_error.type, state.last_error.value)
    if has_given_up(job, state) and state.next_slot:
        what = f"gave up on {_time(state.next_slot, job.zone)} after {state.attempts} attempts"
        return _finding(Status.CRITICAL, Problem.FAILED, job, what, *texts)
    once = job.backfill and state.error_count <= 1
    return _finding(Status.WARNING if once else Status.CRITICAL, Problem.FAILED, job, *texts)


def _failed_on_purpose(jobs: Iterable[JobSpec], states: States) -> dict[str, Finding]:
    """Those of which a date failed that a person asked for: it hides nothing that is worse."""
    rows = ((job, states.get(job.app_name)) for job in jobs)
    failed = ((job, asked) for job, row in rows if row and (asked := failing(row)))
    return {job.app_name: _failed_at(job, asked) for job, asked in failed}


def _failed_at(job: JobSpec, asked: AskedBackfill) -> Finding:
    what = f"backfill {asked.number} failed at {_time(next_date(asked), job.zone)}"
    return _finding(Status.WARNING, Problem.FAILED, job, what, asked.error)


def _stuck(job: JobSpec, state: JobState, now: datetime) -> Finding | None:
    """It is ongoing for longer than it may be."""
    if state.ongoing is None or now - state.ongoing <= job.max_ongoing_age:
        return None
    since = f"since {_time(state.ongoing, job.zone)}, by {state.claim or 'an older crontabber'}"
    return _finding(Status.WARNING, Problem.STUCK, job, "ongoing for too long", since)


def _orphans(
    jobs: Sequence[JobSpec], among: Sequence[JobSpec], states: States
) -> dict[str, Finding]:
    """Those with a parent that is not listed, and that no tick has seen: they can never run."""
    known = {job.app_name for job in among} | states.keys()
    why = "which is not in this configuration, and which no tick has seen"
    return {
        job.app_name: _finding(Status.WARNING, Problem.ORPHANED, job, f"waits for {parent}", why)
        for job in jobs
        for parent in job.depends_on
        if parent not in known
    }


def _astray(job: JobSpec, state: JobState, now: datetime) -> Finding | None:
    """A backfill app waits for a date that its schedule cannot have led to.

    Others are planned anew by the next tick, as is one whose schedule was edited.
    """
    if not job.backfill or not is_by_schedule(job, state):
        return None
    slot = plan(job, state, now).slot
    if slot - now <= 3 * job.schedule.frequency.period:
        return None
    why = f"{_time(slot, job.zone)}: the clock was wrong when a run was recorded"
    return _finding(Status.WARNING, Problem.ASTRAY, job, "its next date is too far away", why)


def _is_running(state: JobState | None, max_age: timedelta, now: datetime) -> bool:
    """Whether it is ongoing; a mark that is too old is no excuse for others."""
    return bool(state and state.ongoing and now - state.ongoing <= max_age)


def _late_ones(
    due: Iterable[JobSpec],
    findings: Mapping[str, Finding],
    states: States,
    now: datetime,
    *,
    busy: bool,
) -> dict[str, Finding]:
    """The findings about jobs in *due* that are too late without an excuse."""
    jobs = {job.app_name: job for job in due}
    ordered, _ = order({name: job.depends_on for name, job in jobs.items()})
    late: dict[str, Finding] = {}
    explained = set(findings)
    for name in dict.fromkeys([*ordered, *jobs]):  # those of a circle are not in the order
        job, state = jobs[name], states.get(name)
        if _is_excused(job, states, explained, now):
            explained.add(name)
        elif state and (found := _late(job, state, states, now, busy=busy)):
            explained.add(name)
            late[name] = found
    return late


def _is_excused(job: JobSpec, states: States, explained: set[str], now: datetime) -> bool:
    """Whether a parent blocks it that is *explained*, running, or paused."""
    state = states.get(job.app_name)
    slot = plan(job, state, now).slot_at(job, state, now)
    return any(
        wait_of(job._replace(depends_on=(parent,)), states, slot, now)
        for parent in job.depends_on
        if parent in explained or _is_busy(states.get(parent), job.max_ongoing_age, now)
    )


def _is_busy(parent: JobState | None, max_age: timedelta, now: datetime) -> bool:
    return _is_running(parent, max_age, now) or (parent is not None and is_paused(parent, now))


def _mild(finding: Finding) -> Finding:
    """A paused job is never critical: a person knows of it."""
    return finding._replace(status=min(finding.status, Status.WARNING))


def waits_since(job: JobSpec, states: States, now: datetime) -> datetime:
    """Since when *job*, which is due, waits; it is late after some time from then on.

    That is when its slot came up, or its pause ended. A job that never ran, and waits for a parent,
    waits since a tick saw that: its slot may have come up long before it was listed.
    """
    state = states.get(job.app_name)
    planned = plan(job, state, now)
    since = planned.due_at(job)
    if state and state.pause and state.pause.until:
        since = max(since, state.pause.until)
    never_ran = state and state.last_run is None and state.last_success is None
    if state and never_ran and wait_of(job, states, planned.slot_at(job, state, now), now):
        since = max(since, state.waits_since or now)
    return since


def _late(
    job: JobSpec, state: JobState, states: States, now: datetime, *, busy: bool
) -> Finding | None:
    """It is too late; while another job runs (*busy*) it may only be waiting for its turn."""
    planned = plan(job, state, now)
    ended = state.pause.until if state.pause else None
    late = now - waits_since(job, states, now)
    if late <= job.late:
        return None
    following = next_slot(job.schedule, planned.slot, job.zone)
    bad = late > following - planned.slot and not busy and not state.pause
    parts = ["overdue", f"due since {_time(planned.due_at(job), job.zone)}"]
    if blocked := wait_of(job, states, planned.slot_at(job, state, now), now):
        parts.append(f"blocked: {blocked}")
    if ended:
        parts.append(f"its pause ended at {_time(ended, job.zone)}")
    return _finding(Status.CRITICAL if bad else Status.WARNING, Problem.LATE, job, *parts)


def _finding(status: Status, problem: Problem, job: JobSpec, *parts: str) -> Finding:
    return Finding(status, problem, parts, job.app_name, job.class_path)


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
