"""Starts the Python processes of `pulumi` by a fork of one that has imported their packages.

Each `pulumi up` starts four: the language host, the host of dynamic providers, and the stand-ins of two plugins. More
than half of their CPU is that import. The engine starts them through the scripts in bin/ as ever; with FORK_SERVER in
their environment, these start launch.py in place of Python itself. The tests, which run `pulumi` hundreds of times, set
it.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.base import paths
from local.base.waiting import wait_until

VARIABLE = "FORK_SERVER"
"""Environment variable with the path of the server's socket."""

PRELOADED = (
    "boto3",
    "boto3.s3.inject",
    "botocore.endpoint",
    "confluent_kafka.admin",
    "dill",
    "grpc",
    "grpc._channel",
    "grpc._interceptor",
    "grpc._server",
    "httpcore",
    "httpx",
    "javaproperties",
    "pulumi",
    "pulumi.automation._server",
    "pulumi.dynamic",
    "pulumi.provider.experimental.server",
    "pulumi_aws",
    "pulumi_aws.cloudwatch",
    "pulumi_aws.ec2",
    "pulumi_aws.iam",
    "pulumi_aws.kms",
    "pulumi_aws.s3",
    "pulumi_aws.sns",
    "pulumi_aws.ssm",
    "pulumi_aws.vpc",
    "pulumi_confluentcloud",
    "pydantic.fields",
    "pydantic.functional_validators",
    "pydantic.json_schema",
    "pydantic.main",
    "pydantic.types",
    "tenacity",
    "yaml",
)
"""Packages of others only: the program that is run may be another version of this project's own."""

_MOST_BYTES = 1 << 20


@contextmanager
def running() -> Iterator[Path]:
    """A server in a process of its own, which ends with this one; its socket.

    Raises:
        RuntimeError: it did not start; it has printed why.
    """
    # A socket's path has at most 107 characters: a test's own folder could be longer.
    with tempfile.TemporaryDirectory() as folder:
        address = Path(folder) / "socket"
        command = ["setpriv", "--pdeathsig", "TERM", sys.executable, "-u", "-m", __name__, str(address)]
        environment = {**os.environ, "PYTHONPATH": str(paths.ROOT)}
        with subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL) as server:
            try:
                wait_until(
                    lambda: address.exists() or server.poll() is not None, "the fork server", poll=0.05
                )
                if server.returncode is not None:
                    raise RuntimeError("the fork server did not start")
                yield address
            finally:
                server.terminate()


def main() -> None:
    """Serves at the socket that is named in the first argument, until SIGTERM."""
    address = Path(sys.argv[1])
    gc.disable()
    for name in PRELOADED:
        # Any attribute will do: Pulumi's packages are loaded when one is asked for.
        getattr(importlib.import_module(name), "__all__", None)
    gc.freeze()
    # The kernel forgets each child that ends: its launcher has the code.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        partial = address.with_suffix(".partial")
        server.bind(str(partial))
        server.listen(64)
        # A launcher that finds the socket can connect to it.
        partial.rename(address)
        connection, order, streams = _next(server)
    sys.exit(_run(connection, order, streams))


def _next(server: socket.socket) -> tuple[socket.socket, dict[str, Any], list[int]]:
    """Forks for each order; returns in the child alone."""
    while True:
        connection, _ = server.accept()
        message, streams, _, _ = socket.recv_fds(connection, _MOST_BYTES, 3)
        if message and os.fork() == 0:
            return connection, json.loads(message), streams
        connection.close()
        for stream in streams:
            os.close(stream)


def _run(connection: socket.socket, order: dict[str, Any], streams: list[int]) -> int:
    """Becomes the process of the order; its exit code, which the launcher has then."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    # As `python -m` has it. The first entries are of this server alone: its folder, and the project.
    sys.path[:] = [order["folder"], *filter(None, given), *sys.path[2:]]
    sys.argv[1:] = order["arguments"]
    threading.Thread(target=_follow, args=(connection,), daemon=True).start()
    code = _code_of(order["module"])
    connection.send(bytes([code]))
    return code


def _follow(connection: socket.socket) -> None:
    """Passes the launcher's signals on, and ends with it."""
    while number := connection.recv(1):
        os.kill(os.getpid(), number[0])
    os._exit(1)


def _code_of(module: str) -> int:
    """The code with which `python -m` would end."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:  # noqa: BLE001  # the interpreter does the same
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
