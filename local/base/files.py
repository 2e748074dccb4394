"""Writing files that other processes read, and placing files at a second path."""

import os
import shutil
import tempfile
from pathlib import Path


def write_atomically(file: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Writes a file whose whole content appears at once; makes its folder. `mode`: its permissions from the start."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, as only a rename within a file system is atomic; readable by its owner only.
    descriptor, partial = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content.encode() if isinstance(content, str) else content)
        Path(partial).chmod(mode)
        Path(partial).replace(file)
    finally:
        Path(partial).unlink(missing_ok=True)


def link_or_copy(source: Path, target: Path) -> None:
    """Makes a hard link within one file system, else a copy."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
