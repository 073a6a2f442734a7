"""The private PostgreSQL among hostile users: of this host, and of its own SQL."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from crontabber import embedded
from crontabber.embedded.keeper import find_server
from crontabber.embedded.place import Place
from crontabber.errors import ConfigError, CrontabberError
from tests.support import ROOT, TIMEOUT, server_directory

from configman import ConfigurationManager

MALLORY = pwd.getpwnam("nobody")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user too")


def as_mallory(*command: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run a command as another user of this host."""
    return subprocess.run(
        command,
        user=MALLORY.pw_uid,
        group=MALLORY.pw_gid,
        extra_groups=[],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        **options,
    )


def mallory(*command: str | Path) -> None:
    """Have the other user do something, which she may."""
    done = as_mallory(*command, cwd="/")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory in which all users may make files, as in /tmp."""
    with server_directory() as directory:
        directory.chmod(0o1777)
        yield directory


@pytest.fixture
def victim(shared: Path) -> Path:
    """A file of ours."""
    file = shared / "victim"
    file.write_text("ours\n")
    return file


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def refusal(data: Path) -> str:
    """The one line by which a directory is refused."""
    for use in (embedded.User, embedded.wait_until_stopped):
        with pytest.raises(ConfigError) as caught:
            use(data)
        assert "\n" not in str(caught.value)
    return str(caught.value)


# -- other users of this host --------------------------------------------------


@needs_root
@pytest.mark.parametrize(
    "name", ["postgresql.log", "users.lock", "keeper.lock", "start.lock", "cluster", "socket"]
)
def test_a_directory_that_another_user_prepared_is_refused(
    shared: Path, victim: Path, name: str
) -> None:
    """trap: a directory made by another user was written to as root"""
    data = shared / "data"
    mallory("mkdir", data)
    mallory("ln", "-s", victim, data / name)
    assert refusal(data).startswith(f"data_directory: {data} belongs to nobody, who could ")
    assert victim.read_text() == "ours\n"
    assert names(data) == [name]


@needs_root
@pytest.mark.parametrize("name", ["data", "data/under/it"])
def test_a_directory_in_that_of_another_user_is_refused(shared: Path, name: str) -> None:
    """She could put another one in its place at any moment."""
    mallory("mkdir", shared / "hers")
    data = shared / "hers" / name
    data.mkdir(parents=True, mode=0o700)
    assert refusal(data).startswith(f"data_directory: {shared}/hers belongs to nobody, who could ")
    assert names(data) == []


@needs_root
@pytest.mark.parametrize("missing", [True, False])
def test_a_link_of_another_user_is_refused(shared: Path, missing: bool) -> None:
    """trap: as root's data directory, a link led to a directory of root's"""
    private = shared / "private"
    if not missing:
        private.mkdir(mode=0o700)
    mallory("ln", "-s", private, shared / "data")
    assert "data belongs to nobody" in refusal(shared / "data")
    assert private.exists() != missing
    assert missing or private.stat().st_mode & 0o777 == 0o700


@needs_root
def test_nothing_is_made_in_the_directory_of_another_user(shared: Path) -> None:
    mallory("mkdir", shared / "hers")
    with pytest.raises(ConfigError, match="hers belongs to nobody"):
        embedded.User(shared / "hers" / "new" / "data")
    assert names(shared / "hers") == []


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720, 0o702, 0o1777])
def test_a_directory_that_others_may_write_to_is_refused(shared: Path, mode: int) -> None:
    data = shared / "data"
    data.mkdir()
    data.chmod(mode)
    assert refusal(data).startswith(f"data_directory: others may write to {data} (mode {mode:o})")
    assert names(data) == []


@pytest.mark.parametrize("mode", [0o777, 0o707])
def test_a_directory_that_others_may_rename_is_refused(shared: Path, mode: int) -> None:
    data = shared / "open" / "data"
    data.mkdir(parents=True, mode=0o700)
    data.parent.chmod(mode)
    assert refusal(data).startswith(f"data_directory: others may write to {data.parent} (mode ")


def test_a_link_of_our_own_is_followed(shared: Path) -> None:
    (shared / "real").mkdir(mode=0o711)
    (shared / "first").symlink_to("second")
    (shared / "second").symlink_to(shared / "real")
    assert Place(shared / "first").directory == shared / "real"
    assert Place(shared / "first" / ".." / "real").directory.samefile(shared / "real")


def test_links_in_a_circle_are_refused_in_one_line(shared: Path) -> None:
    (shared / "first").symlink_to("second")
    (shared / "second").symlink_to("first")
    assert "cannot be used (Too many levels of symbolic links)" in refusal(shared / "first")


def test_directories_that_we_make_are_closed_to_others_under_any_umask(shared: Path) -> None:
    before = os.umask(0)
    try:
        data = Place(shared / "a" / "b", 0o711).directory
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (data, data.parent)] == [0o711, 0o711]


@pytest.mark.parametrize("name", ["users.lock", "keeper.lock", "start.lock"])
@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_a_lock_is_a_regular_file(shared: Path, victim: Path, name: str, kind: str) -> None:
    data = Place(shared / "data", 0o711)
    make = {"link": lambda path: path.symlink_to(victim), "pipe": os.mkfifo, "directory": os.mkdir}
    make[kind](data.directory / name)
    with pytest.raises(ConfigError, match=r"^data_directory: .* cannot be used \(.*\)"):
        data.open_lock(name.removesuffix(".lock"))


@pytest.mark.parametrize("kind", ["link", "hard link", "pipe"])
def test_the_log_is_a_new_file(shared: Path, victim: Path, kind: str) -> None:
    """trap: a symlink for the log file was written to"""
    place = Place(shared / "data", 0o711)
    if kind == "link":
        place.log.symlink_to(victim)
    elif kind == "hard link":
        place.log.hardlink_to(victim)
    else:
        os.mkfifo(place.log)
    os.close(place.new_log())
    assert victim.read_text() == "ours\n"
    assert place.log.lstat().st_size == 0
    assert place.log.lstat().st_mode & 0o777 == 0o600


# -- SQL, which can do all that the server's user can ---------------------------


@pytest.fixture(scope="module")
def _data() -> Iterator[Path]:
    with server_directory() as directory:
        yield directory
        embedded.wait_until_stopped(directory)


@pytest.fixture
def data(_data: Path) -> Path:
    """A data directory with a cluster whose server does not run."""
    with embedded.server(_data, linger=0, settings={"fsync": "off"}):
        pass
    embedded.wait_until_stopped(_data)
    return _data


def query(parameters: embedded.ConnectionParameters, statement: str, *values: object) -> str:
    with contextlib.closing(psycopg2.connect(**parameters)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement, values)
        if not cursor.description:
            return ""
        [(value,)] = cursor.fetchall()
        return str(value)


def shell(parameters: embedded.ConnectionParameters, command: str) -> None:
    """Run a command as the server's user, which SQL may."""
    query(parameters, "COPY (SELECT 1) TO PROGRAM %s", f"cat >&2; {command}")


def test_sql_cannot_have_a_directory_removed(data: Path, tmp_path: Path) -> None:
    """trap: a pid file that SQL can change was believed"""
    victim = tmp_path / "victim"
    victim.mkdir()
    with embedded.server(data, linger=0) as parameters:
        shell(parameters, f"sed -i '5s#.*#{victim}#' {data}/cluster/postmaster.pid")
        assert Place(data).postmaster()[4] == str(victim)
    embedded.wait_until_stopped(data)
    assert victim.is_dir()
    assert not (data / "socket").exists()


def test_sql_cannot_have_another_process_ended(data: Path) -> None:
    """trap: a pid file that SQL can change was believed"""
    cluster = str(data / "cluster")
    victim = subprocess.Popen([sys.executable, "-c", "input()", cluster], stdin=subprocess.PIPE)
    with victim, embedded.server(data, linger=0.05) as parameters:
        server = find_server(Place(data))
        assert server
        [keeper] = [each for each in server.parents() if "crontabber.embedded.keeper" in
                    each.cmdline()]  # fmt: skip
        shell(parameters, f"sed -i '1s#.*#{victim.pid}#' {data}/cluster/postmaster.pid")
        keeper.kill()
        embedded.wait_until_stopped(data)  # the keeper, that is
        second = embedded.User(data, linger=0.05)
        assert query(second.parameters(), "SELECT 1") == "1"
        assert find_server(Place(data)) == server
        second.close()
        parameters.clear()  # type: ignore[attr-defined]
    embedded.wait_until_stopped(data)
    assert victim.returncode is not None
    assert victim.returncode >= 0, "it ended by itself, at the end of its input"
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("name", ["PG_VERSION", "postmaster.pid"])
@pytest.mark.parametrize("kind", ["secret", "pipe", "directory"])
def test_files_that_sql_can_change_are_not_followed(data: Path, name: str, kind: str) -> None:
    """A pipe would hold us up; a link would have us tell what is in a file of ours."""
    secret = data / "secret"
    secret.write_text("hunter2\n")
    file = data / "cluster" / name
    kept = file.read_bytes() if file.exists() else None
    file.unlink(missing_ok=True)
    try:
        if kind == "secret":
            file.symlink_to(secret)
        else:
            os.mkfifo(file) if kind == "pipe" else file.mkdir()
        with contextlib.suppress(CrontabberError):  # else it is replaced, and the server runs
            user = embedded.User(data, linger=0)
            try:
                user.parameters()
            finally:
                user.close()
        if name == "PG_VERSION":
            assert "hunter2" not in refusal_of_user(data)
    finally:
        embedded.wait_until_stopped(data)
        if file.is_dir():
            file.rmdir()
        file.unlink(missing_ok=True)
        if kept is not None:
            file.write_bytes(kept)
    assert secret.read_text() == "hunter2\n"


def refusal_of_user(data: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        embedded.User(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_version_that_is_none_is_refused_and_not_shown(data: Path) -> None:
    file = data / "cluster" / "PG_VERSION"
    kept = file.read_text()
    file.write_text("hunter2\n")
    try:
        assert "PG_VERSION names no version of PostgreSQL" in refusal_of_user(data)
        assert "hunter2" not in refusal_of_user(data)
    finally:
        file.write_text(kept)


def test_sql_reads_nothing_of_our_environment(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """trap: root's whole environment was readable over SQL"""
    monkeypatch.setenv("PASSWORD_OF_OURS", "hunter2")
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    with embedded.server(data, linger=0) as parameters:
        server = find_server(Place(data))
        assert server
        for pid in ("self", server.pid):
            told = query(
                parameters,
                "SELECT encode(pg_read_binary_file(%s), 'escape')",
                f"/proc/{pid}/environ",
            )
            names = {each.partition("=")[0] for each in told.split("\\000")}
            ours = {name for name in names if not name.startswith("PG")} - {""}
            assert ours <= {"PATH", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH"}
            assert "hunter2" not in told
        keeper = server.parent()
        assert keeper
        assert "hunter2" not in keeper.environ().values()


@needs_root
def test_a_socket_whose_directory_another_user_has_replaced_is_not_used(data: Path) -> None:
    """Where its path is long the socket is elsewhere, and what is old there may be removed."""
    place = Place(data / ("long" * 30), 0o711)
    elsewhere = place.new_socket_directory()
    elsewhere.rmdir()
    mallory("mkdir", elsewhere)
    assert place._socket_directory() is None
    place.remove_socket_directory()
    assert elsewhere.is_dir()
    elsewhere.rmdir()


# -- plain users -----------------------------------------------------------------

SESSION = """\
import os
from contextlib import closing

import psycopg2

from crontabber import embedded
from configman import ConfigurationManager

factory = embedded.EmbeddedConnectionFactory
options = [factory.get_required_config()]
config = ConfigurationManager(options, values_source_list=[{}], argv_source=[]).get_config()
factory = factory(config)
with closing(factory.connect()) as connection, connection.cursor() as cursor:
    cursor.execute("SELECT encode(pg_read_binary_file('/proc/self/environ'), 'escape')")
    print(os.geteuid(), factory.describe(), cursor.fetchone()[0])
"""


@pytest.fixture
def python(shared: Path) -> Path:
    """A Python that other users may run, with all that this one has."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    program = shutil.which(name, path="/usr/local/bin:/usr/bin")
    venv = shared / "venv"
    if not program or as_mallory(program, "-c", "").returncode:
        pytest.skip(f"no {name} that another user may run")
    done = subprocess.run([program, "-m", "venv", "--without-pip", venv], check=False)
    if done.returncode:
        pytest.skip(f"{name} makes no virtual environments")
    packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    [site] = venv.glob("lib/python*/site-packages")
    (site / "ours.pth").write_text("\n".join([str(ROOT), *packages]))
    if as_mallory(venv / "bin" / "python", "-c", "import psycopg2, psutil, crontabber").returncode:
        pytest.skip("another user may not read the packages")
    return venv / "bin" / "python"


@needs_root
def test_a_plain_user_has_a_server_in_her_data_directory(shared: Path, python: Path) -> None:
    home = shared / "home"
    mallory("mkdir", home)
    mallory("mkdir", shared / "elsewhere")
    environ = {"HOME": str(home), "SECRET": "hunter2"}
    done = as_mallory(python, "-c", SESSION, cwd=shared / "elsewhere", env=environ)
    assert done.returncode == 0, done.stderr
    data = home / ".local" / "share" / "crontabber" / "postgresql"
    uid, _, told = done.stdout.partition(" ")
    assert int(uid) == MALLORY.pw_uid
    assert told.startswith(f"embedded in {data}, database crontabber ")
    assert "hunter2" not in done.stdout
    assert "hunter2" not in done.stderr
    assert names(shared / "elsewhere") == []
    assert data.stat().st_mode & 0o777 == 0o700
    assert "belongs to nobody" in refusal(data)  # as root
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.uids().real == MALLORY.pw_uid and str(data) in process.cmdline():
                process.send_signal(signal.SIGTERM)  # to the keeper, which need not linger
                process.wait(TIMEOUT)
    assert (data / "cluster" / "PG_VERSION").exists()
    assert not (data / "cluster" / "postmaster.pid").exists()


def test_xdg_data_home_says_where_the_data_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nowhere")
    for data_home, parent in {
        "/data": "/data",
        "": "/nowhere/.local/share",
        "relative": "/nowhere/.local/share",  # which the specification says to ignore
    }.items():
        monkeypatch.setenv("XDG_DATA_HOME", data_home)
        told = embedded_factory().describe()
        assert told == f"embedded in {parent}/crontabber/postgresql, database crontabber"


def test_a_directory_of_an_unknown_user_is_refused_in_one_line() -> None:
    with pytest.raises(ConfigError, match=r"^data_directory: ~no-such-user/y cannot be found: .*$"):
        embedded_factory(data_directory="~no-such-user/y").describe()


def embedded_factory(**options: str) -> embedded.EmbeddedConnectionFactory:
    factory = embedded.EmbeddedConnectionFactory
    config = ConfigurationManager(
        [factory.get_required_config()], values_source_list=[options], argv_source=[]
    ).get_config()
    return factory(config)
