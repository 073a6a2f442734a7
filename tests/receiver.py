"""A real HTTP server for what is told to others: it takes it, or is slow, refuses, hangs."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.support import TIMEOUT


class Request(NamedTuple):
    """One request that was made."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Receiver(ThreadingHTTPServer):
    """Remembers what it was sent, and answers with *status*; it hangs if that is 0."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 100

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.delay = 0.0
        self.answer_headers: dict[str, str] = {}
        self.requests: list[Request] = []
        self.let_go = threading.Event()
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def heard(self, request: Request) -> None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def wait(self, count: int) -> list[Request]:
        """Wait until so many requests were made."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, TIMEOUT)
            return [*self.requests]

    def __enter__(self) -> "Receiver":
        super().__enter__()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *args: Any) -> None:
        self.let_go.set()
        self.shutdown()
        self._thread.join()
        super().__exit__(*args)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.heard(Request(self.command, parts.path, query, headers, body))
        if self.server.let_go.wait(self.server.delay if self.server.status else TIMEOUT):
            return
        self.send_response(self.server.status)
        for name, value in self.server.answer_headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(b"OK")

    do_GET = do_POST  # noqa: N815  the name is given

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """A server that listens."""
    with Receiver() as server:
        yield server
