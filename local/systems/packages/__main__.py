"""The package repositories, until SIGTERM: `python -m local.systems.packages --state DIR --ready-file FILE`."""

import argparse
import hashlib
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from local.base import processes
from local.systems.packages import repository, server


def main() -> int:
    """Serves until it is told to end."""
    parser = argparse.ArgumentParser(prog="python -m local.systems.packages", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--connector-archive", type=Path, required=True, help="the S3 connector's zip")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    directory: Path = arguments.state.resolve() / "packages"
    fingerprint = repository.ensure(directory)
    connector: Path = arguments.connector_archive
    archives = directory / "archives"
    archives.mkdir(exist_ok=True)
    shutil.copyfile(connector, archives / connector.name)
    with server.bind(directory, arguments.port) as served:
        url = f"http://127.0.0.1:{served.server_port}"
        processes.write_ready(
            arguments.ready_file,
            {
                "port": served.server_port,
                "repository_url": f"{url}/deb",
                "key_fingerprint": fingerprint,
                "archive_url": f"{url}/archives/{connector.name}",
                "archive_sha256": hashlib.sha256(connector.read_bytes()).hexdigest(),
            },
        )
        served.serve_forever()
    return 0


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
