"""The one line that a Nagios plugin may print, and its status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontabber.errors import JobLineError
from crontabber.schedule.health import Finding, Status
from crontabber.views.nagios import report, unknown

OS_ERROR = ("<class 'OSError'>", "[Errno 13] Permission denied: '/etc'")


def finding(status=Status.CRITICAL, name="my-first-app", parts=OS_ERROR):
    return Finding(status, name, "jobs.myapp.MyFirstApp", parts)


def test_all_is_well():
    assert report([], [], 12) == ("OK - all 12 jobs are well", Status.OK)


def test_a_failed_job_is_told_in_the_manuals_form():
    line, status = report([finding()], [], 1)
    assert line == (
        "CRITICAL - my-first-app (MyFirstApp) | <class 'OSError'> | "
        "[Errno 13] Permission denied: '/etc'"
    )
    assert status is Status.CRITICAL


def test_an_exception_without_text_ends_with_its_type():
    line, _ = report([finding(parts=("<class 'KeyError'>", ""))], [], 1)
    assert line == "CRITICAL - my-first-app (MyFirstApp) | <class 'KeyError'>"


def test_the_worst_comes_first_and_gives_its_name_to_the_line():
    findings = [
        finding(Status.WARNING, "a", ("overdue",)),
        finding(Status.CRITICAL, "b", ("overdue",)),
        finding(Status.WARNING, "c", ("overdue",)),
    ]
    assert report(findings, [], 3) == (
        "CRITICAL - b (MyFirstApp) | overdue; a (MyFirstApp) | overdue; c (MyFirstApp) | overdue",
        Status.CRITICAL,
    )
    line, status = report(findings[:1], [], 3)
    assert line.startswith("WARNING - a ")
    assert status is Status.WARNING


def test_a_job_line_that_cannot_be_used_is_critical():
    fault = JobLineError("job line 'a.B': it has no frequency: add one, such as 1h")
    line, status = report([finding(Status.WARNING, "a", ("overdue",))], [fault], 1)
    assert line == (
        "CRITICAL - job line 'a.B': it has no frequency: add one, such as 1h; "
        "a (MyFirstApp) | overdue"
    )
    assert status is Status.CRITICAL


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r", "\x0b", "\x85", "\u2028"])
def test_trap_nagios_several_lines_for_one_error(breaks):
    """trap: several lines for one error"""
    value = f"duplicate key{breaks}DETAIL:  Key (id)=(1) exists.{breaks}"
    line, _ = report([finding(parts=("<class 'E'>", value))], [], 1)
    assert line.endswith("| <class 'E'> | duplicate key DETAIL: Key (id)=(1) exists.")


def test_the_characters_that_separate_values_do_not_come_from_a_value():
    line, _ = report([finding(parts=("<class 'E'>", "a | b; c"))], [], 1)
    assert line == "CRITICAL - my-first-app (MyFirstApp) | <class 'E'> | a / b, c"


def test_a_very_long_value_is_cut():
    line, _ = report([finding(parts=("<class 'E'>", "x" * 100_000)), finding(name="b")], [], 2)
    assert "x" * 297 + "...; b (MyFirstApp)" in line
    assert "x" * 298 not in line


def test_of_very_many_findings_as_many_are_told_as_a_line_can_take():
    findings = [finding(name=f"app-{number}") for number in range(400)]
    line, status = report(findings, [], 500)
    *told, rest = line.split("; ")
    assert status is Status.CRITICAL
    assert told[0].startswith("CRITICAL - app-0 (MyFirstApp) | <class 'OSError'> | ")
    assert all(f"app-{number} " in text for number, text in enumerate(told))
    assert rest == f"and {400 - len(told)} more"
    assert 3500 < len(line) < 5000

    few = report(findings[: len(told)], [], 500)[0]
    assert few == "; ".join(told)


def test_a_configuration_without_jobs_is_a_warning():
    """One misspelt header of a section is enough to silence them all."""
    assert report([], [], 0) == (
        "WARNING - there are no jobs in this configuration",
        Status.WARNING,
    )


def test_that_nobody_can_tell_is_unknown():
    assert unknown("no answer from db1:5432\nis it running?") == (
        "UNKNOWN - no answer from db1:5432 is it running?",
        Status.UNKNOWN,
    )


@given(st.lists(st.text(), min_size=1), st.lists(st.text()))
def test_whatever_the_texts_there_is_one_printable_line(parts, messages):
    """trap: several lines for one error"""
    texts = [
        report([finding(parts=tuple(parts))], list(map(JobLineError, messages)), 1)[0],
        unknown(parts[0])[0],
    ]
    for text in texts:
        assert len(text.splitlines()) == 1
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)
        text.encode()
