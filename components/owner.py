"""The Pulumi project and stack that own a resource: they tell the stacks of one AWS account apart."""

import hashlib
import re
from dataclasses import dataclass

from components.settings import NAMESPACE


@dataclass(frozen=True)
class Owner:
    """Names of the project and of the stack, as Pulumi has them (without an organisation)."""

    project: str
    stack: str

    def __str__(self) -> str:
        return f"{self.project}/{self.stack}"

    @property
    def path(self) -> str:
        """The stack in hierarchical names: `prod`, or `audit/prod` in a project with another name than this one.

        Parameters and the namespace of the metrics have carried the name of the stack alone since the first version,
        and a parameter with another name would be another parameter.
        """
        return self.stack if self.project == NAMESPACE else str(self)

    def resource_name(self, what: str, longest: int = 56) -> str:
        """Name of a resource in Pulumi, and so the beginning of its name in AWS: `<project>-<stack>-<what>`.

        Pulumi appends a hyphen and seven random characters, so two resources never have the same name.

        Args:
            what: the resource among those of the stack, e.g. `worker`.
            longest: how many characters AWS's limit leaves for the name. The limit is 64 for a role, a user and here an
                instance profile. Project and stack may have 100 each: a name that is too long loses its middle, and a
                hash takes its place.
        """
        name = f"{self.project}-{self.stack}-{what}"
        if len(name) <= longest:
            return name
        return f"{name[: longest - len(self._digest) - len(what) - 2]}-{self._digest}-{what}"

    def unique_name(self, what: str, longest: int) -> str:
        """As `resource_name`, for AWS resources that have no random characters at the end: a hash makes it unique.

        A dot, which project and stack may have, becomes a hyphen: these names take only letters, digits, `-` and `_`.
        """
        name = self.resource_name(what, longest - len(self._digest) - 1)
        return f"{re.sub(r'[^A-Za-z0-9_-]', '-', name)}-{self._digest}"

    @property
    def _digest(self) -> str:
        return hashlib.sha256(str(self).encode()).hexdigest()[:8]
