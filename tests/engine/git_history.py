"""Files of an earlier commit, from this repository's own history."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from local.base import paths


class HistoryError(RuntimeError):
    """The commit cannot be read; the message says why, and what to do."""


def extract(commit: str, names: Sequence[str], folder: Path, repository: Path = paths.ROOT) -> None:
    """Writes files and folders (`names`, relative to the repository) as they were at `commit` into `folder`.

    Raises:
        HistoryError: the repository does not have the commit, or is not a clone.
    """
    found = _git(repository, "cat-file", "-e", f"{commit}^{{commit}}")
    if found.returncode != 0:
        raise HistoryError(
            f"{repository} does not have commit {commit[:12]}: in a shallow clone run `git fetch --unshallow`; "
            f"a download without history must become a clone (git: {found.stderr.decode().strip()})"
        )
    archive = _git(repository, "archive", "--format=tar", commit, "--", *names)
    if archive.returncode != 0:
        raise HistoryError(f"commit {commit[:12]} cannot be read: {archive.stderr.decode().strip()}")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "--extract", "--directory", str(folder)], input=archive.stdout, check=True)


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=False)
