"""A relay between the broker and the clients of its second listener, which can drop all traffic."""

import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from types import TracebackType

_HOST = "127.0.0.1"
_BYTES = 65_536


class Relay:
    """Passes TCP connections on to the broker, until `be_silent`.

    While it is silent neither bytes nor the end of a connection pass: no side learns anything, as with a network that
    drops every packet. What was sent then arrives after `speak`, as TCP would retransmit it.
    """

    def __init__(self, port: int, target: Callable[[], int]) -> None:
        """`port`: where clients connect. `target`: the broker's port, asked for each connection."""
        self.port = port
        self._target = target
        self._open = threading.Event()
        self._open.set()
        self._server = socket.create_server((_HOST, port))

    def __enter__(self) -> "Relay":
        threading.Thread(target=self._accept, name="relay", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._open.set()

    def be_silent(self) -> None:
        """Stops all traffic."""
        self._open.clear()

    def speak(self) -> None:
        """Lets all traffic pass again."""
        self._open.set()

    def _accept(self) -> None:
        # Closing the server ends the wait for the next connection.
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._open.wait()
        with closing(client):
            try:
                broker = socket.create_connection((_HOST, self._target()))
            except OSError:
                # The client sees a closed connection, as from a broker that is down.
                return
            with closing(broker):
                back = threading.Thread(target=self._pass, args=(broker, client), daemon=True)
                back.start()
                self._pass(client, broker)
                back.join()

    def _pass(self, source: socket.socket, destination: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(_BYTES):
                self._open.wait()
                destination.sendall(content)
        self._open.wait()
        for end in (source, destination):
            # The peer may have closed it already.
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
