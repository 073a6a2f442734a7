"""LOG: where log records go: to stderr, and to syslog if that is configured.

Others use `setup.configure`. To log, a module needs nothing of this room: it uses the logger
``crontabber`` of the standard library.
"""
