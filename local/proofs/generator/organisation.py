"""Who and what the sample events are about: a made-up organisation, and the parts that many kinds of event share.

Nobody real is in it: ids are random, addresses come from the ranges that RFC 5737 and RFC 3849 keep for
documentation, mail addresses from RFC 2606's example.com.
"""

import random
from typing import Any
from uuid import UUID

Json = dict[str, Any]

_ID_LETTERS = "0123456789abcdefghjkmnpqrvwxyz"
_KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

DOMAINS = ("orders", "payments", "inventory", "shipments", "customer-notifications")
# What people type into a console is not ASCII.
DISPLAY_NAMES = (*DOMAINS, "Größen-Übersicht", "在庫管理", "équipe données \N{WHITE HEAVY CHECK MARK}")
ROLES = (
    "DeveloperRead",
    "DeveloperWrite",
    "DeveloperManage",
    "ResourceOwner",
    "CloudClusterAdmin",
    "MetricsViewer",
)


class Organisation:
    """Its environments, clusters, users and topics."""

    def __init__(self, rng: random.Random) -> None:
        self.id = str(UUID(int=rng.getrandbits(128), version=4))
        self.environments = [identifier(rng, "env") for _ in range(3)]
        self.clusters = [(identifier(rng, "lkc"), rng.choice(self.environments)) for _ in range(5)]
        self.users = [identifier(rng, "u") for _ in range(12)]
        self.service_accounts = [identifier(rng, "sa") for _ in range(20)]
        self.identity_pools = [identifier(rng, "pool") for _ in range(4)]
        self.topics = [f"{domain}.{what}" for domain in DOMAINS for what in ("events", "commands", "dlq")]

    @property
    def crn(self) -> str:
        """The organisation's resource name."""
        return f"crn://confluent.cloud/organization={self.id}"

    def cluster(self, rng: random.Random) -> tuple[str, str, str]:
        """Cluster id, environment id and the cluster's resource name."""
        cluster, environment = rng.choice(self.clusters)
        name = f"{self.crn}/environment={environment}/cloud-cluster={cluster}/kafka={cluster}"
        return cluster, environment, name

    def principal(self, rng: random.Random) -> Json:
        """Each form of a principal that is an object, in Confluent's schema of audit events (version 1.2)."""
        forms: tuple[Json, ...] = (
            {"confluentUser": {"resourceId": rng.choice(self.users)}},
            {"email": email(rng), "confluentUser": {"resourceId": rng.choice(self.users)}},
            {"confluentServiceAccount": {"resourceId": rng.choice(self.service_accounts)}},
            {"identityPool": {"resourceId": rng.choice(self.identity_pools)}},
            {"group": {"resourceId": identifier(rng, "group")}},
            {
                "externalAccount": {
                    "subject": f"application-{rng.randrange(100)}",
                    "namespace": [{"type": "IDENTITY_PROVIDER", "id": identifier(rng, "op")}],
                }
            },
            {"confluentInternal": "cc-scheduler-service"},
        )
        # People at the console first, the rest as it comes.
        return rng.choices(forms, (4, 4, 4, 2, 1, 1, 1))[0]


def identifier(rng: random.Random, prefix: str) -> str:
    """An id as Confluent makes them: lkc-1a2b3c."""
    return prefix + "-" + "".join(rng.choices(_ID_LETTERS, k=6))


def api_key(rng: random.Random) -> str:
    """The public half of an API key."""
    return "".join(rng.choices(_KEY_LETTERS, k=16))


def email(rng: random.Random) -> str:
    """Somebody's mail address."""
    return f"someone{rng.randrange(12)}@example.com"


def address(rng: random.Random) -> str:
    """IPv4, now and then IPv6."""
    if rng.random() < 0.1:
        return f"2001:db8:{rng.randrange(1 << 16):x}::{rng.randrange(1, 1 << 16):x}"
    return rng.choice(("192.0.2.", "198.51.100.", "203.0.113.")) + str(rng.randrange(1, 255))


def request_metadata(rng: random.Random) -> Json:
    """Where a request came from. Some services tell no port, and no trace."""
    client: Json = {"ip": address(rng)}
    found: Json = {"requestId": [f"{rng.getrandbits(128):032x}"], "clientAddress": [client]}
    if rng.random() < 0.7:
        client["port"] = rng.randrange(1024, 65536)
        found["clientTraceId"] = f"{rng.getrandbits(64):016x}"
    return found


def scope(*levels: tuple[str, str]) -> Json:
    """Resources from the organisation downwards: (type, id) of each."""
    return {"resources": [{"type": kind, "resourceId": resource} for kind, resource in levels]}
