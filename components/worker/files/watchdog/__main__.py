"""`python3 -I <this folder> [installed]` runs the package."""

import runpy
import sys
from pathlib import Path

# Python puts this folder first in the path; the package is found from the parent folder.
sys.path[0] = str(Path(__file__).resolve().parents[1])
runpy.run_module("watchdog.main", run_name="__main__")
