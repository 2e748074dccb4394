"""Brings services on the host's 127.0.0.1 into a VM's network namespace, under the same ports."""

import asyncio
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterable
from functools import partial

from local.systems.vm.namespace import Namespace

_HOST = "127.0.0.1"
_BYTES = 262_144


class Forwarder:
    """Listens on `ports` of the namespace's loopback interface until `close()`.

    Each connection goes on to the same port of the host; if nothing listens there, it is cut.
    """

    def __init__(self, namespace: Namespace, ports: Iterable[int]) -> None:
        self._listeners = {port: namespace.listen(port) for port in set(ports)}
        self._loop = asyncio.new_event_loop()
        # The event loop has weak references only: a connection that nothing else refers to would be collected.
        self._connections: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()
        # Whether bytes pass.
        self._passing = asyncio.Event()
        self._passing.set()
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)
        self._thread.start()

    def hold(self, *, held: bool) -> None:
        """Lets no byte pass, as a network that has failed: nothing is refused or cut. Or lets them pass again."""
        self._loop.call_soon_threadsafe(self._passing.clear if held else self._passing.set)

    def close(self) -> None:
        """Stops listening and cuts every connection."""
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def _run(self) -> None:
        # At its end the runner cancels what still runs: the connections.
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        servers = [
            await asyncio.start_server(partial(self._accept, port), sock=listener)
            for port, listener in self._listeners.items()
        ]
        await self._ending.wait()
        for server in servers:
            server.close()

    def _accept(self, port: int, reader: StreamReader, writer: StreamWriter) -> None:
        connection = self._loop.create_task(_forward(port, reader, writer, self._passing))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)


async def _forward(port: int, reader: StreamReader, writer: StreamWriter, passing: asyncio.Event) -> None:
    writers = [writer]
    try:
        await passing.wait()
        from_host, to_host = await asyncio.open_connection(_HOST, port)
        writers.append(to_host)
        await asyncio.gather(_copy(reader, to_host, passing), _copy(from_host, writer, passing))
        for sender in writers:
            sender.close()
    except OSError:
        # One end is gone: so is the other, in a moment.
        pass
    finally:
        for sender in writers:
            if not sender.is_closing():
                sender.transport.abort()


async def _copy(reader: StreamReader, writer: StreamWriter, passing: asyncio.Event) -> None:
    while content := await reader.read(_BYTES):
        await passing.wait()
        writer.write(content)
        await writer.drain()
    writer.write_eof()
