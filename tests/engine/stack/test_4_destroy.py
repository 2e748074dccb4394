"""Its end."""

from local.proofs.checker.left_behind import left_behind
from local.stack.deployment import LocalDeployment


def test_destroy_leaves_nothing_behind(running: LocalDeployment) -> None:
    running.destroy()

    assert left_behind(running) == []
