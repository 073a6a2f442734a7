"""Secrets that are too short or too common to be masked everywhere.

With ``test`` or the user's own name as a password, the log would be full of
asterisks, which would give it away. Such a secret is masked where it is given as
a secret: ``password=test``, ``'password': 'test'``, ``//user:test@host``, ``Basic dTp0ZXN0``.
"""

import re
from collections.abc import Collection, Iterable, Iterator

from . import SECRET_NAMES
from .forms import encoded_ends

_SHORT, SHORT_WORD, _FEW = 4, 6, 3
"""Characters; those of a word or a number; different ones."""

_COMMON = frozenset(
    """
    access account admin administrator application archive argument backup class client column
    command commit common config configuration connect connection cron crontab crontabber cursor
    customer database default delete development django domain email error example exception
    execute export failed failure false file function guest hello host hostname import index
    insert internal invalid job jobs library line local localhost login manager master memory
    message method migrate migration module monitor monitoring name network none null number
    object operational operator option options oracle owner package parameter passphrase
    password passwort path pgbouncer port postgres postgresql primary private process
    procrastinate production program project psql psycopg psycopg2 public python query raise
    readonly record release replica report reporter resource result return rollback root sandbox
    schema secret secrets section select sentry server service session setting settings socket
    source staging standard string subprocess success sudo superuser support syntax system table
    template test tester testing tests threading timeout token traceback transaction unknown
    update user username value values version warning webmaster worker write
    """.split()
)
"""Common words of logs and tracebacks that people also use as passwords."""

_NAMES = (*SECRET_NAMES, "pass", "pwd")
_ANCHORS = (*_NAMES, "--", "://", "basic")
"""How a place begins, in small letters."""
_END = r"""(?= [.:!?]? (?: [\s"',;&)\]}<>|\\] | $ ) )"""


def is_weak(secret: str, known: Collection[str], short: int = SHORT_WORD) -> bool:
    """Whether a text would be found, or guessed, where the text is not about the *secret*.

    *known* is what anyone may read, such as the user's name. A word or a number of fewer
    than *short* characters is weak.
    """
    word = secret.casefold()
    return (
        len(secret) < _SHORT
        or len(set(secret)) < _FEW
        or (len(secret) < short and (secret.isalpha() or secret.isdigit()))
        or word in _COMMON
        or any(word in each.casefold() for each in known)
    )


class Places:
    """Where *weak* secrets are given."""

    def __init__(self, weak: Iterable[str]) -> None:
        self._pattern = _pattern(sorted(weak, key=len, reverse=True))

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where in *text* there are secrets."""
        # The one capital letter that is longer in small letters; looking for words like this
        # takes a hundredth of the time that the pattern alone would.
        lower = text.replace("\u0130", "I").lower()
        for anchor in _ANCHORS:
            for begin, _ in occurrences(lower, anchor):
                if match := self._pattern.match(text, begin):
                    yield match.span(match.lastindex or 0)


def occurrences(text: str, part: str) -> Iterator[tuple[int, int]]:
    """Where *part* begins and ends in *text*, each time."""
    begin = text.find(part)
    while begin >= 0:
        yield begin, begin + len(part)
        begin = text.find(part, begin + 1)


def _pattern(weak: list[str]) -> "re.Pattern[str]":
    values = "|".join(map(re.escape, weak))
    ends = "|".join(re.escape(end) for secret in weak for end in encoded_ends(secret))
    name = "|".join(_NAMES)
    return re.compile(
        rf"""
        (?i: {name} ) [\w.-]*
        (?: ["'\])]* \s* [:=]+ >? | ["'] \s* , | > | \s (?= ["'] ) ) \s* (?: \w? ["'] )?
        ( {values} ) {_END}
        | -- [\w.-]* (?i: {name} ) [\w.-]* \s+ ( {values} ) {_END}
        | :// [^\s/:@]* : ( {values} ) (?= @ )
        | (?i: basic ) \s+ ( [A-Za-z0-9+/_-]* (?: {ends} ) ) (?! [A-Za-z0-9+/=_-] )
        """,
        re.VERBOSE,
    )
