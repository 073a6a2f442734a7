"""The documentation says what the code does: every option, exit status, column and example."""

import ast
import functools
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import errors

from crontabber.config.commandline import CommandLine
from crontabber.config.inifile import read_ini
from crontabber.config.joboptions import COMMAND_OPTIONS, JOB_OPTIONS
from crontabber.config.options import DATABASE, command_options, has_optional_value, setting_options
from crontabber.connection_factory import ConnectionFactory, PooledConnectionFactory
from crontabber.embedded import EmbeddedConnectionFactory
from crontabber.errors import ExitCode
from crontabber.mixins import using_postgres
from crontabber.store.sql import load_migrations, load_queries
from crontabber.transaction_executor import (
    TransactionExecutor,
    TransactionExecutorWithInfiniteBackoff,
    TransactionExecutorWithLimitedBackoff,
)
from tests.support import ROOT, Command, Database

from configman import Namespace
from configman.option import Option

DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, *sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)]
_SECTION = re.MULTILINE | re.DOTALL
_FENCE = re.compile(r"^( *)```(\S*)\n(.*?)^\1```$", _SECTION)
_NAME = re.compile(r"`([^`]*)`")


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.relative_to(DOCS if DOCS in path.parents else ROOT).as_posix()


def rows(text: str) -> Iterator[list[str]]:
    """The cells of the rows of all tables; those of the headings are among them."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def examples(language: str) -> list[Any]:
    """The examples in this language, each named by its page and line."""
    found = []
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        for match in _FENCE.finditer(text):
            if match[2] == language:
                line = text.count("\n", 0, match.start()) + 1
                code = textwrap.dedent(match[3])
                found.append(pytest.param(code, id=f"{name_of(path)}:{line}"))
    return found


def text_of(default: object) -> str:
    """A default as the documentation writes it."""
    return "empty" if default == "" else f"`{default}`"


# -- the options ---------------------------------------------------------------------


def options_of_sections() -> dict[str, str]:
    """Every setting but those of users' apps, and the text of its default."""
    connections = (ConnectionFactory, PooledConnectionFactory, EmbeddedConnectionFactory)
    executors = (
        TransactionExecutor,
        TransactionExecutorWithLimitedBackoff,
        TransactionExecutorWithInfiniteBackoff,
    )
    app: Any = using_postgres(_app())
    namespaces = [(DATABASE, cls.get_required_config()) for cls in (*connections, *executors)]
    namespaces.append((DATABASE, app.get_required_config()["database"]))
    namespaces += list(setting_options().items())
    return {
        f"{section}.{name}": text_of(namespace[name].default)
        for section, namespace in namespaces
        for name in namespace.keys_breadth_first()
    }


def _app() -> type:
    from crontabber.base import BaseCronApp

    return type("App", (BaseCronApp,), {"app_name": "app", "required_config": Namespace()})


def test_every_setting_is_documented_with_its_default_and_every_documented_one_exists() -> None:
    documented = {
        name.strip("`"): default
        for name, default, _meaning in rows(page("reference/settings.md"))
        if name != "name"
    }
    assert documented == options_of_sections()


LIBPQ = {f"{DATABASE}.{name}" for name in ConnectionFactory.optional_config}


def test_every_parameter_of_libpq_is_documented_and_every_documented_one_exists() -> None:
    start = "They are those of libpq 13 to 18: "
    listed = page("howto/connect.md").partition(start)[2].partition(".\n")[0]
    names = {f"{DATABASE}.{name}" for name in _NAME.findall(listed)}
    assert names == LIBPQ


def test_every_option_of_the_command_is_documented_and_every_documented_one_exists() -> None:
    documented = {}
    for cells in rows(page("reference/command-line.md")):
        if long := re.match(r"`--([a-z-]+)(=[A-Z…]+|\[=[A-Z…]+\])?`", cells[0]):
            short = re.search(r"`-(.)( NAME)?`", cells[0])
            value = (long[2] or "")[:1]  # none, = or [
            documented[long[1]] = (short and short[1], value)
    options = command_options()
    assert documented == {
        name: (option.short_form, value_of(option)) for name, option in options.items()
    }


def value_of(option: Option) -> str:
    """How the value of an option of the command begins: with ``=``, with ``[=``, or not at all."""
    if has_optional_value(option):
        return "["
    return "" if isinstance(option.default, bool) else "="


def test_every_setting_that_a_page_speaks_of_exists() -> None:
    known = {*options_of_sections(), *LIBPQ, "crontabber.class-MyFirstConfigApp.date_format"}
    sections = "admin|crontabber|logging|notify|otel|resource|sentry|web"
    spoken_of = re.compile(rf"(?<![\w./@-])(?:{sections})\.[a-z_.]+=")
    for path in PAGES:
        for name in spoken_of.findall(path.read_text(encoding="utf-8")):
            assert name.rstrip("=") in known, f"{name_of(path)} speaks of {name}"


def test_every_option_of_a_section_is_documented_and_every_documented_one_exists() -> None:
    section = page("reference/jobs.md").partition("## The section of a job")[2]
    named = (_NAME.fullmatch(cells[0]) for cells in rows(section))
    documented = [match[1] for match in named if match]
    assert documented == [*JOB_OPTIONS, *COMMAND_OPTIONS]


# -- exit codes and tables -----------------------------------------------------------


def test_every_exit_code_is_documented_and_every_documented_one_exists() -> None:
    codes = [cells[0] for cells in rows(page("reference/exit-codes.md"))]
    assert [int(code) for code in codes if code.isdigit()] == list(ExitCode)


def columns_of(table: str) -> dict[str, str]:
    """The columns that the migrations make, and their types."""
    sql = re.sub(r"--.*", "", "\n".join([*load_migrations(), _ledger()]))
    made = re.search(rf"CREATE TABLE (?:IF NOT EXISTS )?{table} \((.*?)\n *\);", sql, re.DOTALL)
    added = re.findall(rf"ALTER TABLE {table}\n(.*?);", sql, re.DOTALL)
    assert made
    lines = ",".join([made[1], *added]).replace("ADD COLUMN IF NOT EXISTS", "").split(",")
    columns = dict(line.split(maxsplit=1) for line in lines)
    return {name: _type(definition) for name, definition in columns.items()}


def _ledger() -> str:
    return load_queries()["make_ledger"].replace("{here}.", "")


def _type(definition: str) -> str:
    definition = definition.replace("timestamp with time zone", "timestamptz")
    return definition.replace("bigserial", "bigint").split()[0]


@pytest.mark.parametrize("table", ["crontabber", "crontabber_log", "crontabber_spans"])
def test_every_column_is_documented_with_its_type_and_every_documented_one_exists(
    table: str,
) -> None:
    section = re.search(rf"^## {table}$(.*?)^## ", page("reference/tables.md"), _SECTION)
    assert section
    documented = {
        name.strip("`"): kind for name, kind, _meaning in rows(section[1]) if name != "column"
    }
    assert documented == columns_of(table)


# -- examples ------------------------------------------------------------------------


@pytest.mark.parametrize("code", examples("python"))
def test_python_examples_run(code: str) -> None:
    """Their classes are made, so the decorators and all that they import exist."""
    exec(compile(code, "example", "exec"), {"__name__": "example"})


@pytest.mark.parametrize("text", examples("ini"))
def test_ini_examples_can_be_read_and_set_what_there_is(text: str, tmp_path: Path) -> None:
    (tmp_path / "example.ini").write_text(text, encoding="utf-8")
    # sections of libpq's services are none of ours
    known = {*options_of_sections(), *LIBPQ}
    for name in read_ini(str(tmp_path / "example.ini")):
        if name.startswith(("jobs.", "crontabber.class-")):
            continue
        if name.startswith("job."):  # a class has options of its own
            option = name.rpartition(".")[2]
            assert option in {*JOB_OPTIONS, *COMMAND_OPTIONS, "class", "region"}
            continue
        assert name in known or name.replace("crontabber.", f"{DATABASE}.", 1) in known


@pytest.mark.parametrize("text", [*examples("sh"), *examples("console")])
def test_command_lines_are_understood(text: str) -> None:
    prompted = re.findall(r"^\$ (.*)$", text, re.MULTILINE)
    for line in prompted or text.splitlines():
        words = shlex.split(line, comments=True)
        if "crontabber" in words and words[0] in {"crontabber", "env"}:
            arguments = words[words.index("crontabber") + 1 :]
            end = next((i for i, word in enumerate(arguments) if word in {"|", "||", ">"}), None)
            CommandLine.parse(arguments[:end])


def statements(sql: str) -> list[str]:
    return [statement.strip() for statement in sql.split(";") if statement.strip()]


@pytest.mark.parametrize("sql", examples("sql"))
def test_sql_examples_run_on_the_tables(
    sql: str, module_database: Database, crontabber: Command
) -> None:
    """In a transaction that is rolled back, as roles are the whole server's."""
    crontabber.configure(module_database, "")
    assert crontabber("--admin.conf=crontabber.ini", "--list").returncode == 0
    module_database.execute(_ledger())
    connection = module_database.connect()
    connection.autocommit = False
    try:
        with connection.cursor() as cursor:
            for role in ("crontabber_owner", "crontabber_run"):
                if role in sql and f"CREATE ROLE {role}" not in sql:
                    cursor.execute(f"CREATE ROLE {role}")
            for statement in statements(_on(module_database, sql)):
                cursor.execute(statement)
    except errors.InsufficientPrivilege:
        pytest.skip("the tests' user may not make roles")
    finally:
        connection.close()


def _on(database: Database, sql: str) -> str:
    """The example for this database, and without what no transaction can do."""
    sql = sql.replace("ALTER DATABASE crontabber", f"ALTER DATABASE {database.dbname}")
    return sql.replace("CREATE INDEX CONCURRENTLY", "CREATE INDEX")


def test_the_role_of_the_grants_can_tick_and_reset_and_no_less_will_do(
    database: Database, crontabber: Command
) -> None:
    """`howto/grants.md` to the letter, with a real role."""
    blocks = [text for _, kind, text in _FENCE.findall(page("howto/grants.md")) if kind == "sql"]
    make_roles, grant, *_others = blocks
    suffix = f"_{os.getpid()}"
    names = re.compile(r"\b(crontabber_owner|crontabber_run)\b")
    try:
        for statement in statements(names.sub(rf"\1{suffix}", make_roles)):
            database.execute(statement)
    except errors.InsufficientPrivilege:
        pytest.skip("the tests' user may not make roles")
    try:
        crontabber.write("jobs/app.py", _JOB)
        crontabber.configure(database, "jobs.app.App|1d")
        owner, run = (
            f"--resource.postgresql.user=crontabber_{who}{suffix}" for who in ("owner", "run")
        )
        conf = "--admin.conf=crontabber.ini"
        trust = f"--crontabber.tables_owner=crontabber_owner{suffix}"
        if crontabber(conf, owner, "--list-jobs").returncode:
            pytest.skip("the tests' server asks roles for passwords")
        as_owner = f"SET ROLE crontabber_owner{suffix};"
        *most, last = statements(names.sub(rf"\1{suffix}", grant))
        for statement in most:
            database.execute(as_owner + statement)
        assert crontabber(conf, run, trust).returncode == ExitCode.ERROR
        database.execute(as_owner + last)
        crontabber(conf, owner, "--reset-job=app")
        done = crontabber(conf, run, trust)
        assert (done.returncode, done.stderr) == (ExitCode.OK, "")
        assert database.execute("SELECT count(*) FROM crontabber_log WHERE success IS NOT NULL")
        wish = ["--backfill=app", "--from=2026-11-02", "--to=2026-11-03"]
        for asks in (wish, [], ["--pause=app"], ["--history=app"], ["--reset-job=app"]):
            done = crontabber(conf, run, trust, *asks)
            assert (done.returncode, done.stderr) == (ExitCode.OK, ""), asks
        ledger = "SELECT verdict, slots FROM crontabber_spans WHERE verdict = 'backfilled'"
        assert database.execute(ledger) == [("backfilled", 2)]
        # without the right to write to the ledger the jobs run, and it is said
        database.execute(f"REVOKE INSERT ON crontabber_spans FROM crontabber_run{suffix}")
        assert crontabber(conf, run, trust).returncode == ExitCode.OK
        assert crontabber(conf, run, trust, *wish, "--redo=all").returncode == ExitCode.OK
        done = crontabber(conf, run, trust)
        assert done.returncode == ExitCode.OK
        assert "not written to the ledger: permission denied for table" in done.stderr
        [(done_dates,)] = database.execute("SELECT count(success) FROM crontabber_log")
        assert done_dates == 6
    finally:
        for who in ("run", "owner"):
            database.execute(f"DROP OWNED BY crontabber_{who}{suffix} CASCADE")
            database.execute(f"DROP ROLE crontabber_{who}{suffix}")


_JOB = """
from crontabber.base import BaseCronApp
from crontabber.mixins import as_backfill_cron_app

@as_backfill_cron_app
class App(BaseCronApp):
    app_name = "app"

    def run(self, date):
        pass
"""


def test_the_ledger_of_the_grants_is_the_one_that_crontabber_makes() -> None:
    made = " ".join(_ledger().split()).partition("; ")[2]
    assert made in " ".join(page("howto/grants.md").split())


def test_the_readme_leads_to_what_is_there() -> None:
    """Sphinx looks after the links of all other pages."""
    for target in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", README.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def test_the_readme_tells_the_figures_of_the_torture() -> None:
    total = page("torture.txt").strip().splitlines()[-1].split()
    _, _, _, slots, _done, lost, twice, repeated, *_ = total
    figures = f"{lost} of {int(slots):,} lost, {twice} done twice, {repeated} repeated and logged"
    assert figures in README.read_text(encoding="utf-8")


# -- the promises --------------------------------------------------------------------


_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_each_promise_is_kept_by_a_test_that_exists() -> None:
    missing = [
        f"{path}::{test}"
        for path, test in _TEST.findall(page("promises.md"))
        if not (ROOT / path).exists() or test not in functions_in(ROOT / path)
    ]
    assert missing == []


def test_no_promise_is_without_a_test() -> None:
    promises = [cells for cells in rows(page("promises.md")) if cells[0] != "promise"]
    assert promises
    for cells in promises:
        assert _TEST.sub("", cells[-1]).strip() == "", cells[-1]
        assert _TEST.search(cells[-1]), f"nothing tests that {cells[0]}"


@functools.cache
def functions_in(path: Path) -> set[str]:
    """The names of the tests in a file, which is not imported."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


# -- the map of the house --------------------------------------------------------------


def house() -> str:
    """What the page for contributors says of the rooms, and of where a change belongs."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return text[text.index("## The house") : text.index("## Style")]


def test_every_room_is_on_the_map_and_every_room_of_the_map_exists() -> None:
    on_the_map = {room for cells in rows(house()) for room in re.findall(r"^`(\w+)/`$", cells[0])}
    package = ROOT / "crontabber"
    assert on_the_map == {path.parent.name for path in package.glob("*/__init__.py")}


def test_every_file_that_the_map_names_exists() -> None:
    named = set(re.findall(r"`([\w/.-]+\.(?:py|sql|md))`", house()))
    assert len(named) > 20
    places = ROOT, ROOT / "crontabber"
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


# -- the whole -----------------------------------------------------------------------


def test_the_documentation_is_read_without_a_warning(tmp_path: Path) -> None:
    """`make docs` writes it, too, which takes three times as long."""
    if not importlib.util.find_spec("sphinx"):
        pytest.skip("Sphinx is not installed: pip install -r test-requirements.txt")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", tmp_path / "doctrees",
         "-b", "dummy", DOCS, tmp_path / "dummy"],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
