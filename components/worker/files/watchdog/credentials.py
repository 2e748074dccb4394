"""Whether the parameter store has other credentials than the service was started with."""

import json
from collections.abc import Mapping
from pathlib import Path

from .aws import client
from .system import say

# Which parameters hold the service's credentials, and which versions of them it was started with.
CREDENTIALS = Path("/etc/s3-auditlog-sink/secrets.json")

VERSIONS = Path("/run/s3-auditlog-sink/versions.json")


def used_versions() -> dict[str, int]:
    """Credentials -> version of their parameter that the service was started with; empty while it is down."""
    try:
        return dict(json.loads(VERSIONS.read_text()))
    except (OSError, ValueError):
        return {}


def renewed_credentials(used: Mapping[str, int]) -> list[str]:
    """Which credentials have another version by now. Only the version is asked for, the value stays encrypted."""
    if not used:
        return []
    import botocore.exceptions  # noqa: PLC0415  # see `client`

    settings = json.loads(CREDENTIALS.read_text())
    parameters = settings["parameters"].items()
    try:
        ssm = client("ssm", settings)
        newest = {
            credentials: ssm.get_parameter(Name=name)["Parameter"]["Version"]
            for credentials, name in parameters
        }
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        say(f"parameter store: {error}")
        return []
    return [credentials for credentials, version in newest.items() if version != used.get(credentials)]
