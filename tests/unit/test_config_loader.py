import functools
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from crontabber.base import BaseCronApp
from crontabber.config.appspec import AppSpec, depends_on_of
from crontabber.config.loader import load_class
from crontabber.errors import EndsProcess, JobLineError, Stopped
from crontabber.mixins import using_postgres
from crontabber.process.contained import Contained

MODULES = {
    "pack/__init__.py": "",
    "pack/good.py": "class Good: pass\nclass Better: pass\nnumber = 5\ndef function(): pass\n",
    "pack/syntax.py": "x = 1\nclass Bad\n",
    "pack/tabs.py": "if 1:\n        x = 1\n\ty = 2\n",
    "pack/missing.py": "import pack.good\nimport no_such_thing\n",
    "pack/missing_inside.py": "import pack.gone\n",
    "pack/missing_name.py": "from pack.good import Worse\n",
    "pack/raising.py": "\nraise ValueError('several\\n  lines')\n",
    "pack/wordless.py": "class E(Exception):\n    def __str__(self): 1 / 0\nraise E\n",
    "pack/exiting.py": "import sys\nsys.exit(3)\n",
    "pack/base_exception.py": "raise type('Odd', (BaseException,), {})('no Exception')\n",
    "pack/interrupted.py": "raise KeyboardInterrupt\n",
    "pack/sigint.py": "import signal\nsignal.raise_signal(signal.SIGINT)\n",
    "pack/keeps.py": "from os import _exit\nclass Keeps:\n    leave = staticmethod(_exit)\n",
    "pack/stopped.py": ("from crontabber.errors import Stopped\nraise Stopped(15, 'SIGTERM')\n"),
    "pack/deep.py": "import pack.raising\n",
    "pack/lazy.py": "def __getattr__(name):\n    raise RuntimeError('lazily')\n",
    "broken_package/__init__.py": "import nothing_here\n",
    "broken_package/module.py": "class A: pass\n",
}


WHERE = "is its directory in pythonpath or PYTHONPATH?"
OR_ELSE = "or is its directory neither in pythonpath nor PYTHONPATH?"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0].startswith("pack")]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def test_a_class_is_found() -> None:
    assert load_class("pack.good.Good").__module__ == "pack.good"
    assert load_class("crontabber.base.BaseCronApp") is BaseCronApp


@pytest.mark.parametrize(
    ("class_path", "message"),
    [
        ("Good", "'Good' is not a class path such as package.module.Class"),
        ("", "'' is not a class path such as package.module.Class"),
        (".Good", "'.Good' is not a class path such as package.module.Class"),
        ("..good.Good", "'..good.Good' is not a class path such as package.module.Class"),
        ("pack.good.Go od", "'pack.good.Go od' is not a class path such as package.module.Class"),
        ("pack.good.God", "module pack.good has no class God: did you mean Good?"),
        ("pack.good.Xyzzy", "module pack.good has no class Xyzzy"),
        ("pack.god.Good", "there is no module pack.god: did you mean good?"),
        ("pack.xyzzy.Good", "there is no module pack.xyzzy"),
        ("pack.good.sub.Good", "there is no module pack.good.sub: pack.good is not a package"),
        (
            "qzjx.good.Good",
            f"there is no module qzjx: {WHERE}",
        ),
        (
            "broken_packag.good.A",
            f"there is no module broken_packag: did you mean broken_package, {OR_ELSE}",
        ),
        (
            "tasks.good.Good",
            f"there is no module tasks: {WHERE}",
        ),  # not os
        ("pack.good.number", "pack.good.number is a int, not a class"),
        ("pack.good.function", "pack.good.function is a function, not a class"),
    ],
)
def test_what_cannot_be_found(class_path: str, message: str) -> None:
    with pytest.raises(JobLineError) as caught:
        load_class(class_path)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("module", "raised", "where"),
    [
        ("pack.syntax", "SyntaxError: ", "pack/syntax.py:2"),
        ("pack.tabs", "TabError: |IndentationError: ", "pack/tabs.py:3"),
        ("pack.missing", "ModuleNotFoundError: No module named 'no_such_thing'", "missing.py:2"),
        ("pack.missing_inside", "ModuleNotFoundError: No module named 'pack.gone'", "inside.py:1"),
        ("pack.missing_name", "ImportError: cannot import name 'Worse' from 'p", "_name.py:1"),
        ("pack.raising", "ValueError: several lines ", "pack/raising.py:2"),
        ("pack.deep", "ValueError: several lines ", "pack/raising.py:2"),
        ("pack.wordless", "E: (its text cannot be had: str() raised Ze", "pack/wordless.py:3"),
        ("pack.base_exception", "Odd: no Exception ", "pack/base_exception.py:1"),
        ("pack.lazy", "RuntimeError: lazily ", "pack/lazy.py:2"),
        ("broken_package.module", "ModuleNotFoundError: No module named 'nothing_here'", "_.py:1"),
    ],
)
def test_the_real_error_of_the_import_is_told(module: str, raised: str, where: str) -> None:
    """trap: one bad import stopped every job and hid the real ImportError."""
    with pytest.raises(JobLineError) as caught:
        load_class(f"{module}.A")
    message = str(caught.value)
    assert any(
        message.startswith(f"importing {module} raises {start}") for start in raised.split("|")
    )
    assert message.endswith(f"{where})")
    assert "\n" not in message


def test_a_fault_of_the_file_itself_is_not_placed_in_the_import_machinery(directory: Path) -> None:
    (directory / "pack/null.py").write_bytes(b"x = 1\0\n")
    with pytest.raises(JobLineError) as caught:
        load_class("pack.null.A")
    message = str(caught.value)
    assert message.startswith("importing pack.null raises ")
    assert "null bytes" in message
    assert "importlib" not in message
    assert "loader.py" not in message


def test_a_module_that_exits_is_a_fault(directory: Path) -> None:
    with pytest.raises(JobLineError) as caught:
        load_class("pack.exiting.A")
    where = f"{directory}/pack/exiting.py:2"
    message = f"importing pack.exiting ends the process: it calls sys.exit ({where})"
    assert str(caught.value) == message


def test_a_signal_passes() -> None:
    with pytest.raises(Stopped):
        load_class("pack.stopped.A")
    with pytest.raises(KeyboardInterrupt):
        load_class("pack.sigint.A")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_only_looks_like_a_signal_is_a_fault(directory: Path) -> None:
    with pytest.raises(JobLineError) as caught:
        load_class("pack.interrupted.A")
    raised = "raises KeyboardInterrupt: KeyboardInterrupt"
    assert str(caught.value) == (
        f"importing pack.interrupted {raised} ({directory}/pack/interrupted.py:1)"
    )


def test_who_kept_os_exit_from_an_import_can_exit_by_it() -> None:
    """In a child, as no test process is to end; there it was refused to no one"""
    real = os._exit
    kept = load_class("pack.keeps.Keeps")
    assert os._exit is real
    child = os.fork()
    if not child:
        kept.leave(7)  # type: ignore[attr-defined]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_os_exit_is_as_it_was_after_contexts_of_several_threads() -> None:
    """trap: each overlap, as of two pages of the admin, left a layer around os._exit for ever"""
    real, first, second = os._exit, Contained(), Contained()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with pytest.raises(SystemExit):
        os._exit(0)
    second.__exit__(None, None, None)
    assert os._exit is real


def test_a_library_that_wraps_os_exit_in_a_context_keeps_it() -> None:
    real = os._exit
    try:
        with Contained():
            wrapper = functools.partial(os._exit)
            os._exit = wrapper
        for _ in range(2):
            with pytest.raises(EndsProcess), Contained():
                wrapper(0)
            assert os._exit is wrapper
    finally:
        os._exit = real


def app(**attributes: object) -> type:
    attributes = {"app_name": "my-app", "run": run, **attributes}
    return type("MyApp", (BaseCronApp,), attributes)


def run(self: object) -> None:
    """Do what is to be done."""


def run_later(self: object) -> Iterator[int]:
    yield 1


async def run_async(self: object) -> None:
    pass


async def run_both(self: object) -> AsyncIterator[int]:
    yield 1


class Unrelated:
    """Has all that is needed, from elsewhere."""

    app_name = "unrelated"
    main: Callable[..., object] = print


def inherited(**attributes: object) -> type:
    """An app that gets what it does not have from BaseCronApp alone."""
    return type("MyApp", (BaseCronApp,), {"app_name": "my-app", **attributes})


@pytest.mark.parametrize(
    "cls",
    [
        app(),
        app(depends_on="x"),
        app(depends_on=["x"]),
        app(app_name="größer\u200d als 🦉"),
        Unrelated,
        using_postgres(app()),
        inherited(main=run_later),
        inherited(_run_proxy=run),
        app(main=run_later, run=run_later),
    ],
)
def test_cron_apps(cls: type) -> None:
    AppSpec.of(cls)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (int, "int is not a cron app: derive it from crontabber.base.BaseCronApp"),
        (
            type("Run", (), {"app_name": "x", "run": print}),
            "Run is not a cron app: derive it from crontabber.base.BaseCronApp",
        ),
        (
            type("Nameless", (BaseCronApp,), {}),
            "Nameless has no app_name: give it one, such as app_name = 'my-app'",
        ),
        (app(app_name=""), "MyApp has no app_name: give it one, such as app_name = 'my-app'"),
        (app(app_name=" "), "MyApp has no app_name: give it one, such as app_name = 'my-app'"),
        (app(app_name=5), "MyApp has no app_name: give it one, such as app_name = 'my-app'"),
        (app(depends_on=5), "depends_on of MyApp is not an app_name, or a tuple or list of app_n"),
        (app(depends_on={"a"}), "depends_on of MyApp is not an app_name, or a tuple or list of a"),
        (app(depends_on=("a", 5)), "depends_on of MyApp is not an app_name, or a tuple or list o"),
        (app(depends_on=("a", "")), "depends_on of MyApp is not an app_name, or a tuple or list "),
        (app(app_name="a\0b"), "app_name of MyApp is 'a\\x00b': a name has no control characters"),
        (app(app_name="a\nb"), "app_name of MyApp is 'a\\nb': a name has no control characters"),
        (app(app_name="\ud800"), "app_name of MyApp is '\\ud800': a name has no control charact"),
        (app(app_name="a\u202eb"), "app_name of MyApp is 'a\\u202eb': a name has no control"),
        (app(app_name="a\u2028b"), "app_name of MyApp is 'a\\u2028b': a name has no control"),
        (app(app_name="é" * 1301), "app_name of MyApp has 2602 bytes, and a name 2600 at most"),
        (app(depends_on="x" * 2601), "depends_on of MyApp has 2601 bytes, and a name 2600"),
        (app(depends_on="\0"), "depends_on of MyApp is '\\x00': a name has no control characters"),
        (app(depends_on=["a", "\udfff"]), "depends_on of MyApp is '\\udfff': a name has no contr"),
        (app(lock="\0"), "lock of MyApp is '\\x00': a name has no control characters"),
        (inherited(), "MyApp has no run(): write what the job does in a method run(self)"),
        (using_postgres(inherited()), "MyApp has no run(): write what the job does in a method"),
        (app(run=run_later), "run() of MyApp cannot be used: it has a yield, so that calling it d"),
        (app(run=run_async), "run() of MyApp cannot be used: it is async, so that calling it does"),
        (app(run=run_both), "run() of MyApp cannot be used: it is async, so that calling it does "),
    ],
)
def test_what_is_no_cron_app(cls: type, message: str) -> None:
    with pytest.raises(JobLineError) as caught:
        AppSpec.of(cls)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("depends_on", "names"),
    [
        ((), ()),
        (None, ()),
        ("", ()),
        ("a", ("a",)),
        (("a",), ("a",)),
        (["b", "a", "b"], ("b", "a")),
    ],
)
def test_depends_on(depends_on: object, names: tuple[str, ...]) -> None:
    assert depends_on_of(app(depends_on=depends_on)) == names
    assert depends_on_of(Unrelated) == ()
