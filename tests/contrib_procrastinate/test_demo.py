"""The demonstration of a cluster, on a copy of the example."""

import os
import re
import shutil
import subprocess
import sys

from crontabber import embedded
from tests.support import ROOT, TIMEOUT, server_directory


def test_one_of_three_workers_is_killed_everything_succeeds_once_and_how_fast() -> None:
    with server_directory() as directory:
        app = directory / "exampleapp"
        ignored = shutil.ignore_patterns("crontabber-postgresql", "*.log", "__pycache__")
        shutil.copytree(ROOT / "exampleapp", app, ignore=ignored)
        done = subprocess.run(
            [sys.executable, app / "demo_cluster.py"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * TIMEOUT,
            check=False,
        )
        embedded.wait_until_stopped(app / "cluster" / "crontabber-postgresql")
    assert (done.returncode, done.stderr) == (0, "")
    told = done.stdout.partition("# All that happened, and which worker did it:\n")[2]
    lines = [line.split(maxsplit=3) for line in told.partition("#")[0].splitlines()]
    workers = {int(number) for _, number, *_ in lines}
    assert workers <= {1, 2, 3}
    [killed] = [number for _, number, _, end in lines if not end.startswith("succeeded")]
    assert f"Worker {killed}, which runs 'transform', is killed" in done.stdout
    assert [killed, "transform", "succeeded"] not in [line[1:] for line in lines]
    ends = [(app, end.split()[0]) for _, _, app, end in lines]
    apps = ["extract", "rates", "transform", "load", "report"]
    assert sorted(app for app, end in ends if end == "succeeded") == sorted(apps)
    assert [app for app, end in ends if end != "succeeded"] == ["transform"]
    assert re.search(r"^5 jobs: 5 ok", done.stdout, re.MULTILINE)
    assert re.search(r"^# \d+ jobs a second", done.stdout, re.MULTILINE)
    counts = re.findall(r"^  worker \d  ran (\d+)$", done.stdout, re.MULTILINE)
    assert len(counts) == 3
    assert sum(map(int, counts)) >= 100
