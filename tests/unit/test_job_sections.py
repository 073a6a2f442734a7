"""The sections ``[job] [[NAME]]``: what they make, and what is wrong with them."""

# ruff: noqa: E501  a message is one line, here too

import textwrap
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontabber.base import BaseCronApp
from crontabber.config.appspec import AppSpec
from crontabber.config.commandline import CommandLine
from crontabber.config.joboptions import COMMAND_OPTIONS, JOB_OPTIONS
from crontabber.config.section import changed, made
from crontabber.config.settings import Settings
from crontabber.config.sources import Sources
from crontabber.errors import ConfigError, JobLineError
from crontabber.mixins import as_backfill_cron_app, using_postgres
from crontabber.schedule.model import JobSpec, Missed, Tells
from crontabber.tick.jobs import JobCatalogue

from configman import Namespace


class Report(BaseCronApp):
    required_config = Namespace()
    required_config.add_option("region", default="nowhere")
    required_config.add_option("size", default=1)
    required_config.add_option("directory", default="/tmp")

    def run(self) -> None:
        pass


class Old(BaseCronApp):
    app_name = "old"
    timeout = "1h"

    def run(self) -> None:
        pass


@as_backfill_cron_app
class Dated(BaseCronApp):
    app_name = "dated"

    def run(self, date: Any) -> None:
        pass


@using_postgres
class Stored(BaseCronApp):
    app_name = "stored"

    def run(self) -> None:
        pass


CLASSES = {f"m.{cls.__name__}": cls for cls in (Report, Old, Dated, Stored)}


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Loaded:
    """A configuration, and the jobs that it makes."""

    def __init__(self, jobs: str, ini: str, *arguments: str, env: Any = None) -> None:
        Path("c.ini").write_text(
            f"[crontabber]\njobs='''\n{jobs}\n'''\n{textwrap.dedent(ini)}", encoding="utf-8"
        )
        line = CommandLine.parse(["--admin.conf=c.ini", *arguments])
        self.settings = Settings.load(line, env or {})

        def load(class_path: str) -> type:
            return self.settings.sections.app(class_path, CLASSES.__getitem__)

        self.catalogue = JobCatalogue(self.settings.jobs, load)

    def app(self, name: str) -> AppSpec:
        line = self.catalogue.listed(name)
        assert line
        return self.catalogue.app(line)

    def config(self, name: str) -> Any:
        configs, faults, _ = self.settings.app_configs({name: self.app(name).cls})
        for fault in faults.values():
            raise fault
        return configs[name]

    @property
    def faults(self) -> list[str]:
        """As ``--configtest`` has them."""
        found = self.catalogue.import_all()
        _, of_options, _ = self.settings.app_configs(self.catalogue.classes)
        found += [fault for error in of_options.values() for fault in error.faults]
        found += self.settings.judge(self.catalogue.classes).faults
        return list(map(str, found))


def test_a_section_with_a_command_is_a_job() -> None:
    loaded = Loaded("fetch|5m", "[job]\n[[fetch]]\ncommand=true\ndepends_on=a, b\nbackfill=yes")
    app = loaded.app("fetch")
    assert (app.app_name, app.depends_on, app.backfill) == ("fetch", ("a", "b"), True)
    assert loaded.settings.sections.runs("fetch") == ("command", "true")
    assert loaded.faults == []


def test_one_class_makes_several_jobs_each_with_its_own_options() -> None:
    loaded = Loaded(
        "report-eu|1d\nreport-us|1d",
        """
        [[class-Report]]
        size=7
        [job]
        [[report-eu]]
        class=m.Report
        region=eu
        timeout=5
        [[report-us]]
        class=m.Report
        region=us
        size=8
        """,
    )
    eu, us = loaded.app("report-eu"), loaded.app("report-us")
    cls: Any = eu.cls
    assert (eu.app_name, cls.app_name, eu.timeout) == ("report-eu",) * 2 + (timedelta(0, 5),)
    assert (us.app_name, us.timeout) == ("report-us", None)
    assert Report.timeout is None, "the class itself stays as it is"
    assert eu.cls.__qualname__ == "Report"
    configs = loaded.config("report-eu"), loaded.config("report-us")
    assert [(config.region, config.size) for config in configs] == [("eu", 7), ("us", 8)]
    assert configs[0].jobs == "report-eu|1d\nreport-us|1d", "what is around it is found"
    both = loaded.settings.app_configs(loaded.catalogue.classes).configs
    assert {name: config.region for name, config in both.items()} == {
        "report-eu": "eu",
        "report-us": "us",
    }
    assert loaded.faults == []


def test_sections_of_an_app_within_that_of_a_job_are_those_of_the_class() -> None:
    loaded = Loaded(
        "store|1d",
        "[job]\n[[store]]\nclass=m.Stored\n[[[database]]]\ndbname=other\nsslmode=require",
    )
    assert loaded.config("store").database.dbname == "other"
    assert loaded.faults == []


@pytest.mark.parametrize("name", ["old", "m.Old"])
def test_a_section_overrides_what_a_listed_class_says(name: str) -> None:
    loaded = Loaded("m.Old|5m\nm.Report|5m", f"[job]\n[[{name}]]\ntimeout=3m\nlock=w\nlate=2h")
    app = loaded.app("m.Old")
    assert (app.app_name, app.timeout, app.lock) == ("old", timedelta(minutes=3), "w")
    assert app.late == timedelta(hours=2)


def test_what_is_empty_takes_away_what_the_class_says() -> None:
    assert Loaded("m.Old|5m", "[job]\n[[old]]\ntimeout=").app("m.Old").timeout is None


def test_the_command_line_and_the_environment_change_a_job_too() -> None:
    ini = "[job]\n[[fetch]]\ncommand=true\ntimeout=1h\nlock=a"
    env = {"job.fetch.timeout": "2h", "job.fetch.lock": "b"}
    app = Loaded("fetch|5m", ini, "--job.fetch.lock=c", env=env).app("fetch")
    assert (app.timeout, app.lock) == (timedelta(hours=2), "c")


# -- each option ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("depends_on", "", ()),
        ("depends_on", "'a b, c'", ("a b", "c")),
        ("backfill", "no", False),
        ("timeout", "90", timedelta(seconds=90)),
        ("timeout", "1h30m", timedelta(minutes=90)),
        ("late", "2h", timedelta(hours=2)),
        ("missed", "latest", Missed.LATEST),
        ("too_late", "6h", timedelta(hours=6)),
        ("start", "2026-11-21", "2026-11-21"),
        ("spread", "10m", timedelta(minutes=10)),
        ("queue", "slow", "slow"),
        ("priority", "-3", -3),
        ("parallel", "4", 4),
        ("keep_output", "1MB", 1 << 20),
        ("keep_output", "0", 0),
        ("lock", "warehouse", "warehouse"),
    ],
)
def test_each_option_of_all_jobs_is_read(key: str, text: str, value: object) -> None:
    for what in ["class=m.Report"] + ["command=true"] * (key != "keep_output"):
        app = Loaded("x|5m", f"[job]\n[[x]]\n{what}\n{key}={text}").app("x")
        assert getattr(app, key) == value


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("3", [timedelta(), timedelta(), None]),
        ("no", [None]),
        ("yes", [timedelta()] * 9),
        ("max_attempts=3 wait=30", [timedelta(seconds=30)] * 2 + [None]),
        ("max_attempts=2, wait=1m", [timedelta(minutes=1), None]),
        ("exponential_wait=2, max_wait=5", [timedelta(seconds=s) for s in (2, 4, 5)]),
    ],
)
def test_retry_is_a_number_or_the_options_of_a_strategy(text: str, waits: list[Any]) -> None:
    retry = Loaded("x|5m", f"[job]\n[[x]]\ncommand=true\nretry={text}").app("x").retry
    assert retry
    assert [retry(n, OSError()) for n in range(1, len(waits) + 1)] == waits


def test_every_option_is_a_field_of_the_job_and_has_an_example_that_can_be_read() -> None:
    for key, option in JOB_OPTIONS.items():
        assert key in JobSpec._fields + Tells._fields
        option.read(option.example)
    for option in COMMAND_OPTIONS.values():
        option.read(option.example)


def test_the_options_of_a_command_are_read(tmp_path: Path) -> None:
    ini = """
        [job]
        [[x]]
        command='''
        echo "a, b" # one
        echo 'c'
        '''
        directory=work
        environment='''
        # two of them
        A=1 = 1
          B_2=
        '''
        environment_file=/etc/x.env
        nice=10
        success_codes=0, 3, 64-66
        shell=/bin/bash
        keep_output=1kB
        """
    loaded = Loaded("x|5m", ini)
    from crontabber.process import command_app

    options: list[command_app.CommandOptions] = []
    with pytest.MonkeyPatch.context() as patch:

        def old(name: str, given: Any, **_: Any) -> type:
            options.append(given)
            return Old

        patch.setattr("crontabber.config.section.command_app", old)
        loaded.app("x")
    assert options == [
        command_app.CommandOptions(
            command="echo \"a, b\" # one\necho 'c'",
            directory=str(tmp_path / "work"),
            environment={"A": "1 = 1", "B_2": ""},
            environment_file="/etc/x.env",
            nice=10,
            success_codes=frozenset({0, 3, 64, 65, 66}),
            shell="/bin/bash",
            keep_output=1024,
        )
    ]


# -- what is wrong ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "text", "why"),
    [
        ("backfill", "perhaps", "it is neither yes nor no"),
        ("timeout", "2x", "'2x' is not a length of time such as 90s, 30m, 2h or 1h30m"),
        ("timeout", "0", "it is 0.0, not a length of time"),
        ("late", "soon", "is not a length of time"),
        ("too_late", "-1h", "is not a length of time"),
        ("spread", "ten", "is not a length of time"),
        ("missed", "some", "it is 'some', and not one of: all, latest, none"),
        ("start", "0001-01-01", "it is '0001-01-01': write a date in the years from 1970 to 2199"),
        ("start", "9999-01-01", "it is '9999-01-01': write a date in the years from 1970 to 2199"),
        ("start", "tomorrow", "it is 'tomorrow', not a date such as 2026-11-21"),
        ("queue", "''", "it is empty"),
        ("priority", "high", "it is not a whole number from"),
        ("parallel", "0", "it is not a whole number from 1 to"),
        ("keep_output", "16 kilo", "it is not a number of bytes such as 16384, 16kB or 1MB"),
        ("retry", "often", "it is not a number of attempts, yes or no, or options such as"),
        ("retry", "wiat=3", "'wiat' is not an option of retry: did you mean wait?"),
        ("retry", "max_attempts=0", "it is not a whole number from 1 to"),
        ("nice", "20", "it is not a whole number from -20 to 19"),
        ("success_codes", "256", "'256' is not an exit status: write numbers from 0 to 255"),
        ("success_codes", "''", "it names no exit status"),
        ("environment", "FOO", "it has a line that is not NAME=value"),
        ("shell", "''", "it is empty"),
        ("lock", "a, b", "it has a comma: put the whole of it in quotes, such as '''…'''"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_with_its_place(key: str, text: str, why: str) -> None:
    loaded = Loaded("x|5m", f"[job]\n[[x]]\ncommand=true\n{key}={text}")
    [fault] = loaded.faults
    assert fault.startswith(f"job line 'x|5m': option job.x.{key}")
    assert "(from c.ini, line 8) cannot be used: " in fault
    assert why in fault
    with pytest.raises(JobLineError):
        loaded.app("x")


def test_a_command_with_a_comma_has_to_be_quoted() -> None:
    """trap: configobj would cut it into a list, and join it with blanks"""
    [fault] = Loaded("x|5m", "[job]\n[[x]]\ncommand=cut -d, -f1,2 x").faults
    assert "option job.x.command (from c.ini, line 7) cannot be used: it has a comma" in fault


FETCH = "[job]\n[[fetch]]\ncommand=true\n"


@pytest.mark.parametrize(
    ("jobs", "ini", "expected"),
    [
        (
            "fetch|5m",
            FETCH + "timeot=1h",
            (
                "job line 'fetch|5m': unknown option job.fetch.timeot (from c.ini, line 8): "
                "did you mean timeout?"
            ),
        ),
        (
            "fetch|5m",
            FETCH + "region=eu",
            "job line 'fetch|5m': unknown option job.fetch.region (from c.ini, line 8)",
        ),
        (
            "r|5m",
            "[job]\n[[r]]\nclass=m.Report\nregoin=eu",
            "unknown option job.r.regoin (from c.ini, line 8): did you mean region?",
        ),
        (
            "r|5m",
            "[job]\n[[r]]\nclass=m.Report\nenvironment=A=1",
            (
                "unknown option job.r.environment (from c.ini, line 8): it is one of commands, and "
                "this job runs a class"
            ),
        ),
        (
            "r|5m",
            "[job]\n[[r]]\nclass=m.Report\nsize=many",
            (
                "option job.r.size 'many' (from c.ini, line 8) cannot be used: it is not a whole number"
                ""
            ),
        ),
        (
            "m.Old|5m",
            "[job]\n[[old]]\nregion=eu",
            (
                "job line 'm.Old|5m': unknown option job.old.region (from c.ini, line 7): those of a "
                "class are in [crontabber] [[class-NAME]]"
            ),
        ),
        (
            "fetch|5m\nbackup|1d",
            FETCH,
            (
                "job line 'backup|1d': 'backup' is not a class path such as package.module.Class, "
                "and there is no section [job] [[backup]] with command= or class="
            ),
        ),
        (
            "fetch|5m",
            "[job]\n[[fetch]]\ntimeout=1h",
            (
                "job line 'fetch|5m': the section [job] [[fetch]] (from c.ini, line 6) says neither "
                "command= nor class=: add the one that it runs"
            ),
        ),
        (
            "fetch|5m",
            FETCH + "class=m.Old",
            (
                "job line 'fetch|5m': the section [job] [[fetch]] (from c.ini, line 6) says both "
                "command= and class=: take one of them out"
            ),
        ),
        (
            "fetch|5m",
            FETCH + "[[backup]]\ncommand=true",
            (
                "no line of the jobs list names the section [job] [[backup]] (from c.ini, line 8): "
                "add one, such as backup|1h"
            ),
        ),
        (
            "m.Old|5m",
            "[job]\n[[olld]]\ntimeout=1h",
            "unknown section [job] [[olld]] (from c.ini, line 6): did you mean [job] [[old]]?",
        ),
        (
            "m.Old|5m",
            "[job]\ntimeout=1h",
            (
                "unknown option job.timeout (from c.ini, line 6): write it in the section of a job, "
                "[job] [[NAME]]"
            ),
        ),
        (
            "m.Old|5m",
            "[job]\n[[old]]\ntimeout=1h\n[[m.Old]]\nlate=1h",
            (
                "job line 'm.Old|5m': [job] [[old]] and [job] [[m.Old]] are both about it: make them "
                "one"
            ),
        ),
        (
            "m.Dated|1d",
            "[job]\n[[dated]]\nbackfill=no",
            (
                "job line 'm.Dated|1d': option job.dated.backfill (from c.ini, line 7) cannot be used: "
                "run() of Dated takes a date, and would get none"
            ),
        ),
        (
            "r|1d",
            "[job]\n[[r]]\nclass=m.Report\nbackfill=yes",
            (
                "job line 'r|1d': option job.r.backfill (from c.ini, line 8) cannot be used: run() of "
                "Report takes no date, and would be given one"
            ),
        ),
        (
            "fetch|5m\nfetch|1h",
            FETCH,
            "job line 'fetch|1h': the job is listed already, as 'fetch|5m'",
        ),
    ],
)
def test_what_is_wrong_with_a_section_is_one_fault_of_one_line(
    jobs: str, ini: str, expected: str
) -> None:
    try:
        faults = Loaded(jobs, ini, "--configtest").faults
    except ConfigError as error:
        faults = list(map(str, error.faults))
    shift = jobs.count("\n")
    for number in range(9, 5, -1):
        expected = expected.replace(f"line {number}", f"line {number + shift}")
    assert faults == [expected]


def test_a_listed_class_whose_name_a_section_makes_a_job_of_is_told() -> None:
    faults = Loaded("m.Old|5m", "[job]\n[[old]]\ncommand=true", "--configtest").faults
    assert faults[0] == (
        "job line 'm.Old|5m': the section [job] [[old]] (from c.ini, line 6) says what to run, and "
        "so does the line: have the line name old, or take that out of the section"
    )
    [fault] = Loaded("m.Old|5m\nold|1h", "[job]\n[[old]]\ncommand=true").faults
    assert fault == "job line 'old|1h': its app_name 'old' is that of m.Old; give it another"


def test_a_name_that_is_mistyped_is_told_with_the_section_that_may_be_meant() -> None:
    first, _ = Loaded("ftech|5m", FETCH).faults
    assert first.endswith("with command= or class=: did you mean [job] [[fetch]]?")


def test_all_that_is_wrong_with_a_section_is_told() -> None:
    faults = Loaded("fetch|5m", FETCH + "timeot=1h\nlate=x").faults
    assert [fault.split(" (from")[0] for fault in faults] == [
        "job line 'fetch|5m': unknown option job.fetch.timeot",
        "job line 'fetch|5m': option job.fetch.late 'x'",
    ]


@pytest.mark.parametrize(
    ("jobs", "ini"),
    [
        ("fetch|5m", FETCH + "[[fetchh]]\ntimeout=1h"),
        ("fetch|5m", FETCH + "[[olld]]\ntimeout=1h"),
        ("fetch|5m", FETCH.replace("[job]", "[job]\ntimeout=1h")),
    ],
)
def test_a_section_that_can_be_of_no_job_is_an_error_of_every_tick(jobs: str, ini: str) -> None:
    with pytest.raises(ConfigError, match=r"^unknown (section|option) "):
        Loaded(jobs, ini)


def test_a_job_that_is_not_listed_is_no_error_of_a_tick() -> None:
    """A ``#`` before its line takes a job out; its section may stay."""
    Loaded("fetch|5m\n#backup|1d", FETCH + "[[backup]]\ncommand=true")
    with pytest.raises(ConfigError, match="no line of the jobs list names"):
        Loaded("fetch|5m", FETCH + "[[backup]]\ncommand=true", "--admin.strict")


def test_a_section_on_the_command_line_that_is_of_no_job_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"^unknown section \[job\] \[\[ol\]\] \(from the comm"):
        Loaded("m.Old|5m", "", "--job.ol.timeout=1h")


def test_what_other_programs_have_in_the_environment_is_no_error() -> None:
    env = {"job.name": "nightly", "job.nightly.build": "5"}
    assert Loaded("fetch|5m", FETCH, env=env).faults == []


def test_the_values_of_secret_variables_are_secret() -> None:
    environment = "environment='''\nAPI_TOKEN=hunter2hunter2\nA=1\n'''"
    loaded = Loaded("fetch|5m", FETCH + environment, "--admin.print_conf=ini")
    assert "hunter2" not in loaded.settings.redactor("it is hunter2hunter2")
    assert "hunter2" not in loaded.settings.run_admin({})


def test_an_engine_sees_the_queue_and_the_priority_of_a_section() -> None:
    due_job = pytest.importorskip("crontabber.contrib.procrastinate.due_job")
    loaded = Loaded("x|5m\ny|5m\nm.Old|5m", """
        [job]
        [[x]]
        command=true
        queue=slow
        priority=2
        [[y]]
        class=m.Report
        [[old]]
        priority=-1
        """)  # fmt: skip
    places = [due_job.place_of(loaded.app(name).cls) for name in ("x", "y", "m.Old")]
    assert places == [("slow", 2), ("crontabber", 0), ("crontabber", -1)]


_KEYS = [*JOB_OPTIONS, *COMMAND_OPTIONS, "class", "region", "size", "nonsense"]
_VALUES = ["", "1", "yes", "2h", "m.Report", "m.None", "a, b", "A=1", "0-300", "=", "max_wait=-1"]
_NAMES = ["fetch", "old", "a b", "m.Old", "m", "æ", "x"]


@given(
    st.lists(st.sampled_from([*_NAMES, "m.Report"]), max_size=4),
    st.dictionaries(
        st.tuples(st.sampled_from(_NAMES), st.sampled_from(_KEYS)),
        st.one_of(st.sampled_from(_VALUES), st.text(max_size=12)),
        max_size=12,
    ),
)
def test_any_sections_make_jobs_or_faults_of_one_line(
    listed: list[str], sections: dict[tuple[str, str], str]
) -> None:
    texts = {f"job.{name}.{key}": text for (name, key), text in sections.items()}
    texts["crontabber.jobs"] = "\n".join(f"{name}|1h" for name in listed)
    origins = dict.fromkeys(texts, "a test")
    line = CommandLine.parse(["--configtest"])
    settings = Settings(line, Sources(texts, origins))

    def load(class_path: str) -> type:
        return settings.sections.app(class_path, _load)

    catalogue = JobCatalogue(settings.jobs, load)
    faults = [*catalogue.import_all(), *settings.judge(catalogue.classes).faults]
    faults += settings.app_configs(catalogue.classes).faults.values()
    assert all("\n" not in str(fault) for fault in faults)
    settings.run_admin(catalogue.classes)
    assert {app.app_name for app in catalogue.apps} <= {*_NAMES, "None"}


def _load(class_path: str) -> type:
    if class_path not in CLASSES:
        raise JobLineError(f"there is no {class_path}")
    return CLASSES[class_path]


# -- a dump -------------------------------------------------------------------------------


def test_a_dump_has_the_sections_and_reads_back() -> None:
    ini = FETCH.replace("=true", "=echo \"a\" 'b'") + "timeout=1h\n[[r]]\nclass=m.Report\nregion=eu"
    loaded = Loaded("fetch|5m\nr|1d", ini, "--admin.dump_conf=d.ini")
    loaded.catalogue.import_all()
    loaded.settings.run_admin(loaded.catalogue.classes)
    texts = _job_texts("d.ini")
    assert texts == _job_texts("c.ini")
    assert "        #size=1" in Path("d.ini").read_text().splitlines()


def test_a_dump_without_jobs_shows_an_example_that_is_right() -> None:
    Settings.load(CommandLine.parse(["--admin.dump_conf=d.ini"]), {}).run_admin({})
    text = Path("d.ini").read_text()
    example = text[text.index("#[job]") :]
    lines = [line.strip() for line in example.splitlines()]
    plain = [line.removeprefix("#") for line in lines if not line.startswith(("# ", "#class"))]
    Path("e.ini").write_text("\n".join(plain))
    section = _sections_of("e.ini")["fetch"]
    assert section.keys() == JOB_OPTIONS.keys() | COMMAND_OPTIONS.keys()
    spec = AppSpec.of(made(Sources({}, {}), "fetch", section, CLASSES.__getitem__))
    assert spec.timeout == timedelta(hours=2)


def _job_texts(path: str) -> Mapping[str, str]:
    texts = Sources.collect(CommandLine.parse([f"--admin.conf={path}"]), {}).texts
    return {name: text for name, text in texts.items() if name.startswith("job.")}


def _sections_of(path: str) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    for name, text in _job_texts(path).items():
        _, section, key = name.split(".")
        sections.setdefault(section, {})[key] = text
    return sections


def test_an_app_may_have_a_method_by_the_name_of_a_newer_option() -> None:
    """trap: an app of 0.18 with a method start() would be refused"""
    methods = {"start": lambda self: None, "missed": property(lambda self: 1)}
    cls = type("App", (Old,), {"app_name": "app", **methods})
    spec = AppSpec.of(cls)
    assert (spec.start, spec.missed) == (None, None)
    with pytest.raises(JobLineError, match="start of App is 'x', not a date"):
        AppSpec.of(type("App", (Old,), {"start": "x"}))


def test_a_class_that_cannot_be_derived_from_is_told() -> None:
    class Final(Old):
        def __init_subclass__(cls) -> None:
            raise TypeError("no more of us")

    with pytest.raises(JobLineError, match="no more of us"):
        changed(Sources({}, {}), "old", {"timeout": "1h"}, Final)
