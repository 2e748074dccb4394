"""`python -m local.kafka --state DIR --ready-file FILE [--port P]`: the broker until SIGTERM."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from local import processes
from local.kafka import broker


def main() -> int:
    """Returns the broker's own exit code; 0 after a SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.kafka", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--port", type=int, help="default: a free one; an earlier one after a restart")
    arguments = parser.parse_args()
    state: Path = arguments.state.resolve()
    port: int = arguments.port or processes.free_port()
    signal.signal(signal.SIGTERM, _leave)
    process = broker.start(state, port)
    try:
        broker.prepare(state, process)
        processes.write_ready(arguments.ready_file, {"port": port, "bootstrap": f"127.0.0.1:{port}"})
        return process.wait()
    finally:
        process.terminate()
        process.wait()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
