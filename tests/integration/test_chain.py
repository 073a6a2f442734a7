"""The week in the chapter on backfill: its screens are what the commands print."""

import re

import pytest

from tests import chain
from tests.support import ROOT

PAGE = ROOT / "docs" / "backfill.md"
_SCREEN = re.compile(r"^```console\n\$ crontabber (.*)\n((?:.*\n)*?)```$", re.MULTILINE)


@pytest.fixture(scope="module")
def printed() -> list[tuple[str, str]]:
    return list(chain.lived())


def screens() -> list[tuple[str, str]]:
    """The arguments and the output of each screen of the page."""
    return [
        (match[1], match[2].rstrip("\n")) for match in _SCREEN.finditer(PAGE.read_text("utf-8"))
    ]


def test_the_page_tells_the_whole_week(printed: list[tuple[str, str]]) -> None:
    assert [command for command, _ in screens()] == [command for command, _ in printed]


@pytest.mark.parametrize("number", range(len(chain.WEEK)))
def test_a_screen_of_the_week_is_what_the_command_prints(
    number: int, printed: list[tuple[str, str]]
) -> None:
    assert screens()[number][1] == printed[number][1]


def test_a_child_was_never_given_a_date_before_its_parent(printed: list[tuple[str, str]]) -> None:
    assert printed
    done: dict[str, set[object]] = {"fetch": set(), "report": set(), "mail": set()}
    for run in chain.simulation().log:
        if run.error is None:
            assert run.app_name != "report" or run.slot in done["fetch"]
            done[run.app_name].add(run.slot)
    assert done["fetch"] == done["report"]
