"""What tells the stacks of one AWS account apart."""

import hashlib

from components.settings import NAMESPACE


def owner(project: str, stack: str) -> str:
    """The stack in names that have a hierarchy: `prod`, or `audit/prod` in a project of another name than this one.

    Parameters and the metrics' namespace have carried the stack's name alone from the first version on, and a
    parameter of another name would be another parameter.
    """
    return stack if project == NAMESPACE else f"{project}/{stack}"


def resource(project: str, stack: str, what: str, longest: int = 56) -> str:
    """A resource's name in Pulumi, and so the beginning of its name in AWS: `<project>-<stack>-<what>`.

    Pulumi appends a hyphen and seven random characters, so that no two resources ever have one name. `longest`: what
    is left for them of AWS's limit, which is 64 characters for a role, a user and here an instance profile. Project and
    stack may have 100 each: from what is too long, the middle is left out, and a hash tells one from another.
    """
    name = f"{project}-{stack}-{what}"
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(f"{project}/{stack}".encode()).hexdigest()[:8]
    return f"{name[: longest - len(digest) - len(what) - 2]}-{digest}-{what}"
