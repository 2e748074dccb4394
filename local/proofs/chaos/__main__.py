"""`python -m local.proofs.chaos [--only NAME ...] [--short] [--state DIR]`: injects faults and prints what they did."""

import argparse
import signal
import sys
from pathlib import Path

from local.base import progress
from local.proofs.chaos import run


def main() -> int:
    """0 if nothing was lost in any row."""
    parser = argparse.ArgumentParser(prog="python -m local.proofs.chaos", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these faults, as in 1a 4c")
    parser.add_argument("--short", action="store_true", help="the quick subset, with shorter outages")
    parser.add_argument("--state", type=Path, default=run.STATE, help="the stack's folder")
    arguments = parser.parse_args()
    # The servers of the stack must not outlive it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        faults = run.select(arguments.only, short=arguments.short)
    except ValueError as error:
        parser.error(str(error))
    try:
        report = run.run(faults, short=arguments.short, state=arguments.state.resolve())
    except RuntimeError as error:
        progress.say(f"error: {error}")
        return 1
    report.print()
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
