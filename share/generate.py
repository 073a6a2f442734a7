"""Writes what is made from the description of the options: reference, man page, completions.

``python share/generate.py`` writes the files; a test says whether they are up to date.
"""

# A script on its own, for those who change an option.
# ruff: noqa: INP001

import re
from pathlib import Path

from crontabber.config.commandline import CommandLine
from crontabber.config.commandoption import CommandOption
from crontabber.config.commands import GROUPS
from crontabber.config.completion import complete
from crontabber.config.usage import SETTINGS_SHORT, in_order, sentences

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference" / "command-line.md"
_BEGIN, _END = "<!-- options: made by share/generate.py -->\n", "<!-- end of options -->\n"


def files() -> dict[Path, str]:
    """What each file has to hold."""
    share = ROOT / "share"
    scripts = {
        share / "bash-completion/completions/crontabber": "bash",
        share / "zsh/site-functions/_crontabber": "zsh",
        share / "fish/vendor_completions.d/crontabber.fish": "fish",
    }
    nothing = CommandLine.parse([])
    made = {path: f"{complete(shell, nothing, {})}\n" for path, shell in scripts.items()}
    return {**made, share / "man/man1/crontabber.1": man_page(), REFERENCE: reference()}


def reference() -> str:
    """The page of the reference, with the tables of options made anew."""
    page = REFERENCE.read_text(encoding="utf-8")
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    tables = "\n".join(_table(group) for group in GROUPS)
    return f"{before}{_BEGIN}{tables}{_END}{after}"


def _table(group: str) -> str:
    title, example = GROUPS[group]
    rows = [f"| {_forms(option)} | {sentences(option)} |" for option in in_order(group)]
    lines = [f"## {title}", "", f"    crontabber {example}", "", "| option | |", "|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _forms(option: CommandOption) -> str:
    forms = [option.written]
    if option.short:
        blank = "" if option.is_optional or not option.value else " "
        forms.append(f"-{option.short}{blank}{option.attached.lstrip('=') if blank else ''}")
    return ", ".join(f"`{form}`" for form in forms)


def man_page() -> str:
    """The man page, in roff."""
    lines = [
        '.TH CRONTABBER 1 "" "crontabber" "User Commands"',
        ".SH NAME",
        r"crontabber \- runs jobs that are due, retries, backfills and remembers",
        ".SH SYNOPSIS",
        _SYNOPSIS,
        ".SH DESCRIPTION",
        _roff(_ABOUT),
    ]
    for group, (title, example) in GROUPS.items():
        lines += [f".SH {_roff(title.upper())}"]
        for option in in_order(group):
            lines += [".TP", _term(option), _roff(sentences(option, plain=True))]
        lines += [".PP", "Example:", ".PP", ".RS", f".B crontabber {_roff(example)}", ".RE"]
    for title, text in _MORE.items():
        lines += [f".SH {title}", _roff(text)]
    return "\n".join(lines) + "\n"


def _term(option: CommandOption) -> str:
    value = _roff(option.attached)
    if option.placeholder:
        value = value.replace(_roff(option.placeholder), rf"\fI{_roff(option.placeholder)}\fR")
    short = rf"\fB\-{option.short}\fR, " if option.short else ""
    return rf"{short}\fB\-\-{_roff(option.name)}\fR{value}"


def _roff(text: str) -> str:
    """*text* as roff takes it: nothing in it is an instruction, and each ``-`` stays one."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...").replace("'", r"\(aq")
    return re.sub(r"^\.", r"\\&.", text, flags=re.MULTILINE)


_SYNOPSIS = (
    r".B crontabber \-\-admin.conf=\fIFILE\fR [\fIOPTIONS\fR] "
    r"[\-\-\fISETTING\fR=\fIVALUE\fR ...]"
)
_ABOUT = (
    "Runs the jobs that are due, in the order of their dependencies, and records each run in "
    "PostgreSQL: let cron start it every minute or every few minutes. Jobs that failed are tried "
    "again; a backfill job gets every date that it missed, each once. All options but the settings "
    "are below."
)
_MORE = {
    "SETTINGS": (
        "Every setting of the configuration can also be given as --NAME=VALUE, with a dotted NAME "
        "such as --crontabber.timezone=Europe/Berlin. crontabber --help=settings lists them all. "
        f"{SETTINGS_SHORT}."
    ),
    "ENVIRONMENT": (
        "CRONTABBER_CONF names the configuration where --admin.conf does not. Dotted names, such "
        "as crontabber.jobs, are settings. NO_COLOR: no colours on a terminal. PYTHONPATH: where "
        "to look for the classes of jobs. libpq's variables, such as PGHOST, say where the "
        "database is, if the settings do not."
    ),
    "EXIT STATUS": (
        "0: all is well; a job that failed does not change this. 1: something has to be fixed; a "
        "line on stderr says what. 2: another crontabber was quicker. 3: a job is running "
        "elsewhere. With --configtest: the number of faults. With --nagios: that of a Nagios "
        "plugin. 128 and more: ended by a signal."
    ),
    "SEE ALSO": "crontab(5), cron(8)",
}


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
