"""Network namespaces without a name: the kernel removes one with its last process and handle, killed or not."""

import ctypes
import os
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000
_LOOPBACK = "127.0.0.1"


class NetworkError(RuntimeError):
    """This machine cannot make the VMs' network; the message says what is missing."""


class Namespace:
    """A network namespace of its own, empty but for its loopback interface, which is up.

    The kernel removes it once it is closed and the last process in it has ended.

    Raises:
        NetworkError: this machine may not make one.
    """

    def __init__(self) -> None:
        self._file = _in_thread(_unshare)
        try:
            self.run("ip", "link", "set", "lo", "up")
        except NetworkError:
            self.close()
            raise

    @property
    def path(self) -> str:
        """How another process of root names it, as long as this process lives and has not closed it."""
        return f"/proc/{os.getpid()}/fd/{self._file}"

    def run(self, *argv: str) -> str:
        """Runs a command in it; returns its output.

        Raises:
            NetworkError: it failed.
        """
        done = subprocess.run(
            ["nsenter", f"--net={self.path}", "--", *argv], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NetworkError(
                f"`{' '.join(argv)}` failed: {done.stderr.strip()}. The VMs' network needs CAP_NET_ADMIN and a "
                "kernel with network namespaces, bridge and veth"
            )
        return done.stdout

    def listen(self, port: int) -> socket.socket:
        """A socket that listens on its loopback interface."""
        return _in_thread(lambda: self._listen(port))

    def close(self) -> None:
        """Gives the handle back; a second time does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _listen(self, port: int) -> socket.socket:
        _call("setns", self._file, _CLONE_NEWNET)
        return socket.create_server((_LOOPBACK, port), backlog=128)


def _in_thread(work: Callable[[], T]) -> T:
    """Only this thread changes its namespace. A socket stays in the namespace that it was made in."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(work).result()


def _unshare() -> int:
    try:
        _call("unshare", _CLONE_NEWNET)
    except OSError as error:
        raise NetworkError(
            f"this machine makes no network namespace ({error.strerror}), and each VM needs one: run as root with "
            "CAP_SYS_ADMIN and CAP_NET_ADMIN (of a container: --privileged)"
        ) from None
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def _call(function: str, *arguments: int) -> None:
    """A call of the C library; `os.setns` and `os.unshare` came with Python 3.12."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, function)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
