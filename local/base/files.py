"""Files and folders that several processes use: written at once, placed twice, built once, locked."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Holds the lock `file`, which it makes with its folder; waits while another process or thread holds it.

    The kernel releases it when its holder ends, however that ends.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def partial_folder(folder: Path) -> Iterator[Path]:
    """The empty `folder`, to build in; it is gone afterwards, with what was not moved out of it.

    A killed build leaves its folder behind: the next one removes it. So the caller holds a lock.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
