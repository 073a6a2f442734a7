"""What --configtest prints."""

from crontabber.errors import CircularDependencyError, JobLineError
from crontabber.views.configtest import report


def test_all_is_well_in_one_line():
    assert report([], [], 12) == "OK: all 12 jobs are well"


def test_without_jobs_nothing_is_well():
    assert report([], ["mind the gap"], 0) == "warning: mind the gap"


def test_a_line_for_each_fault_and_each_warning():
    faults = [
        JobLineError("job line 'a.B|2r': '2r' is not a frequency"),
        CircularDependencyError("jobs depend on each other in a circle: a -> b -> a"),
    ]
    assert report(faults, ["a depends on z, which is not known"], 2).splitlines() == [
        "job line 'a.B|2r': '2r' is not a frequency",
        "jobs depend on each other in a circle: a -> b -> a",
        "warning: a depends on z, which is not known",
    ]


def test_a_warning_does_not_spoil_what_is_well():
    assert report([], ["mind the gap"], 1).splitlines() == [
        "warning: mind the gap",
        "OK: the one job is well",
    ]


def test_a_message_stays_on_its_line():
    fault = JobLineError("job line 'a.B|1h': its module raised\nImportError: \x1b[2J")
    assert report([fault], ["two\nlines"], 0).splitlines() == [
        r"job line 'a.B|1h': its module raised ImportError: \x1b[2J",
        "warning: two lines",
    ]
