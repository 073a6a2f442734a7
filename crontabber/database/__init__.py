"""CONNECT: psycopg2, libpq's parameters, and statements that a signal can end.

Others use `driver` (opens, resets and closes a connection, and knows which errors mean that it
is lost), `libpq` (where a connection goes, and which part of that is secret) and
`interruptible.InterruptibleConnection`. This room knows nothing of the two tables.
"""
