"""Settings of stacks, and what they are estimated with."""

import json
from typing import Any

from components.settings import NAMESPACE, Settings, load_config
from scripts.cost.sink import Workload

WORKLOAD = Workload()

_SECTIONS: dict[str, dict[str, Any]] = {
    "source": {
        "bootstrapServers": "pkc-abc12.us-west-2.aws.confluent.cloud:9092",
        "apiKey": "ABCDEFGH",
        "apiSecret": "made-up",
        "partitions": {"confluent-audit-log-events": 12},
    },
    "archive": {"bucket": "example-audit-log"},
    "logzio": {"apiToken": "made-up"},
}


def config(region: str = "us-west-2", /, **changed: dict[str, Any]) -> dict[str, str]:
    """A stack's configuration as the program gets it; `worker={"count": 2}` adds to a section."""
    sections = {
        name: {**_SECTIONS.get(name, {}), **changed.get(name, {})} for name in {**_SECTIONS, **changed}
    }
    texts = {f"{NAMESPACE}:{name}": json.dumps(section) for name, section in sections.items()}
    return {"aws:region": region, **texts}


def settings(region: str = "us-west-2", /, **changed: dict[str, Any]) -> Settings:
    """The same as settings."""
    return load_config(config(region, **changed), {})
