"""The running stack: what its last successful `up` exported, and what must not change in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pulumi

from components.settings import NAMESPACE, SettingsError, problem
from components.settings.platforms import NEWEST, has_ended

CONSUMER_GROUP = "consumerGroup"
"""The output that names the connector's consumer group; version 0.1 had none."""

PARTITIONER = "partitioner"
"""The output that names the connector's partitioner."""

# The command that the first version exported. That version had no output `region`.
_REGION_OF_COMMAND = re.compile(r"--region (\S+)")


@dataclass(frozen=True)
class RunningStack:
    """What is known of the stack before this run. A new stack exports nothing: `exists` is false.

    `availability_zones`: of its subnets, in the order of its VMs. `instance_ids`: of the VMs that were running when the
    last `up` ended. `partitioner`: of its connector; None in versions that removed a VM before they made the next one.
    """

    exists: bool = False
    region: str | None = None
    availability_zones: Sequence[str] = ()
    instance_ids: Sequence[str] = ()
    architecture: str | None = None
    consumer_group: str | None = None
    partitioner: str | None = None

    @classmethod
    def parse(cls, outputs: Mapping[str, Any]) -> "RunningStack":
        """Reads the outputs of the stack, also those of version 0.1."""
        command = _REGION_OF_COMMAND.search(str(outputs.get("shellCommand", "")))
        return cls(
            exists=bool(outputs),
            region=outputs.get("region") or (command.group(1) if command else None),
            availability_zones=_several(outputs, "availabilityZones", "availabilityZone"),
            instance_ids=_several(outputs, "instanceIds", "instanceId"),
            # The default image of version 0.1 had no other.
            architecture=outputs.get("architecture", "x86_64" if outputs else None),
            consumer_group=outputs.get(CONSUMER_GROUP),
            partitioner=outputs.get(PARTITIONER),
        )


def _several(outputs: Mapping[str, Any], name: str, single: str) -> tuple[str, ...]:
    """The values of an output; versions with one VM exported a single one."""
    found = outputs.get(name) or [outputs.get(single)]
    return tuple(value for value in found if value is not None)


def read() -> RunningStack:
    """Asks the engine for the outputs of the stack that this program runs for.

    The engine answers as for a StackReference (pulumi/pkg v3.258, resource/deploy/builtins.go), but adds no resource to
    the state. A stack whose first `up` never succeeded counts as new: it has archived nothing.
    """
    qualified = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    try:
        answer = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": qualified})
    except Exception as error:  # noqa: BLE001  # the SDK raises plain ones
        # A backend from before stack names contained the project does not know such a name.
        pulumi.log.warn(f"the stack's outputs cannot be read, so it is taken for a new one: {error}")
        return RunningStack()
    return RunningStack.parse(answer.value["outputs"])


def require_same_region(running: RunningStack, region: str) -> None:
    """Compares `aws:region` with the region of the running stack.

    Raises:
        SettingsError: they differ.
    """
    if running.region is not None and running.region != region:
        raise SettingsError(
            [
                f"aws:region: is {region}, but this stack is in {running.region}: its VM, network, parameters and "
                f"alarms would all be replaced, and its bucket cannot move; accepted: {running.region}, or another "
                f"stack (`pulumi stack init`) for {region}, with a bucket of its own"
            ]
        )


def require_supported_platform(
    running: RunningStack, platform_version: str, today: date, *, allow_unsupported: bool
) -> None:
    """Refuses a new stack on a platform line past its end of support; a running stack gets only a warning.

    Raises:
        SettingsError: the stack is new, the line has ended, and the settings do not allow that.
    """
    if has_ended(platform_version, today) and not running.exists and not allow_unsupported:
        raise SettingsError(
            [
                problem(
                    "worker.platformVersion",
                    f"{platform_version} is not supported any more",
                    f"a later line, e.g. {NEWEST} (with its Java), or worker.allowUnsupportedPlatform: true",
                )
            ]
        )


def group_warning(running: RunningStack, group: str, connector: str) -> str | None:
    """What a change of the consumer group does; None if the group does not change.

    Args:
        running: the running stack.
        group: the consumer group from now on.
        connector: name of the connector; version 0.1 made the name of the group from it.
    """
    before = running.consumer_group or f"connect-{connector}"
    if not running.exists or before == group:
        return None
    return (
        f"the consumer group changes from {before} to {group}. If the new one has read nothing yet, it reads the last 7 "
        f"days again, and Logz.io indexes them again. {NAMESPACE}:source.consumerGroup: {before} goes on where the "
        "connector stopped"
    )
