"""A job that needs another one's work."""

from pathlib import Path

from crontabber.base import BaseCronApp


class Dependent(BaseCronApp):
    """Runs after ``plain``, wherever it is listed, and only if that went well."""

    app_name = "dependent"
    depends_on = ("plain",)

    def run(self):
        """Count what ``plain`` has written."""
        lines = Path("plain.log").read_text().splitlines()
        Path(f"{self.app_name}.log").write_text(f"plain ran {len(lines)} times\n")
