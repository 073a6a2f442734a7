from pathlib import Path

import pytest

from crontabber.config.inifile import ListText, read_ini
from crontabber.errors import ConfigError


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(**files: str) -> None:
    for name, text in files.items():
        Path(f"{name}.ini").write_text(text)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("# nothing\n", {}),
        ("a=1", {"a": "1"}),
        ("a = 1  # one", {"a": "1"}),
        ("a=''", {"a": ""}),
        ("a=", {"a": ""}),
        ("a='x, y'", {"a": "x, y"}),
        ('\ufeff[s]\na="#1"', {"s.a": "#1"}),
        ("[s]\r\na=1\r\n[[t]]\r\nb=2\r\n", {"s.a": "1", "s.t.b": "2"}),
        ("[s]\na='''\n  x|5m\n# no\ny|1h'''", {"s.a": "\n  x|5m\n# no\ny|1h"}),
        ("s.t.a=1\n[s]\nb=2", {"s.t.a": "1", "s.b": "2"}),
        ("date=%A %d\n", {"date": "%A %d"}),
        ("host=db\nurl=http://%(host)s/", {"host": "db", "url": "http://db/"}),
    ],
)
def test_values(text: str, values: dict[str, str]) -> None:
    Path("a.ini").write_text(text)
    assert read_ini("a.ini") == values


def test_unquoted_commas_are_remembered() -> None:
    write(a="a=x, y ,z\nb=,\nc='x, y'")
    values = read_ini("a.ini")
    assert values == {"a": "x, y, z", "b": "", "c": "x, y"}
    assert [isinstance(values[name], ListText) for name in "abc"] == [True, True, False]


@pytest.mark.parametrize("how", ["+include db.ini", "#+include db.ini", "  #+include  ./db.ini "])
def test_include(how: str) -> None:
    write(a=f"[resource]\n[[postgresql]]\n{how}\n[crontabber]\nx=1", db="host=db\nport=5433")
    assert read_ini("a.ini") == {
        "resource.postgresql.host": "db",
        "resource.postgresql.port": "5433",
        "crontabber.x": "1",
    }


def test_paths_are_relative_to_the_including_file() -> None:
    Path("sub").mkdir()
    Path("sub/one.ini").write_text("+include two.ini")
    Path("sub/two.ini").write_text("a=2")
    write(a="+include sub/one.ini")
    assert read_ini("a.ini") == {"a": "2"}


def test_a_file_may_be_included_twice() -> None:
    write(a="[x]\n+include b.ini\n[y]\n+include b.ini", b="k=v")
    assert read_ini("a.ini") == {"x.k": "v", "y.k": "v"}


def test_a_section_that_is_opened_again_goes_on() -> None:
    write(
        a="[r]\n[[p]]\n# [s]\nx='''\n[s]\n'''\n[[q]]\ny=1\n"
        "[s]\n[[p]]\n[r]\nz=%(v)s\nv=5\n[[p]]\nu=2, 3\n[ 's' ]  # again\n[[p]]\nw=4"
    )
    assert read_ini("a.ini") == {
        "r.p.x": "\n[s]\n",
        "r.q.y": "1",
        "r.z": "5",
        "r.v": "5",
        "r.p.u": "2, 3",
        "s.p.w": "4",
    }


@pytest.mark.parametrize("comment", ["# +include b.ini", "##+include b.ini", "#+includes b.ini"])
def test_other_comments_stay_comments(comment: str) -> None:
    write(a=f"{comment}\nx=1", b="y=2")
    assert read_ini("a.ini") == {"x": "1"}


def test_a_hint_at_a_file_that_is_not_there_stays_a_comment() -> None:
    write(a="#+include ./common_postgresql.ini\nx=1")
    assert read_ini("a.ini") == {"x": "1"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "cannot read a.ini: No such file or directory"),
        ({"a": "x=1\nnonsense"}, "a.ini, line 2: this is neither [section] nor option=value"),
        ({"a": "[s]\n[[[t]]]"}, "a.ini, line 2: the section has too many brackets, or they do not"),
        ({"a": "[s]\n[t\n"}, "a.ini, line 2: "),
        (
            {"a": "x=1\ny=2\nx=3"},
            "a.ini, line 3: this section or option is there already: keep one, here or in a.ini, l",
        ),
        ({"a": "[s]\nx=1\n[r]\n[s]\nx=1"}, "a.ini, line 5: this section or option is there alr"),
        ({"a": "[s]\n[[t]]\n[r]\n[s]\nt=1"}, "a.ini, line 2: this section or option is there"),
        ({"a": "s=1\n[r]\n[s]"}, "a.ini, line 3: this section or option is there already: keep"),
        ({"a": "[s]\n+include b.ini\n[s]\ny=2", "b": "x=1\ny=1"}, "a.ini, line 4: this section"),
        ({"a": "[s]\nx=1\n[s]\noops\nx=2\n"}, "a.ini, line 4: this is neither [section] nor"),
        ({"a": "\nx='''\nnever closed\n"}, "a.ini, line 2: the ''' that begins a text here is"),
        ({"a": "x='open"}, "a.ini, line 1: the ' that begins a text here is not closed"),
        ({"a": 'x= """open'}, 'a.ini, line 1: the """ that begins a text here is not closed'),
        (
            {"a": "x='it' is"},
            "a.ini, line 1: a text goes on after its closing quote: put the whole",
        ),
        ({"a": 'x="/opt/my prog" -x'}, "a.ini, line 1: a text goes on after its closing quote"),
        ({"a": "x=1\n+include b.ini"}, "a.ini, line 2: cannot include b.ini: there is no such"),
        ({"a": "\n\n+include b.ini", "b": "y=1\noops"}, "b.ini, line 2: this is neither"),
        ({"a": "+include b.ini\noops", "b": "y=1\nz=2"}, "a.ini, line 2: this is neither"),
        ({"a": "+include a.ini"}, "a.ini, line 1: a.ini would include itself"),
        ({"a": "#+include b.ini", "b": "\n+include a.ini"}, "b.ini, line 2: a.ini would include"),
        ({"a": "[s]\nx=%(nope)s"}, "a.ini, line 2: option s.x: its %(…)s cannot be replaced: miss"),
        ({"a": "x=%(y)s # why"}, "a.ini, line 1: option x: its %(…)s cannot be replaced: missing"),
        (
            {"a": "+include /dev/null"},
            "a.ini, line 1: cannot include /dev/null: there is no",
        ),
        ({"a": "x=%(y)s\ny=%(x)s"}, "a.ini, line 1: option x: its %(…)s cannot be replaced: inter"),
        ({"a": "x=%(y)s\ny=1,2"}, "a.ini, line 1: option x: its %(…)s cannot be replaced: not a"),
        ({"a": "DEFAULT=1\nx=%(y)s"}, "a.ini, line 2: option x: its %(…)s cannot be replaced: not"),
    ],
)
def test_faults_name_file_and_line(files: dict[str, str], message: str) -> None:
    write(**files)
    with pytest.raises(ConfigError) as caught:
        read_ini("a.ini")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_line_that_cannot_be_understood_is_not_quoted() -> None:
    write(a="[resource]\npassword hunter2")
    with pytest.raises(ConfigError) as caught:
        read_ini("a.ini")
    assert "hunter2" not in str(caught.value)


def test_a_directory_and_text_that_is_not_utf8() -> None:
    Path("d.ini").mkdir()
    Path("l.ini").write_bytes(b"a=1\nb=\xe4\n")
    with pytest.raises(ConfigError, match=r"cannot read d\.ini: Is a directory"):
        read_ini("d.ini")
    with pytest.raises(ConfigError, match=r"l\.ini, line 2: this is not UTF-8 text"):
        read_ini("l.ini")


def test_a_value_that_a_comment_would_cut_short_is_refused(tmp_path: Path) -> None:
    ini = tmp_path / "c.ini"
    ini.write_text("[resource]\n[[postgresql]]\npassword=ab#c\n")
    with pytest.raises(
        ConfigError, match=r"c\.ini, line 3: option resource\.postgresql\.password: quote its value"
    ) as caught:
        read_ini(str(ini))
    assert "ab" not in str(caught.value).replace(str(ini), "").replace("because", "")


def test_a_comment_after_a_value_is_a_comment(tmp_path: Path) -> None:
    ini = tmp_path / "c.ini"
    ini.write_text("[a]\nb=1 # one\nc='x#y' #two\nd= # three\n")
    assert read_ini(str(ini)) == {"a.b": "1", "a.c": "x#y", "a.d": ""}
