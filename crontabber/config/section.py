"""The section of one job, ``[job] [[NAME]]``, to the class that runs for it."""

# pathlib would be several milliseconds of a tick
# ruff: noqa: PTH111, PTH118

import inspect
import os
import types
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..errors import ConfigError, JobLineError, JobLineErrors
from ..process.command_app import CommandOptions, command_app
from ..process.contained import Contained
from .inifile import ListText
from .joboptions import COMMAND_OPTIONS, JOB_OPTIONS, no_option
from .messages import job_header, said_by
from .options import JOB, WHAT_TO_RUN
from .sources import Sources

Texts = Mapping[str, str]
Refused = Callable[[str], JobLineError]
"""Makes an error about an option, given the reason."""

_MOST_SHOWN = 200
_NOT_SHOWN = frozenset({"command", "environment", "ping", "notify"})
"""Options whose text is long, or may hold a password."""


def made(sources: Sources, name: str, texts: Texts, load: Callable[[str], type]) -> type:
    """The class of a job that its section defines; *load* imports a class.

    Raises `JobLineError`, also as `JobLineErrors`.
    """
    given = [key for key in WHAT_TO_RUN if key in texts]
    if len(given) != 1:
        says, advice = "neither command= nor class=", "add the one that it runs"
        if given:
            says, advice = "both command= and class=", "take one of them out"
        where = sources.where_job(name, next(iter(texts)))
        raise JobLineError(f"the section {job_header(name)} (from {where}) says {says}: {advice}")
    if given == ["command"]:
        return _command(sources, name, texts)
    values = _values(sources, name, texts, others=True)
    cls = load(texts["class"].strip())
    return _with(cls, {**values, "app_name": name}, partial(_refused, sources, name, "backfill"))


def changed(sources: Sources, name: str, texts: Texts, cls: type) -> type:
    """A class that the jobs list names itself, with what a section says of it."""
    if any(key in texts for key in WHAT_TO_RUN):
        where = sources.where_job(name, next(iter(texts)))
        raise JobLineError(
            f"the section {job_header(name)} (from {where}) says what to run, and so does the "
            f"line: have the line name {name}, or take that out of the section"
        )
    values = _values(sources, name, texts)
    return _with(cls, values, partial(_refused, sources, name, "backfill"))


def _command(sources: Sources, name: str, texts: Texts) -> type:
    values = _values(sources, name, texts, commands=True)
    ours = {*COMMAND_OPTIONS, "keep_output"}  # a command keeps its output itself
    options = CommandOptions(**{key: values.pop(key) for key in values.keys() & ours})
    return _with(command_app(name, options, backfill=values.pop("is_backfill", False)), values)


def _values(
    sources: Sources, name: str, texts: Texts, *, commands: bool = False, others: bool = False
) -> dict[str, Any]:
    """The options of a section as attributes of a class; those of *commands* as they are.

    With *others*, other options are ignored: they may belong to the class.
    """
    known = {**JOB_OPTIONS, **COMMAND_OPTIONS} if commands else JOB_OPTIONS
    values: dict[str, Any] = {}
    faults: list[JobLineError] = []
    for key, text in texts.items():
        option = known.get(key)
        if option is None:
            if not others:
                hint = "" if commands else ": those of a class are in [crontabber] [[class-NAME]]"
                full = f"{JOB}{name}.{key}"
                faults.append(no_option(full, sources.where(full), known, what_else=hint))
            continue
        try:
            if isinstance(text, ListText) and not option.is_list:
                raise ValueError("it has a comma: put the whole of it in quotes, such as '''…'''")
            value = option.read(text)
            values[option.attribute or key] = _path(sources, value) if option.is_path else value
        except (ValueError, ConfigError) as error:
            faults.append(_refused(sources, name, key, str(error), text))
    if faults:
        raise JobLineErrors(faults)
    return values


def _refused(sources: Sources, name: str, key: str, reason: str, text: str = "") -> JobLineError:
    shown = f" {text[:_MOST_SHOWN]!r}" if text and key not in _NOT_SHOWN else ""
    full = f"{JOB}{name}.{key}"
    where = sources.where(full)
    return JobLineError(f"option {full}{shown} (from {where}) cannot be used: {reason}")


def _path(sources: Sources, text: str) -> str:
    return os.path.join(sources.directory, os.path.expanduser(text))


def _with(cls: type, attributes: Mapping[str, Any], refused: Refused | None = None) -> type:
    """*cls* with these attributes: a class of the same name, so that *cls* may make other jobs.

    The error that *refused* makes is raised if ``run`` does not match ``backfill``.
    """

    def fill(namespace: dict[str, Any]) -> None:
        namespace.update(attributes, __module__=cls.__module__, __doc__=cls.__doc__)
        namespace["__qualname__"] = cls.__qualname__

    try:
        with Contained():
            made = types.new_class(cls.__name__, (cls,), {}, fill)
    except Exception as error:  # the code of others
        what = said_by(error)
        raise JobLineError(f"no class can be derived from {cls.__name__}: {what}") from error
    is_backfill = bool(getattr(made, "is_backfill", False))
    if refused and is_backfill != bool(getattr(cls, "is_backfill", False)):
        _check_dates(made, refused, is_backfill=is_backfill)
    return made


def _check_dates(cls: Any, refused: Refused, *, is_backfill: bool) -> None:
    """Check that ``run`` takes a date if it gets one, and none otherwise."""
    connections = getattr(cls, "_connection_arguments", ())
    arguments = [None] * (1 + len(connections) + is_backfill)
    try:
        inspect.signature(cls.run).bind(*arguments)
    except TypeError:
        date = "no date, and would be given one" if is_backfill else "a date, and would get none"
        raise refused(f"run() of {cls.__name__} takes {date}") from None
    except (AttributeError, ValueError):
        return  # an app with a main of its own needs no run, or nothing is known
