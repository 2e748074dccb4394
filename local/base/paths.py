"""Where the local stack keeps things."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

STATE = ROOT / ".local"
"""What a running stack owns: processes, data, logs, reports. Gone after `make clean`."""

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ccloud-logexporter"
"""What was built once and serves every run: engine, jars, root file system."""
