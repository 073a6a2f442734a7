"""Completion in shells: ``--completion=bash``, ``zsh`` and ``fish`` print a script for one.

The script knows the options. It asks the command for the names of jobs, which come from the
jobs list as it is written: it imports no job and asks no database.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ..errors import ConfigError, CrontabberError
from ..schedule.grammar import JobList
from .commandoption import CommandOption
from .commands import COMMANDS, SHORTER
from .options import setting_options
from .usage import OPTIONS, SETTINGS, placeholder

if TYPE_CHECKING:
    from .commandline import CommandLine

JOBS = "jobs"
"""What the scripts ask for: the names of jobs, one a line."""
_FILES = ("FILE", "DIR")
_WORDS = {
    "SHELL": "bash zsh fish",
    "TOPIC": f"{SETTINGS} {OPTIONS}",
    "FORM": "text json ics mermaid dot",
    "ini|json": "ini json",
    "yes|no": "yes no",
    "ENGINE": "procrastinate",
}
"""The possible values of options that are neither names nor files."""
_NAMES = ("NAME", "NAMES", "TOPIC")


def complete(kind: str, line: "CommandLine", environ: Mapping[str, str]) -> str:
    """The script for the shell *kind*, or the names of the jobs; raises `ConfigError`."""
    if kind == JOBS:
        return "\n".join(_job_names(line, environ))
    try:
        return {"bash": _bash, "zsh": _zsh, "fish": _fish}[kind]()
    except KeyError:
        raise ConfigError(
            f"there is no completion for {kind!r}: give --completion=bash, zsh or fish"
        ) from None


def _job_names(line: "CommandLine", environ: Mapping[str, str]) -> Iterator[str]:
    """The names in the jobs list; none if it cannot be read."""
    from .converters import jobs_text
    from .sources import Sources

    try:
        texts = Sources.collect(line, environ).texts
    except CrontabberError:
        return
    for job in JobList.parse(jobs_text(texts.get("crontabber.jobs", ""))).lines:
        yield job.class_path


def _settings() -> Iterator[CommandOption]:
    """The settings that can be known without app classes, as options."""
    for short, (name, value) in SHORTER.items():
        yield CommandOption(short, "", value, f"short for --{name}")
    options = setting_options()
    for name in options.keys_breadth_first():
        yield CommandOption(name, "", placeholder(name, options[name]), options[name].doc)


def _all() -> list[CommandOption]:
    return [*COMMANDS, *_settings()]


# Bash splits words at = unless COMP_WORDBREAKS says otherwise. No word is given to compgen -W,
# which would run a $(...) in it.
_BASH = """\
# Completion of crontabber in bash: eval "$(crontabber --completion=bash)" in ~/.bashrc
_crontabber() {
    local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} option= found=
    local options="%(options)s"
    COMPREPLY=()
    if [[ $word == = ]]; then
        option=$last word=
    elif [[ $last == = ]]; then
        option=${COMP_WORDS[COMP_CWORD-2]}
    elif [[ $word == --*=* ]]; then
        option=${word%%%%=*} word=${word#*=} found=$option=
    elif [[ $word != -* && " $options " == *" $last= "* && " $options " != *" $last "* ]]; then
        option=$last
    elif [[ $word != -* && $last == -[a-z] ]]; then
        option=$last
    fi
    case $option in
%(values)s
        -*) [[ " $options " == *" $option= "* ]] && return ;;
    esac
    _crontabber_offer $options
    if [[ ${#COMPREPLY[@]} -gt 0 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
}
_crontabber_offer() {
    local offered
    for offered in "$@"; do
        if [[ $offered == "$word"* ]]; then COMPREPLY+=("$found$(printf %%q "$offered")"); fi
    done
}
_crontabber_jobs() {
    local conf= names command=${COMP_WORDS[0]/#\\~/$HOME}
    if [[ $COMP_LINE =~ --admin\\.conf[\\ =]+([^\\ ]+) ]]; then
        conf=${BASH_REMATCH[1]/#\\~/$HOME}
    fi
    mapfile -t names < <("$command" ${conf:+"--admin.conf=$conf"} --completion=jobs 2>/dev/null)
    _crontabber_offer "${names[@]}"
}
_crontabber_files() {
    mapfile -t COMPREPLY < <(compgen -P "$found" -f -- "$word")
    compopt -o filenames
}
complete -F _crontabber crontabber"""


def _bash() -> str:
    values = []
    for action in dict.fromkeys(map(_bash_action, _all())):
        flags = _flags([each for each in _all() if _bash_action(each) == action])
        if action:
            values.append(f"        {'|'.join(flags)}) {action}; return ;;")
    options = " ".join(word for option in _all() for word in _typed(option))
    return _BASH % {"options": options, "values": "\n".join(values)}


def _bash_action(option: CommandOption) -> str:
    kind = option.placeholder
    if kind in _FILES:
        return "_crontabber_files"
    offers = [f"_crontabber_offer {_WORDS[kind].replace('|', ' ')}"] if kind in _WORDS else []
    return "; ".join([*offers, *(["_crontabber_jobs"] if kind in _NAMES else [])])


_ZSH = """\
#compdef crontabber
# Completion of crontabber in zsh: a file _crontabber in a directory of $fpath, or
# source <(crontabber --completion=zsh) in ~/.zshrc, after compinit
_crontabber_jobs() {
    local conf= command=${words[1]/#\\~/$HOME}
    if [[ "$words" =~ '--admin\\.conf[= ]+([^ ]+)' ]]; then conf=${match[1]/#\\~/$HOME}; fi
    compadd "$@" -- \\
        ${(f)"$($command ${conf:+--admin.conf=$conf} --completion=jobs 2>/dev/null)"}
}
_crontabber_topics() {
    compadd "$@" -- %(topics)s
    _crontabber_jobs "$@"
}
_crontabber() {
    _arguments -s \\
%(arguments)s
}
[[ $funcstack[1] != _crontabber ]] && compdef _crontabber crontabber || _crontabber "$@"
"""


def _zsh() -> str:
    arguments = " \\\n".join(f"        {_zsh_argument(each)}" for each in _all())
    return _ZSH % {"arguments": arguments, "topics": _WORDS["TOPIC"]}


def _zsh_argument(option: CommandOption) -> str:
    doc = re.sub(r"([\[\]:\\])", r"\\\1", option.doc)
    value = ""
    if option.value:
        value = f"{':' * (1 + option.is_optional)}{option.placeholder}:{_zsh_action(option)}"
    spec = _zsh_quoted(f"[{doc}]{value}")
    long = f"--{option.name}" + ("=-" if option.is_optional else "=" if option.value else "")
    if not option.short:
        return f"{_zsh_quoted(long)}{spec}"
    short = f"-{option.short}" + ("-" if option.is_optional else "+" if option.value else "")
    both = f"'(-{option.short} --{option.name})'"
    return f"{both}{{{_zsh_quoted(short)},{_zsh_quoted(long)}}}{spec}"


def _zsh_action(option: CommandOption) -> str:
    kind = option.placeholder
    if kind == "TOPIC":
        return "_crontabber_topics"
    if kind in _NAMES:
        return "_crontabber_jobs"
    if kind in _FILES:
        return "_files"
    return f"({_WORDS[kind]})" if kind in _WORDS else " "


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


_FISH = """\
# Completion of crontabber in fish: crontabber --completion=fish > \
~/.config/fish/completions/crontabber.fish
function __crontabber_jobs
    set -l words (commandline -opc | string replace -r -- '^~/' "$HOME/")
    set -l conf (string replace -rf -- '.*--admin\\.conf[= ]+(\\S+).*' '--admin.conf=$1' "$words" \\
        | string replace -- '=~/' "=$HOME/")
    $words[1] $conf --completion=jobs 2>/dev/null
end
complete -c crontabber -f
%(lines)s"""


def _fish() -> str:
    return _FISH % {"lines": "\n".join(map(_fish_line, _all()))}


def _fish_line(option: CommandOption) -> str:
    words = ["complete -c crontabber", f"-l {option.name}"]
    if option.short:
        words.append(f"-s {option.short}")
    kind = option.placeholder
    if option.value and not option.is_optional:
        words.append("-r")
    if kind in _FILES:
        words.append("-F")
    elif kind in _WORDS or kind in _NAMES:
        jobs = "(__crontabber_jobs)" if kind in _NAMES else ""
        words.append(f"-a '{' '.join(filter(None, [_WORDS.get(kind, ''), jobs]))}'")
    doc = option.doc.replace("\\", "\\\\").replace("'", "\\'")
    return " ".join([*words, f"-d '{doc}'"])


def _flags(options: list[CommandOption]) -> list[str]:
    """The options as they are typed without a value: ``--job``, ``-j``."""
    longs = [f"--{option.name}" for option in options]
    shorts = [f"-{each.short}" for each in options if each.short and not each.is_optional]
    return [*longs, *shorts]


def _typed(option: CommandOption) -> Iterator[str]:
    """What bash offers for an option: with ``=`` if a value has to, or may, follow."""
    if not option.value or option.is_optional:
        yield f"--{option.name}"
    if option.value:
        yield f"--{option.name}="
