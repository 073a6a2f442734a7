import datetime
import itertools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crontabber.base import BaseCronApp
from crontabber.config.commandline import CommandLine
from crontabber.config.settings import Settings
from crontabber.errors import ConfigError
from crontabber.mixins import using_postgres

from configman import Namespace, RequiredConfig, class_converter
from configman.converters import list_converter


def app(class_name: str = "MyApp", /, **options: Any) -> type:
    """An app class; an option is given by its default, or by what add_option takes."""
    required = Namespace()
    for option, default in options.items():
        keywords = default if isinstance(default, dict) else {"default": default}
        required.add_option(option, **{"doc": "what it is for", **keywords})
    return type(class_name, (BaseCronApp,), {"app_name": "my-app", "required_config": required})


def settings(
    classes: Mapping[str, type],
    ini: str = "",
    *arguments: str,
    env: Mapping[str, str] | None = None,
) -> Settings:
    jobs = "\n".join(f"{class_path}|5m" for class_path in classes)
    Path("c.ini").write_text(f"crontabber.jobs='''\n{jobs}\n'''\n{ini}")
    return Settings.load(CommandLine.parse(["--admin.conf=c.ini", *arguments]), env or {})


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def config_of(
    cls: type, ini: str = "", *arguments: str, env: Mapping[str, str] | None = None
) -> Any:
    classes = {"m.MyApp": cls}
    resolved = settings(classes, ini, *arguments, env=env).app_configs(classes)
    assert not resolved.faults
    return resolved.configs["m.MyApp"]


def fault_of(
    cls: type, ini: str = "", *arguments: str, env: Mapping[str, str] | None = None
) -> str:
    classes = {"m.MyApp": cls}
    resolved = settings(classes, ini, *arguments, env=env).app_configs(classes)
    assert not resolved.configs
    assert "\n" not in str(resolved.faults["m.MyApp"])
    return str(resolved.faults["m.MyApp"])


SECTION = "[crontabber]\n[[class-MyApp]]\n"
NAME = "crontabber.class-MyApp.date_format"


def test_every_way_to_set_an_option() -> None:
    cls = app(date_format="%m/%d %Y - %H:%M")
    ini = f"{SECTION}date_format=%W %y %h:%M"
    assert config_of(cls).date_format == "%m/%d %Y - %H:%M"
    assert config_of(cls, ini).date_format == "%W %y %h:%M"
    assert config_of(cls, ini, env={NAME: "%A"}).date_format == "%A"
    assert config_of(cls, ini, f"--{NAME}=%B", env={NAME: "%A"}).date_format == "%B"
    assert config_of(cls, ini, f"--{NAME}", "%B").date_format == "%B"


def test_converters() -> None:
    def function_converter(text: str) -> Any:
        module, class_name, function = text.rsplit(".", 2)
        return getattr(getattr(__import__(module), class_name), function)

    cls = app(
        function={
            "default": datetime.datetime.now,
            "from_string_converter": function_converter,
        },
        number=1,
        ratio=0.5,
        names=["a"],
        when=datetime.timedelta(hours=1),
        cls={"default": "decimal.Decimal", "from_string_converter": class_converter},
    )
    config = config_of(
        cls,
        f"{SECTION}number=2\nratio=.25\nnames=x, y ,z\nwhen=00:30\ncls=fractions.Fraction",
        env={"crontabber.class-MyApp.function": "datetime.datetime.utcnow"},
    )
    assert config.function == datetime.datetime.utcnow
    assert (config.number, config.ratio, config.names) == (2, 0.25, ["x", "y", "z"])
    assert config.when == datetime.timedelta(seconds=30)
    assert config.cls.__name__ == "Fraction"
    assert config_of(cls).function == datetime.datetime.now


@pytest.mark.parametrize(
    ("default", "text", "arguments", "value"),
    [
        (False, "no", [], False),
        (False, "yes", [], True),
        (False, "no", ["--crontabber.class-MyApp.flag"], True),
        (False, "yes", ["--crontabber.class-MyApp.flag"], True),
        (False, "no", ["--crontabber.class-MyApp.flag"] * 2, True),
        (True, "yes", ["--crontabber.class-MyApp.flag"], True),
        (True, "yes", ["--crontabber.class-MyApp.flag=no"], False),
    ],
)
def test_flags_do_not_toggle(default: bool, text: str, arguments: list[str], value: bool) -> None:
    assert config_of(app(flag=default), f"{SECTION}flag={text}", *arguments).flag is value


def test_options_with_names_that_configman_stumbles_over() -> None:
    cls = app(function="f", name="n", default="d", doc="x")
    config = config_of(cls, f"{SECTION}function=g")
    assert (config.function, config.name, config.default, config.doc) == ("g", "n", "d", "x")


def test_what_is_not_in_the_section_is_acquired() -> None:
    config = config_of(app(x=1), "[crontabber]\nerror_retry_time=7")
    assert config.logger is logging.getLogger("crontabber")
    assert config.error_retry_time == 7
    assert config["no.such.section.x"] == 1
    with pytest.raises(KeyError):
        config.nonsense  # noqa: B018


def test_database_options_follow_the_common_ones() -> None:
    ini = "[resource]\n[[postgresql]]\nhost=db\nuser=me\n[crontabber]\n[[class-MyApp]]\n"
    config = config_of(using_postgres(app()), ini + "[[[database]]]\nuser=other")
    assert (config.database.host, config.database.user) == ("db", "other")
    made = config.database.database_class(config.database)
    assert made.parameters()["user"] == "other"


def test_an_apps_own_namespace_is_not_set_from_the_environment() -> None:
    """Any program may have dotted names there; those in our namespaces are ours."""
    cls = app(key={"default": "none", "reference_value_from": "secrets.boto"})
    assert config_of(cls, "[secrets]\n[[boto]]\nkey=file").key == "file"
    assert config_of(cls, "", "--secrets.boto.key=argument").key == "argument"
    assert config_of(cls, env={"secrets.boto.key": "environment"}).key == "none"
    assert config_of(cls, env={"crontabber.class-MyApp.key": "ours"}).key == "ours"


def test_one_class_for_the_connections_of_all() -> None:
    """The embedded server, say, is set once for the command and all apps."""
    name = "crontabber.connection_factory.PooledConnectionFactory"
    ini = f"[resource]\n[[postgresql]]\ndatabase_class={name}"
    assert config_of(using_postgres(app()), ini).database.database_class.__name__ in name
    assert settings({}, ini).database_class.__name__ in name


def test_a_class_without_options_of_configmans_kind() -> None:
    plain = type("MyApp", (), {"app_name": "a", "main": print})
    assert config_of(plain).logger
    mapping: Any = type(
        "MyApp", (), {"required_config": {"x": {"name": "x", "default": 3, "doc": "d"}}}
    )
    assert mapping.required_config  # a mapping is what configman makes a Namespace from


def test_options_are_inherited() -> None:
    base = app(x=1, y=2)
    required = Namespace()
    required.add_option("y", default=3)
    derived = type("MyApp", (base,), {"required_config": required})
    config = config_of(derived)
    assert (config.x, config.y) == (1, 3)
    assert base.required_config.y.default == 2  # type: ignore[attr-defined]


def test_classes_of_one_name_do_not_mix() -> None:
    """trap: two classes of one name in different modules shared what was set for one."""
    classes = {
        "one.MyApp": app(x=1, only_one="a"),
        "two.MyApp": app(x="text", only_two="b"),
        "three.Other": app("Other", x=3),
    }
    loaded = settings(classes, f"{SECTION}only_two=c")
    configs, faults, _ = loaded.app_configs(classes)
    assert not faults
    assert [configs[path].x for path in classes] == [1, "text", 3]
    assert (configs["one.MyApp"].only_one, configs["two.MyApp"].only_two) == ("a", "c")
    assert "only_two" not in configs["one.MyApp"]
    assert loaded.check(classes) == ()


NOON = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.timezone.utc)
EAST = datetime.timezone(datetime.timedelta(hours=5))


KINDS = type("Kind", (), {}), type("Kind", (), {})
"""Classes that look alike."""


# -- classes that ask for the same: what one gets, the others get a copy of -------


def configs_of(*classes: type, ini: str = "") -> list[Any]:
    """What classes get that are resolved in one go, as m.0.NAME, m.1.NAME, and so on."""
    paths = {f"m.{number}.{cls.__name__}": cls for number, cls in enumerate(classes)}
    resolved = settings(paths, ini).app_configs(paths)
    assert not resolved.faults
    return [resolved.configs[path] for path in paths]


def test_classes_that_ask_for_the_same_get_the_same_each_for_itself() -> None:
    ini = "[resource]\n[[postgresql]]\ndbname=shop\n"
    one, two = configs_of(using_postgres()(app("One")), using_postgres()(app("Two")), ini=ini)
    assert one.database.dbname == two.database.dbname == "shop"
    assert one.database.database_class is two.database.database_class
    assert two.error_retry_time == 300
    assert two.logger.name == "crontabber"
    two.database.dbname = "mine"
    two.own = "more"
    assert one.database.dbname == "shop"
    assert "own" not in one


def test_what_is_set_for_one_class_is_for_that_alone() -> None:
    ini = "[crontabber]\n[[class-Two]]\nnumber=2\n[[class-Three]]\nnumber=3\n"
    configs = configs_of(
        *(app(name, number=1) for name in ("One", "Two", "Three", "Four")), ini=ini
    )
    assert [config.number for config in configs] == [1, 2, 3, 1]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"option": 1}, {"option": True}),
        ({"option": 1}, {"option": 1.0}),
        ({"option": "1"}, {"option": {"default": "1", "from_string_converter": int}}),
        ({"option": "1"}, {"other": "1"}),
        ({"option": "1"}, {}),
        ({}, {"option": None}),
        ({"option": 0.0}, {"option": -0.0}),
        ({"option": NOON}, {"option": NOON.astimezone(EAST)}),
        ({"option": KINDS[0]}, {"option": KINDS[1]}),
    ],
)
def test_classes_that_ask_for_almost_the_same_get_what_they_ask_for(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    alone = [configs_of(app("One", **one))[0], configs_of(app("Two", **two))[0]]
    both = configs_of(app("One", **one), app("Two", **two))
    for config, expected in zip(both, alone, strict=True):
        assert dict(config) == dict(expected)
        assert [*config.values()] == [*expected.values()]
        assert list(map(repr, config.values())) == list(map(repr, expected.values()))


@pytest.mark.parametrize(("text", "converter"), [("a b", str.split), ("a, b", list_converter)])
def test_what_could_be_changed_is_not_shared(text: str, converter: Any) -> None:
    words = {"default": text, "from_string_converter": converter}
    one, two = configs_of(app("One", words=words), app("Two", words=words))
    two.words.append("c")
    assert (one.words, two.words) == (["a", "b"], ["a", "b", "c"])
    default = {"default": ["a"]}
    one, two = configs_of(app("One", words=default), app("Two", words=default))
    assert one.words == two.words == ["a"]


def test_a_converter_makes_a_value_for_each_class() -> None:
    numbers = itertools.count()
    number = {"default": "0", "from_string_converter": lambda _: str(next(numbers))}
    one, two = configs_of(app("One", number=number), app("Two", number=number))
    assert one.number != two.number


def test_a_converter_may_be_an_object_that_cannot_be_hashed() -> None:
    @dataclass
    class Choice:
        choices: list[str]

        def __call__(self, text: str) -> str:
            return text if text in self.choices else self.choices[0]

    word = {"default": "a", "from_string_converter": Choice(["b", "c"])}
    one, two = configs_of(app("One", word=word), app("Two", word=word))
    assert one.word == two.word == "b"


def test_what_is_secret_for_one_class_is_known() -> None:
    ini = "[resource]\n[[api]]\nword=hush\n"
    word = {"default": "", "reference_value_from": "resource.api"}
    paths = {"m.One": app("One", word=word), "m.Two": app("Two", word={**word, "secret": True})}
    assert settings(paths, ini).app_configs(paths).secrets == {"hush"}


@pytest.mark.parametrize("name", ["keys", "values", "get", "copy", "update", "_x", "_parent"])
def test_names_that_a_namespace_has_too_are_the_same_for_all(name: str) -> None:
    paths = {f"m.{each}": app(each, **{name: "v"}) for each in ("One", "Two")}
    resolved = settings(paths).app_configs(paths)
    alone = settings(paths).app_configs({"m.Two": paths["m.Two"]})
    assert [str(fault) for fault in resolved.faults.values()][1:] == [
        str(fault) for fault in alone.faults.values()
    ]
    for path, config in alone.configs.items():
        assert resolved.configs[path][name] == config[name] == "v"


def test_a_namespace_without_options_is_there_for_all() -> None:
    two = app("Two", x=1)
    two.required_config.empty = Namespace()  # type: ignore[attr-defined]
    assert "empty" in configs_of(app("One", x=1), two)[1]


def test_what_is_made_of_other_options_is_made_for_each_class() -> None:
    def with_word() -> type:
        cls: Any = app("One", word="a")
        cls.required_config.add_aggregation("words", lambda config, local, arguments: [local.word])
        return cls  # type: ignore[no-any-return]

    one, two = configs_of(with_word(), type("Two", (with_word(),), {}))
    two.words.append("b")
    assert (one.words, two.words) == (["a"], ["a", "b"])


def test_each_of_the_classes_that_ask_for_the_same_has_its_fault() -> None:
    number = {"default": "many", "from_string_converter": int}
    paths = {f"m.{name}": app(name, number=number) for name in ("One", "Two", "Three")}
    resolved = settings(paths).app_configs(paths)
    assert resolved.configs == {}
    for path, fault in resolved.faults.items():
        assert f"crontabber.class-{path[2:]}.number 'many'" in str(fault)


def test_the_fault_of_one_class_does_not_spoil_the_others() -> None:
    classes = {f"m.App{n}": app(f"App{n}", x=n) for n in range(230)}
    bad = {7, 8, 150, 229}
    env = {f"crontabber.class-App{n}.x": "abc" for n in bad}
    configs, faults, _ = settings(classes, env=env).app_configs(classes)
    assert set(faults) == {f"m.App{n}" for n in bad}
    assert {path: config.x for path, config in configs.items()} == {
        f"m.App{n}": n for n in range(230) if n not in bad
    }


def _raise(error: BaseException) -> Any:
    def converter(text: str) -> Any:
        raise error

    return {"default": "x", "doc": "d", "from_string_converter": converter}


@pytest.mark.parametrize(
    ("options", "ini", "fault"),
    [
        (
            {"n": 1},
            "n=abc",
            "MyApp.n 'abc' (from c.ini, line 6) cannot be used: it is not a whole number",
        ),
        ({"n": 1.5}, "n=abc", "it is not a number"),
        ({"text": "x"}, "text=a, b", "quote it, because it has a comma"),
        ({"text": {"default": None}}, "text=a, b", "quote it, because it has a comma"),
        ({"api_key": 1}, "api_key=hunter2", "its value cannot be understood"),
        ({"key": {"default": 1, "secret": True}}, "key=hunter2", "its value cannot be understood"),
        (
            {"x": _raise(KeyError("k"))},
            "",
            "option crontabber.class-MyApp.x 'x' (from its default)",
        ),
        ({"x": _raise(ImportError("gone\naway"))}, "x=y", "cannot be used: gone away"),
        ({"x": _raise(SystemExit(0))}, "x=y", "cannot be used: it calls sys.exit ("),
        ({"x": _raise(type("JobError", (Exception,), {})())}, "x=y", "JobError"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], ini: str, fault: str) -> None:
    message = fault_of(app(**options), SECTION + ini)
    assert fault in message
    assert "hunter2" not in message


def test_faults_of_the_class_itself() -> None:
    class Broken(RequiredConfig):
        @classmethod
        def get_required_config(cls) -> Namespace:
            raise RuntimeError("no\noptions")

    assert fault_of(Broken) == "the options of Broken cannot be read: RuntimeError: no options"
    aggregating = app()
    aggregating.required_config.add_aggregation(  # type: ignore[attr-defined]
        "sum", lambda *_: dict[str, int]()["missing"]
    )
    assert fault_of(aggregating) == "the options of MyApp cannot be resolved: KeyError: 'missing'"


def test_options_that_configman_cannot_keep_are_told_with_their_class() -> None:
    message = "the options of MyApp cannot be read: an option cannot have the name "
    assert fault_of(app(items="x", good="y")) == f"{message}'items'"
    assert fault_of(app(safe_copy="x")) == f"{message}'safe_copy'"
    assert fault_of(app(by=b"x")).startswith("the options of MyApp cannot be resolved: ")
    none = type("MyApp", (RequiredConfig,), {"required_config": None})
    assert fault_of(none).startswith("the options of MyApp cannot be read: TypeError: ")


def test_the_secrets_that_were_set_for_apps_are_known() -> None:
    cls = using_postgres(
        app(
            api_key="default",
            pin={"default": "", "secret": True},
            token_count=5,
            password_needed=False,
            city="Bonn",
        )
    )
    ini = f"{SECTION}api_key=k-e-y\npin=0000\ntoken_count=7\npassword_needed=yes\ncity=Rome"
    ini += "\n[[[database]]]\npassword=of app\n[resource]\n[[postgresql]]\npassword=of all"
    resolved = settings({"m.MyApp": cls}, ini).app_configs({"m.MyApp": cls})
    assert resolved.secrets == {"k-e-y", "0000", "of app"}


def test_an_option_named_without_its_value() -> None:
    arguments = ("--crontabber.class-MyApp.n", "--nagios")
    assert fault_of(app(n=1), "", *arguments) == "option --crontabber.class-MyApp.n needs a value"
    assert fault_of(app(n="x"), "", *arguments) == "option --crontabber.class-MyApp.n needs a value"


def test_check_knows_all_names() -> None:
    classes = {"m.MyApp": using_postgres(app(date_format="x"))}
    ini = f"{SECTION}date_format=y\n[[[database]]]\nhost=db"
    assert settings(classes, ini, "--admin.strict").check(classes) == ()
    ini += "\n[resource]\n[[postgresql]]\nbackoff_delays='1, 2'"
    (line,) = settings(classes, ini).check(classes)
    assert line == "unknown option resource.postgresql.backoff_delays (from c.ini, line 11)"
    with pytest.raises(ConfigError, match="backoff_delays"):
        settings(classes, ini, "--admin.strict").check(classes)


def test_check_suggests() -> None:
    classes = {"m.MyApp": app(date_format="x")}
    (line,) = settings(classes, f"{SECTION}date_fromat=y").check(classes)
    assert line.endswith(": did you mean crontabber.class-MyApp.date_format?")
    (line,) = settings(classes, "[crontabber]\n[[class-MyAp]]\ndate_format=y").check(classes)
    assert line.endswith(": did you mean [crontabber] [[class-MyApp]]?")
    with pytest.raises(ConfigError, match=r"did you mean crontabber\.class-MyApp\.date_format"):
        settings(classes, "", "--crontabber.class-MyApp.date_formt=y").check(classes)


def test_sections_of_jobs_in_another_file_are_fine_unless_strict() -> None:
    classes = {"m.MyApp": app(x=1)}
    ini = "[crontabber]\n[[class-Foreign]]\nx=1"
    assert settings(classes, ini).check(classes) == ()
    with pytest.raises(ConfigError, match="class-Foreign"):
        settings(classes, ini, "--admin.strict").check(classes)
