"""The command line: what to do, and which settings it gives.

configman's own reader must know every option of every app class before it can read
anything, and takes a flag for "the opposite of what it is now". This one keeps the
dotted names that only classes can explain until the classes are asked for.
"""

import functools
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..errors import ConfigError
from .command import MODIFIERS, Command, field_of
from .commands import FORMS, KEPT, SHORTER
from .converters import yes_or_no
from .messages import did_you_mean
from .options import command_options, has_optional_value, setting_options

_FILES = frozenset({"admin.conf", "admin.dump_conf", "admin.print_conf"})


class CommandLine:
    """What was typed after ``crontabber``; its ``repr`` is empty, as it may hold secrets."""

    def __init__(
        self, command: Command, settings: Mapping[str, str], bare: Collection[str] = ()
    ) -> None:
        self.command = command
        self.settings = settings
        """The settings given, by dotted name; a flag's text is ``yes``."""
        self.bare = frozenset(bare)
        """Those of the settings that were given no value, as only a flag may be."""

    @classmethod
    def parse(cls, argv: Sequence[str]) -> "CommandLine":
        """Read the arguments, without the program's name.

        A long option may be cut short as long as it is unique. A ConfigError says
        which argument is not understood.
        """
        reader = _Reader(deque(argv))
        reader.read()
        verbs = {field_of(name): value for name, value in reader.verbs.items()}
        if verbs.get("serve_writable"):
            verbs.setdefault("serve", True)
        command = Command(**verbs)
        _check(command)
        return cls(command, reader.settings, reader.bare)


def _check(command: Command) -> None:
    """Check that options which belong together are together, and others are not."""
    verbs = [f"--{name.replace('_', '-')}" for name in command.verbs]
    if len(verbs) > 1 and not (command.version or command.help):
        raise ConfigError(f"give only one of {' and '.join(verbs[:2])}")
    told_to_run = command.force or command.run_at or command.run_in
    if command.nagios and command.job and told_to_run:
        raise ConfigError("--nagios --job=NAME only checks the job: leave out how to run it")
    _check_format(command)
    for name, option in MODIFIERS.items():
        is_alone = not any(getattr(command, field_of(verb)) for verb in option.of)
        if getattr(command, name) and is_alone and not (command.version or command.help):
            raise ConfigError(f"option --{option.name} goes with {_any_of(option.of)}")
    if bool(command.run_at) + bool(command.run_in) + command.force > 1:
        raise ConfigError("give only one of --run-at, --run-in and --force")


def _check_format(command: Command) -> None:
    if not command.format or command.version or command.help:
        return
    verb = next(iter(command.verbs), "").replace("_", "-")
    known = FORMS.get(verb, ())
    if not known:
        verbs = ", ".join(f"--{name}" for name in FORMS)
        raise ConfigError(f"option --format goes with {verbs}")
    if command.format not in known:
        guess = did_you_mean(command.format, known)
        raise ConfigError(
            f"--format={command.format} is not known to --{verb}: write {' or '.join(known)}{guess}"
        )


def _any_of(verbs: Sequence[str]) -> str:
    what = " or ".join(f"--{verb}" for verb in verbs)
    return f"{what}: give {'one of them' if len(verbs) > 1 else 'that'}, too"


@functools.cache
def _options() -> dict[str, Any]:
    """Every option that can be known without app classes, by its long name."""
    return {
        name: options[name]
        for options in (command_options(), setting_options())
        for name in options.keys_breadth_first()
    }


class _Reader:
    """Reads the words of a command line one after the other."""

    def __init__(self, words: deque[str]) -> None:
        self._words = words
        self.verbs: dict[str, Any] = {}
        self.settings: dict[str, str] = {}
        self.bare: set[str] = set()

    def read(self) -> None:
        while self._words:
            word = self._words.popleft()
            if word == "--" and not self._words:
                return
            if word.startswith("--") and word != "--":
                self._long(word[2:])
            elif word.startswith("-") and len(word) > 1 and word != "--":
                self._short(word[1:])
            else:
                word = self._words[0] if word == "--" else word
                raise ConfigError(f"unexpected argument {word!r}: {self._advice(word)}")

    def _advice(self, word: str) -> str:
        last = next(reversed(self.verbs), None)
        if last and self.verbs[last] is True and has_optional_value(_options()[last]):
            return f"write --{last}={word}, if that is meant"
        return "crontabber takes only options"

    def _long(self, word: str) -> None:
        name, given, text = word.partition("=")
        self._store(_full_name(name), text if given else None)

    def _short(self, letters: str) -> None:
        """One or more short options: ``-f``, ``-fl``, ``-j NAME``, ``-jNAME``."""
        while letters:
            letter, letters = letters[0], letters[1:]
            names = [name for name, option in _options().items() if option.short_form == letter]
            if not names:
                raise ConfigError(f"unknown option -{letter}; see crontabber --help")
            attached = None
            may_stand_alone = _is_flag(names[0]) or has_optional_value(_options()[names[0]])
            if letters.startswith("=") or (letters and not may_stand_alone):
                attached, letters = letters.removeprefix("="), ""
            self._store(names[0], attached)

    def _store(self, name: str, text: str | None) -> None:
        if text is None and name in _options() and has_optional_value(_options()[name]):
            self.verbs[name] = True  # the next word is not taken for its value
            return
        if text is None:
            text = self._value_of(name)
        is_command = "." not in name and name in command_options()
        if not text and (name in _FILES or is_command):
            raise ConfigError(f"option --{name} needs a value")
        if not is_command:
            self.settings[name] = text
        else:
            self.verbs[name] = _flag(name, text) if _is_flag(name) else text

    def _value_of(self, name: str) -> str:
        """The value of an option without an attached one: the next word, or that of a flag."""
        is_known = name in _options()
        if is_known and _is_flag(name):
            return "yes"
        if self._words and (is_known or not self._words[0].startswith("-")):
            return self._words.popleft()
        if is_known:
            raise ConfigError(f"option --{name} needs a value")
        self.bare.add(name)
        return "yes"


def _is_flag(name: str) -> bool:
    option = _options()[name]
    return isinstance(option.default, bool) and not has_optional_value(option)


def _flag(name: str, text: str) -> bool:
    try:
        return yes_or_no(text)
    except ValueError:
        raise ConfigError(f"option --{name} takes no value") from None


def _full_name(name: str) -> str:
    """The option that *name* means, which may be the beginning of its name."""
    name = SHORTER[name][0] if name in SHORTER else KEPT.get(name, name)
    if name in _options():
        return name
    candidates = [known for known in _options() if name and known.startswith(name)]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise ConfigError(f"option --{name} is not unique: {_listed(candidates)}")
    if "." not in name:
        raise ConfigError(f"unknown option --{name}{_nearest(name)}")
    return name  # it may be an option of the database class or of an app class


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"--{name}" for name in sorted(names))


def _nearest(name: str) -> str:
    known = (*_options(), *SHORTER)
    guess = name and did_you_mean(f"--{name}", [f"--{each}" for each in known])
    return guess or "; see crontabber --help"
