"""What only the command line can ask for: the one description of each option.

The parser, ``--help``, the shells' completions, the man page and the reference are all made
from it, so that none of them can drift from the others.
"""

from collections.abc import Iterator

from .commandoption import CommandOption
from .lookoptions import LOOK
from .steeroptions import RUN, STEER

GROUPS = {
    "run": ("Run", "--job=report --force"),
    "look": ("Look", "--explain=report"),
    "steer": ("Steer", "--retry=report"),
    "check": ("Check", "--configtest"),
}
"""The groups of options, in the order of the help: their titles, and an example for each."""

CHECK = (
    CommandOption(
        "nagios",
        "check",
        "",
        "one line on the health of the jobs, for Nagios",
        "See [Nagios](../monitoring.md#nagios). With `--job=NAME`: on this job. The exit status is"
        " that of a Nagios plugin.",
        short="n",
        forms=("text", "json"),
    ),
    CommandOption(
        "configtest",
        "check",
        "",
        "check the configuration and the jobs",
        "[It](../running.md#before-you-change-a-configuration) prints a line for each fault, with"
        " its place in the file. The exit status is the number of faults, without warnings.",
        forms=("text", "json"),
    ),
    CommandOption(
        "audit-ghosts",
        "check",
        "",
        "jobs in the database that are not configured",
        forms=("text", "json"),
    ),
    CommandOption(
        "sentrytest",
        "check",
        "",
        "send a test exception to Sentry",
        "Says whether it [arrived](../monitoring.md#sentry).",
    ),
    CommandOption(
        "notifytest",
        "check",
        "",
        "send a test message to all receivers",
        "Says whether it [arrived](../telling.md#messages).",
    ),
    CommandOption(
        "init",
        "check",
        "[DIR]",
        "write a configuration to begin with",
        "[A configuration](../howto/crontab.md#in-a-minute) and a module with a job are written"
        " here, or into DIR. Prints the line for crontab. Overwrites nothing.",
    ),
    CommandOption(
        "add-user",
        "check",
        "USER",
        "add a user of the pages; USER:operator may act",
        "Writes the file that `[web] users=FILE` names, and asks for"
        " [a password](../web.md#who-may-do-what), twice on a terminal; otherwise it is the first"
        " line of stdin. The role is `viewer` or `operator`; by default a user keeps the role that"
        " it has, or is a viewer.",
    ),
    CommandOption(
        "completion",
        "check",
        "SHELL",
        "a completion script for bash, zsh or fish",
        "It completes options and the names of jobs; see [completion](#completion).",
    ),
    CommandOption(
        "version",
        "check",
        "",
        "the version",
    ),
    CommandOption(
        "help",
        "check",
        "[TOPIC]",
        "help, on settings, on options, or on a job",
        "`--help=settings` lists all settings and their values, `--help=options` says more of each"
        " option, and `--help=NAME` lists the options of one job.",
        short="h",
    ),
)
"""In the order of the help."""

COMMANDS = (*RUN, *LOOK, *STEER, *CHECK)
"""Every option; the verbs of each group in the order of the help."""

FORMS = {option.name: option.forms for option in COMMANDS if option.forms}
"""The options that can print in several forms, and which."""

SHORTER = {
    "engine": ("crontabber.engine", "ENGINE"),
    "nagios-timeout": ("crontabber.nagios_timeout", "SECONDS"),
}
"""What a setting may be called for short, and what stands for its value."""

KEPT = {"list": "list-jobs"}
"""Short forms in the manual, although several options begin like that by now."""

WITH_ANY = frozenset({"version", "help"})
"""What may be combined with anything else, for people who are still learning."""


def verbs(group: str) -> Iterator[CommandOption]:
    """The options of a group that ask for something."""
    return (option for option in COMMANDS if option.group == group and not option.of)


def modifiers(verb: str) -> Iterator[CommandOption]:
    """The options that say more about *verb*."""
    return (option for option in COMMANDS if verb in option.of)
