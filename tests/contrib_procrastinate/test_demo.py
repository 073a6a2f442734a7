"""The demonstration of a cluster, on a copy of the example."""

import os
import shutil
import subprocess
import sys

from crontabber import embedded
from tests.support import ROOT, TIMEOUT, server_directory


def test_one_of_three_workers_is_killed_and_everything_succeeds_once() -> None:
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
            timeout=TIMEOUT,
            check=False,
        )
        embedded.wait_until_stopped(app / "cluster" / "crontabber-postgresql")
    assert (done.returncode, done.stderr) == (0, "")
    happened = done.stdout.partition("# All that happened:\n")[2].partition("#")[0]
    ends = [tuple(line.split()[:2]) for line in happened.splitlines()]
    apps = ["extract", "rates", "transform", "load", "report"]
    assert sorted(app for app, end in ends if end == "succeeded") == sorted(apps)
    assert [app for app, end in ends if end != "succeeded"] == ["transform"]
    assert done.stdout.count("Last success:") == len(apps)
