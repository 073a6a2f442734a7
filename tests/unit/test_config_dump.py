import datetime
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from crontabber.base import BaseCronApp
from crontabber.config.commandline import CommandLine
from crontabber.config.inifile import read_ini
from crontabber.config.iniwriter import quoted
from crontabber.config.settings import Settings
from crontabber.errors import ConfigError, UnknownJobError
from crontabber.mixins import using_postgres

from configman import Namespace


class MyFirstConfigApp(BaseCronApp):
    app_name = "my-first-config-app"
    required_config = Namespace()
    required_config.add_option(
        "date_format",
        default="%m/%d %Y - %H:%M",
        doc="Format for how the date is reported in the log file.",
    )
    required_config.add_option("date_function", default=datetime.datetime.now, doc="two\nlines")
    required_config.add_option("greeting", default="Dear all,\n+include me\n# no", doc="d")
    required_config.add_option("names", default=["a", "b"])
    required_config.add_option("nothing", default=None, doc="may be left out")
    required_config.add_option("api_token", default="hunter2", doc="a secret by its name")


@using_postgres
class Other(BaseCronApp):
    app_name = "other"


CLASSES = {"m.MyFirstConfigApp": MyFirstConfigApp, "m.Other": Other}
JOBS = "crontabber.jobs='''\nm.MyFirstConfigApp|5m\n  # and\n\nm.Other|1d|03:00\n'''"


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def admin(*arguments: str, classes: dict[str, type] | None = None, env: Any = None) -> str:
    settings = Settings.load(CommandLine.parse(arguments), env or {})
    assert settings.wants_admin
    return settings.run_admin(CLASSES if classes is None else classes)


def test_the_dump_of_defaults_is_all_comments_and_documented() -> None:
    assert admin("--admin.dump_conf=crontabber.ini", classes={}) == ""
    lines = Path("crontabber.ini").read_text().splitlines()
    assert read_ini("crontabber.ini") == {}
    options = [number for number, line in enumerate(lines) if re.match(r" *#\w+=", line)]
    assert len(options) > 20
    for number in options:
        assert re.match(r" *# ", lines[number - 1]), lines[number]
    for line in ("#jobs=''", "#dbname=''", "#user=''", "#error_retry_time=300"):
        assert lines.count(f"        {line}") + lines.count(f"    {line}") == 1


def test_the_dump_shows_the_sections_of_the_manual() -> None:
    text = admin("--admin.print_conf=ini")
    for part in ("[resource]\n    [[postgresql]]\n", "\n[crontabber]\n", "\n[logging]\n"):
        assert part in "\n" + text
    assert (
        "    [[class-MyFirstConfigApp]]\n"
        "        # a secret by its name\n"
        "        # (secret: a dump never shows it)\n"
        "        #api_token=****************\n"
        "\n"
        "        # Format for how the date is reported in the log file.\n"
        "        #date_format=%m/%d %Y - %H:%M\n"
        "\n"
        "        # two\n"
        "        # lines\n"
        "        #date_function=datetime.datetime.now\n"
        "\n"
        "        # d\n"
        "        #greeting='''Dear all,\n"
        "        # +include me\n"
        "        # # no'''\n"
    ) in text
    assert "# as in [resource] [[postgresql]] unless set here: application_name, " in text


def test_admin_and_commands_are_not_dumped() -> None:
    text = admin("--admin.print_conf=ini", "--job=x", "--admin.strict")
    assert not re.search(r"\badmin\b|strict|print_conf|\bforce\b|\bnagios=", text)


INI = f"""
{JOBS}
[resource]
[[postgresql]]
host=db
password=hunter2
user="a, b"
[crontabber]
error_retry_time=300
dbname=state
[[class-MyFirstConfigApp]]
date_format="%A, %B #1"
date_function=datetime.datetime.utcnow
names=x, y
greeting=\"\"\"It's
"so" '''
  indented\"\"\"
[[class-Other]]
[[[database]]]
host=elsewhere
[logging]
stderr_error_logging_level=debug
"""


@pytest.mark.parametrize("kind", ["ini", "json"])
def test_a_dump_can_be_loaded_and_dumped_again(kind: str) -> None:
    Path("a.ini").write_text(INI)
    admin("--admin.conf=a.ini", f"--admin.dump_conf=b.{kind}")
    admin(f"--admin.conf=b.{kind}", f"--admin.dump_conf=c.{kind}")
    assert Path(f"b.{kind}").read_text() == Path(f"c.{kind}").read_text()

    def load(path: str) -> tuple[Settings, dict[str, dict[str, Any]]]:
        settings = Settings.load(CommandLine.parse([f"--admin.conf={path}"]), {})
        resolved = settings.app_configs(CLASSES)
        assert not resolved.faults
        return settings, {
            name: {key: config[key] for key in config.keys_breadth_first() if "password" not in key}
            for name, config in resolved.configs.items()
        }

    (first, first_configs), (second, second_configs) = load("a.ini"), load(f"b.{kind}")
    assert first_configs == second_configs
    assert first_configs["m.MyFirstConfigApp"]["greeting"] == "It's\n\"so\" '''\n  indented"
    assert first_configs["m.MyFirstConfigApp"]["names"] == ["x", "y"]
    assert first_configs["m.Other"]["database.host"] == "elsewhere"
    assert str(first.jobs) == str(second.jobs) == "m.MyFirstConfigApp|5m\nm.Other|1d|03:00"
    assert first.error_retry == second.error_retry
    assert first.logging == second.logging
    assert first.database_config.dbname == second.database_config.dbname == "state"
    assert first.database_config.user == second.database_config.user == "a, b"
    assert (first.database_config.password, second.database_config.password) == ("hunter2", "")


def test_the_jobs_are_printed_as_a_block_that_loads_to_the_same_list() -> None:
    Path("a.ini").write_text(JOBS)
    text = admin("--admin.conf=a.ini", "--admin.print_conf=ini")
    assert "    jobs='''\nm.MyFirstConfigApp|5m\n# and\nm.Other|1d|03:00\n'''\n" in text
    Path("b.ini").write_text(text)
    loaded = [
        Settings.load(CommandLine.parse([f"--admin.conf={name}.ini"]), {}).jobs for name in "ab"
    ]
    assert loaded[0].lines == loaded[1].lines


def test_a_value_that_no_ini_can_hold_becomes_a_comment() -> None:
    env = {"resource.postgresql.host": "'''\n\"\"\"\n", "resource.postgresql.user": "a\rb"}
    text = admin("--admin.print_conf=ini", env=env)
    assert text.count("# (no ini file can hold this value)\n") == 2
    Path("a.ini").write_text(text)
    assert read_ini("a.ini") == {}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", "''"),
        ("plain", "plain"),
        ("two words", "two words"),
        ("%A", "%A"),
        ("a=b", "a=b"),
        (" leading", "' leading'"),
        ("trailing ", "'trailing '"),
        ("a,b", "'a,b'"),
        ("#", "'#'"),
        ("it's", '"it\'s"'),
        ('"x"', "'\"x\"'"),
        ("""it's "x" """, """'''it's "x" '''"""),
        ("a\nb", "'''a\nb'''"),
        ("'''\n", '"""\'\'\'\n"""'),
    ],
)
def test_quoting(text: str, written: str) -> None:
    assert quoted(text) == written
    Path("a.ini").write_text(f"x={written}\n")
    assert read_ini("a.ini") == {"x": text}


def test_what_is_there_is_not_overwritten() -> None:
    Path("a.ini").write_text("[resource]\n[[postgresql]]\npassword=hunter2\n")
    for arguments in (["--admin.conf=a.ini"], []):
        with pytest.raises(ConfigError, match=r"a\.ini is there already: choose another name"):
            admin(*arguments, "--admin.dump_conf=a.ini")
    assert "hunter2" in Path("a.ini").read_text()
    Path("empty.ini").touch()
    for _ in range(2):  # what is the same already may be written again
        admin("--admin.dump_conf=empty.ini")


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (
            "--admin.print_conf=xml",
            "cannot write a configuration as 'xml': write it as ini or json",
        ),
        ("--admin.dump_conf=a.conf", "cannot write a configuration as 'conf': write it as ini or"),
        ("--admin.dump_conf=crontabber", "cannot write a configuration as '': write it as ini or"),
        ("--admin.dump_conf=no/such/dir.ini", "cannot write no/such/dir.ini: No such file or dir"),
        ("--admin.dump_conf=d.ini", "cannot read d.ini: Is a directory"),
    ],
)
def test_faults(argument: str, message: str) -> None:
    Path("d.ini").mkdir()
    with pytest.raises(ConfigError) as caught:
        admin(argument)
    assert str(caught.value).startswith(message)


def test_a_wrong_name_on_the_command_line_is_told_before_anything_is_written() -> None:
    with pytest.raises(ConfigError, match=r"did you mean resource\.postgresql\.dbname"):
        admin("--admin.dump_conf=a.ini", "--resource.postgresql.dbnam=x")
    assert not Path("a.ini").exists()


def test_json_has_no_place_for_secrets_and_followers() -> None:
    Path("a.ini").write_text(INI)
    content = json.loads(admin("--admin.conf=a.ini", "--admin.print_conf=json"))
    assert "password" not in content["resource"]["postgresql"]
    assert "host" not in content["crontabber"]
    assert content["crontabber"]["dbname"]["default"] == "state"
    assert content["crontabber"]["error_retry_time"]["doc"]


def test_help_on_settings() -> None:
    text = admin("--help=settings", env={"crontabber.timezone": "UTC"})
    assert "  --admin.conf=FILE\n" in text
    assert "  --crontabber.timezone=ZONE\n" in text
    assert "      (is: UTC)\n" in text
    assert "--resource.postgresql.host=HOST" in text
    assert "class-MyFirstConfigApp" not in text
    assert "hunter2" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_help_on_a_job() -> None:
    for name in ("m.MyFirstConfigApp", CLASSES["m.MyFirstConfigApp"].app_name):
        text = admin(f"--help={name}", env={"crontabber.class-MyFirstConfigApp.date_format": "%Y"})
        assert "  --crontabber.class-MyFirstConfigApp.date_format=FORMAT\n" in text
        assert "      (is: %Y)" in text
        assert "timezone" not in text
    text = admin("--help=m.Other")
    assert "--crontabber.class-Other.database.host" not in text  # follows resource.postgresql
    assert "see --help=settings" in text
    with pytest.raises(UnknownJobError, match=r"'setings': did you mean settings\?$"):
        admin("--help=setings")


def test_help_on_a_job_with_a_section() -> None:
    Path("a.ini").write_text(
        "[crontabber]\njobs=fetch|5m\n[job]\n[[fetch]]\ncommand=run --all\ntimeout=2h\n"
    )
    text = admin(
        "--admin.conf=a.ini",
        "--help=fetch",
        classes={"fetch": type("Fetch", (Other,), {"app_name": "fetch"})},
    )
    assert "In its section, [job] [[fetch]]:\n\n  command=" in text
    assert "      (is: run --all)\n" in text
    assert "      (is: 2h)\n" in text
    assert "\n  depends_on=" in text
    assert "has no options" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_dump_is_for_its_owner_only() -> None:
    before = os.umask(0)
    try:
        admin("--admin.dump_conf=a.ini", classes={})
        Path("empty.ini").touch(0o666)
        admin("--admin.dump_conf=empty.ini", classes={})
        Path("a.ini").chmod(0o644)
        admin("--admin.dump_conf=a.ini", classes={})
        admin("--admin.dump_conf=a.json", classes={})
    finally:
        os.umask(before)
    for name in ("a.ini", "empty.ini", "a.json"):
        assert Path(name).stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir()) == ["a.ini", "a.json", "empty.ini"]  # noqa: PTH208


@pytest.mark.parametrize("content", [None, "", "ours\n"])
def test_a_dump_follows_no_link(content: str | None) -> None:
    """trap: a link that another user laid had a file of ours written over"""
    target = Path("target")
    if content is not None:
        target.write_text(content)
    Path("a.ini").symlink_to(target)
    with pytest.raises(ConfigError, match=r"^a\.ini is there already: choose another name"):
        admin("--admin.dump_conf=a.ini", classes={})
    assert Path("a.ini").is_symlink()
    assert (target.read_text() if target.exists() else None) == content
    assert {path.name for path in Path().iterdir()} <= {"a.ini", "target"}


def test_a_dump_takes_the_place_of_nothing_but_a_file() -> None:
    os.mkfifo("a.ini")
    with pytest.raises(ConfigError, match=r"^a\.ini is there already"):
        admin("--admin.dump_conf=a.ini", classes={})
    Path("b.ini").mkdir()
    with pytest.raises(ConfigError, match=r"^cannot read b\.ini: Is a directory"):
        admin("--admin.dump_conf=b.ini", classes={})


def test_a_dump_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(ConfigError, match=r"^cannot write a\.ini: No space left on device"):
        admin("--admin.dump_conf=a.ini", classes={})
    assert list(Path().iterdir()) == []


def test_two_dumps_at_once_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    """What appears at the place in the meantime, stays."""
    make = os.open

    def late(path: str, *arguments: int) -> int:
        if path == "a.ini" and not Path(path).exists():
            Path(path).write_text("theirs")
        return make(path, *arguments)

    monkeypatch.setattr(os, "open", late)
    with pytest.raises(ConfigError, match=r"^a\.ini is there already"):
        admin("--admin.dump_conf=a.ini", classes={})
    assert Path("a.ini").read_text() == "theirs"
