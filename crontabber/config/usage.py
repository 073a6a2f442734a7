"""What ``--help`` prints, and the lines in which a configuration is logged."""

from collections.abc import Iterable, Iterator
from typing import Any

from .options import command_options, has_optional_value
from .show import Options, Texts, follows, shown
from .sources import Sources

_USAGE = """\
usage: crontabber [OPTIONS]

Runs the jobs that are due. Let cron start it every few minutes.

options:"""
_SETTINGS = """\
settings, which may also stand in the configuration file or in the environment:"""
_EXAMPLES = """\
examples:
  crontabber --admin.dump_conf=crontabber.ini
  crontabber --admin.conf=crontabber.ini --configtest
  crontabber --admin.conf=crontabber.ini --list-jobs
  crontabber --admin.conf=crontabber.ini --job=my-first-app --force"""


def to_help(options: Options, texts: Texts) -> str:
    """The usage, every option with its doc and value, and examples."""
    own = {name: option for name, option in options.items() if not follows(name, option, texts)}
    admin = [name for name in own if name.startswith("admin.")]
    settings = sorted(name for name in own if name not in admin)
    return "\n".join(
        [
            _USAGE,
            *_entries(command_options(), command_options(), None),
            *_entries(admin, own, None),
            _SETTINGS,
            *_entries(settings, own, texts),
            _EXAMPLES,
        ]
    )


def to_lines(options: Options, sources: Sources) -> Iterator[str]:
    """``name: value (from where)`` for each option; secrets are masked."""
    for name, option in sorted(options.items()):
        if not follows(name, option, sources.texts):
            origin = sources.origins.get(name, "its default")
            yield f"{name}: {shown(name, option, sources.texts)} (from {origin})"


def _entries(names: Iterable[str], options: Options, texts: Texts | None) -> Iterator[str]:
    """The options of these names; their values too if there are *texts*."""
    for name in names:
        option = options[name]
        yield f"  {_written(name, option)}"
        yield f"      {' '.join((option.doc or '').split())}"
        if texts is not None:
            yield f"      (is: {_cut(shown(name, option, texts))})"
        yield ""


def _written(name: str, option: Any) -> str:
    value = "" if isinstance(option.default, bool) else "=VALUE"
    value = "[=VALUE]" if has_optional_value(option) else value
    short = f"-{option.short_form}, " if option.short_form else ""
    return f"{short}--{name}{value}"


def _cut(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:99]}…"
