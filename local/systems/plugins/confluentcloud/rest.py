"""Kafka's REST API, as a cluster's API key may use it: the stand-in asks the broker itself, with that key."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from local.systems.kafka import users
from local.systems.plugins.confluentcloud.cloud import Cloud, Cluster
from local.systems.plugins.stand_in import Property, RefusedError
from local.systems.plugins.values import Plain

SECONDS = 60.0

# The statuses that the REST API gives, after github.com/confluentinc/terraform-provider-confluent issues 112 (403)
# and pulumi/pulumi issue 12078 (401), and the comments in resource_kafka_topic.go (400).
_STATUS = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "403 Forbidden",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "403 Forbidden",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "403 Forbidden",
}

IN_CLUSTER = {
    # Without it, the provider's configuration must name the cluster: not known here.
    "kafkaCluster": Property(required=True, replaces=True, fields={"id": Property(required=True)}),
}
"""The cluster of a topic or of an access rule."""

CREDENTIALS = Property(
    required=True, fields={"key": Property(required=True), "secret": Property(required=True)}
)


def cluster_of(cloud: Cloud, properties: Plain) -> Cluster:
    """The cluster that a resource is in.

    Raises:
        RefusedError: it does not run, or the REST endpoint is not the cluster's.
    """
    cluster = cloud.cluster(properties["kafkaCluster"]["id"])
    if properties["restEndpoint"] != cluster.rest_endpoint:
        raise RefusedError(
            f"404 Not Found: {properties['kafkaCluster']['id']} does not answer at {properties['restEndpoint']}"
        )
    return cluster


def admin(cloud: Cloud, properties: Plain) -> AdminClient:
    """A client of the resource's cluster, logged in with the resource's credentials.

    Raises:
        RefusedError: the cluster does not know the credentials.
    """
    cluster = cluster_of(cloud, properties)
    key, secret = properties["credentials"]["key"], properties["credentials"]["secret"]
    # The broker looks into the same file; its refusal would come as a timeout.
    if users.read(cluster.users).get(key) != secret:
        raise RefusedError(f"401 Unauthorized: the cluster knows no API key {key} with this secret")
    return connect(cluster, key, secret)


def connect(cluster: Cluster, user: str, secret: str) -> AdminClient:
    """A client that logs in to the broker as `user`."""
    return AdminClient(
        {
            "bootstrap.servers": cluster.bootstrap,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN",
            "sasl.username": user,
            "sasl.password": secret,
            "ssl.ca.location": str(cluster.authority),
        }
    )


@contextmanager
def refused(doing: str) -> Iterator[None]:
    """Gives the broker's refusals the words of the real plugin.

    Raises:
        RefusedError: the broker refused.
    """
    try:
        yield
    except KafkaException as error:
        cause: KafkaError = error.args[0]
        status = _STATUS.get(cause.code(), "400 Bad Request")
        raise RefusedError(f"error {doing}: {status}: {cause.str()}") from error
