"""What may be written in the jobs list, what it means, and what is said about the rest."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crontabber.errors import JobLineError
from crontabber.schedule.cronline import CronLine
from crontabber.schedule.days import Days
from crontabber.schedule.grammar import (
    Frequency,
    JobLine,
    JobList,
    MinuteOfHour,
    Schedule,
    TimeOfDay,
    Unit,
)
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
    began = time.process_time()
    with pytest.raises(JobLineError) as caught:
        Schedule.parse(text)
    assert time.process_time() - began < 1
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
    ("text", "written"),
    [
        ("mon..fri|03:00", "mon..fri|03:00"),
        ("mon,thu|03:00", "mon,thu|03:00"),
        ("sat|04:30", "sat|04:30"),
        (" Mon , THU | 3:00 ", "mon,thu|03:00"),
        ("thu,mon,thu|03:00", "mon,thu|03:00"),
        ("mon,tue|03:00", "mon,tue|03:00"),
        ("mon,tue,wed|03:00", "mon..wed|03:00"),
        ("mon..wed,fri..sun|03:00", "mon..wed,fri..sun|03:00"),
        ("sat..mon|03:00", "mon,sat,sun|03:00"),
        ("mon..sun|03:00", "mon..sun|03:00"),
        ("fri..fri|03:00", "fri|03:00"),
        ("1,15,last|03:00", "1,15,last|03:00"),
        ("last, 15 ,01|03:00", "1,15,last|03:00"),
        ("1|03:00", "1|03:00"),
        ("1..7|03:00", "1..7|03:00"),
        ("31,30,29,last|03:00", "29..31,last|03:00"),
        ("1h|:05", "1h|:05"),
        ("2h | :5", "2h|:05"),
        (":05", "1h|:05"),
        ("60m|:05", "1h|:05"),
        ("24h|:00", "24h|:00"),
        ("*/10 8-18 * * mon-fri", "*/10 8-18 * * mon-fri"),
        ("  */10   8-18 *\t* MON-Fri ", "*/10 8-18 * * mon-fri"),
        ("0 3 1 , 15 * *", "0 3 1,15 * *"),
        ("0 3 * jan,jul *", "0 3 * jan,jul *"),
        ("0 3 l * *", "0 3 L * *"),
        ("0 3 lw JUL *", "0 3 LW jul *"),
        ("0 3 * * fri#2", "0 3 * * fri#2"),
        ("0 3 * * 5L", "0 3 * * 5L"),
        ("0 3 * * FRIL", "0 3 * * friL"),
        ("0 3 * * 7", "0 3 * * 7"),
        ("5 4 * * sun|", "5 4 * * sun"),
    ],
)
def test_a_calendar_parses_back_to_itself_in_one_form(text, written):
    assert str(Schedule.parse(text)) == written
    assert Schedule.parse(written) == Schedule.parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mon..fri", "'mon..fri' has no time: add one, such as mon..fri|03:00"),
        ("mon..fri|1h", "'1h' is not a time: write HH:MM"),
        ("mon..fri|:05", "':05' is not a time: write HH:MM"),
        ("mon-fri|03:00", "or days and a time, such as mon..fri|03:00"),
        ("monday|03:00", "or days and a time, such as mon..fri|03:00"),
        ("mon,thr|03:00", "'mon,thr' is not a frequency"),
        ("mon,|03:00", "'mon,' is not a frequency"),
        ("mon..|03:00", "'mon..' is not a frequency"),
        ("mon..tue..wed|03:00", "'mon..tue..wed' is not a range of days"),
        ("mon,1|03:00", "days of the week and of the month: write one kind"),
        ("mon..5|03:00", "'mon..5' is not a range of days"),
        ("7..1|03:00", "'7..1' is not a range of days: write it upwards"),
        ("1..last|03:00", "'1..last' is not a range of days"),
        ("0|03:00", "'0' is not a day of the month: write 1 to 31, or last"),
        ("1,32|03:00", "'32' is not a day of the month"),
        ("5", "'5' is not a frequency: write a number and m, h or d"),
        ("daily", "'daily' is not a frequency: write a number and m, h or d"),
        ("30m|:05", "(:05) needs a frequency of whole hours, not 30m: write a number of hours"),
        ("90m|:05", "needs a frequency of whole hours, not 90m"),
        ("1d|:05", "needs a frequency of whole hours, not 1d"),
        ("1h|:60", "':60' is not a minute of the hour: write :MM from :00 to :59"),
        ("1h|:", "':' is not a minute of the hour"),
        (":5:5", "':5:5' is not a minute of the hour"),
        ("1h|:005", "':005' is not a minute of the hour"),
        ("0 3 * *", "is not a cron expression: write five fields"),
        ("0 3 * * * *", "is not a cron expression: write five fields"),
        ("*", "is not a cron expression: write five fields"),
        ("0 3 * * mon-fry", "its day-of-week cannot be 'mon-fry': write it as in"),
        ("0 3 * * fri-mon", "its day-of-week cannot be 'fri-mon'"),
        ("0 3 * * fri#6", "its day-of-week cannot be 'fri#6'"),
        ("0 3 * * monday", "its day-of-week cannot be 'monday'"),
        ("60 3 * * *", "its minute cannot be '60'"),
        ("0 24 * * *", "its hour cannot be '24'"),
        ("0 3 0 * *", "its day-of-month cannot be '0'"),
        ("0 3 * 13 *", "its month cannot be '13'"),
        ("*/0 3 * * *", "its minute cannot be '*/0'"),
        ("0 3 31 2 *", "its day-of-month cannot be '31'"),
        ("0 3 LW * */7", "there never is such a day: correct its fields for days and months"),
        ("0 3 * * mon|03:00", "'0 3 * * mon' has its time in it: leave |03:00 out"),
        ("0 " * 300 + "*", "is not a cron expression: write five fields"),
        ("0 3 * * " + "1," * 300 + "1", "is not a cron expression: write five fields"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused_and_its_part_named(text, said):
    with pytest.raises(JobLineError) as caught:
        Schedule.parse(text)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


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


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("m.A|mon,thu|03:00", ["m.A|mon,thu|03:00"]),
        ("m.A|mon , thu|03:00, m.B|1h", ["m.A|mon,thu|03:00", "m.B|1h"]),
        ("m.A|1,15,last|03:00;m.B|5m", ["m.A|1,15,last|03:00", "m.B|5m"]),
        (
            "m.A|0 3 1,15 * *, m.B|0 3 * jan,jul fri",
            ["m.A|0 3 1,15 * *", "m.B|0 3 * jan,jul fri"],
        ),
        ("m.A|*/10 8-11,13-18 * * mon-wed,fri", ["m.A|*/10 8-11,13-18 * * mon-wed,fri"]),
        ("m.A|0 3 1,L * * , m.B|sat|04:30", ["m.A|0 3 1,L * *", "m.B|sat|04:30"]),
        ("m.A|0 3 * * fri#2", ["m.A|0 3 * * fri#2"]),
        ("m.A|0 3 * * mon#1,fri#3 # twice", ["m.A|0 3 * * mon#1,fri#3"]),
        ("m.A|0 3 * * 5#2# a comment", []),
        ("m.A|0 3 * * fri #2", ["m.A|0 3 * * fri"]),
        ("m.A|0 3 * * *# on fri#2, m.B|1h", ["m.A|0 3 * * *"]),
        ("# m.A|mon,thu|03:00, m.B|0 3 * * fri#2", []),
        ("m.A|mon..fri|03:00# weekdays, m.B|1h", ["m.A|mon..fri|03:00"]),
        ("m.A|1h, mon.App|5m, fri.x.App|sat|3:00", ["m.A|1h", "mon.App|5m", "fri.x.App|sat|03:00"]),
        ("m.A|mon|03:00, sat.App|5m", ["m.A|mon|03:00", "sat.App|5m"]),
    ],
)  # fmt: skip
def test_commas_and_hashes_of_a_schedule_are_part_of_it(text, lines):
    assert [str(line) for line in JobList.parse(text).lines] == lines


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("m.A|0 3 * * fri#6", "its day-of-week cannot be 'fri#6'"),
        ("m.A|0 3 * * fri#second", "its day-of-week cannot be 'fri#second'"),
        ("m.A|0 3 * * 5#2# a comment", "'0 3 * * 5#2# a comment' is not a cron expression"),
        ("m.A|mon#2|03:00", "'mon#2' is not a frequency"),
        ("m.A|1h, thu|03:00", "job line 'thu|03:00'"),
        ("m.A|1h, 5", "job line '5': '5' is part of a schedule"),
        ("fetch|1h, Sat|03:00", "'Sat' is part of a schedule, as in mon,thu|03:00: give the job"),
        ("m.A|mon,thr|03:00", "job line 'm.A|mon': 'mon' has no time"),
    ],
)
def test_what_is_ambiguous_in_a_list_is_refused(text, said):
    """A comment directly behind a day, without a blank, would change when a job runs."""
    assert said in str(JobList.parse(text).faults[0])


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
weekdays = st.sets(st.integers(0, 6), min_size=1).map(lambda days: Days(tuple(sorted(days))))
dates = st.sets(st.integers(1, 32), min_size=1).map(lambda days: Days((), tuple(sorted(days))))
minutes = st.builds(MinuteOfHour, st.integers(0, 59))


@st.composite
def cron_lines(draw: st.DrawFn) -> Schedule:
    """A cron expression, of items that each of its fields may have."""
    fields = []
    for low, high, names in (
        (0, 59, []),
        (0, 23, []),
        (1, 28, ["L", "LW"]),
        (1, 12, ["jan", "dec"]),
        (0, 7, ["mon", "sun", "fri#2", "5L", "friL"]),
    ):
        number = st.integers(low, high)
        ranges = st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}")
        items = number.map(str) | ranges | st.sampled_from(names or ["*"])
        steps = st.builds("{}/{}".format, ranges | st.just("*"), st.integers(1, 9))
        lists = st.lists(items | steps, min_size=1, max_size=3).map(",".join)
        fields.append(draw(st.just("*") | lists))
    return Schedule(CronLine(" ".join(fields)))


schedules = st.one_of(
    st.builds(Schedule, frequencies, st.none()),
    st.builds(Schedule, frequencies.filter(lambda f: f.unit is Unit.HOURS), minutes),
    st.builds(Schedule, weekdays | dates, times),
    cron_lines(),
    st.builds(Schedule, frequencies.filter(lambda f: f.unit is Unit.DAYS), times),
)
few = settings(deadline=None, max_examples=20)
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


@few
@given(schedules)
def test_a_schedule_written_and_read_is_the_same(schedule):
    assert Schedule.parse(str(schedule)) == schedule


@few
@given(job_lines)
def test_a_job_line_written_and_read_is_the_same(line):
    assert JobLine.parse(str(line)) == line


# right behind a day of the week a # is part of it, as in fri#2
separators = st.sampled_from(["\n", ",", ";", "\n\n", " # m.X|1h, m.Y|1h\n"])


@few
@given(st.lists(st.tuples(spaces, job_lines, spaces, separators), max_size=5))
def test_a_list_written_in_any_way_and_read_is_the_same(entries):
    text = "".join(f"{before}{line}{after}{end}" for before, line, after, end in entries)
    jobs = JobList.parse(text)
    assert jobs == JobList(tuple(line for _, line, _, _ in entries))
    assert JobList.parse(str(jobs)) == jobs


words = st.lists(
    st.sampled_from("m.A| * */ 0 3 8-18 mon fri .. - , ; # #2 / L LW last jan | 1h :05".split())
    | st.just(" "),
    max_size=14,
).map("".join)  # fmt: skip


@given(st.one_of(st.text(), st.text("0123456789mhdA.|:,;# \n", max_size=40), words))
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


@pytest.mark.parametrize(
    "schedule", ["1d", " 2d | 03:00 ", "mon..fri|03:00", "*/5 * * * *", "0m", ""]
)
def test_a_line_means_the_same_the_second_time_that_its_schedule_is_read(schedule):
    jobs = JobList.parse(f"m.A|{schedule}\nm.B|{schedule}\n m.C |{schedule}\nd|{schedule}")
    alone = [JobList.parse(f"{name}|{schedule}") for name in ("m.A", "m.B", "m.C", "d")]
    assert jobs.lines == tuple(line for each in alone for line in each.lines)
    said = [str(fault).partition(": ")[2] for fault in jobs.faults]
    assert said == [str(fault).partition(": ")[2] for each in alone for fault in each.faults]


def test_lines_share_their_schedules_so_that_a_hundred_thousand_are_read_in_a_moment():
    lines = JobList.parse("\n".join(f"m.A{n}|{n % 60 + 1}m" for n in range(1000))).lines
    assert len(lines) == 1000
    assert len({id(line.schedule) for line in lines}) == 60
