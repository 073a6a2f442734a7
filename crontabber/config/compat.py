"""Make configman 1.3.0 work on today's Python; import this before configman.

configman's last release names things that Python has since moved or removed, and
two of its look-ups relied on accidents of Python 2. All are patched here, in
configman's own modules, so that nothing else in the process is touched:

* ``collections.Mapping`` and its siblings left ``collections`` in Python 3.10
  (they live in ``collections.abc``), and ``inspect.getargspec`` left in 3.11.
  configman's modules get stand-ins for ``collections`` and ``inspect`` that still
  have them. The real modules have them only during the import of configman, so that other
  modules which this import is the first to load see the real ones.
* ``DotDictWithAcquisition['a.b.c']`` walks through temporary dicts for the levels
  that do not exist. Each refers to the one before it by a weak proxy only, so with
  two or more missing levels the first is deleted before it is used
  (``ReferenceError: weakly-referenced object no longer exists``). The replacement
  keeps them alive for as long as the look-up takes.
* ``DotDictWithAcquisition`` raises KeyError for a name that it does not have, as an
  attribute too. In Python 2, ``hasattr`` was false after any exception; in Python 3, ``hasattr``
  and ``getattr`` with a default catch AttributeError only. The replacement raises an
  error that is both, so that an app may ask its config in either way.

Under the ``crontabber`` command, which imports this module first, an app module may say
``from configman import Namespace`` and need not know this. Code that runs on its own (such as a
unit test) has to import something of crontabber before configman.
"""

import collections
import collections.abc
import importlib
import inspect
import sys
import types
import weakref
from typing import Any

_MOVED_TO_ABC = (
    "Callable",
    "Iterable",
    "Mapping",
    "MutableMapping",
    "MutableSet",
    "Sequence",
    "Set",
)

_MISSED = {
    collections: {name: getattr(collections.abc, name) for name in _MOVED_TO_ABC},
    inspect: {"getargspec": inspect.getfullargspec},
}


def _stand_in(module: types.ModuleType, missed: dict[str, Any]) -> types.ModuleType:
    """A module object with everything *module* has, and what configman misses."""
    stand_in = types.ModuleType(module.__name__, module.__doc__)
    stand_in.__dict__.update(module.__dict__, **missed)
    return stand_in


def _import_configman() -> None:
    """Import configman with the real modules completed for as long as that takes."""
    lent = [
        (module, name)
        for module, missed in _MISSED.items()
        for name in missed
        if not hasattr(module, name)
    ]
    for module, name in lent:
        setattr(module, name, _MISSED[module][name])
    try:
        importlib.import_module("configman")
    finally:
        for module, name in lent:
            delattr(module, name)


def _give_stand_ins() -> None:
    """Let configman's modules see stand-ins under the names ``collections`` and ``inspect``."""
    stand_ins = {module: _stand_in(module, missed) for module, missed in _MISSED.items()}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "configman":
            for real, stand_in in stand_ins.items():
                if vars(module).get(real.__name__) is real:
                    setattr(module, real.__name__, stand_in)


class NoSuchOption(KeyError, AttributeError):
    """A config has no option, and no section, of this name."""


def _getattr_with_acquisition(self: Any, key: str) -> Any:
    """``DotDictWithAcquisition.__getattr__`` that raises both KeyError and AttributeError."""
    if key == "_parent":
        raise AttributeError(key)
    parent = self.__dict__.get("_parent")
    if parent is not None:
        return getattr(parent, key)
    if key.startswith("__"):  # Python's protocols, such as copy's, expect only this
        raise AttributeError(key)
    raise NoSuchOption(key)


def _getitem_with_acquisition(self: Any, key: str) -> Any:
    """``DotDictWithAcquisition.__getitem__`` that keeps its temporaries alive."""
    from configman.dotdict import DotDictWithAcquisition

    *levels, last = key.split(".")
    current = self
    temporaries = []
    for level in levels:
        try:
            current = getattr(current, level)
        except KeyError:
            missing = DotDictWithAcquisition()
            # a proxy of a proxy is refused; what is no proxy yet becomes one
            parent = current if isinstance(current, weakref.ProxyTypes) else weakref.proxy(current)
            missing.__dict__["_parent"] = parent
            temporaries.append(missing)
            current = missing
    return getattr(current, last)


def install() -> None:
    """Import configman and patch it; harmless when called again."""
    if "configman" not in sys.modules:
        _import_configman()
        _give_stand_ins()
    from configman.dotdict import DotDictWithAcquisition

    DotDictWithAcquisition.__getitem__ = _getitem_with_acquisition
    DotDictWithAcquisition.__getattr__ = _getattr_with_acquisition


install()
