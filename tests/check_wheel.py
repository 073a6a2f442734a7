"""``make check-wheel``: wheel and source distribution are complete, the same twice, and run."""

import hashlib
import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

from tests.support import ROOT

EPOCH = "1767225600"
"""2026-01-01: any second will do, as long as both builds have the same."""
TO_TRY = (["--version"], ["--help"], ["--init"], ["--admin.conf=crontabber.ini"])


def main() -> int:
    """Build, compare, install and try; what is wrong goes to stderr."""
    os.umask(0o022)  # PostgreSQL, which runs as another user than root, reads what is installed
    with tempfile.TemporaryDirectory(prefix="crontabber-wheel-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # as root, PostgreSQL runs as another user
        first, second = build(directory / "first"), build(directory / "second")
        faults = differences(first, second)
        for archive in first:
            if archive.suffix == ".whl":
                faults += missing(archive)
            faults += try_out(archive, directory / f"of{archive.suffix}")
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201  it is a command
    return int(bool(faults))


def build(directory: Path) -> list[Path]:
    """A source distribution, and a wheel made from it, as they would be published."""
    say(f"building in {directory}")
    run("-m", "build", "--outdir", str(directory), str(ROOT), SOURCE_DATE_EPOCH=EPOCH)
    return sorted(directory.iterdir())


def differences(first: list[Path], second: list[Path]) -> list[str]:
    """The archives that are not the same bytes in both builds."""
    for archive in first:
        say(f"{digest(archive)}  {archive.name}")
    return [
        f"{one.name} is not the same bytes when it is built again"
        for one, other in zip(first, second, strict=True)
        if digest(one) != digest(other)
    ]


def digest(archive: Path) -> str:
    """Its SHA-256."""
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def missing(wheel: Path) -> list[str]:
    """What the source has, and the wheel has not: modules, SQL, schemas, templates, man page."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    data = f"{wheel.name.rsplit('-', 3)[0]}.data/data"
    files = [path for path in (ROOT / "crontabber").rglob("*") if path.is_file()]
    wanted = {path.relative_to(ROOT).as_posix() for path in files if path.suffix != ".pyc"}
    shared = [path for path in (ROOT / "share").rglob("crontabber*") if path.is_file()]
    shared.append(ROOT / "share/zsh/site-functions/_crontabber")
    wanted |= {f"{data}/{path.relative_to(ROOT).as_posix()}" for path in shared}
    return [f"{wheel.name} lacks {name}" for name in sorted(wanted - inside)]


def try_out(archive: Path, place: Path) -> list[str]:
    """Install it where nothing else is, and run the command in an empty directory."""
    say(f"trying {archive.name}")
    venv.create(place / "venv", with_pip=True)
    python = place / "venv" / "bin" / "python"
    run("-m", "pip", "install", "--quiet", f"{archive}[embedded]", python=python)
    empty = place / "empty"
    empty.mkdir()
    for arguments in TO_TRY:
        command = [str(place / "venv" / "bin" / "crontabber"), *arguments]
        done = subprocess.run(
            command,
            cwd=empty,
            env={"PATH": os.environ["PATH"], "HOME": str(empty)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or done.stderr:
            return [f"{archive.name}: {arguments[0]} exits {done.returncode}: {done.stderr}"]
    if not (empty / "hello.txt").exists():
        return [f"{archive.name}: the tick ran no job"]
    return []


def run(*arguments: str, python: Path | str = sys.executable, **more: str) -> None:
    """Run Python; its output is shown only if it fails."""
    done = subprocess.run(
        [python, *arguments],
        env={**os.environ, "PYTHONPATH": "", **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\npython {' '.join(arguments)} failed ({done.returncode})")


def say(line: str) -> None:
    """To stdout, at once."""
    print(line, flush=True)  # noqa: T201  it is a command


if __name__ == "__main__":
    sys.exit(main())
