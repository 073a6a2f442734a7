"""The files beside the code: workflows try what is promised, `.editorconfig` is true."""

import configparser
import fnmatch
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.postgres_versions import VERSIONS
from tests.support import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def jobs(workflow: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(workflow.read_text())["jobs"])


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in jobs(workflow).values():
        yield from job["steps"]


def test_each_python_and_each_postgresql_that_is_promised_is_tried() -> None:
    versions = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    ci = jobs(ROOT / ".github" / "workflows" / "ci.yml")
    for name in ("test", "postgres", "wheel"):
        assert ci[name]["strategy"]["matrix"]["python"] == versions, name
    assert ci["postgres"]["strategy"]["matrix"]["postgres"] == [*VERSIONS]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_targets_that_exist_in_time_and_without_rights(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text())["permissions"] == {"contents": "read"}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name, job in jobs(workflow).items():
        assert job["timeout-minutes"], name
        assert targets.issuperset(job.get("strategy", {}).get("matrix", {}).get("target", [])), name
    for step in steps(workflow):
        for words in re.findall(r"\bmake ((?:[a-z-]+ ?)+)", step.get("run", "")):
            assert targets.issuperset(words.split()), words
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"]), "a tag can move"
            assert ("checkout" in step["uses"]) == ("persist-credentials" in step["with"])
            assert not step["with"].get("persist-credentials")


def rules() -> list[tuple[str, dict[str, str]]]:
    """The sections of `.editorconfig`: a pattern of names, and what is said of them."""
    parser = configparser.ConfigParser()
    parser.read_string("[top]\n" + (ROOT / ".editorconfig").read_text())
    return [
        (pattern, dict(parser[section]))
        for section in parser.sections()
        for pattern in patterns(section)
    ]


def patterns(section: str) -> list[str]:
    """``*.a`` and ``*.b`` of ``*.{a,b}``."""
    before, brace, rest = section.partition("{")
    names, _, after = rest.partition("}")
    return [f"{before}{name}{after}" for name in names.split(",")] if brace else [section]


def faults(text: str, said: dict[str, str]) -> Iterator[str]:
    lines = text.split("\n")
    if said["end_of_line"] == "lf" and "\r" in text:
        yield "a line ends with a carriage return"
    if said["insert_final_newline"] == "true" and lines[-1]:
        yield "the last line has no end"
    if said["trim_trailing_whitespace"] == "true" and any(line != line.rstrip() for line in lines):
        yield "a line ends with a blank"
    if said["indent_style"] == "space" and re.search(r"(?m)^ *\t", text):
        yield "a line is indented by a tab"


def test_files_are_as_editorconfig_says() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode or "Makefile" not in listed.stdout:
        pytest.skip(f"this is no clone of git's: {listed.stderr.strip()}")
    found = {}
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix == ".png" or not path.is_file():
            continue
        said: dict[str, str] = {}
        for pattern, values in rules():
            if fnmatch.fnmatch(path.name, pattern):
                said |= values
        assert said["charset"] == "utf-8"
        found[name] = list(faults(path.read_bytes().decode("utf-8"), said))
    assert found["Makefile"] == []
    assert {name: each for name, each in found.items() if each} == {}
