"""Jobs that are commands: what they are told, how they end, and what is kept of what they write."""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crontabber.config.appspec import AppSpec
from crontabber.process import commands
from crontabber.process.command_app import CommandOptions, command_app
from crontabber.schedule.model import Outcome, Run
from crontabber.testing import Simulation
from tests.unit.test_process import has_ended
from tests.unit.test_tick import HOUR, MINUTE, START


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "GRACE", 0.2)


def ticked(
    command: str, *, backfill: bool = False, zone: str = "UTC", **options: Any
) -> Simulation:
    """A simulation in which the command ran in one tick; as a class of its own it has no path."""
    sim = of(command_app("job", CommandOptions(command, **options), backfill=backfill), zone)
    sim.tick()
    return sim


def of(cls: type, zone: str = "UTC", schedule: str = "1h") -> Simulation:
    return Simulation({cls: schedule}, START, zone)


def run_of(command: str, **options: Any) -> Run:
    sim = ticked(command, **options)
    [run] = sim.log
    return run


def said(run: Run) -> str:
    """What a failed run says."""
    assert run.outcome is Outcome.FAILED
    assert run.error
    return run.error.value


def test_a_command_is_an_app_as_any() -> None:
    cls = command_app("backup", CommandOptions("true"), backfill=True)
    spec = AppSpec.of(cls)
    assert (spec.app_name, spec.backfill, spec.depends_on) == ("backup", True, ())


def test_a_command_that_succeeds() -> None:
    run = run_of("true")
    assert (run.outcome, run.slot, run.error, run.output) == (
        Outcome.SUCCEEDED,
        START,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("exit 3", "exit status 3"),
        ("echo said; exit 3", "exit status 3"),
        ("echo said; echo why >&2; exit 3", "exit status 3: why"),
        ("echo why >&2; echo '  more' >&2; exit 1", "exit status 1: why\n  more"),
        ("seq 1 11 >&2; exit 1", "exit status 1: 2\n3\n4\n5\n6\n7\n8\n9\n10\n11"),
        (r"printf 'a\0b\377\n' >&2; exit 1", r"exit status 1: a\x00b\xff"),
        ("kill -KILL $$", "ended by SIGKILL"),
        ("echo oh >&2; kill -s TERM $$", "ended by SIGTERM: oh"),
        ("exit 137", "exit status 137 (128 and SIGKILL)"),
        ("exit 255", "exit status 255"),
        ("nosuchprogram", "exit status 127: "),
    ],
)
def test_how_a_command_failed_is_its_status_and_the_end_of_stderr(
    command: str, message: str
) -> None:
    error = run_of(command).error
    assert error
    assert error.type == "<class 'crontabber.errors.CommandFailed'>"
    assert error.value.startswith(message)
    assert error.traceback == f"crontabber.errors.CommandFailed: {error.value}\n"
    if not message.endswith(": "):
        assert error.value == message


def test_a_long_last_line_begins_with_a_whole_word() -> None:
    """Half a word may be half a secret."""
    value = said(run_of("yes longword | head -n 4000 | tr '\\n' ' ' >&2; exit 1"))
    assert value.startswith("exit status 1: … longword longword")
    assert len(value) < 2100


def test_other_statuses_can_be_success() -> None:
    codes = frozenset({0, 24})
    assert run_of("exit 24", success_codes=codes).outcome is Outcome.SUCCEEDED
    assert said(run_of("exit 23", success_codes=codes)) == "exit status 23"
    assert said(run_of("true", success_codes=frozenset({1}))) == "exit status 0"


FACTS = 'echo "$CRONTABBER_JOB,$CRONTABBER_DATE,$CRONTABBER_DAY,$CRONTABBER_LAST_SUCCESS"'


def test_what_a_command_is_told() -> None:
    sim = ticked(FACTS, zone="Asia/Kathmandu")
    sim.tick(START + HOUR)
    first, second = [run.output for run in sim.log]
    assert first == "job,2026-11-21T08:45:00+05:45,2026-11-21,\n"
    assert second == ("job,2026-11-21T09:45:00+05:45,2026-11-21,2026-11-21T08:45:00+05:45\n")


def test_what_is_not_known_is_empty_and_set() -> None:
    assert run_of('set -u; echo "[$CRONTABBER_LAST_SUCCESS]"').output == "[]\n"


def test_dates_are_given_one_by_one() -> None:
    cls = command_app("job", CommandOptions(FACTS), backfill=True)
    sim = of(cls)
    sim.tick()
    sim.tick(START + 3 * HOUR)
    assert [run.output for run in sim.log] == [
        "job,2026-11-21T03:00:00+00:00,2026-11-21,\n",
        "job,2026-11-21T04:00:00+00:00,2026-11-21,2026-11-21T03:00:00+00:00\n",
        "job,2026-11-21T05:00:00+00:00,2026-11-21,2026-11-21T04:00:00+00:00\n",
        "job,2026-11-21T06:00:00+00:00,2026-11-21,2026-11-21T05:00:00+00:00\n",
    ]


@pytest.mark.parametrize("backfill", [False, True])
def test_attempts_at_a_date_are_counted(backfill: bool, tmp_path: Path) -> None:
    """And what runs next begins with the first again."""
    good = tmp_path / "good"
    command = f'echo "$CRONTABBER_ATTEMPT"; test -e {good}'
    sim = of(command_app("job", CommandOptions(command), backfill=backfill), schedule="1d")
    sim.tick()
    sim.tick(START + 5 * MINUTE)
    good.touch()
    sim.tick(START + 10 * MINUTE)
    sim.tick(START + timedelta(days=1))
    assert [run.output for run in sim.log] == ["1\n", "2\n", "3\n", "1\n"]


def test_a_date_after_a_failed_one_is_tried_for_the_first_time() -> None:
    sim = ticked('echo "$CRONTABBER_ATTEMPT"; exit 1')
    sim.tick(START + HOUR)
    assert [run.output for run in sim.log] == ["1\n", "1\n"]


def test_there_is_nothing_to_read() -> None:
    assert run_of("cat; readlink /proc/self/fd/0").output == "/dev/null\n"


def test_a_command_gets_no_descriptor_of_ours() -> None:
    with Path(os.devnull).open() as file:
        os.set_inheritable(file.fileno(), True)
        output = run_of(
            "for each in 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$each && echo $each; done; :"
        )
    assert output.output is None


def test_a_command_has_a_group_of_its_own() -> None:
    group = run_of("ps -o pgid= -p $$; echo $$").output
    assert group
    leader, pid = group.split()
    assert leader == pid != str(os.getpgid(0))


def test_the_shell_works_in_its_directory_with_its_own_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INHERITED", "from cron")
    monkeypatch.setenv("resource.postgresql.password", "hunter2")
    (tmp_path / "vars").write_text("FROM_FILE=file\nBOTH=file\n")
    run = run_of(
        'pwd; echo "$INHERITED $OWN $FROM_FILE $BOTH"; env | grep -c resource',
        directory=str(tmp_path),
        environment={"OWN": "own", "BOTH": "ini", "CRONTABBER_JOB": "ignored"},
        environment_file="vars",
        success_codes=frozenset({1}),
    )
    assert run.output == f"{tmp_path}\nfrom cron own file ini\n0\n"


def test_another_shell() -> None:
    assert run_of("echo ${BASH_VERSION:+bash}", shell="bash").output == "bash\n"


def test_a_command_may_be_nicer_and_we_are_not() -> None:
    before = os.nice(0)
    assert run_of("nice", nice=7).output == f"{before + 7}\n"
    assert os.nice(0) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"directory": "/no/such"}, "there is no directory /no/such to run it in"),
        ({"shell": "/no/such"}, "there is no shell /no/such to run it"),
        (
            {"environment_file": "/no/such"},
            "its environment_file /no/such cannot be read: No such file or directory",
        ),
    ],
)
def test_what_is_missing_is_named_in_one_line(options: dict[str, str], message: str) -> None:
    assert said(run_of("true", **options)) == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("# A=1\n\n  \nA=1", {"A": "1"}),
        ("A=1\nA=2", {"A": "2"}),
        ("export A=1", {"A": "1"}),
        ("A = 1 ", {"A": "1"}),
        ("A=", {"A": ""}),
        ("A=b c", {"A": "b c"}),
        ("A=b#c # d", {"A": "b#c"}),
        ("A=# b", {"A": ""}),
        ("A='b # \\ $c'  # d", {"A": "b # \\ $c"}),
        (r'A="b \" \\ \$ \n $c" # d', {"A": r'b " \ $ \n $c'}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("\ufeffA=ü=", {"A": "ü="}),
        ("A=b'c", {"A": "b'c"}),
    ],
)
def test_a_file_of_variables(text: str, expected: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "vars").write_bytes(text.encode())
    cls: Any = command_app("job", CommandOptions("", str(tmp_path), {}, "vars"), backfill=False)
    assert cls({}).own_environment == expected


@pytest.mark.parametrize(
    "line", ["A", "1A=hunter2", "A='hunter2", 'A="hunter2', "A-B=hunter2", "A='b' hunter2"]
)
def test_a_line_that_sets_nothing_is_named_and_not_shown(line: str, tmp_path: Path) -> None:
    path = tmp_path / "vars"
    path.write_text(f"B=1\n{line}\n")
    value = said(run_of("true", environment_file=str(path)))
    assert value.startswith(f"line 2 of its environment_file {path} cannot be understood: write ")


def test_output_is_kept_in_the_order_of_writing_as_far_as_one_pipe_goes() -> None:
    assert run_of("echo a; echo b; echo c").output == "a\nb\nc\n"
    assert run_of("echo out; sleep 0.05; echo err >&2").output == "out\nerr\n"


def test_only_the_end_of_the_output_is_kept() -> None:
    assert run_of("seq 1 100000", keep_output=19).output == "99998\n99999\n100000\n"
    assert run_of("printf 'üüü'", keep_output=3).output == "ü"
    assert run_of("echo a", keep_output=0).output is None


def test_bytes_that_are_no_text_can_be_read() -> None:
    assert run_of(r"printf 'a\377\0\303\274\n'").output == "a\\xff\\x00ü\n"


def test_gigabytes_of_output_cost_no_memory() -> None:
    """Ten times what is written here would take ten times as long, and no more memory."""
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run = run_of("head -c 100000000 /dev/zero; echo end")
    assert run.output
    assert run.output.endswith("\\x00end\n")
    assert len(run.output) == 16384
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kilobytes


def test_what_fails_keeps_its_output_too() -> None:
    run = run_of("echo out; echo err >&2; exit 1")
    assert sorted((run.output or "").split()) == ["err", "out"]


def stubborn(pidfile: Path) -> str:
    return f"trap '' TERM; (echo $$ > {pidfile}; echo begun; sleep 60; :); :"


def test_a_timeout_ends_the_group(tmp_path: Path) -> None:
    pidfile = tmp_path / "pid"
    cls: Any = command_app("job", CommandOptions(stubborn(pidfile)), backfill=False)
    cls.timeout = 0.3
    sim = of(cls)
    sim.tick()
    [run] = sim.log
    assert (said(run), run.output) == ("did not finish within 0.3s", "begun\n")
    assert has_ended(pidfile)


def test_what_ends_by_itself_may_leave_others_in_the_background(tmp_path: Path) -> None:
    """As under cron: a command may start a daemon."""
    pidfile = tmp_path / "pid"
    run = run_of(f"sleep 60 >/dev/null 2>&1 & echo $! > {pidfile}")
    assert run.outcome is Outcome.SUCCEEDED
    time.sleep(0.05)  # for a guard that did not hear that it is dismissed
    os.kill(int(pidfile.read_text()), signal.SIGKILL)


def test_a_zone_with_dst_is_told_with_its_offset() -> None:
    sim = Simulation(
        {command_app("job", CommandOptions("echo $CRONTABBER_DATE"), backfill=False): "1h"},
        START.astimezone(ZoneInfo("UTC")),
        "Europe/Berlin",
    )
    sim.tick()
    assert sim.log[0].output == "2026-11-21T04:00:00+01:00\n"
