"""The users of the pages: a file with a name, a role and a scrypt hash on each line."""

import base64
import enum
import fcntl
import hashlib
import hmac
import os
import re
import secrets
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ...errors import ConfigError
from ...process.files import replacing

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
"""The form of a user's name, which is in cookies, the log and the ledger."""
_MOST_BYTES = 1 << 20
"""The largest file in bytes: some ten thousand users."""
_MOST_MEMORY = 1 << 27
"""The most bytes of memory that one hash may need."""


class Role(enum.Enum):
    """What a user may do."""

    VIEWER = "viewer"
    """Look at all pages."""
    OPERATOR = "operator"
    """Also run, pause and reset jobs, if the pages are writable."""


class User(NamedTuple):
    """A user who is logged in."""

    name: str
    role: Role


class Password(NamedTuple):
    """A scrypt hash of a password, and its parameters."""

    cost: int
    """The logarithm of scrypt's N to the base of 2."""
    block: int
    parallel: int
    salt: bytes
    digest: bytes

    @classmethod
    def of(cls, password: str, cost: int = 15, block: int = 8, parallel: int = 3) -> "Password":
        """Hash *password*: by default with 32 MB and some tenths of a second."""
        made = cls(cost, block, parallel, secrets.token_bytes(16), b"")
        return made._replace(digest=made._hash(password))

    @classmethod
    def parse(cls, text: str) -> "Password":
        """Read what ``str`` made. Raises ValueError."""
        kind, *numbers, salt, digest = text.split("$")
        cost, block, parallel = (int(each) for each in numbers)
        made = cls(cost, block, parallel, *(_decoded(each) for each in (salt, digest)))
        sane = 1 <= cost <= 24 and 1 <= block <= 64 and 1 <= parallel <= 64
        if kind != "scrypt" or not sane or made._memory > _MOST_MEMORY or len(made.digest) < 16:
            raise ValueError("it is no hash of ours")
        return made

    def __str__(self) -> str:
        salt, digest = (base64.b64encode(each).decode() for each in (self.salt, self.digest))
        return f"scrypt${self.cost}${self.block}${self.parallel}${salt}${digest}"

    def fits(self, password: str) -> bool:
        """Whether this is the password; a wrong one takes the same time."""
        return hmac.compare_digest(self._hash(password), self.digest)

    @property
    def work(self) -> int:
        """How much a check costs, for comparison."""
        return (self.block * self.parallel) << self.cost

    @property
    def _memory(self) -> int:
        return (128 * self.block) << self.cost

    def _hash(self, password: str) -> bytes:
        return hashlib.scrypt(
            unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass"),
            salt=self.salt,
            n=1 << self.cost,
            r=self.block,
            p=self.parallel,
            maxmem=2 * self._memory + (1 << 20),
            dklen=32,
        )


_NONE = Password(15, 8, 3, bytes(16), bytes(32))
"""A hash that no password has."""


class Entry(NamedTuple):
    """A line of the file."""

    user: User
    password: Password

    @property
    def key(self) -> bytes:
        """The key that signs the user's sessions, which changes with role and password."""
        return hashlib.sha256(f"{self}".encode()).digest()

    def __str__(self) -> str:
        return f"{self.user.name}:{self.user.role.value}:{self.password}"


def parse_entry(line: str) -> Entry:
    """Read a line of the file. Raises ValueError."""
    name, role, password = line.split(":")
    if not NAME.fullmatch(name):
        raise ValueError("it is no name")
    return Entry(User(name, Role(role)), Password.parse(password))


class UsersFile:
    """The file of users, which is read again when it has changed."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._seen: tuple[int, ...] = ()
        self._entries: Mapping[str, Entry] = {}

    def entries(self) -> Mapping[str, Entry]:
        """The users by name.

        Raises `ConfigError` for a file that cannot be read, or that others may write.
        """
        try:
            with self._opened() as descriptor:
                found = os.fstat(descriptor)
                seen = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
                self._check(found)
                if seen != self._seen:
                    text = os.read(descriptor, _MOST_BYTES + 1).decode("utf-8", "replace")
                    self._entries, self._seen = self._parsed(text), seen
        except OSError as error:
            raise ConfigError(
                f"cannot read the users in {self.path}: {error.strerror}; --add-user=NAME makes one"
            ) from None
        return self._entries

    def check(self, name: str, password: str) -> User | None:
        """The user, if this is the password. It takes as long if there is no such user."""
        entries = self.entries()
        entry = entries.get(name)
        passwords = [each.password for each in entries.values()] or [_NONE]
        costliest = max(passwords, key=lambda each: each.work)
        right = (entry.password if entry else costliest).fits(password)
        return entry.user if entry and right else None

    def put(self, name: str, role: Role | None, password: Password) -> Entry:
        """Write a user to the file, which is created if it is missing; return the line.

        Without *role* a user keeps the role that it has, and a new one is a viewer. Only the
        file's owner can read it. Raises `ConfigError`, as `entries` does.
        """
        path = self.path.resolve()
        try:
            with _alone(path.parent):
                lines = path.read_text("utf-8").splitlines() if path.exists() else []
                before = self.entries().get(name) if lines else None
                kept = before.user.role if before else Role.VIEWER
                entry = Entry(User(name, role or kept), password)
                lines = [each for each in lines if each.partition(":")[0] != name]
                _replace(path, "\n".join([*lines, str(entry), ""]))
        except OSError as error:
            raise ConfigError(f"cannot write the users to {path}: {error.strerror}") from None
        return entry

    @contextmanager
    def _opened(self) -> Iterator[int]:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{self.path} is not a file of users")
        if found.st_uid not in {0, os.geteuid()}:
            raise ConfigError(
                f"the users in {self.path} are another user's, who could let anyone in: run "
                f"chown {os.geteuid()} {self.path}"
            )
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigError(
                f"others may write to the users in {self.path} (mode "
                f"{stat.S_IMODE(found.st_mode):o}): run chmod go-w {self.path}"
            )

    def _parsed(self, text: str) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        if len(text) > _MOST_BYTES:
            raise ConfigError(f"{self.path} is too large for a file of users")
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            try:
                entry = parse_entry(line.strip())
            except ValueError:  # the line stays out of the message: it is half a secret
                raise ConfigError(
                    f"{self.path}, line {number}: this is not name:role:scrypt$…, as "
                    "--add-user=NAME:ROLE writes it"
                ) from None
            if entry.user.name in entries:
                raise ConfigError(
                    f"{self.path}, line {number}: {entry.user.name} is there twice: take one out"
                )
            entries[entry.user.name] = entry
        return entries


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """A lock, for which others who write here wait."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    """Atomically write a file that only its owner can read."""
    with replacing(path) as file:
        if path.exists() and os.geteuid() == 0:  # the server's user must still be able to read it
            found = path.stat()
            os.fchown(file.fileno(), found.st_uid, found.st_gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
