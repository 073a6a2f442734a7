"""Writes options, with their values and docs, as the text of an ini file.

An option that has not been set is written as a comment. So is a secret, even if it has been
set: anyone may see the text. Read again, the text gives the same values, except secrets.
"""

import re
from collections.abc import Iterator
from typing import Any

import configobj

from .messages import header
from .show import MASK, Options, Texts, follows, is_secret, text_of

_PLAIN = re.compile(r"""[^\s'"#,](?:[^'"#,\n]*[^\s'"#,])?""")


def to_ini(options: Options, texts: Texts) -> str:
    """The ini file, without the options of ``admin``, which are for the command line."""
    tree: dict[str, Any] = {}
    for name, option in sorted(options.items()):
        *sections, last = name.split(".")
        section = tree
        for key in sections:
            section = section.setdefault(key, {})
        section[last] = (name, option)
    tree.pop("admin", None)
    lines = [*_section(tree, 0, texts)]
    if "job" not in tree:
        from .jobdump import example

        lines += example()
    return "\n".join(lines)


def quoted(text: str) -> str:
    """The text as a value of an ini file, in quotes only if it needs them."""
    if _PLAIN.fullmatch(text):
        return text
    if "\n" in text or ("'" in text and '"' in text):
        quote = '"""' if "'''" in text else "'''"
    else:
        quote = '"' if "'" in text else "'"
    return f"{quote}{text}{quote}"


def _section(section: dict[str, Any], depth: int, texts: Texts) -> Iterator[str]:
    indent = "    " * depth
    followers: dict[str, list[str]] = {}
    for key, entry in section.items():
        if isinstance(entry, dict):
            continue
        name, option = entry
        if follows(name, option, texts):
            followers.setdefault(option.reference_value_from, []).append(key)
        else:
            yield from (indent + line for line in _option(name, option, texts))
            yield ""
    for reference, keys in followers.items():
        yield f"{indent}# as in {header(reference)} unless set here: {', '.join(keys)}"
        yield ""
    for key in sorted(section, key=lambda key: (key != "resource", key)):
        if isinstance(section[key], dict):
            yield indent + "[" * (depth + 1) + key + "]" * (depth + 1)
            yield from _section(section[key], depth + 1, texts)


def _option(name: str, option: Any, texts: Texts) -> Iterator[str]:
    for line in (option.doc or "").splitlines():
        yield f"# {line}".rstrip()
    key = name.rpartition(".")[2]
    if is_secret(name, option):
        yield "# (secret: a dump never shows it)"
        yield f"#{key}={MASK}"
        return
    text = text_of(name, option, texts)
    assignment = f"{key}={quoted(text)}"
    if name in texts and _reads_back(assignment, text):
        yield assignment  # in one piece: indenting each line would change the text
        return
    if name in texts or "\r" in text:
        yield "# (no ini file can hold this value)"
    first, *others = assignment.replace("\r", " ").split("\n")
    yield f"#{first}"
    # with a blank, so that no line of a text becomes an #+include
    yield from (f"# {line}" for line in others)


def _reads_back(assignment: str, text: str) -> bool:
    """Whether a file with this line gives this text when it is read, which some do not."""
    try:
        assignment.encode()
        (value,) = configobj.ConfigObj(assignment.split("\n")).values()
    except Exception:  # noqa: BLE001  odd texts make configobj raise odd things
        return False
    return bool(value == text) and "\r" not in text and "+include" not in text
