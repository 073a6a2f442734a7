"""A line to PostgreSQL that can fall silent, as that to a server whose machine hangs does."""

import contextlib
import socket
import threading

from tests.support import Database


class Tap:
    """Listens on TCP, and passes on to the server until it is `shut`."""

    def __init__(self, server: Database) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = threading.Event()
        self._open.set()
        self.knocked = threading.Event()
        """Whether there was something to pass on since it was shut."""
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def leading_here(self) -> Database:
        """Where the database is by this line."""
        port = self._listener.getsockname()[1]
        return self._server._replace(host="127.0.0.1", port=port)

    def shut(self) -> None:
        """Pass on no more, in silence; new connections are taken, and get no answer."""
        self.knocked.clear()
        self._open.clear()

    def open(self) -> None:
        """Pass on again."""
        self._open.set()

    def __enter__(self) -> "Tap":
        return self

    def __exit__(self, *exception: object) -> None:
        self.open()
        for each in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):  # wakes the threads
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = self._connected()
                self._sockets += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _connected(self) -> socket.socket:
        if not self._server.host.startswith("/"):
            return socket.create_connection((self._server.host, self._server.port))
        line = socket.socket(socket.AF_UNIX)
        line.connect(f"{self._server.host}/.s.PGSQL.{self._server.port}")
        return line

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.knocked.set()
                self._open.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)
