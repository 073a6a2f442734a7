"""The screens of the documentation: what the commands print of one example."""

import re

import pytest

from crontabber.testing import Simulation
from tests import example, picture
from tests.schemas import conforming
from tests.support import ROOT

PAGES = ROOT / "README.md", ROOT / "docs" / "howto" / "see.md"
_SCREEN = re.compile(r"^```console\n\$ crontabber (.*)\n((?:.*\n)*?)```$", re.MULTILINE)


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return example.simulated()


def screens() -> list[tuple[str, str]]:
    """The arguments and the output of each screen."""
    texts = (path.read_text(encoding="utf-8") for path in PAGES)
    found = ((match[1], match[2]) for text in texts for match in _SCREEN.finditer(text))
    return [(arguments, shown) for arguments, shown in found if "--admin.conf" not in arguments]


def test_the_pages_have_their_screens() -> None:
    assert len(screens()) >= 9


@pytest.mark.parametrize(("arguments", "shown"), screens())
def test_a_screen_is_what_the_command_prints(
    arguments: str, shown: str, simulation: Simulation
) -> None:
    printed = example.told(simulation, *arguments.split())
    assert printed == shown.rstrip("\n")
    assert [line for line in printed.splitlines() if len(line) > 80] == []


def test_the_picture_is_of_the_same_screen() -> None:
    [shown] = [shown for arguments, shown in screens() if arguments == "--status"]
    text = picture.text_of(picture.PICTURE.read_text(encoding="utf-8"))
    assert text == f"$ {picture.COMMAND}\n{shown}".rstrip("\n")
    assert picture.text_of(picture.drawn()) == text


@pytest.mark.parametrize("arguments", [arguments for arguments, _ in screens()])
def test_the_same_as_a_document_is_as_the_schema_has_it(
    arguments: str, simulation: Simulation
) -> None:
    conforming(example.told(simulation, *arguments.split(), "--format=json"))
