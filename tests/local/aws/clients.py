"""boto3 clients of a local AWS for given keys, and the first identities of that AWS."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.stack.deployment import REGION


def client(endpoint: str, service: str, keys: Mapping[str, str], region: str = REGION, **config: Any) -> Any:
    """A client that does not retry, so that a refusal is seen at once. `keys`: id, secret and, of a role, token.

    Made once for the same arguments: the rights' tests ask for twice as many as they need.
    """
    return _client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=keys["id"],
        aws_secret_access_key=keys["secret"],
        aws_session_token=keys.get("token"),
        options=frozenset(config.items()),
    )


@cache
def _client(service: str, *, options: frozenset[Any], **who_and_where: str | None) -> Any:
    make: Any = boto3.client  # the stubs want the service's name as a literal
    return make(service, config=Config(retries={"total_max_attempts": 1}, **dict(options)), **who_and_where)


def first_identity(folder: Path, name: str) -> dict[str, str]:
    """The keys of `deployer` or `logzio`, as the local AWS wrote them into its folder."""
    raw = json.loads((folder / f"{name}.json").read_text())
    return {"id": raw["access_key_id"], "secret": raw["secret_access_key"]}
