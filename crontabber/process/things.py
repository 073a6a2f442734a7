"""The kinds of things that a job can change for the whole process, and how they are put back."""

import operator
import sys
from collections.abc import Callable, Collection, MutableMapping
from typing import Any

_UNLOADED = object()
"""The value for a module that is not imported: it is not imported for this."""
_ABSENT = object()


class Thing:
    """A part of the process that a job can change: its *name* for people, and *why* it matters."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        self.why = why

    def read(self) -> Any:
        """How it is now; as little work as possible, as it is done before and after each run."""
        raise NotImplementedError

    def write(self, was: Any) -> None:
        """Make it what was read earlier; may raise."""
        raise NotImplementedError

    def put_back(self, was: Any) -> bool:
        """Make it what was read earlier, and return whether it differed. May raise."""
        if self.read() == was:
            return False
        self.write(was)
        return True

    def is_watched(self, was: Any) -> bool:
        """Whether there may be more to put back than was read, though no job changed it."""
        return False

    def is_current(self, was: Any) -> bool:
        """Whether there is nothing more; asked of what is watched."""
        return True


class InModule(Thing):
    """A thing in a module that may not be imported yet when a job begins."""

    def __init__(self, module: str, name: str, why: str, label: str = "") -> None:
        super().__init__(label or f"{module}.{name}", why)
        self._module = module
        self._attribute = name

    def read(self) -> Any:
        """How it is now."""
        module = sys.modules.get(self._module)
        return _UNLOADED if module is None else self._read(module)

    def _read(self, module: Any) -> Any:
        raise NotImplementedError

    def is_watched(self, was: Any) -> bool:
        """Whether the module may yet be imported."""
        return was is _UNLOADED

    def is_current(self, was: Any) -> bool:
        """Whether it is still not imported."""
        return self._module not in sys.modules


class Attribute(InModule):
    """A name in a module, or in a class or an object there.

    *fresh* makes what it is in a module that was just imported, for one that a job imports.
    """

    def __init__(
        self,
        module: str,
        name: str,
        why: str,
        fresh: Callable[[Any], Any] | None = None,
        label: str = "",
    ) -> None:
        super().__init__(module, name, why, label)
        *self._path, self._attribute = name.split(".")
        self._fresh = fresh

    def _read(self, module: Any) -> Any:
        for name in self._path:
            module = getattr(module, name)
        return module.__dict__.get(self._attribute, _ABSENT)

    def put_back(self, was: Any) -> bool:
        """Put the very same object back, without comparing a job's object."""
        if self.read() is was:
            return False
        self.write(was)
        return True

    def write(self, was: Any) -> None:
        """Set or remove the name."""
        owner: Any = sys.modules[self._module]
        if was is _UNLOADED:
            if not self._fresh:
                return
            was = self._fresh(owner)
        for name in self._path:
            owner = getattr(owner, name)
        if was is _ABSENT:
            delattr(owner, self._attribute)
        else:
            setattr(owner, self._attribute, was)


class Value(InModule):
    """A thing with a pair of functions in a module: *get* reads it, and *set* sets it.

    *fresh* is what it is in a module that was just imported.
    """

    def __init__(self, module: str, get: str, set: str, why: str, fresh: Any = None) -> None:
        super().__init__(module, set, why)
        self._get = get
        self._fresh = fresh

    def _read(self, module: Any) -> Any:
        return getattr(module, self._get)()

    def write(self, was: Any) -> None:
        """Call the function that sets it."""
        value = self._fresh if was is _UNLOADED else was
        getattr(sys.modules[self._module], self._attribute)(value)


class Contents(InModule):
    """A list in a module: the list itself, and what is in it."""

    def _read(self, module: Any) -> Any:
        found = getattr(module, self._attribute)
        return found, [*found]

    def put_back(self, was: Any) -> bool:
        """Put the list back if it is another, or has something else in it."""
        if was is _UNLOADED:
            return False
        now = getattr(sys.modules[self._module], self._attribute)
        if now is was[0] and are_same(now, was[1]):
            return False
        self.write(was)
        return True

    def write(self, was: Any) -> None:
        """Put back the list, and what was in it."""
        found, items = was
        found[:] = items
        setattr(sys.modules[self._module], self._attribute, found)


class Entries(InModule):
    """A dict in a module, which C code may hold too: it stays the same dict."""

    def _read(self, module: Any) -> Any:
        found = getattr(module, self._attribute)
        return found, found.copy()

    def put_back(self, was: Any) -> bool:
        """Put back what was in it, if that has changed."""
        if was is _UNLOADED or _have_same(*was):
            return False
        self.write(was)
        return True

    def write(self, was: Any) -> None:
        """Put back what was in it, and nothing else."""
        found, entries = was
        found.update(entries)
        for name in [*found]:
            if name not in entries:
                del found[name]


class Names(InModule):
    """All that a module defines; what a job adds to it stays."""

    def __init__(self, module: str, why: str) -> None:
        super().__init__(module, "__dict__", why, label=f"the names in {module}")

    def _read(self, module: Any) -> Any:
        names: MutableMapping[str, Any] = module.__dict__
        return names, names.copy()  # type: ignore[attr-defined]  # it is a dict

    def put_back(self, was: Any) -> bool:
        """Put back what has changed, without using builtins, some of which may be gone."""
        if was is _UNLOADED or was[0] == was[1]:
            return False
        was[0].update(was[1])
        return True


def _have_same(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    """Whether the dicts have the same objects in them, without comparing these."""
    return len(one) == len(other) and all(map(operator.is_, one.values(), other.values()))


def are_same(one: Collection[Any], other: Collection[Any]) -> bool:
    """Whether both have the same objects in the same order, without comparing these."""
    return len(one) == len(other) and all(map(operator.is_, one, other))
