"""What other code imports from crontabber 0.18, and what stands for it now."""

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


@pytest.mark.parametrize(
    ("text", "seconds"), [("5m", 300), ("1h", 3600), ("3d", 259200), ("07d", 604800)]
)
def test_a_frequency_in_seconds(text, seconds):
    converted = convert_frequency(text)
    assert (converted, type(converted)) == (seconds, int)


@pytest.mark.parametrize("text", ["5", "h", "", "1h30m", "5s", "0m"])
def test_what_is_no_frequency_is_refused(text):
    with pytest.raises(FrequencyDefinitionError):
        convert_frequency(text)


class Item(NamedTuple):
    app_name: str
    depends_on: Any


@pytest.mark.parametrize(
    ("items", "names"),
    [
        ([], ""),
        ([("C", ["B"]), ("B", ["A"]), ("A", [])], "ABC"),
        ([("A", []), ("B", ["A"]), ("D", ["B", "C"]), ("C", ["B"])], "ABCD"),
        ([("C", ("B",)), ("B", "A"), ("A", None)], "ABC"),
        ([("C", ["B"]), ("B", ["A"]), ("A", []), ("X", ["Y"]), ("Y", [])], "AYBXC"),
        (
            [
                ("A", []),
                ("B", "A"),
                ("C", "B"),
                ("D", []),
                ("E", ["A", "B"]),
                ("F", ["C", "D", "E"]),
            ],
            "ADBCEF",
        ),
        ([("A", "A"), ("B", "elsewhere")], "AB"),
    ],
)
def test_items_are_ordered_as_they_depend_on_each_other(items, names):
    """As the tests of 0.18 had it."""
    assert "".join(item.app_name for item in reorder_dag([Item(*item) for item in items])) == names


def test_items_may_be_of_any_kind():
    items = [("b", "a"), ("a", None)]
    ordered = reorder_dag(items, depends_getter=lambda i: i[1], name_getter=lambda i: i[0])
    assert ordered == [("a", None), ("b", "a")]


def test_a_circle_is_an_error_that_names_it():
    items = [Item("C", ["B"]), Item("B", ["A"]), Item("A", ["C"]), Item("X", [])]
    with pytest.raises(CircularDAGError, match=r"in a circle: \w -> "):
        reorder_dag(items)


def test_a_topological_order_comes_in_levels():
    needed = {"c": {"b", "c"}, "b": {"a"}, "d": set()}
    assert list(toposort(needed)) == [{"a", "d"}, {"b"}, {"c"}]
    assert list(toposort({})) == []
    with pytest.raises(ValueError, match="cycle"):
        list(toposort({"a": {"b"}, "b": {"a"}}))
    assert needed["c"] == {"b", "c"}


def test_what_base_does_not_have_is_still_an_error():
    with pytest.raises(ImportError, match="cannot import name 'nonsense'"):
        from crontabber.base import nonsense  # noqa: F401
    with pytest.raises(AttributeError, match=r"module 'crontabber\.base' has no attribute"):
        _ = base.nonsense


def test_the_errors_have_their_old_names():
    assert app.JobNotFoundError is errors.UnknownJobError
    assert app.JobDescriptionError is app.TimeDefinitionError is errors.JobLineError
    assert app.OngoingJobError is errors.JobOngoingError
    assert app.RowLevelLockError is errors.ClaimLost


def test_zero_is_no_time() -> None:
    assert timedelta(0) == datetimeutil.ZERO
