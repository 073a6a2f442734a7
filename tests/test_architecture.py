"""Who may import whom, and other rules of the house, checked against the source itself."""

import ast
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "crontabber"
MODULES = sorted(
    path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", ".")
    for path in PACKAGE.rglob("*.py")
)

ROOMS = {
    # room: the rooms that it may import from, besides itself
    "errors": set(),
    "secrecy": set(),
    "schedule": {"errors"},
    "process": {"errors", "schedule"},
    "database": {"errors", "process", "secrecy"},
    "store": {"database", "errors", "process", "schedule"},
    "config": {"errors", "process", "retry", "schedule", "secrecy"},
    "log": {"config", "process"},
    "views": {"datetimeutil", "errors", "schedule"},
    "reporters": {"config", "errors", "process", "schedule", "secrecy"},
    "tick": {"config", "errors", "process", "reporters", "schedule", "store"},
    "verbs": {"config", "database", "errors", "generic_app", "reporters", "schedule", "store"}
    | {"process", "tick", "views"},
    "datetimeutil": {"process"},
    "dbapi2_util": {"errors"},
    "retry": {"errors", "schedule"},
    "base": {"config", "retry", "schedule"},
    "mixins": {"config", "errors", "process"},
    "connection_factory": {"config", "database", "secrecy"},
    "transaction_executor": {"config", "process"},
    "clean": {"base", "config", "mixins", "store"},
    "embedded": {"config", "connection_factory", "database", "errors", "process"},
}
"""Rooms that are not named here are the wiring, which may import all but the guests."""

TOP = {
    *("__init__", "__main__", "app", "cli"),
    *("base", "mixins", "retry", "testing", "clean", "errors"),
    *("connection_factory", "transaction_executor", "dbapi2_util", "datetimeutil", "generic_app"),
}
"""The modules at the top: what authors of jobs import, the helpers of 0.18, the wiring."""

GUESTS = {"contrib", "testing", "__main__"}
"""No module of the core imports them."""

LIBRARIES = {
    # library: the rooms that may import it
    "psycopg2": {"connection_factory", "database", "embedded", "store", "transaction_executor"},
    "configman": {"base", "clean", "config", "connection_factory", "embedded"}
    | {"transaction_executor"},
    "configobj": {"config"},
    "raven": {"reporters"},
    "sentry_sdk": {"reporters"},
    "rich": {"reporters", "views"},
    "certifi": {"reporters"},
    "apprise": {"reporters"},
    "opentelemetry": {"reporters"},
    "psutil": {"embedded"},
    "cronsim": {"schedule"},
}


def _holds_in(modules: Sequence[str]) -> Callable[[Callable[[str], None]], Callable[[], None]]:
    """Make a test of a rule for a module: that each of *modules* keeps it; all faults at once."""

    def decorate(rule: Callable[[str], None]) -> Callable[[], None]:
        def test() -> None:
            assert modules
            faults = []
            for module in modules:
                try:
                    rule(module)
                except AssertionError as error:
                    faults.append(f"{module}: {error}")
            assert not faults, "\n".join(faults)

        test.__doc__ = rule.__doc__
        return test

    return decorate


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_text(encoding="utf-8"))


@cache
def _nodes(module: str) -> list[ast.AST]:
    return [*ast.walk(_tree(module))]


def _path(module: str) -> Path:
    return (PACKAGE.parent / module.replace(".", "/")).with_suffix(".py")


def _room(module: str) -> str:
    return [*module.split("."), "__init__"][1]


@cache
def _imports(module: str) -> list[tuple[str, ast.stmt]]:
    return [*_found_imports(module)]


def _found_imports(module: str) -> Iterator[tuple[str, ast.stmt]]:
    """The full name of every module that *module* imports, wherever in it."""
    parts = module.split(".")
    for node in _nodes(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(parts[: len(parts) - node.level]) if node.level else ""
            name = ".".join(filter(None, (base, node.module)))
            if name == "crontabber":
                yield from ((f"{name}.{alias.name}", node) for alias in node.names)
            else:
                yield name, node


def _rooms_imported(module: str) -> set[str]:
    names = (name for name, _ in _imports(module))
    return {_room(name) for name in names if name.split(".")[0] == "crontabber"}


@_holds_in(MODULES)
def test_a_room_imports_only_from_rooms_that_it_may(module: str) -> None:
    room = _room(module)
    imported = _rooms_imported(module) - {room, "__init__", "__version__"}
    if room not in GUESTS:
        assert not imported & GUESTS
    if room in ROOMS:
        assert imported <= ROOMS[room]


@_holds_in(MODULES)
def test_a_library_is_imported_only_where_it_belongs(module: str) -> None:
    for name, _ in _imports(module):
        top = name.split(".")[0]
        if top == "crontabber" or top in sys.stdlib_module_names or _room(module) == "contrib":
            continue
        assert top in LIBRARIES, f"{module} imports {top}, which no room may"
        assert _room(module) in LIBRARIES[top], f"{module} imports {top}"


def test_no_room_may_import_what_it_does_not() -> None:
    """An allowance that is not used would let a new import in unnoticed."""
    rooms: defaultdict[str, set[str]] = defaultdict(set)
    libraries: defaultdict[str, set[str]] = defaultdict(set)
    for module in MODULES:
        rooms[_room(module)] |= _rooms_imported(module)
        for name, _ in _imports(module):
            libraries[name.split(".")[0]].add(_room(module))
    unused = [(room, other) for room in ROOMS for other in ROOMS[room] - rooms[room]]
    unused += [(room, name) for name in LIBRARIES for room in LIBRARIES[name] - libraries[name]]
    assert unused == []


@_holds_in([name for name in MODULES if _room(name) == "reporters"])
def test_what_reports_to_sentry_is_imported_only_when_there_is_something_to_send(
    module: str,
) -> None:
    """trap: an idle tick pays for a library that it does not use"""
    at_the_top = set(map(id, _tree(module).body))
    for name, node in _imports(module):
        if name.split(".")[0] in {"raven", "sentry_sdk", "rich"}:
            assert id(node) not in at_the_top


CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "sleep"),
    ("time", "monotonic"),
    ("time", "perf_counter"),
}


@_holds_in([name for name in MODULES if name != "crontabber.process.clock"])
def test_only_the_clock_reads_a_clock_or_sleeps(module: str) -> None:
    """trap: two readings of the clock around a write"""
    for node in _nodes(module):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) not in CLOCKS, f"line {node.lineno}"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            raise AssertionError(f"line {node.lineno}: take it from crontabber.process.clock")


@_holds_in([name for name in MODULES if _room(name) == "schedule"])
def test_the_schedule_is_told_everything(module: str) -> None:
    forbidden = {"os", "sys", "time", "logging", "socket", "subprocess", "random", "io"}
    assert not forbidden & {name.split(".")[0] for name, _ in _imports(module)}


@_holds_in([name for name in MODULES if name != "crontabber.schedule.calendar"])
def test_the_least_difference_of_times_is_defined_once(module: str) -> None:
    """It is `crontabber.schedule.calendar.MOMENT`."""
    for number, line in enumerate(_path(module).read_text(encoding="utf-8").splitlines(), 1):
        for least in ("timedelta(microseconds=1)", "timedelta.resolution"):
            assert least not in line, f"line {number}"


@_holds_in(MODULES)
def test_only_the_command_prints_or_exits(module: str) -> None:
    if module in {"crontabber.cli", "crontabber.__main__", "crontabber.embedded.keeper"}:
        return
    for node in _nodes(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"print", "exit", "quit"}, f"line {node.lineno}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) != ("sys", "exit"), f"line {node.lineno}"


@_holds_in(MODULES)
def test_configman_is_mended_before_it_is_imported(module: str) -> None:
    """trap: configman does not import on Python 3.10 and newer"""
    seen_compat = module == "crontabber.config.compat"
    for name, node in sorted(_imports(module), key=lambda pair: pair[1].lineno):
        if name.startswith("crontabber.config"):
            seen_compat = True
        if name.split(".")[0] == "configman":
            assert seen_compat, f"line {node.lineno}"


@_holds_in(MODULES)
def test_sql_is_not_written_in_python(module: str) -> None:
    if _room(module) in {"contrib", "embedded"}:  # which know nothing of our tables
        return
    words = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ")
    docstrings = {
        id(node.body[0].value)
        for node in _nodes(module)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in _nodes(module):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str):
            assert not node.value.startswith(words), f"line {node.lineno}: {node.value}"


@_holds_in(MODULES)
def test_a_module_opens_with_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(_tree(module))


@_holds_in(MODULES)
def test_a_module_and_its_functions_are_small(module: str) -> None:
    """One module with half of all code must not come back."""
    assert len(_path(module).read_text(encoding="utf-8").splitlines()) <= 300
    for node in _nodes(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 40, node.name


def test_at_the_top_lies_only_what_users_import_or_start() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} <= TOP
    assert len(TOP) <= 16


def test_no_module_imports_one_that_imports_it() -> None:
    """Imports within functions, and for type checkers only, count too."""
    modules = {name.removesuffix(".__init__") for name in MODULES}
    graph = {
        name.removesuffix(".__init__"): {
            found
            for found in _modules_imported(name, modules)
            if found != name.removesuffix(".__init__")
        }
        for name in MODULES
    }
    TopologicalSorter(graph).prepare()
    rooms: defaultdict[str, set[str]] = defaultdict(set)
    for name, found in graph.items():
        rooms[_room(name)] |= {_room(each) for each in found} - {_room(name)}
    TopologicalSorter(rooms).prepare()


def _modules_imported(module: str, modules: set[str]) -> Iterator[str]:
    parts = module.removesuffix(".__init__").split(".")
    package = parts if module.endswith(".__init__") else parts[:-1]
    for node in _nodes(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join(filter(None, [*base, node.module]))
            for alias in node.names:
                inner = f"{name}.{alias.name}"
                yield from (
                    each for each in [inner if inner in modules else name] if each in modules
                )
