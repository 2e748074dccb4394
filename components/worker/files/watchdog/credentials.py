"""Finds out whether the parameter store has newer credentials than the running service, and how old they are."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from .aws import client
from .system import say

# Names of the parameters with the service's credentials.
CREDENTIALS = Path("/etc/s3-auditlog-sink/secrets.json")

# Versions of these parameters that the service was started with.
VERSIONS = Path("/run/s3-auditlog-sink/versions.json")

# When the parameters that this run has read were written.
_written: list[datetime] = []


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
        newest = {credentials: ssm.get_parameter(Name=name)["Parameter"] for credentials, name in parameters}
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        say(f"parameter store: {error}")
        return []
    _written[:] = [found["LastModifiedDate"] for found in newest.values() if "LastModifiedDate" in found]
    return [credentials for credentials, found in newest.items() if found["Version"] != used.get(credentials)]


def credentials_age() -> dict[str, float]:
    """CredentialsAgeDays, of the credentials that were written first, if this run has seen the parameter store."""
    if not _written:
        return {}
    age = datetime.now(UTC) - min(_written)
    return {"CredentialsAgeDays": round(age.total_seconds() / 86400, 2)}
