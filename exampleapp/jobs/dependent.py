"""A job that needs the work of others."""

from pathlib import Path

from crontabber.base import BaseCronApp


class Dependent(BaseCronApp):
    """Runs after ``plain`` and ``backfill``, wherever it is listed, and only if they went well."""

    app_name = "dependent"
    depends_on = ("plain", "backfill")

    def run(self):
        """Count what ``plain`` has written."""
        lines = Path("plain.log").read_text().splitlines()
        Path(f"{self.app_name}.log").write_text(f"plain ran {len(lines)} times\n")
