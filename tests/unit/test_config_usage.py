"""The help, the man page, the reference and the completions, all made of one description."""

import importlib.util
import re
import shutil
import subprocess
from types import ModuleType

import pytest

from crontabber.config import usage
from crontabber.config.commandline import CommandLine
from crontabber.config.commands import COMMANDS, GROUPS, SHORTER
from crontabber.config.completion import complete
from crontabber.config.options import setting_options
from tests.support import ROOT


def test_the_help_fits_a_screen() -> None:
    lines = usage.to_help().splitlines()
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 80


def test_every_option_is_in_the_help_in_its_own_form() -> None:
    text = usage.to_help()
    for option in COMMANDS:
        assert re.search(rf"{re.escape(option.written)}[\] \n]", text), option.name
        if option.short:
            assert f"-{option.short}, --{option.name}" in text
    assert "VALUE" not in text.replace("--SETTING=VALUE", "")


def test_each_group_of_the_help_has_an_example_that_is_understood() -> None:
    examples = re.findall(r"^\w+, for example: crontabber (.*)$", usage.to_help(), re.MULTILINE)
    assert len(examples) == len(GROUPS)
    for example in examples:
        CommandLine.parse(example.split())


def test_the_groups_and_what_options_go_with_exist() -> None:
    asking = {option.name for option in COMMANDS if not option.of}
    for option in COMMANDS:
        assert option.group in GROUPS
        assert set(option.of) <= asking, option.name
        assert not option.doc.endswith("."), option.name


def test_the_help_on_options_says_all_of_them_without_markup() -> None:
    text = usage.to_options_help()
    for option in COMMANDS:
        assert f"  {'-' + option.short + ', ' if option.short else ''}{option.written}\n" in text
    assert not re.search(r"`|\]\(|\.\.$| \.$", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 80


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "share" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_made_of_the_description_is_up_to_date() -> None:
    for path, text in generator().files().items():
        assert path.read_text(encoding="utf-8") == text, "stale: run make share"


def test_the_man_page_names_every_option_and_is_good_roff() -> None:
    page = ROOT / "share" / "man" / "man1" / "crontabber.1"
    text = page.read_text(encoding="utf-8").replace(r"\-", "-")
    for option in COMMANDS:
        assert rf"\fB--{option.name}\fR" in text
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    done = subprocess.run(
        ["groff", "-ww", "-z", "-man", "-Tutf8", page], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_roff_takes_nothing_in_a_text_for_an_instruction() -> None:
    assert generator()._roff(".so x\n'br\\n --a") == "\\&.so x\n\\(aqbr\\en \\-\\-a"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_option_and_setting_is_completed(shell: str) -> None:
    script = complete(shell, CommandLine.parse([]), {})
    names = [option.name for option in COMMANDS]
    for name in [*names, *SHORTER, *setting_options().keys_breadth_first()]:
        assert re.search(rf"(--|-l ){re.escape(name)}[=' ]", script), name
