"""How Python finds modules, and which it has: what a job did to them is undone."""

import contextlib
import sys
from typing import Any

from .things import Contents, Thing, are_same

_NEEDED = sys.stdlib_module_names | {"__main__", "configman", "configobj", "crontabber", "psycopg2"}


class ImportPath(Thing):
    """Where Python looks for modules.

    What a job adds stays, after all that was there: its own modules, which are imported
    once, may import more from there later, but cannot hide another job's.
    """

    def read(self) -> Any:
        """How it is now."""
        return sys.path, [*sys.path]

    def put_back(self, was: Any) -> bool:
        """Restore what there was, in its order, followed by what is new."""
        path, entries = was
        if sys.path is path and path == entries:
            return False
        added = [entry for entry in sys.path if entry not in entries]
        path[:] = [*entries, *added]
        sys.path = path
        return True


class Finders(Contents):
    """The finders of modules: removed ones come back. Those that libraries add stay in place."""

    def put_back(self, was: Any) -> bool:
        """Put back what is gone."""
        found, items = was
        now = getattr(sys.modules[self._module], self._attribute)
        if now is found and are_same(now, items):
            return False
        self.write((found, [*(each for each in now or () if each not in items), *items]))
        return True


class Modules(Thing):
    """The modules that crontabber and Python's own code import: removed ones come back.

    Any other module that a job removes, to have it read again, stays away.
    """

    def read(self) -> Any:
        """How it is now."""
        return sys.modules, sys.modules.copy()

    def put_back(self, was: Any) -> bool:
        """Put back those that are gone, or None in their place."""
        modules, known = was
        with contextlib.suppress(Exception):  # of an object that a job put in a module's place
            if sys.modules is modules and modules == known:
                return False
        sys.modules = modules
        for name, module in known.items():
            if modules.get(name) is None and name.partition(".")[0] in _NEEDED:
                modules[name] = module
        return True
