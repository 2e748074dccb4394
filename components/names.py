"""What tells the stacks of one AWS account apart."""

from components.settings import NAMESPACE


def owner(project: str, stack: str) -> str:
    """The stack in names that have a hierarchy: `prod`, or `audit/prod` in a project of another name than this one.

    Parameters and the metrics' namespace have carried the stack's name alone from the first version on, and a
    parameter of another name would be another parameter.
    """
    return stack if project == NAMESPACE else f"{project}/{stack}"
