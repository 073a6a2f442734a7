"""Class paths to classes, and what makes a class a cron app.

Each fault of a module that a user wrote becomes one line, a `JobLineError`
that names the real fault; only signals pass.
"""

import importlib
import sys
import types
from collections.abc import Callable

from ..errors import ConfigError, EndsProcess, JobLineError, Stopped, is_a, name_of
from .messages import did_you_mean, nearest, reason_of

LONGEST_NAME = 2600
"""Most bytes of a name in UTF-8; an entry of an index of PostgreSQL takes 2704 in all."""


class NoSuchModule(JobLineError):
    """The module of a class path does not exist."""


def load_class(class_path: str) -> type:
    """Import ``package.module.Class``; a `JobLineError` says why that cannot be done."""
    module_path, _, class_name = class_path.rpartition(".")
    if not module_path or not all(part.isidentifier() for part in class_path.split(".")):
        raise JobLineError(f"{class_path!r} is not a class path such as package.module.Class")
    if len(class_path.encode()) > LONGEST_NAME:
        raise JobLineError(f"the class path has more than {LONGEST_NAME} bytes")
    module, found = _import(module_path, class_name)
    if found is None:
        names = [name for name, value in vars(module).items() if isinstance(value, type)]
        raise JobLineError(
            f"module {module_path} has no class {class_name}{did_you_mean(class_name, names)}"
        )
    if not isinstance(found, type):
        raise JobLineError(f"{class_path} is a {type(found).__name__}, not a class")
    return found


def load_function(path: str) -> Callable[..., object]:
    """Import ``package.module.function``; a `ConfigError` says why that cannot be done."""
    module_path, _, name = path.rpartition(".")
    if not module_path or not all(part.isidentifier() for part in path.split(".")):
        raise ConfigError(f"{path!r} is not a path such as package.module.function")
    try:
        module, found = _import(module_path, name)
    except JobLineError as error:
        raise ConfigError(str(error)) from error
    if not callable(found):
        names = [name for name, value in vars(module).items() if callable(value)]
        raise ConfigError(f"module {module_path} has no function {name}{did_you_mean(name, names)}")
    return found


def load_database_class(class_path: str) -> type:
    """Import a class of connections; a `ConfigError` says why that cannot be done."""
    cls = load_class(class_path)
    if not callable(getattr(cls, "connect", None)):
        raise ConfigError("it is not a class that makes connections: it has no method connect()")
    return cls


def _import(module_path: str, name: str) -> tuple[types.ModuleType, object]:
    """The module, and its attribute *name*, None if it has none."""
    try:
        if not module_path.startswith("crontabber."):
            return _import_contained(module_path, name)
        module = importlib.import_module(module_path)
        return module, getattr(module, name, None)
    except (KeyboardInterrupt, Stopped):
        raise
    except BaseException as error:
        if (
            type(error) is ModuleNotFoundError
            and error.name
            and f"{module_path}.".startswith(f"{error.name}.")
        ):
            raise NoSuchModule(_missing(error.name)) from None
        raise JobLineError(_raised(module_path, error)) from error


def _import_contained(module_path: str, name: str) -> tuple[types.ModuleType, object]:
    """The same for users' code; what it does to the process is undone, as after a run."""
    module = sys.modules.get(module_path)
    if type(module) is types.ModuleType and name in module.__dict__:
        return module, module.__dict__[name]  # this runs no code
    from ..process.contained import Contained  # only needed where modules of others are imported
    from ..process.state import ProcessState
    from ..process.threads import NotingThreads

    with Contained(), NotingThreads(f"importing {module_path}"):
        if module_path not in sys.modules:
            with ProcessState():
                importlib.import_module(module_path)
        module = importlib.import_module(module_path)
        return module, getattr(module, name, None)


def _missing(module_path: str) -> str:
    """Say that the module is missing, and what may be meant."""
    import pkgutil  # only needed when something is wrong

    package, _, name = module_path.rpartition(".")
    parent = sys.modules.get(package)
    if package and not hasattr(parent, "__path__"):
        return f"there is no module {module_path}: {package} is not a package"
    siblings = {module.name for module in pkgutil.iter_modules(parent and parent.__path__)}
    if package:
        return f"there is no module {module_path}{did_you_mean(name, siblings)}"
    # usually the directory is missing: only a very similar name is worth a guess
    guess = nearest(name, {each for each in siblings if each[0] == name[0]}, likeness=0.75)
    if guess:
        meant = f"did you mean {guess}, or is its directory neither in pythonpath nor PYTHONPATH?"
    else:
        meant = "is its directory in pythonpath or PYTHONPATH?"
    return f"there is no module {name}: {meant}"


def _raised(module_path: str, error: BaseException) -> str:
    """Say what the import of the module raised, and where."""
    from ..process.contained import where_of

    if is_a(error, EndsProcess) and error.__cause__:
        if is_a(error.__cause__, SystemExit):
            return f"importing {module_path} ends the process: {error}"
        error = error.__cause__
    what, where = reason_of(error), where_of(error)
    own = (SyntaxError, IndentationError, TabError)  # and no subclass of a job's
    if type(error) in own and isinstance(error, SyntaxError) and error.lineno:
        what, where = error.msg, f" ({error.filename}:{error.lineno})"
    return f"importing {module_path} raises {name_of(error)}: {what}{where}"
