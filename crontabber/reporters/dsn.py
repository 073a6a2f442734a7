"""A Sentry DSN: where errors are sent, and with which key."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from ..errors import ConfigError
from ..secrecy.redactor import Redactor


@dataclass(frozen=True, slots=True)
class Dsn:
    """``https://KEY@HOST/PROJECT``, as Sentry shows it; its text form leaves the key out."""

    url: str = field(repr=False)
    """What Sentry's own clients get: with the key, and without our options."""
    secrets: tuple[str, ...] = field(repr=False)
    """The parts of it that must not be shown."""
    address: str
    """Host, and port if there is one."""
    project: str
    verify: bool = True
    """Whether the server's certificate is checked; ``?verify_ssl=0`` at the end says no."""
    ca_certs: str | None = None
    """A file of certificates to trust; ``?ca_certs=FILE`` at the end names it."""

    @classmethod
    def parse(cls, text: str) -> "Dsn":
        """Read a DSN; a `ConfigError` says what is wrong, without the key.

        raven's names for transports (``threaded+https``) are read as what follows
        the plus sign.
        """
        try:
            url = urlsplit(text.strip())
            port = f":{url.port}" if url.port else ""
        except ValueError:
            raise _refused("its host or port cannot be read") from None
        scheme = url.scheme.rpartition("+")[2]
        path, _, project = url.path.rpartition("/")
        if scheme not in ("http", "https"):
            raise _refused("it does not begin with https:// or http://")
        if not url.username:
            raise _refused("it has no key before the host")
        if not url.hostname:
            raise _refused("it has no host")
        if not (project.isascii() and project.isdigit()):
            raise _refused("it does not end with the number of a project")
        options = {name: values[-1] for name, values in parse_qs(url.query).items()}
        host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
        login = url.netloc.rpartition("@")[0]
        return cls(
            url=f"{scheme}://{login}@{host}{port}{path}/{project}",
            secrets=tuple(filter(None, (url.password, url.username))),
            address=host + port,
            project=project,
            verify=options.get("verify_ssl") != "0",
            ca_certs=options.get("ca_certs"),
        )

    def masked(self, text: str) -> str:
        """*text* without the key."""
        return Redactor(frozenset(self.secrets))(text)

    def __str__(self) -> str:
        return f"{self.address}, project {self.project}"


def _refused(what: str) -> ConfigError:
    return ConfigError(f"sentry.dsn cannot be used: {what}; write it as https://KEY@HOST/PROJECT")
