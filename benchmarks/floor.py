"""The floor: the simplest script that does what a tick cannot do without.

Without an argument it imports configman. With a connection string it imports psycopg2 too,
connects, and runs one ``SELECT``.
"""

# A script on its own, whose imports are what is measured.
# ruff: noqa: E402

import collections
import collections.abc
import inspect
import sys

for name in ("Callable", "Iterable", "Mapping", "MutableMapping", "MutableSet", "Sequence", "Set"):
    setattr(collections, name, getattr(collections.abc, name))  # which configman looks for there
setattr(inspect, "getargspec", inspect.getfullargspec)  # noqa: B010  types do not know it

import configman  # noqa: F401

if len(sys.argv) > 1:
    import psycopg2

    connection = psycopg2.connect(sys.argv[1])
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    cursor.fetchall()
