"""Settings of clients of a local broker: for confluent-kafka (librdkafka's names), and for Java clients."""

import json
from pathlib import Path

from local.systems.kafka import users

TOPIC = "confluent-audit-log-events"
PARTITIONS = 12


def own_cluster(state: Path) -> Path:
    """The state folder of the organisation's own cluster, in that of a local stack."""
    return state / "own-cluster"


def address_file(state: Path) -> Path:
    """The file with the broker's address, `{"bootstrap": "127.0.0.1:P"}`; it stays when the broker stops."""
    return state / "kafka" / "address.json"


def ca_file(state: Path) -> Path:
    """The authority that signed the broker's certificate."""
    return state / "kafka" / "ca.pem"


def trusted_file(state: Path) -> Path:
    """That authority and those that this machine trusts, in a file for SSL_CERT_FILE."""
    return state / "kafka" / "trusted.pem"


def client_config(state: Path, user: str = users.ADMIN) -> dict[str, str | int | float | bool]:
    """What a producer, consumer or admin client needs to log in as `user`.

    Raises:
        FileNotFoundError: no broker was ever started with this state folder.
        KeyError: the broker does not know the user.
    """
    return {
        "bootstrap.servers": json.loads(address_file(state).read_text())["bootstrap"],
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": user,
        "sasl.password": users.read(users.file(state))[user],
        "ssl.ca.location": str(ca_file(state)),
        # Errors: librdkafka also logs each attempt while a broker loads its transactions, and what a client that has
        # ended was not asked for.
        "log_level": 3,
    }


def java_login(state: Path, user: str) -> str:
    """`sasl.jaas.config` of a Java client that logs in as `user`.

    Raises:
        KeyError: the broker does not know the user.
    """
    secret = users.read(users.file(state))[user]
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return f'{module} required username="{user}" password="{secret}";'


def java_trust(state: Path) -> dict[str, str]:
    """What makes a Java client trust the broker's certificate."""
    return {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(ca_file(state))}
