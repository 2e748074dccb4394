"""Serves the emulator until SIGTERM."""

import argparse
import logging
import signal
import threading
from pathlib import Path

from local.base import processes
from local.systems.logzio.server import Emulator


def main() -> None:
    """Serves on a loopback port: a free one, or the one that is asked for (after a restart)."""
    parser = argparse.ArgumentParser(prog="python -m local.systems.logzio")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument(
        "--aws-endpoint", help="without it, keys and roles are not tried and nothing is fetched"
    )
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    # One line per request would be most of the log; `/_emulator/state` counts them.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    emulator = Emulator(arguments.state, arguments.aws_endpoint, port=arguments.port)
    for signum in (signal.SIGTERM, signal.SIGINT):
        # The server stops from another thread than the one it runs in, which is this one.
        signal.signal(signum, lambda *_: threading.Thread(target=emulator.stop).start())
    processes.write_ready(arguments.ready_file, {"port": emulator.port})
    emulator.serve()


if __name__ == "__main__":
    main()
