"""The one line that a Nagios plugin may print, and its status."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontabber.schedule.findings import Counts, Finding, Health, Problem, Status
from crontabber.views.nagios import report, unknown

OS_ERROR = ("<class 'OSError'>", "[Errno 13] Permission denied: '/etc'")
WARNING, CRITICAL = Status.WARNING, Status.CRITICAL
DATUM = re.compile(
    r"(?P<label>[^ '=]+)=(?P<value>\d+);?(?P<warn>\d*);?(?P<crit>\d*);?(?P<min>\d*);?(?P<max>\d*)"
)
"""One datum of Nagios's guidelines for plugins: label=value;warning;critical;minimum;maximum."""


def finding(status=CRITICAL, name="my-first-app", parts=OS_ERROR):
    return Finding(status, Problem.FAILED, parts, name, "jobs.myapp.MyFirstApp")


def told(*findings, counts=None, **more):
    """The text before the performance data, and the status."""
    health = Health(findings, counts or Counts(jobs=max(len(findings), 1)))
    line, status = report(health, **more)
    text, bar, _ = line.partition(" | ")
    assert bar
    return text, status


def test_all_is_well():
    line, status = report(Health([], Counts(jobs=12)))
    assert line == (
        "OK - all 12 jobs are well | jobs=12 failed=0;;0;0;12 late=0;0;;0;12 "
        "blocked=0;;;0;12 oldest_open_seconds=0;;;0"
    )
    assert status is Status.OK


def test_after_the_one_bar_there_is_true_performance_data():
    """trap: to Nagios everything behind the first bar is performance data"""
    counts = Counts(12, 2, 3, 4, 0, timedelta(days=1, seconds=1.4))
    line, _ = report(Health([finding(parts=("a|b", "c || d"))], counts))
    text, data = line.split("|")
    assert text == "CRITICAL - my-first-app (MyFirstApp): a/b: c // d "
    found = [DATUM.fullmatch(each) for each in data.split()]
    read = [each for each in found if each]
    assert read == found
    assert [(each["label"], each["value"]) for each in read] == [
        ("jobs", "12"),
        ("failed", "2"),
        ("late", "3"),
        ("blocked", "4"),
        ("oldest_open_seconds", "86401"),
    ]
    assert [each["crit"] for each in read] == ["", "0", "", "", ""]
    assert [each["warn"] for each in read] == ["", "", "0", "", ""]


def test_a_failed_job_is_told_with_its_exception():
    line, status = told(finding())
    assert line == (
        "CRITICAL - my-first-app (MyFirstApp): <class 'OSError'>: "
        "[Errno 13] Permission denied: '/etc'"
    )
    assert status is CRITICAL


def test_a_failed_job_is_told_in_the_manuals_form():
    line, status = report(Health([finding(), finding(name="b")], Counts(2)), manual=True)
    told = "(MyFirstApp) | <class 'OSError'> | [Errno 13] Permission denied: '/etc'"
    assert line == f"CRITICAL - my-first-app {told}; b {told}"
    assert status is CRITICAL
    assert report(Health([], Counts(2)), manual=True)[0] == "OK - all 2 jobs are well"


def test_an_exception_without_text_ends_with_its_type():
    line, _ = told(finding(parts=("<class 'KeyError'>", "")))
    assert line == "CRITICAL - my-first-app (MyFirstApp): <class 'KeyError'>"


def test_the_worst_comes_first_and_gives_its_name_to_the_line():
    findings = [finding(CRITICAL, "b", ("late",)), finding(WARNING, "a", ("late",))]
    assert told(*findings) == ("CRITICAL - b (MyFirstApp): late; a (MyFirstApp): late", CRITICAL)
    assert told(findings[1]) == ("WARNING - a (MyFirstApp): late", WARNING)


def test_what_is_about_no_single_job_is_told_without_a_name():
    fault = Finding(CRITICAL, Problem.UNUSABLE, ("job line 'a.B|1x': there is no unit x",))
    assert told(fault)[0] == "CRITICAL - job line 'a.B/1x': there is no unit x"


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r", "\x0b", "\x85", "\u2028"])
def test_trap_nagios_several_lines_for_one_error(breaks):
    """trap: several lines for one error"""
    value = f"duplicate key{breaks}DETAIL:  Key (id)=(1) exists.{breaks}"
    line, _ = told(finding(parts=("<class 'E'>", value)))
    assert line.endswith(": <class 'E'>: duplicate key DETAIL: Key (id)=(1) exists.")


def test_the_characters_that_separate_values_do_not_come_from_a_value():
    line, _ = told(finding(parts=("<class 'E'>", "a | b; c")))
    assert line == "CRITICAL - my-first-app (MyFirstApp): <class 'E'>: a / b, c"


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f40e"])
def test_a_very_long_value_is_cut(letter):
    line, _ = told(finding(parts=("<class 'E'>", letter * 100_000)), finding(name="b"))
    shown = letter * (297 // len(letter.encode()))
    assert f": {shown}...; b (MyFirstApp)" in line


@pytest.mark.parametrize("count", [60, 400])
@pytest.mark.parametrize("text", ["x", "[Errno 13] Permission denied: '/etc'", "é" * 5000])
def test_of_very_many_findings_their_number_comes_first_and_the_gravest_are_told(count, text):
    """Nagios 3 keeps 4096 bytes, and NRPE 2 the first 1024."""
    findings = [finding(CRITICAL, "grave", ("<class 'E'>", text))]
    findings += [finding(WARNING, f"app-{n}", ("<class 'E'>", text)) for n in range(count - 1)]
    line, status = report(Health(findings, Counts(jobs=500)))
    assert status is CRITICAL
    assert line.startswith(f"CRITICAL - {count} problems, 1 of them critical: grave (MyFirstApp)")
    assert len(line.encode()) < 4096
    assert " | jobs=500 " in line
    names, _, rest = line.partition(" | ")[0].partition("; and ")
    shown = names.count("(MyFirstApp)")
    assert rest == (f"{count - shown} more" if shown < count else "")
    assert shown >= 20
    kept = line.encode()[:1024].decode(errors="ignore")
    assert kept.count("(MyFirstApp)") >= 4


def test_a_number_comes_first_only_where_a_reader_would_lose_count():
    few = [finding(name=f"app-{number}") for number in range(9)]
    assert told(*few)[0].startswith("CRITICAL - app-0 ")
    many = [finding(name=f"app-{number}") for number in range(12)]
    assert told(*many)[0].startswith("CRITICAL - 12 problems: app-0 ")
    assert told(finding(parts=("x" * 400,) * 4))[0].startswith("CRITICAL - my-first-app ")


def test_new_jobs_and_a_standby_are_told():
    assert told(counts=Counts(3, new=2)) == (
        "OK - all 3 jobs are well; no tick has seen 2 of them yet",
        Status.OK,
    )
    health = Health([finding(parts=("late",))], Counts(3), standby=True)
    text = report(health)[0].partition(" | ")[0]
    assert text.startswith("CRITICAL - my-first-app (MyFirstApp): late; this server is a standby, ")
    assert report(Health([], Counts(1), standby=True))[0].startswith("OK - the one job is well; ")


def test_that_nobody_can_tell_is_unknown():
    assert unknown("no answer from db1:5432\nis it running? | no") == (
        "UNKNOWN - no answer from db1:5432 is it running? / no",
        Status.UNKNOWN,
    )


@given(st.lists(st.text(), min_size=1), st.lists(st.text()), st.booleans())
def test_for_any_texts_there_is_one_printable_line(parts, messages, manual):
    """trap: several lines for one error"""
    faults = [Finding(CRITICAL, Problem.UNUSABLE, (message,)) for message in messages]
    health = Health([*faults, finding(parts=tuple(parts))], Counts(1))
    texts = [report(health, manual=manual)[0], unknown(parts[0])[0]]
    for text in texts:
        assert len(text.splitlines()) == 1
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)
        assert len(text.encode()) < 4096
    assert manual or texts[0].count("|") == 1
    assert texts[1].count("|") == 0
