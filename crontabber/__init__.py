"""crontabber: a cron runner that retries, backfills and remembers."""

__version__ = "1.0.0.dev0"
