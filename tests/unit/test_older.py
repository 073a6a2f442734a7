"""Names that code of users imports, and what stands for them now."""

from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from crontabber import app, base, datetimeutil, errors
from crontabber.base import (
    CircularDAGError,
    FrequencyDefinitionError,
    convert_frequency,
    reorder_dag,
    toposort,
)


@pytest.mark.parametrize(("text", "seconds"), [("5m", 300), ("2h", 7200), ("1d", 86400)])
def test_a_frequency_in_seconds(text: str, seconds: int) -> None:
    assert convert_frequency(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "0m", "36q"])
def test_what_is_no_frequency_is_refused(text: str) -> None:
    with pytest.raises(FrequencyDefinitionError):
        convert_frequency(text)


class Item(NamedTuple):
    app_name: str
    depends_on: Any


@pytest.mark.parametrize(
    ("items", "names"),
    [
        ([], []),
        ([("report", "fetch"), ("fetch", None)], ["fetch", "report"]),
        (
            [("mail", ("report",)), ("report", ["fetch"]), ("fetch", ())],
            "fetch report mail".split(),
        ),
        ([("alone", "of another list"), ("first", None)], ["alone", "first"]),
    ],
)
def test_items_are_ordered_as_they_depend_on_each_other(items: Any, names: list[str]) -> None:
    assert [item.app_name for item in reorder_dag(Item(*each) for each in items)] == names


def test_a_circle_is_an_error_that_names_it() -> None:
    with pytest.raises(CircularDAGError, match="in a circle: "):
        reorder_dag([Item("hen", "egg"), Item("egg", "hen")])


def test_a_topological_order_comes_in_levels() -> None:
    assert list(toposort({"report": {"fetch"}, "clean": set()})) == [{"fetch", "clean"}, {"report"}]
    with pytest.raises(ValueError, match="cycle"):
        list(toposort({"hen": {"egg"}, "egg": {"hen"}}))


def test_what_base_does_not_have_is_still_an_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = base.nonsense


def test_errors_have_their_old_names() -> None:
    assert app.JobNotFoundError is errors.UnknownJobError
    assert app.JobDescriptionError is app.TimeDefinitionError is errors.JobLineError
    assert app.OngoingJobError is errors.JobOngoingError
    assert app.RowLevelLockError is errors.ClaimLost


def test_zero_is_no_time() -> None:
    assert timedelta(0) == datetimeutil.ZERO
