"""The order in which jobs are run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontabber.errors import CircularDependencyError
from crontabber.schedule.dag import order


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ({}, ""),
        ({"a": ""}, "a"),
        ({"c": "", "b": "", "a": ""}, "c b a"),
        ({"child": "parent", "parent": ""}, "parent child"),
        ({"c": "b", "b": "a", "a": ""}, "a b c"),
        ({"a": "", "b": "a", "c": "b"}, "a b c"),
        # only who has to wait goes later
        ({"child": "parent", "x": "", "parent": "", "y": ""}, "x parent child y"),
        ({"z": "", "child": "z", "a": ""}, "z child a"),
        # a diamond
        ({"d": "b c", "c": "a", "b": "a", "a": ""}, "a c b d"),
        # a parent that is named twice is one parent
        ({"child": "parent parent", "parent": ""}, "parent child"),
    ],
)
def test_parents_go_first_and_else_the_listed_order_is_kept(jobs, expected):
    """trap: independent jobs ran alphabetically, not in the listed order."""
    assert order({n: p.split() for n, p in jobs.items()}) == (expected.split(), [])


@pytest.mark.parametrize("jobs", [{}, {"child": ("elsewhere",)}, {"a": ("x",), "b": ("x", "a")}])
def test_a_parent_that_is_not_in_the_list_is_no_concern_of_the_order(jobs):
    """trap: a parent in another config, or an empty list, raised a circular-dependency error."""
    assert order(jobs) == (list(jobs), [])


@pytest.mark.parametrize(
    ("jobs", "expected", "circles"),
    [
        ({"a": "a"}, "", ["a -> a"]),
        ({"a": "b", "b": "a"}, "", ["a -> b -> a"]),
        ({"a": "b", "b": "c", "c": "a"}, "", ["a -> b -> c -> a"]),
        ({"x": "", "a": "b", "b": "a", "y": "x"}, "x y", ["a -> b -> a"]),
        ({"a": "a", "b": "c", "c": "b"}, "", ["a -> a", "b -> c -> b"]),
        # who waits for a circle is not of it: `decide` says what it waits for
        ({"child": "a", "a": "b", "b": "a", "x": ""}, "child x", ["a -> b -> a"]),
    ],
)
def test_each_circle_is_named_and_its_jobs_are_left_out(jobs, expected, circles):
    """trap: depending on oneself went unseen for ever."""
    ordered, errors = order({n: p.split() for n, p in jobs.items()})
    assert ordered == expected.split()
    assert len(errors) == len(circles)
    for error, circle in zip(errors, circles, strict=True):
        assert isinstance(error, CircularDependencyError)
        said, _, named = str(error).partition(": ")
        assert said == "jobs depend on each other in a circle"
        # a circle has no first: it is the same from wherever it is read
        round_ = circle.split(" -> ")[1:]
        turned = [round_[n:] + round_[:n] for n in range(len(round_))]
        assert named in [" -> ".join([turn[-1], *turn]) for turn in turned]


@pytest.mark.parametrize(
    ("jobs", "last", "expected"),
    [
        ({"a": "", "b": "", "c": ""}, "a", "b c a"),
        ({"a": "", "b": "", "c": ""}, "b a", "c a b"),
        ({"a": "", "child": "a", "b": ""}, "a", "b a child"),
        ({"a": "", "b": "a", "c": "b", "d": ""}, "b", "a d b c"),
        ({"a": "", "b": ""}, "a b", "a b"),
        ({"a": "", "b": ""}, "ghost", "a b"),
    ],
)
def test_a_job_that_may_kill_the_tick_goes_last_with_its_children(jobs, last, expected):
    """trap: the tick stopped at one job; independent jobs behind it starved."""
    ordered, _ = order({n: p.split() for n, p in jobs.items()}, last.split())
    assert ordered == expected.split()


NAMES = "fdbaceg"
graphs = st.lists(st.sampled_from(NAMES), unique=True).flatmap(
    lambda names: st.fixed_dictionaries(
        {name: st.lists(st.sampled_from(NAMES), max_size=2) for name in names}
    )
)
lasts = st.sets(st.sampled_from(NAMES), max_size=3)


def ancestors(name, graph):
    """All jobs of the list that *name* waits for; itself too, if it is on a circle."""
    found: set[str] = set()
    todo = [name]
    while todo:
        parents = {p for p in graph[todo.pop()] if p in graph}
        todo.extend(parents - found)
        found |= parents
    return found


@given(graphs, lasts)
def test_all_jobs_are_ordered_but_those_on_a_circle(graph, last):
    ordered, errors = order(graph, last)
    left_out = set(graph) - set(ordered)
    assert len(ordered) == len(set(ordered))
    assert all(name in ancestors(name, graph) for name in left_out)
    assert bool(left_out) == bool(errors)
    assert bool(errors) == any(name in ancestors(name, graph) for name in graph)
    assert left_out == {n for e in errors for n in str(e).partition(": ")[2].split(" -> ")}


@given(graphs, lasts)
def test_no_job_is_before_its_parent(graph, last):
    ordered, _ = order(graph, last)
    for place, name in enumerate(ordered):
        assert not set(graph[name]) & set(ordered[place + 1 :])


@given(graphs, lasts)
def test_of_the_jobs_that_may_go_next_the_first_listed_goes(graph, last):
    """Those that go last only when no other may go; an oracle that looks at all each time."""
    ordered, _ = order(graph, last)
    rest, expected = [name for name in graph if name in ordered], []
    while rest:
        ready = [name for name in rest if not set(graph[name]) & set(rest)]
        chosen = next((name for name in ready if name not in last), ready[0])
        rest.remove(chosen)
        expected.append(chosen)
    assert ordered == expected
