"""CONNECT: psycopg2, libpq's parameters, and queries that a signal can end."""
