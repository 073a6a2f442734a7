"""Where options stand, in files of every kind."""

from pathlib import Path

import pytest

from crontabber.config.places import place_of_text, places
from crontabber.config.sources import read_file
from crontabber.errors import ConfigError


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def found(name: str, text: str) -> dict[str, str]:
    Path(name).write_text(text)
    return {option: str(place) for option, place in places(name).items()}


def test_in_an_ini_file_and_what_it_includes() -> None:
    Path("more.ini").write_text("\n\n  z = 1\n")
    assert found(
        "c.ini",
        "top=1\n[a]\n# no=1\nx='it=self'\nlong='''one\n[b]\ny=2\n'''\n'q'=3\n"
        "  [[ b ]]  # no\nshort='''one'''\n#+include more.ini\n[[c]]\nw=\n[d]\nv=a # b",
    ) == {
        "top": "c.ini, line 1",
        "a.": "c.ini, line 2",
        "a.x": "c.ini, line 4",
        "a.long": "c.ini, line 5",
        "a.q": "c.ini, line 9",
        "a.b.": "c.ini, line 10",
        "a.b.short": "c.ini, line 11",
        "a.b.z": "more.ini, line 3",
        "a.c.": "c.ini, line 13",
        "a.c.w": "c.ini, line 14",
        "d.": "c.ini, line 15",
        "d.v": "c.ini, line 16",
    }


def test_in_json_and_conf() -> None:
    assert found("c.json", '{"a": {"x": 1,\n "y": ["{", 2], "z": {\n"w": "\\"}"}},\n"b": 3}') == {
        "a": "c.json, line 1",
        "a.x": "c.json, line 1",
        "a.y": "c.json, line 2",
        "a.z": "c.json, line 2",
        "a.z.w": "c.json, line 3",
        "b": "c.json, line 4",
    }
    assert found("c.conf", "# c=1\n\na.x=1\n b = 2\n") == {
        "a.x": "c.conf, line 3",
        "b": "c.conf, line 4",
    }


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("c.json", '{"a": {"x": 1,\n"y": 2,\n"x": 3}}', 3),
        ("c.json", '{"a": {"x": 1},\n"a": {"y": 2}}', 2),
        ("c.json", '{"a": {"x": 1},\n"a.x": 2}', 2),
        ("c.conf", "a.x=1\n# a.x=2\na.y=1\n a.x = 3\n", 4),
    ],
)
def test_what_is_there_twice_is_refused_as_in_an_ini_file(name: str, text: str, line: int) -> None:
    """The first of two sections or options was lost in silence."""
    Path(name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_file(name)
    assert str(caught.value) == f"{name}, line {line}: this section or option is there already"


def test_a_text_is_looked_for_from_a_place_on() -> None:
    places_of = found("c.ini", "# m.A|1x\njobs='''\nm.A|1x\n'''\n")
    assert places_of["jobs"] == "c.ini, line 2"
    place = places("c.ini")["jobs"]
    assert str(place_of_text("c.ini", "m.A|1x", place)) == "c.ini, line 3"
    assert place_of_text("c.ini", "m.B|1x", place) is None
