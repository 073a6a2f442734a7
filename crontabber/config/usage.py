"""What ``--help`` prints, and the lines in which a configuration is logged."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..errors import UnknownJobError
from .commandoption import CommandOption
from .commands import COMMANDS, GROUPS, SHORTER, modifiers, verbs
from .messages import did_you_mean
from .options import APP_SECTION
from .show import Options, Texts, follows, shown
from .sources import Sources

SETTINGS = "settings"
OPTIONS = "options"
"""What ``--help=`` may be asked for, besides a job."""
WIDTH = 80
"""Columns: as many as a terminal has at least."""
_DOC = 33
"""The column where the words about an option begin."""
_MANY = 3
"""An option that modifies more verbs than this has a line of its own."""
_USAGE = """\
usage: crontabber --admin.conf=FILE [OPTIONS] [--SETTING=VALUE ...]
Without options it runs the jobs that are due; have cron start it every minute."""
_MORE = """\
CRONTABBER_CONF may name FILE instead. --admin.dump_conf=FILE writes a new one.
More: --help=settings, --help=options, --help=NAME of a job, man crontabber"""
SETTINGS_SHORT = "; ".join(f"--{each} is short for --{SHORTER[each][0]}" for each in SHORTER)
"""Which settings have a shorter name."""
_PLACEHOLDERS = {
    "conf": "FILE",
    "dump_conf": "FILE",
    "print_conf": "ini|json",
    "from": "TIME",
    "seconds": "SECONDS",
    "some_seconds": "SECONDS",
    "hours": "HOURS",
    "port": "PORT",
    "lateness": "LENGTH",
    "timezone": "ZONE",
    "log_level": "LEVEL",
    "line_format": "LINE",
    "names_text": "FUNCTIONS",
    "yes_or_no": "yes|no",
    "boolean_converter": "yes|no",
}
"""What stands for the value of a setting, by the end of its name or by its converter."""


def to_help() -> str:
    """The usage: every option, grouped, on one screen."""
    lines = _USAGE.splitlines()
    for group, (title, example) in GROUPS.items():
        lines += ["", f"{title}, for example: crontabber {example}"]
        for option in verbs(group):
            lines += _verb(option)
        lines += [line for option in _shared(group) for line in _beside(option.written, option.doc)]
    return "\n".join([*lines, "", *_MORE.splitlines()])


def to_options_help() -> str:
    """Every option, and its whole description."""
    blocks = [_USAGE]
    for group, (title, example) in GROUPS.items():
        blocks.append(f"{title}, for example: crontabber {example}")
        for option in in_order(group):
            text = sentences(option, plain=True)
            blocks.append(f"  {_written(option)}\n{textwrap.indent(_wrapped(text, 6), ' ' * 6)}")
    return "\n\n".join(blocks)


def to_topic(topic: str, options: Options, texts: Texts, classes: Mapping[str, type]) -> str:
    """What ``--help=TOPIC`` prints: the settings, or the options of one of the *classes*.

    Raises `UnknownJobError`.
    """
    if topic == SETTINGS:
        return _to_settings_help(options, texts)
    app_names = {path: str(getattr(cls, "app_name", "")) for path, cls in classes.items()}
    for path, app_name in app_names.items():
        if topic in (path, app_name):
            return _to_job_help(app_name, path, options, texts)
    guess = did_you_mean(topic, [SETTINGS, OPTIONS, *app_names, *app_names.values()])
    raise UnknownJobError(f"there is no help topic and no job {topic!r}{guess}")


def _to_settings_help(options: Options, texts: Texts) -> str:
    """Every setting with its doc and value; those of jobs are asked for job by job."""
    own = [name for name in options if not name.startswith(APP_SECTION)]
    own = [name for name in own if not follows(name, options[name], texts)]
    admin = [name for name in own if name.startswith("admin.")]
    settings = sorted(name for name in own if name not in admin)
    return "\n".join(
        [
            "Settings for the command line:",
            "",
            *_entries(admin, options, None),
            "Settings for the file, the environment or the command line:",
            "",
            *_entries(settings, options, texts),
            *(f"--{short} is short for --{name}." for short, (name, _) in SHORTER.items()),
            "The options of a job: crontabber --help=NAME",
        ]
    )


def _to_job_help(app_name: str, class_path: str, options: Options, texts: Texts) -> str:
    """The options of one job with their docs and values, and what its section may say."""
    is_section = "." not in class_path
    beginning = f"{APP_SECTION}{class_path.rpartition('.')[2]}."
    own = [name for name in options if name.startswith(beginning) and not is_section]
    shown_ones = [name for name in own if not follows(name, options[name], texts)]
    followed = sorted({options[name].reference_value_from for name in set(own) - {*shown_ones}})
    lines = [f"Options of {app_name} ({class_path}):", "", *_entries(shown_ones, options, texts)]
    if not own:
        lines = [] if is_section else [f"{app_name} ({class_path}) has no options of its own.", ""]
    if followed:
        lines += [f"It also has those of {', '.join(followed)}: see --help=settings.", ""]
    return "\n".join([*lines, *_section(app_name, options, texts)]).rstrip()


def _section(app_name: str, options: Options, texts: Texts) -> Iterator[str]:
    """What the section of a job says, and what it may say."""
    from .joboptions import COMMAND_OPTIONS, JOB_OPTIONS

    begins = f"job.{app_name}."
    said = {name.removeprefix(begins): name for name in options if name.startswith(begins)}
    known = {**COMMAND_OPTIONS, **JOB_OPTIONS} if "command" in said else JOB_OPTIONS
    yield f"In its section, [job] [[{app_name}]]:"
    yield ""
    for key in [*said, *(key for key in known if key not in said)]:
        example = f"={known[key].example}" if key in known else ""
        yield f"  {key}{example}"
        doc = known[key].doc if key in known else options[said[key]].doc or ""
        yield textwrap.indent(_wrapped(" ".join(doc.split()), 6), " " * 6)
        if key in said:
            yield f"      (is: {_cut(shown(said[key], options[said[key]], texts))})"
        yield ""


def to_lines(options: Options, sources: Sources) -> Iterator[str]:
    """``name: value (from where)`` for each option; secrets are masked."""
    for name, option in sorted(options.items()):
        if not follows(name, option, sources.texts):
            origin = sources.origins.get(name, "its default")
            yield f"{name}: {shown(name, option, sources.texts)} (from {origin})"


def sentences(option: CommandOption, *, plain: bool = False) -> str:
    """The whole description of an option, as sentences; in Markdown, or *plain*."""
    doc = f"{option.doc[:1].upper()}{option.doc[1:]}."
    if option.of:
        *most, last = (f"`--{verb}`" for verb in option.of)
        listed = f"{', '.join(most)} or {last}" if most else last
        doc = f"With {listed}: {option.doc}."
    text = f"{doc} {option.more}".strip()
    if plain:
        text = re.sub(r"(?:; see|See) \[[^]]*\]\([^)]*\)\.", ".", text).replace(" .", "")
        text = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", text).replace("`", "")
    return text


def in_order(group: str) -> Iterator[CommandOption]:
    """The options of a group, each verb followed by its modifiers."""
    said = set()
    for verb in verbs(group):
        for option in (verb, *modifiers(verb.name)):
            if option.group == group and option.name not in said:
                said.add(option.name)
                yield option


def placeholder(name: str, option: Any) -> str:
    """What stands for the value of a setting; nothing for a flag of the command."""
    last = name.rpartition(".")[2]
    converter = getattr(option.from_string_converter, "__name__", "")
    known = _PLACEHOLDERS.get(last) or _PLACEHOLDERS.get(converter)
    return known or last.rpartition("_")[2].upper()


def _shared(group: str) -> Iterator[CommandOption]:
    return (option for option in COMMANDS if option.group == group and len(option.of) > _MANY)


def _verb(verb: CommandOption) -> Iterator[str]:
    """What to type on the left, and what it does on the right; on two lines if necessary."""
    parts = [f"[{_written(each)}]" for each in modifiers(verb.name) if len(each.of) <= _MANY]
    left = " ".join([_written(verb), *parts])
    if len(left) + 4 <= _DOC or len(left) + 4 + len(verb.doc) <= WIDTH:
        yield from _beside(left, verb.doc)
        return
    yield from _beside(_written(verb), verb.doc)
    rest = " ".join(parts)
    yield from textwrap.wrap(
        rest, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6, break_on_hyphens=False
    )


def _beside(left: str, doc: str) -> Iterator[str]:
    yield f"  {left:{_DOC - 4}}  {doc}" if len(left) + 4 <= _DOC else f"  {left}  {doc}"


def _written(option: CommandOption) -> str:
    return f"-{option.short}, {option.written}" if option.short else option.written


def _wrapped(text: str, indent: int) -> str:
    return textwrap.fill(text, WIDTH - indent, break_long_words=False, break_on_hyphens=False)


def _entries(names: Iterable[str], options: Options, texts: Texts | None) -> Iterator[str]:
    """The settings of these names; their values too if there are *texts*."""
    for name in names:
        option = options[name]
        yield f"  --{name}={placeholder(name, option)}"
        yield textwrap.indent(_wrapped(" ".join((option.doc or "").split()), 6), " " * 6)
        if texts is not None:
            yield f"      (is: {_cut(shown(name, option, texts))})"
        yield ""


def _cut(text: str) -> str:
    most = WIDTH - 6 - len("(is: )")
    return text if len(text) <= most else f"{text[: most - 1]}…"
