"""Exceptions of jobs that fight back when they are looked at."""

from typing import Any


def _raise(*_: Any) -> Any:
    raise KeyboardInterrupt


class Mute(Exception):
    """Has no text."""

    __str__ = __repr__ = _raise


class Untouchable(Exception):
    """Has nothing at all."""

    __getattribute__ = __setattr__ = __str__ = __repr__ = __bool__ = __eq__ = _raise
    __hash__ = None  # type: ignore[assignment]


class Exits(BaseException):
    """Ends the process of those who look at it."""

    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(name)

    def __str__(self) -> str:
        raise SystemExit


class Falsy(Exception):
    """Is taken for nothing."""

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0


class Liar(Exception):
    """Its attributes are not what they seem."""

    __class__ = property(_raise)
    __traceback__ = args = __cause__ = __context__ = __notes__ = 5  # type: ignore[assignment]
    __suppress_context__ = property(_raise)
    with_traceback = 7  # type: ignore[assignment]
    name = lineno = msg = filename = text = property(_raise)


class Says(Exception):
    """Its text is of a class of its own."""

    def __str__(self) -> str:
        class Text(str):
            __slots__ = ()
            __str__ = __repr__ = __len__ = __add__ = replace = _raise
            split = encode = _raise  # type: ignore[assignment]
            __format__ = __eq__ = _raise
            __hash__ = None  # type: ignore[assignment]

        return Text("said")


class Dumb(Exception):
    """Its text is none."""

    def __str__(self) -> str:
        return 5  # type: ignore[return-value]  # noqa: PLE0307


class Meta(type):
    """Classes that cannot be looked at either."""

    __getattribute__ = _raise
    __repr__ = __str__ = __eq__ = _raise
    __hash__ = type.__hash__


class OfMeta(Exception, metaclass=Meta):
    """The exception of such a class."""


class Endless(Exception):
    """Its text never ends."""

    def __str__(self) -> str:
        return str(self)


class Syntax(SyntaxError):
    """Looks like what Python says of a file."""

    filename = lineno = offset = text = msg = property(_raise)


class Runtime(RuntimeError):
    """Of a kind that context managers look at more closely."""

    __setattr__ = __getattribute__ = _raise


def many() -> BaseException:
    """A group of exceptions, or one where there are no groups yet."""
    try:
        found: BaseException = BaseExceptionGroup(  # type: ignore[name-defined]
            "many", [Mute(), Untouchable(), KeyboardInterrupt()]
        )
    except NameError:
        return Mute()
    return found


def long() -> BaseException:
    """One with much to say."""
    return ValueError("x" * 5_000_000)


def chain() -> BaseException:
    """One with a long past, which ends where it began."""
    first = error = ValueError(0)
    for number in range(5000):
        error.__cause__ = ValueError(number)
        error = error.__cause__
    error.__cause__ = first
    return first


def caused() -> BaseException:
    """One that was caused by what cannot be looked at."""
    error = ValueError("outer")
    error.__cause__, error.__context__ = Untouchable(), Liar()
    return error


def noted() -> BaseException:
    """One whose notes are none."""
    error = ValueError("noted")
    error.__notes__ = [Mute(), b"\xff", 5]  # type: ignore[attr-defined]
    return error


FIGHTERS = {
    each.__name__: each
    for each in (
        Mute,
        Untouchable,
        Exits,
        Falsy,
        Liar,
        Says,
        Dumb,
        Endless,
        Syntax,
        Runtime,
        many,
        long,
        chain,
        caused,
        noted,
    )
} | {"OfMeta": OfMeta}
"""What makes them, by name."""
