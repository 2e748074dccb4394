"""Made-up Confluent Cloud audit events, as their organisation's audit log would hold them.

Shapes: Confluent's audit log event schema (CloudEvents 1.0, structured JSON; docs.confluent.io/cloud/current
/monitoring/audit-logging/audit-log-schema) and the examples of its auditable event methods (see `kafka_events` and
`cloud_events`). Principals come in all their forms, names in both spellings, with nulls, empty objects, empty lists
and lists of objects. Each of them can be indexed by Logz.io once it is flattened; `unindexable` has those that cannot.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from uuid import UUID

from local.proofs.generator import cloud_events, kafka_events
from local.proofs.generator.organisation import Json, Organisation


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event: its unique id, a name for its kind, its RFC 3339 time and the whole CloudEvent."""

    id: str
    kind: str
    time: str
    value: Json

    def encoded(self) -> bytes:
        """The record's value in Kafka: one line of UTF-8 JSON."""
        return json.dumps(self.value, separators=(",", ":"), ensure_ascii=False).encode()


def events(
    count: int, seed: int, start: datetime, *, apart: timedelta = timedelta(seconds=1)
) -> Iterator[AuditEvent]:
    """`count` events, the same for the same arguments.

    Times go up from `start` (with a time zone); two events are `apart` on average.
    """
    rng = random.Random(seed)  # noqa: S311 -- reproducible sample data, nothing secret
    organisation = Organisation(rng)
    kinds = list(_KINDS)
    weights = [_KINDS[kind][0] for kind in kinds]
    at = start.astimezone(UTC)
    farthest = 2 * apart // timedelta(microseconds=1)
    for _ in range(count):
        at += timedelta(microseconds=rng.randrange(1, farthest))
        kind = rng.choices(kinds, weights)[0]
        value = _KINDS[kind][1](rng, organisation)
        event_id = str(UUID(int=rng.getrandbits(128), version=4))
        value |= {
            "id": event_id,
            "specversion": "1.0",
            "datacontenttype": "application/json",
            "time": _rfc3339(at, rng),
        }
        yield AuditEvent(event_id, kind, value["time"], value)


def _rfc3339(at: datetime, rng: random.Random) -> str:
    """With 3, 9 or 6 digits after the second, now and then with an offset: Confluent's services differ in this."""
    form = rng.random()
    if form < 0.65:
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
    if form < 0.9:
        return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + f"{rng.randrange(1000):03d}Z"
    if form < 0.95:
        return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return at.astimezone(timezone(timedelta(hours=rng.choice((-7, 2))))).isoformat()


_Maker = Callable[[random.Random, Organisation], Json]

# How often a kind comes, roughly as in a busy organisation: nearly all of it is clients at work.
_KINDS: dict[str, tuple[float, _Maker]] = {
    "authentication success": (20, partial(kafka_events.authentication, success=True)),
    "authentication failure": (4, partial(kafka_events.authentication, success=False)),
    "authorization granted": (38, partial(kafka_events.authorization, granted=True)),
    "authorization denied": (6, partial(kafka_events.authorization, granted=False)),
    "role checked": (6, kafka_events.role_check),
    "topic created": (4, partial(kafka_events.topic_request, method="kafka.CreateTopics")),
    "topic deleted": (2, partial(kafka_events.topic_request, method="kafka.DeleteTopics")),
    "topic changed": (2, partial(kafka_events.topic_request, method="kafka.IncrementalAlterConfigs")),
    "produce refused": (3, kafka_events.refused_produce),
    "connector task failed": (1, kafka_events.failed_task),
    "API key created": (2, partial(cloud_events.api_key_request, method="CreateAPIKey")),
    "API key deleted": (1, partial(cloud_events.api_key_request, method="DeleteAPIKey")),
    "environment created": (1, partial(cloud_events.environment_request, method="CreateEnvironment")),
    "environment changed": (1, partial(cloud_events.environment_request, method="UpdateEnvironment")),
    "role binding created": (2, partial(cloud_events.role_binding_request, method="CreateRoleBinding")),
    "role binding deleted": (
        1,
        partial(cloud_events.role_binding_request, method="DeleteRoleBindingById"),
    ),
    "network created": (1, cloud_events.network_request),
    "sign-in": (2, cloud_events.sign_in),
    "Schema Registry authentication": (2, cloud_events.schema_registry_authentication),
    "schema registered": (1, cloud_events.schema_registry_request),
    "Flink listed": (2, cloud_events.flink_request),
    "access by Confluent": (0.5, cloud_events.personnel_access),
}

KINDS = tuple(_KINDS)
"""The kinds of events there are."""
