"""Three weeks of a shop's jobs in a database, and the pages that show them.

The ticks are real, on a clock that is moved: what they remember is copied to a private PostgreSQL.
"""

# A script on its own, which speaks, and runs what it shows.
# ruff: noqa: INP001, T201

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import demo
import psycopg2
from demo import tell
from psycopg2.extras import execute_values

from crontabber import embedded
from crontabber.config.commandline import CommandLine
from crontabber.config.settings import Settings
from crontabber.errors import CrontabberError
from crontabber.process.clock import utc_now
from crontabber.schedule.asked import AskedBackfill
from crontabber.schedule.model import JobState, Outcome, Pause, Run
from crontabber.store.postgres import PostgresStore
from crontabber.testing import Simulation

HERE = Path(__file__).resolve().parent / "web"
CONF = HERE / "crontabber.ini"
DAY = timedelta(days=1)
ADDRESS = "127.0.0.1:8008"


def main() -> None:
    """The demonstration."""
    address = sys.argv[1] if sys.argv[1:] else ADDRESS
    os.chdir(HERE)  # where the configuration has its database
    with embedded.server(HERE / "crontabber-postgresql") as server:
        _factory().connect().close()  # which makes the database
        if demo.is_new(server):
            tell("Three weeks of ticks, in some seconds ...")
            copy(simulated(), server)
        tell("The pages; end them with Ctrl-C:")
        command = ["crontabber", f"--admin.conf={CONF.name}", f"--serve={address}"]
        print("$", *command, flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
        process = subprocess.Popen(command, env=demo.environment())
        try:
            process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
    here = HERE
    print(f"  rm -r {here}/crontabber-postgresql  # start over, with: make demo-web")


def simulated() -> Simulation:
    """Three weeks of ticks until now, the last days every five minutes; one night it was off."""
    sys.path.insert(0, str(HERE))
    import lifejobs

    end = utc_now().replace(second=0, microsecond=0)
    jobs = {
        getattr(lifejobs, line.class_path.rpartition(".")[2]): str(line.schedule)
        for line in _settings().jobs.lines
    }
    retry = {"crontabber.error_retry_time": "3600"}
    simulation = Simulation(jobs, end - 21 * DAY, "Europe/Berlin", settings=retry)
    lifejobs.WORLD.update(clock=simulation.clock, end=end)
    off = (end - 9.5 * DAY, end - 9.1 * DAY)
    moment = end - 21 * DAY
    while moment < end:
        if not off[0] < moment < off[1] and simulation.clock.now() <= moment:
            simulation.tick(moment)
        if moment == end - 2 * DAY:
            pause = Pause(moment, end + DAY, "anna", "the provider moves to another host")
            simulation.store.pause("rates", pause)
        moment += timedelta(minutes=5 if end - moment < 1.5 * DAY else 20)
    return simulation


def copy(simulation: Simulation, server: Mapping[str, Any]) -> None:
    """Write what the simulation remembers into the tables."""
    store = PostgresStore(_factory())
    store.migrate()
    store.look(None)
    for state in simulation.states.values():
        _write(store, state)
    store.add(_ghost(simulation))
    store.ask({"warehouse": _backfill(simulation)})
    store.close()
    connection = psycopg2.connect(**{**server, "dbname": "crontabber"})
    with connection, connection.cursor() as cursor:
        execute_values(
            cursor,
            "INSERT INTO crontabber_log (log_time, app_name, slot, success, duration, host,"
            " exc_type, exc_value, exc_traceback) VALUES %s",
            [*map(_row, simulation.log)],
        )
    connection.close()


def _write(store: PostgresStore, state: JobState) -> None:
    """The row of a job, its pause, and what was passed over."""
    added = store.add(state._replace(pause=None))
    assert added
    store.save(added, state._replace(version=added.version, pause=None))
    if state.pause:
        store.pause(state.app_name, state.pause)


def _row(run: Run) -> tuple[Any, ...]:
    good = run.outcome in (Outcome.SUCCEEDED, Outcome.MARKED)
    ended = run.started + (run.duration or timedelta())
    error = tuple(run.error) if run.error else (None, None, None)
    host = "shop-1"
    return ended, run.app_name, run.slot, run.slot if good else None, run.duration, host, *error


def _ghost(simulation: Simulation) -> JobState:
    """A job that was taken out of the configuration a week ago."""
    state = simulation.states["certificates"]
    return state._replace(
        app_name="newsletter",
        class_path="lifejobs.Newsletter",
        last_run=simulation.clock.now() - 7 * DAY,
    )


def _backfill(simulation: Simulation) -> AskedBackfill:
    """A long backfill, of which a third is done."""
    state = simulation.states["warehouse"]
    assert state.next_slot
    assert state.plan
    last = state.next_slot - 130 * DAY
    return AskedBackfill(
        number=7,
        dates=((last - 236 * DAY, last),),
        plan=state.plan,
        total=365,
        asked_at=simulation.clock.now() - DAY,
        by="ben",
    )


def _factory() -> Any:
    settings = _settings()
    return settings.database_class(settings.database_config)


def _settings() -> Settings:
    return Settings.load(CommandLine.parse([f"--admin.conf={CONF}"]), {})


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except CrontabberError as error:  # such as of a directory that another user could change
        sys.exit(f"{error}")
