"""Made-up Confluent Cloud audit events, as their organisation's audit log would hold them.

Shapes: Confluent's audit log event schema (CloudEvents 1.0, structured JSON) and the auditable event methods
documented under docs.confluent.io/cloud/current/monitoring/audit-logging. Nobody real is in them: ids are
random, addresses come from the ranges that RFC 5737 and RFC 3849 keep for documentation.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event: its unique id, a name for its kind, its RFC 3339 time and the whole CloudEvent."""

    id: str
    kind: str
    time: str
    value: Json

    def encoded(self) -> bytes:
        """The record's value as it stands in Kafka: one line of UTF-8 JSON."""
        return json.dumps(self.value, separators=(",", ":"), ensure_ascii=False).encode()


def events(count: int, seed: int, start: datetime) -> Iterator[AuditEvent]:
    """`count` events, the same for the same arguments; times go up from `start` (with a time zone)."""
    rng = random.Random(seed)  # noqa: S311 -- reproducible sample data, nothing secret
    organisation = _Organisation(rng)
    kinds = list(_KINDS)
    weights = [_KINDS[kind][0] for kind in kinds]
    at = start.astimezone(UTC)
    for _ in range(count):
        at += timedelta(microseconds=rng.randrange(1, 2_000_000))
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
    """With 3 or 9 digits after the second: Confluent's services differ in this."""
    if rng.random() < 0.7:
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + f"{rng.randrange(1000):03d}Z"


_ID_LETTERS = "0123456789abcdefghjkmnpqrvwxyz"
_KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class _Organisation:
    """Who and what the events are about."""

    def __init__(self, rng: random.Random) -> None:
        self.id = str(UUID(int=rng.getrandbits(128), version=4))
        self.environments = [_identifier(rng, "env") for _ in range(3)]
        self.clusters = [(_identifier(rng, "lkc"), rng.choice(self.environments)) for _ in range(5)]
        self.users = [_identifier(rng, "u") for _ in range(12)]
        self.service_accounts = [_identifier(rng, "sa") for _ in range(20)]
        self.topics = [f"{domain}.{what}" for domain in _DOMAINS for what in ("events", "commands", "dlq")]

    @property
    def crn(self) -> str:
        return f"crn://confluent.cloud/organization={self.id}"

    def cluster(self, rng: random.Random) -> tuple[str, str, str]:
        """Cluster id, environment id and the cluster's resource name."""
        cluster, environment = rng.choice(self.clusters)
        name = f"{self.crn}/environment={environment}/cloud-cluster={cluster}/kafka={cluster}"
        return cluster, environment, name


_DOMAINS = ("orders", "payments", "inventory", "shipments", "customer-notifications")
# What people type into a console is not ASCII.
_DISPLAY_NAMES = (*_DOMAINS, "Größen-Übersicht", "在庫管理", "équipe données \N{WHITE HEAVY CHECK MARK}")
_CLIENTS = ("producer-1", "consumer-analytics-4", "adminclient-2", "rdkafka", "connector-consumer-sink-0")
_OPERATIONS = {
    "kafka.Produce": ("Write", "Topic"),
    "kafka.Fetch": ("Read", "Topic"),
    "kafka.CreateTopics": ("Create", "Cluster"),
    "kafka.DeleteTopics": ("Delete", "Topic"),
    "kafka.AlterConfigs": ("AlterConfigs", "Topic"),
    "kafka.DescribeConfigs": ("DescribeConfigs", "Topic"),
    "kafka.JoinGroup": ("Read", "Group"),
    "kafka.InitProducerId": ("IdempotentWrite", "Cluster"),
}
_ROLES = (
    "DeveloperRead",
    "DeveloperWrite",
    "DeveloperManage",
    "ResourceOwner",
    "CloudClusterAdmin",
    "MetricsViewer",
)


def _identifier(rng: random.Random, prefix: str) -> str:
    return prefix + "-" + "".join(rng.choices(_ID_LETTERS, k=6))


def _api_key(rng: random.Random) -> str:
    return "".join(rng.choices(_KEY_LETTERS, k=16))


def _address(rng: random.Random) -> str:
    if rng.random() < 0.1:
        return f"2001:db8:{rng.randrange(1 << 16):x}::{rng.randrange(1, 1 << 16):x}"
    return rng.choice(("192.0.2.", "198.51.100.", "203.0.113.")) + str(rng.randrange(1, 255))


def _metadata(rng: random.Random) -> Json:
    return {
        "requestId": [f"{rng.getrandbits(128):032x}"],
        "clientAddress": [{"ip": _address(rng), "port": rng.randrange(1024, 65536)}],
        "clientTraceId": f"{rng.getrandbits(64):016x}",
    }


def _scope(*levels: tuple[str, str]) -> Json:
    return {"resources": [{"type": kind, "resourceId": resource} for kind, resource in levels]}


def _kafka_authentication(rng: random.Random, org: _Organisation, *, success: bool) -> Json:
    _, _, name = org.cluster(rng)
    account = rng.choice(org.service_accounts)
    key = _api_key(rng)
    address = _address(rng)
    data: Json = {
        "serviceName": name,
        "methodName": "kafka.Authentication",
        "resourceName": name,
        "authenticationInfo": {
            "exposure": "CUSTOMER",
            "principal": {"confluentServiceAccount": {"resourceId": account}} if success else {},
            "principalResourceId": account if success else "",
            "credentials": {"mechanism": "SASL_SSL/PLAIN", "idSecretCredentials": {"credentialId": key}},
            "metadata": {"mechanism": "SASL_SSL/PLAIN", "identifier": key},
            "identity": f"{org.crn}/service-account={account}" if success else "",
        },
        "request": {"correlationId": str(rng.randrange(-1, 1000)), "clientId": rng.choice(_CLIENTS)},
        "requestMetadata": {"connectionId": f"{rng.getrandbits(96):024x}", **_metadata(rng)},
        "clientAddress": [{"ip": address}],
        "result": {"status": "SUCCESS", "message": ""},
    }
    if not success:
        data["authenticationInfo"]["errorMessage"] = "Bad password for user"
        data["result"] = {
            "status": "UNAUTHENTICATED",
            "message": f"Authentication failed: unknown API key {key}",
        }
    return {"type": "io.confluent.kafka.server/authentication", "source": name, "subject": name, "data": data}


def _kafka_authorization(rng: random.Random, org: _Organisation, *, granted: bool) -> Json:
    cluster, environment, name = org.cluster(rng)
    method, (operation, resource_type) = rng.choice(list(_OPERATIONS.items()))
    resource = {"Topic": rng.choice(org.topics), "Group": f"connect-{rng.choice(_DOMAINS)}"}.get(
        resource_type, "kafka-cluster"
    )
    subject = f"{name}/{resource_type.lower()}={resource}"
    account = rng.choice(org.service_accounts)
    authorization: Json = {
        "granted": granted,
        "operation": operation,
        "resourceType": resource_type,
        "resourceName": resource,
        "patternType": "LITERAL",
    }
    authentication: Json = {"principal": f"User:{account}", "principalResourceId": account}
    if rng.random() < 0.3:  # where the organisation maps groups
        authentication["identity"] = f"{org.crn}/service-account={account}"
        authorization |= {"assignedPrincipals": [f"User:{account}"], "actingPrincipal": f"User:{account}"}
    if granted:
        authorization["rbacAuthorization"] = {
            "role": rng.choice(_ROLES),
            "scope": {
                "outerScope": [
                    f"organization={org.id}",
                    f"environment={environment}",
                    f"cloud-cluster={cluster}",
                ],
                "clusters": {"kafka-cluster": cluster},
            },
            "cloudScope": _scope(
                ("ORGANIZATION", org.id), ("ENVIRONMENT", environment), ("CLOUD_CLUSTER", cluster)
            ),
        }
    data = {
        "serviceName": name,
        "methodName": method,
        "resourceName": subject,
        "authenticationInfo": authentication,
        "authorizationInfo": authorization,
        "request": {"correlationId": str(rng.randrange(1_000_000)), "clientId": rng.choice(_CLIENTS)},
        "requestMetadata": _metadata(rng),
        "clientAddress": [{"ip": _address(rng)}],
    }
    return {
        "type": "io.confluent.kafka.server/authorization",
        "source": name,
        "subject": subject,
        "data": data,
    }


def _topic_request(rng: random.Random, org: _Organisation, method: str) -> Json:
    cluster, environment, name = org.cluster(rng)
    topic = rng.choice(org.topics)
    user = rng.choice(org.users)
    scope = _scope(("ORGANIZATION", org.id), ("ENVIRONMENT", environment), ("CLOUD_CLUSTER", cluster))
    request: Json = {"accessType": "MODIFICATION", "data": {"topics": [{"name": topic}]}}
    if method == "kafka.CreateTopics":
        configs = [
            {"name": "retention.ms", "value": str(rng.choice((3_600_000, 604_800_000, 2_592_000_000)))},
            {"name": "cleanup.policy", "value": rng.choice(("delete", "compact"))},
        ]
        request["data"]["topics"][0] |= {
            "partitions": rng.choice((1, 6, 12, 60)),
            "replicationFactor": 3,
            "configs": configs,
        }
        request["data"] |= {"validateOnly": rng.random() < 0.2, "timeoutMs": 30000}
    data = {
        "serviceName": name,
        "methodName": method,
        "cloudResources": [{"scope": scope, "resource": {"type": "TOPIC", "resourceId": topic}}],
        "resourceName": f"{name}/topic={topic}",
        "authenticationInfo": _user(user),
        "requestMetadata": _metadata(rng),
        "request": request,
        "result": {"status": "SUCCESS", "data": {"topics": [{"name": topic, "errorCode": 0}]}},
    }
    return {
        "type": "io.confluent.kafka.server/request",
        "source": name,
        "subject": f"{name}/topic={topic}",
        "data": data,
    }


def _user(user: str) -> Json:
    return {
        "exposure": "CUSTOMER",
        "principal": {"confluentUser": {"resourceId": user}},
        "principalResourceId": user,
        "result": "SUCCESS",
    }


def _cloud_request(
    rng: random.Random, org: _Organisation, method: str, subject: str, *, resources: list[Json], body: Json
) -> Json:
    data = {
        "serviceName": "crn://confluent.cloud/",
        "methodName": method,
        "cloudResources": resources,
        "resourceName": subject,
        "authenticationInfo": _user(rng.choice(org.users)),
        "requestMetadata": _metadata(rng),
        "request": {"accessType": "MODIFICATION", "data": body},
        "result": {"status": "SUCCESS", "data": {**body, "etag": rng.getrandbits(40)}},
    }
    return {
        "type": "io.confluent.cloud/request",
        "source": "crn://confluent.cloud/",
        "dataschema": "https://confluent.io/internal/events/AuditLog.v2",
        "subject": subject,
        "data": data,
    }


def _api_key_request(rng: random.Random, org: _Organisation, method: str) -> Json:
    cluster, environment, _ = org.cluster(rng)
    owner = rng.choice(org.service_accounts)
    key = _api_key(rng)
    resource = {"type": "API_KEY", "resourceId": key}
    organisation = ("ORGANIZATION", org.id)
    on_cluster = _scope(
        organisation, ("ENVIRONMENT", environment), ("CLOUD_CLUSTER", cluster), ("KAFKA_CLUSTER", cluster)
    )
    resources = [
        {"scope": _scope(organisation, ("SERVICE_ACCOUNT", owner)), "resource": resource},
        {"scope": on_cluster, "resource": resource},
    ]
    body: Json = {"id": key, "api_version": "iam/v2", "kind": "ApiKey"}
    if method == "CreateAPIKey":
        body["spec"] = {
            "display_name": f"key of {rng.choice(_DISPLAY_NAMES)}",
            "description": "",
            "owner": {"id": owner, "kind": "ServiceAccount"},
            "resource": {"id": cluster, "environment": environment, "kind": "Cluster"},
        }
    return _cloud_request(rng, org, method, f"{org.crn}/api-key={key}", resources=resources, body=body)


def _environment_request(rng: random.Random, org: _Organisation, method: str) -> Json:
    environment = rng.choice(org.environments) if method == "UpdateEnvironment" else _identifier(rng, "env")
    resources = [
        {
            "scope": _scope(("ORGANIZATION", org.id)),
            "resource": {"type": "ENVIRONMENT", "resourceId": environment},
        }
    ]
    body = {
        "id": environment,
        "api_version": "org/v2",
        "kind": "Environment",
        "display_name": f"{rng.choice(_DISPLAY_NAMES)}-{rng.choice(('dev', 'staging', 'production'))}",
        "stream_governance_config": {"package": rng.choice(("ESSENTIALS", "ADVANCED"))},
        "metadata": {
            "self": f"https://api.confluent.cloud/org/v2/environments/{environment}",
            "deleted_at": None,
        },
    }
    return _cloud_request(
        rng, org, method, f"{org.crn}/environment={environment}", resources=resources, body=body
    )


def _role_binding_request(rng: random.Random, org: _Organisation, method: str) -> Json:
    cluster, environment, name = org.cluster(rng)
    binding = _identifier(rng, "rb")
    resources = [
        {
            "scope": _scope(
                ("ORGANIZATION", org.id), ("ENVIRONMENT", environment), ("CLOUD_CLUSTER", cluster)
            ),
            "resource": {"type": "ROLE_BINDING", "resourceId": binding},
        }
    ]
    body = {
        "id": binding,
        "principal": f"User:{rng.choice(org.service_accounts)}",
        "role_name": rng.choice(_ROLES),
        "crn_pattern": f"{name}/topic={rng.choice(org.topics)}*",
    }
    return _cloud_request(rng, org, method, f"{name}/role-binding={binding}", resources=resources, body=body)


_Maker = Callable[[random.Random, _Organisation], Json]

# How often a kind comes, roughly as in a busy organisation: nearly all of it is clients at work.
_KINDS: dict[str, tuple[float, _Maker]] = {
    "authentication success": (22, lambda r, o: _kafka_authentication(r, o, success=True)),
    "authentication failure": (4, lambda r, o: _kafka_authentication(r, o, success=False)),
    "authorization granted": (44, lambda r, o: _kafka_authorization(r, o, granted=True)),
    "authorization denied": (7, lambda r, o: _kafka_authorization(r, o, granted=False)),
    "API key created": (3, lambda r, o: _api_key_request(r, o, "CreateAPIKey")),
    "API key deleted": (2, lambda r, o: _api_key_request(r, o, "DeleteAPIKey")),
    "environment created": (1, lambda r, o: _environment_request(r, o, "CreateEnvironment")),
    "environment changed": (2, lambda r, o: _environment_request(r, o, "UpdateEnvironment")),
    "topic created": (6, lambda r, o: _topic_request(r, o, "kafka.CreateTopics")),
    "topic deleted": (3, lambda r, o: _topic_request(r, o, "kafka.DeleteTopics")),
    "role binding created": (4, lambda r, o: _role_binding_request(r, o, "CreateRoleBinding")),
    "role binding deleted": (2, lambda r, o: _role_binding_request(r, o, "DeleteRoleBindingById")),
}

KINDS = tuple(_KINDS)
"""The kinds of events there are."""
