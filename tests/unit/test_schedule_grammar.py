"""What may be written in the jobs list, what it means, and what is said about the rest."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crontabber.errors import JobLineError
from crontabber.schedule.grammar import Frequency, JobLine, JobList, Schedule, TimeOfDay, Unit
from tests.unit.schedules import DAY, HOUR, MINUTE

DAILY = Frequency(1, Unit.DAYS)


@pytest.mark.parametrize(
    ("text", "count", "unit", "period"),
    [
        ("1m", 1, Unit.MINUTES, MINUTE),
        ("5m", 5, Unit.MINUTES, 5 * MINUTE),
        ("90m", 90, Unit.MINUTES, 90 * MINUTE),
        ("1h", 1, Unit.HOURS, HOUR),
        ("36h", 36, Unit.HOURS, 36 * HOUR),
        ("1d", 1, Unit.DAYS, DAY),
        ("3d", 3, Unit.DAYS, 3 * DAY),
        ("07d", 7, Unit.DAYS, 7 * DAY),
        ("36525d", 36525, Unit.DAYS, 36525 * DAY),
    ],
)
def test_a_frequency_is_a_number_and_a_unit(text, count, unit, period):
    frequency = Frequency.parse(text)
    assert frequency == Frequency(count, unit)
    assert frequency.period == period


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0m", "at least 1m"),
        ("0h", "at least 1h"),
        ("000d", "at least 1d"),
        ("1h30m", "write a number and m, h or d"),
        ("5", "write a number and m, h or d"),
        ("h", "write a number and m, h or d"),
        ("", "write a number and m, h or d"),
        ("m5", "write a number and m, h or d"),
        ("5 m", "write a number and m, h or d"),
        ("5m ", "write a number and m, h or d"),
        ("5m\n", "write a number and m, h or d"),
        ("5M", "write a number and m, h or d"),
        ("5s", "write a number and m, h or d"),
        ("5w", "write a number and m, h or d"),
        ("5min", "write a number and m, h or d"),
        ("-5m", "write a number and m, h or d"),
        ("+5m", "write a number and m, h or d"),
        ("1.5h", "write a number and m, h or d"),
        ("1_0m", "write a number and m, h or d"),
        ("\u0665m", "write a number and m, h or d"),
        ("*/5 * * * *", "write a number and m, h or d"),
        ("36526d", "longer than a hundred years"),
        ("876601h", "longer than a hundred years"),
        ("9999999999999999999999d", "longer than a hundred years"),
    ],
)
def test_anything_else_is_no_frequency_and_the_error_says_what_to_write(text, said):
    """trap: `0m` looped for ever; `1h30m` counted as 1h; `5` and `h` crashed configtest."""
    with pytest.raises(JobLineError) as caught:
        Frequency.parse(text)
    assert said in str(caught.value)
    assert repr(text[:20])[:-1] in str(caught.value)


@pytest.mark.parametrize("text", ["9" * 1_000_000 + "d", "1d|" + "9" * 1_000_000 + ":00"])
def test_a_million_digits_are_refused_at_once_and_not_repeated(text):
    began = time.perf_counter()
    with pytest.raises(JobLineError) as caught:
        Schedule.parse(text)
    assert time.perf_counter() - began < 1
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        ("00:00", 0, 0),
        ("03:00", 3, 0),
        ("09:59", 9, 59),
        ("20:05", 20, 5),
        ("23:59", 23, 59),
        ("3:00", 3, 0),
        ("5:00", 5, 0),
        ("1:1", 1, 1),
        ("0:0", 0, 0),
        ("03:0", 3, 0),
        ("003:005", 3, 5),
        (" 3 : 5\t", 3, 5),
    ],
)
def test_a_time_is_hours_and_minutes(text, hour, minute):
    """trap: 0.18 took `5:00` and `1:1`, and jobs that were so listed did not run any more"""
    assert TimeOfDay.parse(text) == TimeOfDay(hour, minute)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "3:",
        ":30",
        "24:00",
        "23:60",
        "03:00:00",
        "0300",
        "3pm",
        "-3:00",
        "+3:00",
        "1_0:00",
        "3.5:00",
        "0 3:00",
        "\u0660\u0663:\u0660\u0660",
        "x",
    ],
)
def test_anything_else_is_no_time_and_the_error_says_what_to_write(text):
    with pytest.raises(JobLineError, match="write HH:MM from 00:00 to 23:59") as caught:
        TimeOfDay.parse(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "schedule", "written"),
    [
        ("5m", Schedule(Frequency(5, Unit.MINUTES)), "5m"),
        ("3d", Schedule(Frequency(3, Unit.DAYS)), "3d"),
        ("2d|21:00", Schedule(Frequency(2, Unit.DAYS), TimeOfDay(21, 0)), "2d|21:00"),
        ("1d|00:00", Schedule(DAILY, TimeOfDay(0, 0)), "1d|00:00"),
        ("03:00", Schedule(DAILY, TimeOfDay(3, 0)), "1d|03:00"),
        (" 2d\t| 21:00 ", Schedule(Frequency(2, Unit.DAYS), TimeOfDay(21, 0)), "2d|21:00"),
        ("1d|5:00", Schedule(DAILY, TimeOfDay(5, 0)), "1d|05:00"),
        ("1:1", Schedule(DAILY, TimeOfDay(1, 1)), "1d|01:01"),
        ("24h|03:00", Schedule(DAILY, TimeOfDay(3, 0)), "1d|03:00"),
        ("024h | 3:00", Schedule(DAILY, TimeOfDay(3, 0)), "1d|03:00"),
        ("48h|03:00", Schedule(Frequency(2, Unit.DAYS), TimeOfDay(3, 0)), "2d|03:00"),
        ("168h|4:30", Schedule(Frequency(7, Unit.DAYS), TimeOfDay(4, 30)), "7d|04:30"),
        ("1440m|03:00", Schedule(DAILY, TimeOfDay(3, 0)), "1d|03:00"),
        ("24h", Schedule(Frequency(24, Unit.HOURS)), "24h"),
        ("1d|", Schedule(DAILY), "1d"),
        ("5m | ", Schedule(Frequency(5, Unit.MINUTES)), "5m"),
    ],
)
def test_a_schedule_is_a_frequency_a_time_or_both(text, schedule, written):
    """trap: what 0.18 accepted stopped the job: `24h|03:00`, `1d|`"""
    assert Schedule.parse(text) == schedule
    assert str(schedule) == written
    assert Schedule.parse(written) == schedule


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("36h|03:00", "a time of day (03:00) needs a frequency of whole days, not 36h"),
        ("25h|03:00", "whole days, not 25h: write a number of days, such as 1d"),
        ("1441m|03:00", "needs a frequency of whole days, not 1441m"),
        ("12h|03:00", "needs a frequency of whole days, not 12h"),
        ("5m|03:00", "needs a frequency of whole days, not 5m"),
        ("1d|03:00|x", "'1d|03:00|x' has more than a frequency and a time"),
        ("1d|03:00|", "more than a frequency and a time"),
        ("03:00|1d", "'03:00' is not a frequency"),
        ("|", "'' is not a frequency"),
        ("|03:00", "'' is not a frequency"),
        ("", "'' is not a frequency"),
        ("25:00", "'25:00' is not a time"),
        ("1d|1d", "'1d' is not a time"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_and_its_part_named(text, said):
    """trap: `36h|03:00` passed configtest and ran daily; `1d|03:00|x` crashed configtest."""
    with pytest.raises(JobLineError) as caught:
        Schedule.parse(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "class_path", "schedule"),
    [
        ("jobs.myapp.MyApp|5m", "jobs.myapp.MyApp", "5m"),
        ("m.A|03:00", "m.A", "1d|03:00"),
        (" \tm.A | 2d | 21:00 ", "m.A", "2d|21:00"),
        ("_m._A1|1h", "_m._A1", "1h"),
        ("módulo.Año|1h", "módulo.Año", "1h"),
    ],
)
def test_a_job_line_is_a_class_path_and_a_schedule(text, class_path, schedule):
    line = JobLine.parse(text)
    assert line == JobLine(class_path, Schedule.parse(schedule))
    assert line.class_name == class_path.split(".")[-1]
    assert str(line) == f"{class_path}|{schedule}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("m.A", "it has no frequency: add one, such as |1h or |1d|03:00"),
        ("m.A|", "'' is not a frequency"),
        ("m.A|0m", "'0m' is not a frequency"),
        ("m.A|36h|03:00", "needs a frequency of whole days"),
        ("a/b.c|1h", "'a/b.c' is not a class path such as package.module.Class, nor the name"),
        ("a[b|1h", "'a[b' is not the name of a job: it has no control characters, and none of"),
        ("a\tb|1h", "'a\\tb' is not the name of a job"),
        ("all|1h", "'all' means all jobs where one is named: give it another name"),
        ("|1h", "'' is not a class path"),
        ("m..A|1h", "'m..A' is not a class path"),
        (".m.A|1h", "'.m.A' is not a class path"),
        ("m.A.|1h", "'m.A.' is not a class path"),
        ("m.1A|1h", "'m.1A' is not a class path"),
        ("m.A 1h", "'m.A 1h' is not a class path"),
        ("m.A m.B|1h", "'m.A m.B' is not a class path"),
        ("m/A.py|1h", "'m/A.py' is not a class path"),
    ],
)
def test_a_bad_job_line_is_named_with_what_is_wrong_with_it(text, said):
    with pytest.raises(JobLineError) as caught:
        JobLine.parse(text)
    assert str(caught.value).startswith(f"job line {text!r}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("  \n\t\n", []),
        (" , ;; ,\n;", []),
        ("m.A|1h", ["m.A|1h"]),
        ("m.A|1h\nm.B|5m", ["m.A|1h", "m.B|5m"]),
        ("m.A|1h\r\nm.B|5m\r\n", ["m.A|1h", "m.B|5m"]),
        ("m.A|1h, m.B|5m ; m.C|03:00", ["m.A|1h", "m.B|5m", "m.C|1d|03:00"]),
        ("\n   m.A | 1h ,\n\n ;m.B|5m,\n", ["m.A|1h", "m.B|5m"]),
        ("m.B|1h\nm.A|1h\nm.B|1h", ["m.B|1h", "m.A|1h", "m.B|1h"]),
        ("# m.A|1h\nm.B|1h", ["m.B|1h"]),
        ("m.A|1h # m.B|1h\nm.C|1h", ["m.A|1h", "m.C|1h"]),
        ("m.A|1h, # hourly, and not ; m.B|1h", ["m.A|1h"]),
        ("# old: m.A|1h, m.B|1h", []),
        ("##; m.A|1h", []),
    ],
)
def test_a_list_is_read_however_sloppily_it_is_written(text, lines):
    """trap: `# old: m.A|1h, m.B|1h` ran B."""
    jobs = JobList.parse(text)
    assert [str(line) for line in jobs.lines] == lines
    assert jobs.faults == ()


def test_one_bad_line_does_not_spoil_the_others():
    jobs = JobList.parse("m.A|1h\nm.B|0m, m.C|5m\nnonsense\nm.D|03:00")
    assert str(jobs) == "m.A|1h\nm.C|5m\nm.D|1d|03:00"
    assert [str(fault).split(":")[0] for fault in jobs.faults] == [
        "job line 'm.B|0m'",
        "job line 'nonsense'",
    ]


times = st.builds(TimeOfDay, st.integers(0, 23), st.integers(0, 59))
frequencies = st.one_of(
    st.builds(Frequency, st.integers(1, 52_596_000), st.just(Unit.MINUTES)),
    st.builds(Frequency, st.integers(1, 876_600), st.just(Unit.HOURS)),
    st.builds(Frequency, st.integers(1, 36_525), st.just(Unit.DAYS)),
)
schedules = st.one_of(
    st.builds(Schedule, frequencies, st.none()),
    st.builds(Schedule, frequencies.filter(lambda f: f.unit is Unit.DAYS), times),
)
names = st.sampled_from(["a", "_", "jobs", "MyApp", "_x9", "d", "h5"])
class_paths = st.lists(names, min_size=2, max_size=4).map(".".join)
job_lines = st.builds(JobLine, class_paths, schedules)
spaces = st.text(" \t", max_size=3)


@given(frequencies)
def test_a_frequency_written_and_read_is_the_same(frequency):
    assert Frequency.parse(str(frequency)) == frequency


@given(times)
def test_a_time_written_and_read_is_the_same(time):
    assert TimeOfDay.parse(str(time)) == time


@given(schedules)
def test_a_schedule_written_and_read_is_the_same(schedule):
    assert Schedule.parse(str(schedule)) == schedule


@given(job_lines)
def test_a_job_line_written_and_read_is_the_same(line):
    assert JobLine.parse(str(line)) == line


separators = st.sampled_from(["\n", ",", ";", "\n\n", "# m.X|1h, m.Y|1h\n"])


@given(st.lists(st.tuples(spaces, job_lines, spaces, separators), max_size=5))
def test_a_list_written_in_any_way_and_read_is_the_same(entries):
    text = "".join(f"{before}{line}{after}{end}" for before, line, after, end in entries)
    jobs = JobList.parse(text)
    assert jobs == JobList(tuple(line for _, line, _, _ in entries))
    assert JobList.parse(str(jobs)) == jobs


@given(st.one_of(st.text(), st.text("0123456789mhdA.|:,;# \n", max_size=40)))
@example("36h|03:00")
@example("1h30m")
def test_any_text_is_either_understood_or_refused_in_one_line(text):
    """trap: some schedules crashed configtest."""
    jobs = JobList.parse(text)
    assert JobList.parse(str(jobs)).lines == jobs.lines
    for fault in jobs.faults:
        assert len(str(fault).splitlines()) == 1
    try:
        schedule = Schedule.parse(text)
    except JobLineError:
        return
    assert Schedule.parse(str(schedule)) == schedule
