"""actionlint, which checks GitHub Actions workflows, built from its Go module: `python -m tools.actionlint`.

go.mod pins the version, go.sum the content of every module. The build takes less than a minute and is kept.
"""

import hashlib
import tempfile
from pathlib import Path

from local.base import golang, paths, progress

HERE = Path(__file__).resolve().parent
PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint"


def ensure() -> Path:
    """The built command; builds it if the cache has none.

    Raises:
        ToolchainError: there is no Go, or the build failed; the message says why.
    """
    pins = (HERE / "go.mod").read_bytes() + (HERE / "go.sum").read_bytes()
    built = paths.CACHE / f"actionlint-{hashlib.sha256(pins).hexdigest()[:16]}" / "actionlint"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=built.parent) as temporary:
            go = golang.ensure(HERE, Path(temporary))
            with progress.step("building actionlint (once)"):
                golang.build(go, HERE, PACKAGE, Path(temporary) / "actionlint")
            (Path(temporary) / "actionlint").rename(built)
    return built
