"""The Python language host of an engine that was built here: `pulumi-language-python`.

The host of a Pulumi installation is a Go program that no package registry has. The Python SDK holds a
server for programs given as a function (its Automation API); handed a function that runs `__main__.py`, it
serves the plain `pulumi` commands as well.
"""

# ruff: noqa: E402  # gc.disable() comes before the imports that it is for
import gc

# The host ends with its `pulumi` command, and the program that it runs does the same for its own imports. Here it saves
# 0.02 of 0.22 CPU seconds.
gc.disable()

import importlib.metadata
import os
import runpy
import signal
import sys
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from threading import Event
from typing import Any

import grpc  # type: ignore[import-untyped]  # it ships no types
from pulumi import log

# Not public modules of the SDK. tests/engine/test_engine.py holds this host against the pinned SDK and engine.
from pulumi.automation._server import LanguageServer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from local.stack.engine import SDK_DEBUG


class LanguageHost(LanguageServer):
    """Answers what the engine asks while it previews, updates, refreshes, destroys or tells about itself.

    Method names, requests and responses are those of the gRPC service `LanguageRuntime`.
    """

    def __init__(self, engine_address: str) -> None:
        super().__init__(program=lambda: None)
        self._engine_address = engine_address
        self._own_modules = frozenset(sys.modules)

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's name
        """Runs the program of `request.info`; `pulumi up` calls it twice, to preview and to update."""
        directory = Path(request.info.program_directory)
        main = directory / request.info.entry_point
        if main.is_dir():
            main = main / "__main__.py"
        # The SDK's server takes the engine's address from here, as the Automation API hands it over.
        request.args[:] = [self._engine_address]
        self.program = lambda: self._run_program(directory, main)
        return super().Run(request, context)  # type: ignore[no-untyped-call]  # generated service, no types

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:  # noqa: N802  # gRPC's name
        """The version that `pulumi about` shows."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def GetProgramDependencies(self, _request: Any, _context: Any) -> Any:  # noqa: N802  # gRPC's name
        """The Pulumi packages of the environment, for `pulumi about`."""
        found = (
            language_pb2.DependencyInfo(name=package.name, version=package.version)
            for package in importlib.metadata.distributions()
            if package.name.startswith("pulumi")
        )
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=sorted(found, key=lambda dependency: str(dependency.name))
        )

    def InstallDependencies(self, _request: Any, _context: Any) -> Iterator[Any]:  # noqa: N802  # gRPC's name
        """`pulumi install`: the environment this host runs in is installed from the lock file already."""
        yield language_pb2.InstallDependenciesResponse(stdout=b"The Python environment is installed.\n")

    def RuntimeOptionsPrompts(self, _request: Any, _context: Any) -> Any:  # noqa: N802  # gRPC's name
        """Nothing to ask."""
        return language_pb2.RuntimeOptionsResponse()

    def _run_program(self, directory: Path, main: Path) -> None:
        # A module kept from the preview would hold the preview's outputs.
        for name in set(sys.modules) - self._own_modules:
            if _lies_in(directory, sys.modules[name]):
                del sys.modules[name]
        os.chdir(directory)
        # Before this host's own checkout: its program may be another version's.
        sys.path[:] = [str(directory), *(entry for entry in sys.path if entry != str(directory))]
        runpy.run_path(str(main), run_name="__main__")


def _lies_in(directory: Path, module: object) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).is_relative_to(directory) and "site-packages" not in file


def main() -> None:
    """Serves on a free port of 127.0.0.1, prints the port, ends quietly at SIGTERM."""
    if SDK_DEBUG not in os.environ:
        # The SDK sends the engine each of its debug messages, and waits for its arrival: a third of this host's CPU.
        log.debug = lambda *_, **__: None
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=_GRPC_CHANNEL_OPTIONS)
    host = LanguageHost(addresses[0] if addresses else "")
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    stop.wait()
    server.stop(None)


if __name__ == "__main__":
    main()
