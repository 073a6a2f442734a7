"""What is wrong with the jobs: failures, stuck claims, jobs that no tick runs."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontabber.schedule.asked import AskedBackfill
from crontabber.schedule.changes import Event, without_run
from crontabber.schedule.figures import figures
from crontabber.schedule.findings import Access, Counts, Finding, Problem, Status
from crontabber.schedule.grammar import Schedule
from crontabber.schedule.health import judge, standing
from crontabber.schedule.model import Claim, JobSpec, JobState, LastError
from tests.unit.schedules import at

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
ERROR = LastError("<class 'OSError'>", "[Errno 13] Permission denied: '/etc'", "")
OK, WARNING, CRITICAL = Status.OK, Status.WARNING, Status.CRITICAL


def job(name="a", schedule="1h", *parents, **more):
    return JobSpec(
        name, f"jobs.{name.title()}", Schedule.parse(schedule), ZoneInfo("UTC"), parents, **more
    )


def ran(spec, due, **more):
    """The row of a job that ran well, and is due again then."""
    last = due - spec.schedule.frequency.period
    state = JobState(
        spec.app_name,
        next_run=due,
        next_slot=due,
        first_run=last,
        last_run=last,
        last_success=last,
        plan=spec.plan,
    )
    return state._replace(**more)


def failed(spec, due, **more):
    return ran(spec, due, **{"error_count": 1, "last_error": ERROR, **more})


def running(spec, since, **more):
    claim = Claim("db1", 4711, 1, since)
    return ran(spec, since, **{"ongoing": since, "claim": claim, **more})


def about_jobs(health):
    """The findings but those about all jobs."""
    return [finding for finding in health.findings if finding.app_name]


def found(*pairs):
    """The findings' app_names and statuses, for pairs of a job and its row."""
    states = {state.app_name: state for _, state in pairs if state}
    findings = about_jobs(judge([spec for spec, _ in pairs], states, NOW))
    return {finding.app_name: finding.status for finding in findings}


def only(spec, state):
    [finding] = judge([spec], {spec.app_name: state}, NOW).findings
    return finding


def test_the_numbers_are_those_of_a_nagios_plugin():
    assert [status.value for status in (OK, WARNING, CRITICAL, Status.UNKNOWN)] == [0, 1, 2, 3]


def test_nothing_is_wrong_with_jobs_that_ran_and_wait():
    a, b = job("a"), job("b", "1d|03:00", "a", backfill=True)
    assert found((a, ran(a, NOW + MINUTE)), (b, ran(b, NOW + 15 * HOUR))) == {}


def test_a_failed_job_is_critical_and_its_exception_is_named():
    spec = job("a")
    finding = only(spec, failed(spec, NOW + MINUTE))
    assert finding == Finding(CRITICAL, Problem.FAILED, (ERROR.type, ERROR.value), "a", "jobs.A")
    assert finding.class_name == "A"


@pytest.mark.parametrize(
    ("backfill", "count", "status"),
    [(False, 1, CRITICAL), (False, 2, CRITICAL), (True, 1, WARNING), (True, 2, CRITICAL)],
)
def test_a_backfill_app_may_fail_once(backfill, count, status):
    spec = job(backfill=backfill)
    assert found((spec, failed(spec, NOW + MINUTE, error_count=count))) == {"a": status}


@pytest.mark.parametrize(
    ("schedule", "late", "status"),
    [
        ("5m", HOUR, OK),
        ("5m", HOUR + MINUTE, CRITICAL),
        ("1h", HOUR, OK),
        ("1h", HOUR + MINUTE, CRITICAL),
        ("6h", HOUR + MINUTE, WARNING),
        ("6h", 6 * HOUR, WARNING),
        ("6h", 6 * HOUR + MINUTE, CRITICAL),
        ("1d|03:00", 9 * HOUR, WARNING),
        ("1d", 30 * DAY, CRITICAL),
    ],
)
def test_trap_ok_for_jobs_that_had_not_run_for_30_days(schedule, late, status):
    """trap: OK for jobs that had not run for 30 days"""
    spec = job("a", schedule)
    assert found((spec, ran(spec, NOW - late))) == ({"a": status} if status else {})


def test_an_overdue_job_says_since_when_in_the_zone_of_its_schedule():
    spec = job("a", "1d")._replace(zone=ZoneInfo("America/New_York"))
    finding = only(spec, ran(spec, NOW - 30 * DAY))
    assert finding.parts == ("overdue", "due since 2026-10-22 08:00:00 EDT")


def test_a_new_job_is_not_overdue():
    assert found((job("a", "1d|03:00"), None)) == {}


def test_a_job_that_was_seen_but_never_run_becomes_overdue():
    spec = job("a", "1d|03:00")
    seen = JobState("a", next_run=NOW - 9 * HOUR, next_slot=NOW - 9 * HOUR, plan=spec.plan)
    assert found((spec, seen)) == {"a": WARNING}


def test_a_row_of_an_older_crontabber_is_judged_too():
    spec = job("a", "1d", backfill=True)
    row = JobState("a", next_run=NOW - 2 * DAY, last_run=NOW - 3 * DAY, last_success=NOW - 3 * DAY)
    assert found((spec, row)) == {"a": CRITICAL}
    assert found((spec, row._replace(next_run=NOW + HOUR))) == {}


def test_a_failed_date_that_waits_for_its_retry_is_not_overdue():
    spec = job("a", "1d", backfill=True)
    state = ran(spec, NOW - 3 * DAY, next_run=NOW + MINUTE)
    assert found((spec, state)) == {}


def test_while_a_job_runs_the_others_may_be_waiting_for_their_turn():
    long, short = job("long"), job("short", "5m")
    late = ran(short, NOW - 5 * HOUR)
    assert found((long, running(long, NOW - 5 * HOUR)), (short, late)) == {"short": WARNING}


def test_a_stuck_job_is_no_excuse_for_the_others():
    """trap: OK for stuck claims and for jobs that had not run for 30 days"""
    stuck, other = job("stuck"), job("other", "5m")
    pairs = (stuck, running(stuck, NOW - 30 * DAY)), (other, ran(other, NOW - 30 * DAY))
    assert found(*pairs) == {"stuck": WARNING, "other": CRITICAL}


@pytest.mark.parametrize(
    ("since", "status"),
    [
        (-HOUR, OK),  # the mark of a host whose clock is ahead
        (HOUR, OK),
        (12 * HOUR, OK),
        (12 * HOUR + MINUTE, WARNING),
        (25 * HOUR, WARNING),  # which is only one hour to those who forget the days
        (30 * DAY, WARNING),
    ],
)
def test_trap_ok_for_stuck_claims(since, status):
    """trap: OK for stuck claims"""
    spec = job("a", "5m")
    assert found((spec, running(spec, NOW - since))) == ({"a": status} if status else {})


def test_a_stuck_claim_says_since_when_and_by_whom():
    spec = job()
    ours = only(spec, running(spec, NOW - DAY))
    assert ours.parts == (
        "ongoing for too long",
        "since 2026-11-20 12:00:00 UTC, by process 4711 on db1",
    )
    older = only(spec, running(spec, NOW - DAY, claim=None))
    assert older.parts[-1] == "since 2026-11-20 12:00:00 UTC, by an older crontabber"


def test_how_long_is_too_long_is_the_jobs_own_affair():
    spec = job(max_ongoing_age=2 * DAY)
    assert found((spec, running(spec, NOW - DAY))) == {}


def test_of_several_things_wrong_with_a_job_the_worst_is_told():
    spec = job()
    stuck = running(spec, NOW - DAY, error_count=3, last_error=ERROR)
    assert only(spec, stuck).status is CRITICAL
    assert only(spec, failed(spec, NOW - DAY)).parts == (ERROR.type, ERROR.value)


def test_a_backfill_app_that_waits_for_a_far_date_is_told():
    spec = job("a", "1d", backfill=True)
    assert found((spec, ran(spec, NOW + 3 * DAY))) == {}
    finding = only(spec, ran(spec, NOW + 400 * DAY))
    assert finding.status is WARNING
    assert "2027-12-26 12:00:00 UTC" in finding.parts[1]
    assert "clock" in finding.parts[1]


def test_a_far_date_that_the_next_tick_mends_is_not_told():
    plain, edited = job("plain", "5m"), job("edited", "5m", backfill=True)
    assert found((plain, ran(plain, NOW + DAY))) == {}
    assert found((edited, ran(edited, NOW + 7 * DAY, plan="7d"))) == {}


def blocked_family(mother_state):
    """A mother, a child overdue because of her, and a grandchild overdue because of that."""
    mother, child, grandchild = job("m"), job("c", "1h", "m"), job("g", "1h", "c")
    late = NOW - 5 * HOUR
    # listed before those they wait for
    return found(
        (grandchild, ran(grandchild, late)),
        (child, ran(child, late)),
        (mother, mother_state(mother)),
    )


@pytest.mark.parametrize(
    ("mother", "expected"),
    [
        (lambda m: failed(m, NOW + MINUTE), {"m": CRITICAL}),
        (lambda m: ran(m, NOW - 5 * HOUR), {"m": CRITICAL}),
        (lambda m: running(m, NOW - 5 * HOUR), {}),
        (lambda m: running(m, NOW - DAY), {"m": WARNING}),
    ],
    ids=["failed", "overdue", "running", "stuck"],
)
def test_children_that_are_blocked_add_nothing(mother, expected):
    assert blocked_family(mother) == expected


def test_a_parent_with_a_finding_that_does_not_stand_in_the_way_is_no_excuse():
    astray, child = job("astray", "1d", backfill=True), job("child", "1h", "astray")
    pairs = (astray, ran(astray, NOW + 400 * DAY)), (child, ran(child, NOW - 5 * HOUR))
    assert found(*pairs) == {"astray": WARNING, "child": CRITICAL}


def test_a_child_whose_parent_nobody_reports_says_why_it_waits():
    child = job("c", "1h", "elsewhere")
    assert only(child, ran(child, NOW - 5 * HOUR)).parts[-1] == "blocked: elsewhere has never run"


@pytest.mark.parametrize(("since", "expected"), [(HOUR, {}), (30 * DAY, {"c": CRITICAL})])
def test_a_parent_of_another_configuration_excuses_while_it_runs_but_not_for_ever(since, expected):
    child, foreign = job("c", "1h", "foreign"), job("foreign")
    states = {"c": ran(child, NOW - 5 * HOUR), "foreign": running(foreign, NOW - since)}
    assert {f.app_name: f.status for f in judge([child], states, NOW).findings} == expected


def test_jobs_in_a_circle_are_judged_as_well():
    a, b = job("a", "1h", "b"), job("b", "1h", "a")
    pairs = [(spec, ran(spec, NOW - 5 * HOUR)) for spec in (a, b)]
    assert found(*pairs)


NAMES = "abcd"
ages = st.one_of(st.none(), st.integers(-40 * 24, 40 * 24).map(lambda hours: hours * HOUR))


@st.composite
def jobs_and_states(draw):
    jobs, states = [], {}
    for name in NAMES:
        parents = draw(st.sets(st.sampled_from(NAMES), max_size=2))
        schedule = draw(st.sampled_from(["5m", "6h", "1d", "7d|03:00", "mon|03:00", "*/9 * * * *"]))
        spec = job(name, schedule, *sorted(parents), backfill=draw(st.booleans()))
        jobs.append(spec)
        due, ongoing = draw(ages), draw(ages)
        if due is not None:
            error = draw(st.sampled_from([None, ERROR]))
            states[name] = ran(
                spec,
                NOW - due,
                ongoing=None if ongoing is None else NOW - ongoing,
                last_error=error,
                error_count=1 if error else 0,
            )
    return jobs, states


@pytest.mark.parametrize(
    ("schedule", "slot", "status"),
    [
        # it is worse when the next slot has come up too, whenever that is
        ("mon..fri|03:00", "2026-11-20 03:00", WARNING),
        ("mon..fri|03:00", "2026-11-19 03:00", CRITICAL),
        ("*/10 8-18 * * mon-fri", "2026-11-20 18:50", WARNING),
        ("*/10 8-18 * * mon-fri", "2026-11-20 18:40", CRITICAL),
        ("1h|:05", "2026-11-21 09:05", CRITICAL),
    ],
)
def test_a_calendar_is_later_than_it_may_be_when_its_next_slot_is_due(schedule, slot, status):
    spec = job("a", schedule)
    assert found((spec, ran(spec, at(slot)))) == {"a": status}


@given(jobs_and_states())
def test_whatever_is_remembered_there_is_at_most_one_finding_a_job_and_none_of_ok(given_):
    jobs, states = given_
    findings = about_jobs(judge(jobs, states, NOW))
    assert [finding.status for finding in findings] == sorted(
        (finding.status for finding in findings), reverse=True
    )
    names = [finding.app_name for finding in findings]
    assert len(names) == len(set(names))
    assert all(finding.status in {WARNING, CRITICAL} for finding in findings)
    assert {name for name, state in states.items() if state.last_error} <= set(names)


@given(jobs_and_states())
def test_when_a_job_is_very_late_something_is_said(given_):
    """trap: OK for jobs that had not run for 30 days"""
    jobs, states = given_
    late = [
        state
        for state in states.values()
        if state.ongoing is None and state.next_run < NOW - 30 * DAY
    ]
    # a parent that runs, at most 12 h, is the only reason to be silent
    runs = [s for s in states.values() if s.ongoing and NOW - s.ongoing <= 12 * HOUR]
    assert not late or runs or judge(jobs, states, NOW).findings


def counted(*pairs):
    states = {state.app_name: state for _, state in pairs if state}
    return judge([spec for spec, _ in pairs], states, NOW).counts


def test_what_is_counted():
    failed_one, child = job("f"), job("c", "1h", "f")
    running_one, well, late, new = job("r"), job("w", "1d"), job("l", "5m"), job("n")
    counts = counted(
        (failed_one, failed(failed_one, NOW - 5 * HOUR, next_run=NOW + MINUTE)),
        (child, ran(child, NOW - 2 * HOUR)),
        (running_one, running(running_one, NOW - 3 * HOUR)),
        (well, ran(well, NOW + HOUR)),
        (late, ran(late, NOW - 4 * HOUR)),
        (new, None),
    )
    assert counts == Counts(6, failed=1, late=1, blocked=1, new=1, oldest_open=5 * HOUR)


def test_nothing_is_open_before_its_time():
    spec = job("a", "1d", backfill=True)
    assert counted((spec, ran(spec, NOW + HOUR))) == Counts(1)
    assert counted() == Counts()


def test_the_oldest_open_date_of_a_backfill_is_not_made_young_by_its_retries():
    spec = job("a", "1d", backfill=True)
    state = failed(spec, NOW - 3 * DAY, next_run=NOW + MINUTE)
    assert counted((spec, state)).oldest_open == 3 * DAY


@pytest.mark.parametrize(
    ("late", "by", "status"),
    [
        (2 * HOUR, 2 * HOUR, OK),
        (2 * HOUR, 2 * HOUR + MINUTE, WARNING),
        (10 * MINUTE, 11 * MINUTE, WARNING),
        (timedelta(), MINUTE, WARNING),
        (30 * DAY, 29 * DAY, OK),
    ],
)
def test_how_late_is_too_late_is_the_jobs_own_affair(late, by, status):
    spec = job("a", "1d", late=late)
    assert found((spec, ran(spec, NOW - by))) == ({"a": status} if status else {})


def test_a_job_alone_is_judged_by_itself():
    """It is told as late although its parent is to blame, about which it was not asked."""
    mother, child, other = job("m"), job("c", "5m", "m"), job("o")
    states = {
        "m": failed(mother, NOW + MINUTE),
        "c": ran(child, NOW - 5 * HOUR),
        "o": ran(other, NOW - 5 * HOUR),
    }
    health = judge([child], states, NOW, among=[mother, child, other])
    [finding] = health.findings
    assert (finding.app_name, finding.status) == ("c", CRITICAL)
    assert finding.parts[-1] == "blocked: m failed when it last ran"
    assert (health.counts.jobs, health.counts.blocked) == (1, 1)
    states["o"] = running(other, NOW - 5 * HOUR)  # it may be waiting for its turn
    assert judge([child], states, NOW, among=[mother, child, other]).status is WARNING


def test_none_of_the_jobs_has_a_row():
    """trap: OK for jobs that never ran, on an empty or another database"""
    a, b = job("a", "1d|03:00"), job("b")
    health = judge([a, b], {"stranger": ran(job("stranger"), NOW)}, NOW)
    [finding] = health.findings
    assert (finding.status, finding.problem, finding.app_name) == (WARNING, Problem.UNSEEN, "")
    assert finding.parts[0] == "none of the 2 jobs has been seen by a tick"
    assert judge([a, b], {"a": ran(a, NOW + HOUR)}, NOW).findings == []
    [finding] = judge([a], {}, NOW, unseen="there are no tables").findings
    assert finding.parts[:2] == ("a has not been seen by a tick", "there are no tables")


def test_a_configuration_without_jobs_is_a_warning():
    """One misspelt header of a section is enough to silence them all."""
    [finding] = judge([], {}, NOW).findings
    assert (finding.status, finding.parts) == (
        WARNING,
        ("there are no jobs in this configuration",),
    )


def test_a_job_line_that_cannot_be_used_is_critical_and_comes_first():
    a = job("a")
    health = judge([a], {"a": failed(a, NOW)}, NOW, faults=["job line 'x': no frequency"])
    assert [finding.problem for finding in health.findings] == [Problem.UNUSABLE, Problem.FAILED]
    assert health.status is CRITICAL
    [alone] = judge([], {}, NOW, faults=["job line 'x': no frequency"]).findings
    assert alone.problem is Problem.UNUSABLE


@pytest.mark.parametrize(
    ("access", "status"),
    [
        (Access(role="r"), OK),
        (Access(standby=True), OK),
        (Access(role="r", lacking=["INSERT on crontabber"]), CRITICAL),
        (Access(role="r", lacking=["DELETE on crontabber", "INSERT on crontabber"]), CRITICAL),
        (Access(role="r", lacking=["DELETE on crontabber"]), WARNING),
        (Access(role="r", lacking=["INSERT on crontabber"], only_reads=True), WARNING),
        (Access(role="r", row_security=["crontabber"]), WARNING),
        (Access(role="r", read_only=True), CRITICAL),
    ],
)
def test_what_may_not_be_done_is_told(access, status):
    a = job("a")
    health = judge([a], {"a": ran(a, NOW + HOUR)}, NOW, access=access)
    assert health.status is status
    assert health.standby is access.standby


# -- new jobs --------------------------------------------------------------------------


@pytest.mark.parametrize("last", [{}, {"first_run": NOW}])
def test_a_new_job_that_waits_for_a_parent_is_late_when_it_has_waited_for_long(last):
    """trap: a job that is listed at noon was late at once, by its slot of the night."""
    parent, child = job("p", "1d|03:00"), job("c", "1d|03:00", "p")
    due = NOW - 9 * HOUR
    row = JobState("c", next_run=due, next_slot=due, plan=child.plan, **last)
    states = {"p": failed(parent, due), "c": row}

    def late(**waits):
        known = {**states, "c": row._replace(**waits)}
        change, _ = without_run(child, known, NOW, DAY)
        return standing(child, known, NOW), change, figures(child, known, NOW).late

    assert late() == (None, None, timedelta())
    assert late(waits_for="p", waits_since=NOW - HOUR) == (None, None, HOUR)
    finding, change, seconds = late(waits_for="p", waits_since=NOW - HOUR - MINUTE)
    assert finding.problem is Problem.LATE
    assert (change.event, change.since) == (Event.LATE, NOW - HOUR - MINUTE)
    assert seconds == HOUR + MINUTE
    ran_before = {**states, "c": ran(child, due, waits_for="p", waits_since=NOW)}
    assert standing(child, ran_before, NOW), "its slot counts, as it was there when that came up"


def test_a_job_whose_parent_exists_nowhere_is_not_well() -> None:
    """trap: OK for an hour, although it can never run"""
    child, gone = job("c", "1h", "gone"), job("gone")
    states = {"c": ran(child, NOW + HOUR)}
    [finding] = judge([child], states, NOW).findings
    assert (finding.status, finding.problem) == (WARNING, Problem.ORPHANED)
    assert "waits for gone" in finding.parts
    assert judge([child], states, NOW, among=[child, gone]).findings == []
    assert judge([child], {**states, "gone": ran(gone, NOW + HOUR)}, NOW).findings == []


def failed_date(spec):
    date = NOW - 9 * DAY
    return AskedBackfill(7, ((date, date),), spec.plan, 1, attempts=1, error="")


def test_a_date_that_was_asked_for_and_failed_is_a_warning_whatever_it_raised():
    """trap: an exception without a text was no failure"""
    spec = job("a", "1d", backfill=True)
    row = ran(spec, NOW + HOUR, asked=(failed_date(spec),))
    [finding] = judge([spec], {"a": row}, NOW).findings
    assert (finding.status, finding.problem) == (Status.WARNING, Problem.FAILED)


def test_a_date_that_was_asked_for_and_failed_hides_nothing_that_is_worse():
    """trap: a job that was days late was a mere warning, of its failed date"""
    spec = job(backfill=True)
    row = ran(spec, NOW - 9 * HOUR, asked=(failed_date(spec),))
    [finding] = judge([spec], {"a": row}, NOW).findings
    assert (finding.status, finding.problem) == (Status.CRITICAL, Problem.LATE)
