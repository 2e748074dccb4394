"""A network between the broker and the clients of its second listener that can fall silent."""

import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from types import TracebackType

_HOST = "127.0.0.1"
_BYTES = 65_536


class Relay:
    """Passes TCP connections on to the broker, until it is told to be silent.

    While it is silent no byte passes, neither does the end of a connection: nobody is told of anything, as with a
    network that drops every packet. What was sent meanwhile arrives when it speaks again, as TCP would send it anew.
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
        """From now on nothing passes."""
        self._open.clear()

    def speak(self) -> None:
        """Everything passes again."""
        self._open.set()

    def _accept(self) -> None:
        # Closed at the end, which ends the wait for the next one.
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
                # As from the broker itself while it is down.
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
            # Each may be gone already.
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
