"""When Logz.io last used its role, as IAM shows it."""

import time
from collections.abc import Mapping
from typing import Any

from .aws import client
from .memory import Memory
from .system import say

LOOK_SECONDS = 3600

# After an error: the right of a new VM may not be valid yet.
RETRY_SECONDS = 600


def since_read(settings: Mapping[str, Any], memory: Memory) -> dict[str, float]:
    """SecondsSinceLogzioRead, once an hour; empty in between, if IAM did not answer, or if Logz.io reads with a key.

    A role that was never used counts from the time at which it was made. A use shows late: "recent activity usually
    appears within four hours" (AWS, IAM API Reference, GenerateServiceLastAccessedDetails; the page of RoleLastUsed
    names no delay). That page also says that refused attempts count.
    """
    reader, now = settings["reader"], time.monotonic()
    if reader is None or now < memory.look_at_reader:
        return {}
    import botocore.exceptions  # noqa: PLC0415  # see `client`

    try:
        role = client("iam", reader).get_role(RoleName=reader["role"])["Role"]
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        say(f"IAM: {error}")
        memory.look_at_reader = now + RETRY_SECONDS
        return {}
    memory.look_at_reader = now + LOOK_SECONDS
    used = role.get("RoleLastUsed", {}).get("LastUsedDate") or role["CreateDate"]
    return {"SecondsSinceLogzioRead": round(max(0.0, time.time() - used.timestamp()))}
