"""A broker, until SIGTERM: `python -m local.systems.kafka --state DIR --ready-file FILE`."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from local.base import processes
from local.systems.kafka import broker, certificates, class_archive


def main() -> int:
    """Returns the broker's own exit code; 0 after a SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.systems.kafka", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--port", type=int, help="default: a free one; an earlier one after a restart")
    parser.add_argument(
        "--relay-port",
        type=int,
        help="of a relay (local.systems.kafka.relay); `bootstrap` is then the relay's address",
    )
    parser.add_argument(
        "--beside",
        type=Path,
        help="state folder of the audit-log cluster, whose certificate this one shares: it is then the organisation's "
        "own cluster, without a topic or a right",
    )
    parser.add_argument(
        "--many-events",
        action="store_true",
        help="keeps the defaults of Kafka and of the JVM: for measurements with tens of thousands of events",
    )
    arguments = parser.parse_args()
    state: Path = arguments.state.resolve()
    port: int = arguments.port or processes.free_port()
    signal.signal(signal.SIGTERM, _leave)
    relayed = broker.Relayed(processes.free_port(), arguments.relay_port) if arguments.relay_port else None
    if arguments.beside is not None:
        certificates.share(arguments.beside / "kafka", state / "kafka")
    options = [f"-XX:SharedArchiveFile={class_archive.ensure()}"]
    process = broker.start(state, port, relayed, few_events=not arguments.many_events, options=options)
    try:
        broker.wait(state, process)
        if arguments.beside is None:
            broker.make_audit_log(state)
        ready = {"port": port, "bootstrap": f"127.0.0.1:{port}"}
        if relayed is not None:
            ready |= {"bootstrap": f"127.0.0.1:{relayed.relay_port}", "relayed_port": relayed.port}
        processes.write_ready(arguments.ready_file, ready)
        return process.wait()
    finally:
        process.terminate()
        process.wait()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
