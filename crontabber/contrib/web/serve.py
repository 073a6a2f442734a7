"""``--serve``: the live pages on an address, until a signal ends them."""

import gc
import signal
import socket
from typing import TextIO

from ...config.command import Command
from ...errors import ConfigError
from ...generic_app import Answer, GenericApp

DEFAULT = "127.0.0.1:8008"
_GARBAGE = 50_000
"""After how many new objects garbage is collected: a look at 1,000 jobs makes 10,000."""


def serve(app: GenericApp, command: Command, stream: TextIO) -> Answer:
    """Serve the pages until SIGINT or SIGTERM; print their address on *stream*.

    Raises `ConfigError` for an address that cannot be used.
    """
    host, port = address_of(DEFAULT if command.serve is True else str(command.serve))
    try:
        import uvicorn

        from .app import guarded
        from .policy import Policy
    except ImportError as error:
        raise ConfigError(
            f"--serve needs {error.name}, which is not installed: pip install 'crontabber[web]'"
        ) from None
    from .source import Source, reading

    web = app.settings.web
    web = web._replace(writable=web.writable or command.serve_writable)
    policy, load = Policy.of(web, host), app.settings.again
    app.log()  # for errors, and for who acts
    app.store.close()
    with listening(host, port) as sock:
        config = uvicorn.Config(
            guarded(load, policy, Source(lambda: reading(load()))),
            root_path=web.prefix,
            proxy_headers=False,  # `Policy` knows which proxies are believed
            log_level="warning",
            lifespan="on",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        server = uvicorn.Server(config)
        for signum in (signal.SIGINT, signal.SIGTERM):  # also before uvicorn listens to them
            signal.signal(signum, lambda *_: setattr(server, "should_exit", True))
        stream.write(f"http://{_shown(*sock.getsockname()[:2])}/\n")
        stream.flush()
        _collect_garbage()
        server.run(sockets=[sock])
    return Answer("")


def _collect_garbage() -> None:
    """Set up garbage collection, which the command skips: this process lives for days."""
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    gc.enable()


def address_of(text: str) -> tuple[str, int]:
    """Host and port; raises `ConfigError`. A port alone is one of 127.0.0.1."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not (port.isascii() and port.isdecimal() and len(port) < 6 and int(port) < 65536):
        raise ConfigError(
            f"--serve={text[:60]} is not an address: write a host and a port, such as {DEFAULT}"
        )
    return host, int(port)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; raises `ConfigError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"--serve={_shown(host, port)} cannot be used: {error.strerror or error}; "
            "choose another port"
        ) from None


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
