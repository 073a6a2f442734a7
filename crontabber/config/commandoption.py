"""The description of an option of the command line."""

from typing import NamedTuple


class CommandOption(NamedTuple):
    """An option, what it is for, and how its value is written."""

    name: str
    group: str
    """A key of `GROUPS`."""
    value: str
    """What stands for its value; in brackets if it may be left out, empty for a flag."""
    doc: str
    """One line, without a full stop: what it does."""
    more: str = ""
    """Sentences in Markdown that follow: the rest, for the reference and the man page."""
    short: str | None = None
    of: tuple[str, ...] = ()
    """The options that it says more about; empty if it asks for something itself."""
    forms: tuple[str, ...] = ()
    """In which forms ``--format`` has it print; empty if there is no choice."""

    @property
    def written(self) -> str:
        """As people write it: ``--job=NAME``, ``--preview[=NAME]``, ``--force``."""
        return f"--{self.name}{self.attached}"

    @property
    def attached(self) -> str:
        """What follows the name: ``=NAME``, ``[=NAME]``, or nothing."""
        return f"[={self.value[1:]}" if self.is_optional else self.value and f"={self.value}"

    @property
    def is_optional(self) -> bool:
        """Whether its value may be left out."""
        return self.value.startswith("[")

    @property
    def placeholder(self) -> str:
        """What stands for its value, without brackets."""
        return self.value.strip("[]")
