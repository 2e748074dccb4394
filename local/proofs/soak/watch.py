"""Looks for secrets in plain while operations run.

A quiet point does not see what a file, a disk or a process had for the time of an operation.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from local.base.sampling import Sampler
from local.proofs.checker import secret_search
from local.stack.deployment import LocalDeployment

EVERY_SECONDS = 3.0
REST = 9.0
"""A look is followed by a rest of so many times its own time: it must take little of the machine."""

MOST_BYTES = 1_000_000
"""Of each changed file, from its end. A larger one is a log: a quiet point reads what it has kept."""

# The kernel stamps files with a clock that is some milliseconds behind (current_time in its fs/inode.c).
_CLOCK_SECONDS = 1.0


class SecretWatch:
    """Looks at the command lines of all processes, and at the files that were changed since the last look.

    A process that starts and ends between two looks is not seen.

    Attributes:
        secrets: name -> secret, all that the stack has had. A look adds those that came into use.
        found: name of a place -> names of the secrets that were in it.
    """

    def __init__(self, deployment: LocalDeployment) -> None:
        self.secrets: dict[str, str] = {}
        self.found: dict[str, set[str]] = {}
        self._deployment = deployment
        self._ssm = deployment.aws("ssm")
        self._arguments: set[tuple[str, bytes]] = set()
        self._looked_at = time.time()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Looks every few seconds meanwhile, and once at the end.

        Raises:
            botocore.exceptions.BotoCoreError, ClientError: AWS did not answer at the end.
        """
        self._arguments.clear()
        with Sampler(self._look, EVERY_SECONDS, rest=REST) as sampler:
            yield
        for place, name in sampler.seen:
            self.found.setdefault(place, set()).add(name)

    def _look(self) -> frozenset[tuple[str, str]]:
        began = time.time()
        self.secrets |= secret_search.secrets_in_use(self._deployment, self._ssm)
        # Those of earlier looks, too: a new secret may have been in one before it was known here.
        self._arguments |= set(secret_search.arguments())
        changed = secret_search.files(
            self._deployment, changed_since=self._looked_at - _CLOCK_SECONDS, most=MOST_BYTES
        )
        found = secret_search.found_in(self.secrets, chain(self._arguments, changed))
        self._looked_at = began
        return frozenset(
            (f"{place}, while an operation ran", name) for place, names in found.items() for name in names
        )
