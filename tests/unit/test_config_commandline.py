from collections import deque

import pytest

from crontabber.config import commandline
from crontabber.config.command import Command, field_of
from crontabber.config.commandline import CommandLine
from crontabber.config.options import command_options, setting_options
from crontabber.errors import ConfigError


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ("", Command()),
        ("--", Command()),
        ("--job=my-app", Command(job="my-app")),
        ("--job my-app", Command(job="my-app")),
        ("-j my-app", Command(job="my-app")),
        ("-jmy-app", Command(job="my-app")),
        ("-j=my-app", Command(job="my-app")),
        ("--job -odd", Command(job="-odd")),
        ("--job=a --job=b", Command(job="b")),
        ("--job=a -f", Command(job="a", force=True)),
        ("-fj a", Command(job="a", force=True)),
        ("--force --force --job=a", Command(job="a", force=True)),
        ("--help --list-jobs", Command(help=True, list_jobs=True)),
        ("--version -ln", Command(version=True, list_jobs=True, nagios=True)),
        ("--force=no", Command()),
        ("--list-jobs", Command(list_jobs=True)),
        ("--list", Command(list_jobs=True)),
        ("-l", Command(list_jobs=True)),
        ("--nag", Command(nagios=True)),
        ("-n", Command(nagios=True)),
        ("-nja", Command(nagios=True, job="a")),
        ("--nagios --job=m.A", Command(nagios=True, job="m.A")),
        ("--job=a --run-in=1h30m", Command(job="a", run_in="1h30m")),
        ("--run-at 2026-11-21T03:00 -ja", Command(job="a", run_at="2026-11-21T03:00")),
        ("--retry=m.A", Command(retry="m.A")),
        ("--reset-job=m.A", Command(reset_job="m.A")),
        ("--reset=m.A", Command(reset_job="m.A")),
        ("-r m.A", Command(reset_job="m.A")),
        ("--audit-ghosts", Command(audit_ghosts=True)),
        ("--configtest", Command(configtest=True)),
        ("--sentrytest", Command(sentrytest=True)),
        ("--init", Command(init=True)),
        ("--init=a/b", Command(init="a/b")),
        ("--version", Command(version=True)),
        ("--help", Command(help=True)),
        ("-h", Command(help=True)),
        ("--help=settings", Command(help="settings")),
        ("--completion=bash", Command(completion="bash")),
        ("--preview", Command(preview=True)),
        ("--preview=a --count 3", Command(preview="a", count_="3")),
        ("--graph=a --format=dot", Command(graph="a", format="dot")),
    ],
)
def test_commands(arguments: str, command: Command) -> None:
    line = CommandLine.parse(arguments.split())
    assert (line.command, dict(line.settings)) == (command, {})


@pytest.mark.parametrize(
    ("arguments", "settings", "bare"),
    [
        ("--admin.conf=a.ini", {"admin.conf": "a.ini"}, set()),
        ("--admin.conf a.ini", {"admin.conf": "a.ini"}, set()),
        ("--admin.pri=ini", {"admin.print_conf": "ini"}, set()),
        ("--admin.strict", {"admin.strict": "yes"}, set()),
        ("--admin.strict=no", {"admin.strict": "no"}, set()),
        ("--nagios-timeout=5", {"crontabber.nagios_timeout": "5"}, set()),
        ("--nagios-timeout 5", {"crontabber.nagios_timeout": "5"}, set()),
        ("--sentry.dsn=", {"sentry.dsn": ""}, set()),
        ("--crontabber.error_retry_time -5", {"crontabber.error_retry_time": "-5"}, set()),
        ("--crontabber.class-A.x=1=2", {"crontabber.class-A.x": "1=2"}, set()),
        ("--crontabber.class-A.x 1", {"crontabber.class-A.x": "1"}, set()),
        ("--crontabber.class-A.x", {"crontabber.class-A.x": "yes"}, {"crontabber.class-A.x"}),
        (
            "--crontabber.class-A.x -ja -f",
            {"crontabber.class-A.x": "yes"},
            {"crontabber.class-A.x"},
        ),
        ("--resource.postgresql.host db", {"resource.postgresql.host": "db"}, set()),
    ],
)
def test_settings(arguments: str, settings: dict[str, str], bare: set[str]) -> None:
    line = CommandLine.parse(arguments.split())
    assert (dict(line.settings), {*line.bare}) == (settings, bare)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--nagois", "unknown option --nagois: did you mean --nagios?"),
        ("--nagios-timout=5", "unknown option --nagios-timout: did you mean --nagios-timeout?"),
        ("--nagios-timeout", "option --crontabber.nagios_timeout needs a value"),
        (
            "-nfja",
            "--nagios --job=NAME only checks the job: leave out how to run it",
        ),
        ("-nja --run-in=1h", "--nagios --job=NAME only checks the job: leave out how to run"),
        ("-nja --retry=b", "give only one of --nagios and --retry"),
        ("-nf", "option --force goes with --job: give that, too"),
        ("--list-jbs", "unknown option --list-jbs: did you mean --list-jobs?"),
        ("--qqqqq", "unknown option --qqqqq; see crontabber --help"),
        ("--=x", "unknown option --; see crontabber --help"),
        ("-x", "unknown option -x; see crontabber --help"),
        ("-fx", "unknown option -x; see crontabber --help"),
        ("--admin", "option --admin is not unique: --admin.conf, --admin.dump_conf, "),
        ("job", "unexpected argument 'job': crontabber takes only options"),
        ("--force job", "unexpected argument 'job': crontabber takes only options"),
        ("-- --force", "unexpected argument '--force': crontabber takes only options"),
        ("-", "unexpected argument '-': crontabber takes only options"),
        ("--job", "option --job needs a value"),
        ("--job=", "option --job needs a value"),
        ("-j", "option --job needs a value"),
        ("--reset-job=", "option --reset-job needs a value"),
        ("--admin.conf=", "option --admin.conf needs a value"),
        ("--admin.dump_conf", "option --admin.dump_conf needs a value"),
        ("--force=maybe", "option --force takes no value"),
        ("--run-in=1h", "option --run-in goes with --job: give that, too"),
        ("--run-at=x", "option --run-at goes with --job: give that, too"),
        ("--at=x", "option --at goes with --explain or --mark-success: give one of them, too"),
        (
            "--count=3 --graph",
            "option --count goes with --history or --preview: give one of them, too",
        ),
        ("-fja --run-at=x", "give only one of --run-at, --run-in and --force"),
        ("-ja --run-at=x --run-in=1h", "give only one of --run-at, --run-in and --force"),
        ("-f", "option --force goes with --job: give that, too"),
        ("-f --retry=a", "option --force goes with --job: give that, too"),
        ("-ln", "give only one of --list-jobs and --nagios"),
        ("-lja", "give only one of --job and --list-jobs"),
        ("--nagios --reset-job=a", "give only one of --nagios and --reset-job"),
        ("-ra --retry=a", "give only one of --retry and --reset-job"),
        ("--init a/b", "unexpected argument 'a/b': write --init=a/b, if that is meant"),
        ("--init -n", "give only one of --nagios and --init"),
        ("--run", "option --run is not unique: --run-at, --run-in"),
    ],
)
def test_faults(arguments: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        CommandLine.parse(arguments.split())
    assert str(caught.value).startswith(message)


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option --show[=NAME], or -s, besides those that there are."""
    options = command_options().safe_copy()
    options.add_option("show", default=False, from_string_converter=str, short_form="s", doc="x")
    monkeypatch.setattr(commandline, "command_options", lambda: options)
    monkeypatch.setattr(commandline, "_options", lambda: dict(options))


@pytest.mark.usefixtures("show")
@pytest.mark.parametrize(
    ("arguments", "verbs"),
    [
        ("--show", {"show": True}),
        ("--show=a", {"show": "a"}),
        ("--sho=no", {"show": "no"}),
        ("-s", {"show": True}),
        ("-s=a", {"show": "a"}),
        ("-sf", {"show": True, "force": True}),
        ("-fs=a", {"force": True, "show": "a"}),
        ("--show --force", {"show": True, "force": True}),
        ("-s -ja", {"show": True, "job": "a"}),
    ],
)
def test_an_option_may_have_a_value_or_none(arguments: str, verbs: dict[str, object]) -> None:
    reader = commandline._Reader(deque(arguments.split()))
    reader.read()
    assert reader.verbs == verbs


@pytest.mark.usefixtures("show")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--show=", "option --show needs a value"),
        ("--show a", "unexpected argument 'a': write --show=a, if that is meant"),
        ("-s a", "unexpected argument 'a': write --show=a, if that is meant"),
        ("--show=b a", "unexpected argument 'a': crontabber takes only options"),
        ("--show -f a", "unexpected argument 'a': crontabber takes only options"),
        ("-f=x", "option --force takes no value"),
    ],
)
def test_a_value_that_may_be_left_out_is_attached(arguments: str, message: str) -> None:
    """The next word is never taken for it: --show --force would be a puzzle."""
    with pytest.raises(ConfigError) as caught:
        commandline._Reader(deque(arguments.split())).read()
    assert str(caught.value) == message


def test_every_command_is_an_option_with_a_doc() -> None:
    names = {field_of(name) for name in command_options()}
    assert names == set(Command._fields)
    for options in (command_options(), setting_options()):
        for name in options.keys_breadth_first():
            assert options[name].doc, name
            assert "\n" not in options[name].doc, name


def test_what_was_typed_is_not_in_the_repr() -> None:
    line = CommandLine.parse(["--resource.postgresql.password=hunter2"])
    assert "hunter2" not in repr(line)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ["--format=json"],
            "option --format goes with --status, ",
        ),
        (["--retry=a", "--format=json"], "option --format goes with --"),
        (
            ["--list-jobs", "--format=jsn"],
            "--format=jsn is not known to --list-jobs: write text or json: did you mean json?",
        ),
    ],
)
def test_a_form_belongs_to_what_prints_in_it(words, text):
    with pytest.raises(ConfigError) as caught:
        CommandLine.parse(words)
    assert str(caught.value).startswith(text)
