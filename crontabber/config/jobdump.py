"""The sections of jobs as a dump of the configuration shows them; and an example of one."""

from collections.abc import Iterator, Mapping

from . import compat  # noqa: F401  configman cannot be imported before
from .joboptions import COMMAND_OPTIONS, JOB_OPTIONS
from .secrets import URLS_OF_JOBS, variables, within

from configman.option import Option

_CLASS = "the class that it runs, in place of a command; its own options stand here too"
_EXAMPLE = "fetch"


def options_of(section: Mapping[str, str]) -> Iterator[tuple[str, Option]]:
    """The options of a section, in configman's form, without those of its class."""
    known = JOB_OPTIONS if "class" in section else {**JOB_OPTIONS, **COMMAND_OPTIONS}
    for key, text in section.items():
        doc = known[key].doc if key in known else "an option of the class"
        secret = key == "environment" and any(variables(text))
        secret = secret or (key == "command" and any(within(text))) or key in URLS_OF_JOBS
        option = Option(key, default=str(text), doc=_CLASS if key == "class" else doc)
        option.secret = secret
        yield key, option


def example() -> Iterator[str]:
    """The section of a job with all options that it may have, as comments."""
    yield f"# a job without Python, which the jobs list names: {_EXAMPLE}|5m"
    yield "#[job]"
    yield f"    #[[{_EXAMPLE}]]"
    for key, option in {**COMMAND_OPTIONS, **JOB_OPTIONS}.items():
        example = option.example
        yield f"        # {option.doc}"
        yield f"        #{key}={example if ',' not in example else repr(example)}"
        yield ""
    yield f"        # {_CLASS}"
    yield "        #class=package.module.Class"
