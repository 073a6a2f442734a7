"""WHEN: values in, values out; nothing here reads a clock, a database, a log or the environment."""
