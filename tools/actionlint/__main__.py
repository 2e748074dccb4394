"""Checks the workflows in .github/workflows; takes actionlint's own arguments."""

import subprocess
import sys

from local.base import paths, progress
from local.base.golang import ToolchainError
from tools import actionlint

try:
    command = actionlint.ensure()
except ToolchainError as problem:
    progress.say(f"error: {problem}")
    sys.exit(1)
sys.exit(subprocess.run([str(command), *sys.argv[1:]], cwd=paths.ROOT, check=False).returncode)
