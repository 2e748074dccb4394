"""Finds out whether the parameter store has newer credentials than the running service."""

import json
from collections.abc import Mapping
from pathlib import Path

from .aws import client
from .system import say

# Names of the parameters with the service's credentials.
CREDENTIALS = Path("/etc/s3-auditlog-sink/secrets.json")

# Versions of these parameters that the service was started with.
VERSIONS = Path("/run/s3-auditlog-sink/versions.json")


def used_versions() -> dict[str, int]:
    """Credentials -> version of their parameter that the service was started with; empty while it is down."""
    try:
        return dict(json.loads(VERSIONS.read_text()))
    except (OSError, ValueError):
        return {}


def renewed_credentials(used: Mapping[str, int]) -> list[str]:
    """The credentials that have another version now. It reads only the version; the value stays encrypted."""
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
