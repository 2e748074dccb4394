"""Serves the local AWS until SIGTERM."""

import argparse
import gc
import importlib
import logging
import os
from pathlib import Path
from types import ModuleType

from local.systems.aws import images


def main() -> None:
    """Prepares what moto reads when it is imported, then serves."""
    parser = argparse.ArgumentParser(prog="python -m local.systems.aws")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    arguments = parser.parse_args()
    folder: Path = arguments.state / "aws"
    images.write(folder / "images.json")
    os.environ |= {
        "MOTO_AMIS_PATH": str(folder / "images.json"),
        "MOTO_ENABLE_AMI_VALIDATION": "true",
        "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true",
    }
    # One line per request would be most of the log.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    _server().serve(folder, arguments.ready_file)


def _server() -> ModuleType:
    """The server's module, imported only now that moto's settings are there.

    Nothing of moto's modules and of the data that they read becomes garbage. Looking for it there takes 0.7 of the 1.8
    CPU seconds of the start, and more while the server runs.
    """
    gc.disable()
    module = importlib.import_module("local.systems.aws.server")
    gc.freeze()
    gc.enable()
    return module


if __name__ == "__main__":
    main()
