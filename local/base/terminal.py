"""The terminal of the person who runs a command."""

import sys

from rich.console import Console


def console() -> Console:
    """Where tables are printed. A table that goes into a file or a pipe is not squeezed into 80 columns."""
    return Console(width=None if sys.stdout.isatty() else 160)
