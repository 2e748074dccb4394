"""Tells `pulumi up` that the connectors of this VM run."""

import json
import os
from datetime import UTC, datetime

from .aws import client
from .credentials import CREDENTIALS
from .system import instance_id, say


def report_running() -> bool:
    """Writes the status of this VM into its parameter; returns whether that worked.

    After a failed boot, the loader writes it.
    """
    import botocore.exceptions  # noqa: PLC0415  # see `client`

    settings = json.loads(CREDENTIALS.read_text())
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        client("ssm", settings).put_parameter(
            Name=os.environ["STATUS_PARAMETER"], Value=f"{instance_id()} RUNNING {now}", Overwrite=True
        )
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        say(f"status: {error}")
        return False
    return True
