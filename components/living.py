"""A living stack: what its last `up` that ended well exported, and what must not change in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pulumi

from components.settings import NAMESPACE, Settings, SettingsError, problem
from components.settings.platforms import NEWEST, has_ended

CONSUMER_GROUP = "consumerGroup"
"""The output that names the connector's consumer group; version 0.1 had none."""

# The command that the first version exported, which had no output `region`.
_REGION_OF_COMMAND = re.compile(r"--region (\S+)")


@dataclass(frozen=True)
class Living:
    """What is known of the stack before anything of this run. A new stack exports nothing: `exists` is false."""

    exists: bool = False
    region: str | None = None
    availability_zone: str | None = None
    architecture: str | None = None
    consumer_group: str | None = None

    @classmethod
    def parse(cls, outputs: Mapping[str, Any]) -> "Living":
        """From the stack's outputs, also those of version 0.1."""
        command = _REGION_OF_COMMAND.search(str(outputs.get("shellCommand", "")))
        return cls(
            exists=bool(outputs),
            region=outputs.get("region") or (command.group(1) if command else None),
            availability_zone=outputs.get("availabilityZone"),
            # Version 0.1 knew no other for its default image.
            architecture=outputs.get("architecture", "x86_64" if outputs else None),
            consumer_group=outputs.get(CONSUMER_GROUP),
        )


def read() -> Living:
    """Asks the engine for the outputs of this very stack.

    It answers as it does a StackReference (pulumi/pkg v3.258, resource/deploy/builtins.go), but without one more
    resource in the state. A stack whose first `up` never ended well is taken for a new one: it has archived nothing.
    """
    qualified = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    try:
        answer = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": qualified})
    except Exception as error:  # noqa: BLE001  # the SDK raises plain ones
        # A backend from before projects had a place in stack names knows no such name.
        pulumi.log.warn(f"the stack's outputs cannot be read, so it is taken for a new one: {error}")
        return Living()
    return Living.parse(answer.value["outputs"])


def require_same_region(living: Living, region: str) -> None:
    """Holds `aws:region` against where the stack is.

    Raises:
        SettingsError: they differ.
    """
    if living.region is not None and living.region != region:
        raise SettingsError(
            [
                f"aws:region: is {region}, but this stack is in {living.region}: its VM, network, parameters and alarms "
                f"would all be replaced, and its bucket cannot move; accepted: {living.region}, or another stack "
                f"(`pulumi stack init`) for {region}, with a bucket of its own"
            ]
        )


def group_warning(living: Living, group: str, connector: str) -> str | None:
    """What a change of the consumer group does; None if there is none.

    Args:
        living: what is known of the stack.
        group: the consumer group from now on.
        connector: the connector's name, from which version 0.1 made the group's.
    """
    before = living.consumer_group or f"connect-{connector}"
    if not living.exists or before == group:
        return None
    return (
        f"the consumer group changes from {before} to {group}. If the new one has read nothing yet, it reads the last 7 "
        f"days again, and Logz.io indexes them again. {NAMESPACE}:source.consumerGroup: {before} goes on where the "
        "connector stopped"
    )


def require_supported_platform(living: Living, settings: Settings, today: date) -> None:
    """Lets no new stack begin on a platform line past its end; a living one is warned only.

    Raises:
        SettingsError: it would.
    """
    worker = settings.worker
    ended = has_ended(worker.platform_version, today)
    if ended and not living.exists and not worker.allow_unsupported_platform:
        raise SettingsError(
            [
                problem(
                    "worker.platformVersion",
                    f"{worker.platform_version} is not supported any more",
                    f"a later line, e.g. {NEWEST} (with its Java), or worker.allowUnsupportedPlatform: true",
                )
            ]
        )
