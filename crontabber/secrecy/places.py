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
"""What is in the word before a secret, in small letters."""
_OTHERS = ("://", "basic")
"""How the other places begin."""
_WORD = re.compile(r"[\w.-]*")
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
    """Where *weak* secrets are given.

    Each word is looked at once: a line of ten thousand dashes must not take a minute.
    """

    def __init__(self, weak: Iterable[str]) -> None:
        sorted_weak = sorted(weak, key=len, reverse=True)
        values = "|".join(map(re.escape, sorted_weak))
        ends = "|".join(re.escape(end) for secret in sorted_weak for end in encoded_ends(secret))
        self._after_name = re.compile(
            rf"""
            (?: ["'\])]* \s* [:=]+ >? | ["'] \s* , | > | \s (?= ["'] ) ) \s* (?: \w? ["'] )?
            ( {values} ) {_END}
            """,
            re.VERBOSE,
        )
        self._after_option = re.compile(rf"\s+ ( {values} ) {_END}", re.VERBOSE)
        self._others = re.compile(
            rf"""
            :// [^\s/:@]* : ( {values} ) (?= @ )
            | (?i: basic ) \s+ ( [A-Za-z0-9+/_-]* (?: {ends} ) ) (?! [A-Za-z0-9+/=_-] )
            """,
            re.VERBOSE,
        )

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where in *text* there are secrets."""
        for match in self._matches(text):
            if match:
                yield match.span(match.lastindex or 0)

    def _matches(self, text: str) -> Iterator["re.Match[str] | None"]:
        # The one capital letter that is longer in small letters; looking for words like this
        # takes a hundredth of the time that patterns alone would.
        lower = text.replace("\u0130", "I").lower()
        for name in _NAMES:
            for _, end in _words(lower, name):
                yield self._after_name.match(text, end)
        for begin, end in _words(lower, "--"):
            if any(name in lower[begin:end] for name in _NAMES):
                yield self._after_option.match(text, end)
        for anchor in _OTHERS:
            for begin, _ in occurrences(lower, anchor):
                yield self._others.match(text, begin)


def _words(text: str, part: str) -> Iterator[tuple[int, int]]:
    """Where the words with *part* in them have it first, and where they end."""
    end = 0
    for begin, _ in occurrences(text, part):
        if begin >= end:
            end = _WORD.match(text, begin).end()  # type: ignore[union-attr]  # it always matches
            yield begin, end


def occurrences(text: str, part: str) -> Iterator[tuple[int, int]]:
    """Where *part* begins and ends in *text*, each time."""
    begin = text.find(part)
    while begin >= 0:
        yield begin, begin + len(part)
        begin = text.find(part, begin + 1)
