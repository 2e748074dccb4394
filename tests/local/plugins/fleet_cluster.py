"""The organisation's own cluster with a real broker, and what a program makes in it through the stand-in."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient

from local.base import paths, processes
from local.systems.kafka import certificates, client, users
from local.systems.plugins.confluentcloud.cloud import OWN_CLUSTER, OWN_ENVIRONMENT
from tests.local.plugins.wire import Plugin, environment, opened, secret

ACCOUNT = "confluentcloud:index/serviceAccount:ServiceAccount"
BINDING = "confluentcloud:index/roleBinding:RoleBinding"
API_KEY = "confluentcloud:index/apiKey:ApiKey"
TOPIC = "confluentcloud:index/kafkaTopic:KafkaTopic"
ACL = "confluentcloud:index/kafkaAcl:KafkaAcl"
LOOKUP = "confluentcloud:index/getKafkaCluster:getKafkaCluster"


@dataclass(frozen=True)
class Key:
    """An API key on the cluster, and its owner."""

    account: str
    key: str
    secret: str


@dataclass
class Site:
    """The stand-in and the broker. `state`: the local stack's folder."""

    state: Path
    plugin: Plugin

    @property
    def cluster(self) -> dict[str, Any]:
        """As the program looks it up."""
        return self.plugin.invoke(LOOKUP, {"id": OWN_CLUSTER, "environment": {"id": OWN_ENVIRONMENT}})

    @property
    def admin(self) -> AdminClient:
        """A client with every right."""
        return AdminClient(client.client_config(client.own_cluster(self.state)))

    def config(self, key: Key) -> dict[str, str | int | float | bool]:
        """A client's settings to log in with the API key."""
        return {
            **client.client_config(client.own_cluster(self.state)),
            "sasl.username": key.key,
            "sasl.password": key.secret,
        }

    def account(self, name: str) -> str:
        """A service account's id."""
        return self.plugin.create(ACCOUNT, {"displayName": name})[0]

    def key(self, account: str) -> Key:
        """An API key of the service account."""
        key, state = self.plugin.create(API_KEY, self.key_inputs(account))
        return Key(account, key, str(opened(state["secret"])))

    def key_inputs(self, account: str) -> dict[str, Any]:
        """What an API key on this cluster is made from."""
        return {
            "owner": {"id": account, "apiVersion": "iam/v2", "kind": "ServiceAccount"},
            "managedResource": {
                "id": OWN_CLUSTER,
                "apiVersion": "cmk/v2",
                "kind": "Cluster",
                "environment": {"id": OWN_ENVIRONMENT},
            },
            "disableWaitForReady": True,
        }

    def role(self, account: str) -> tuple[str, dict[str, Any]]:
        """The role that administers the cluster, for a service account."""
        inputs = {
            "principal": f"User:{account}",
            "roleName": "CloudClusterAdmin",
            "crnPattern": self.cluster["rbacCrn"],
        }
        return self.plugin.create(BINDING, inputs)

    def topic(self, name: str, key: Key, **further: Any) -> dict[str, Any]:
        """What a compacted topic is made from."""
        return {
            **self._place(key),
            "topicName": name,
            "partitionsCount": 1,
            "config": {"cleanup.policy": "compact"},
            **further,
        }

    def acl(self, right: tuple[str, str, str], account: str, key: Key) -> dict[str, Any]:
        """What an access rule is made from; `right`: kind, name, operation."""
        kind, name, operation = right
        return {
            **self._place(key),
            "resourceType": kind,
            "resourceName": name,
            "patternType": "LITERAL",
            "principal": f"User:{account}",
            "host": "*",
            "operation": operation,
            "permission": "ALLOW",
        }

    def _place(self, key: Key) -> dict[str, Any]:
        return {
            "kafkaCluster": {"id": OWN_CLUSTER},
            "restEndpoint": self.cluster["restEndpoint"],
            "credentials": secret({"key": key.key, "secret": key.secret}),
        }


@contextmanager
def site(state: Path) -> Iterator[Site]:
    """A site in an empty folder; the audit-log cluster does not run."""
    certificates.ensure(_folder(state))
    users.add(users.file(state), users.ADMIN, "unused")
    own = client.own_cluster(state)
    argv = [sys.executable, "-m", "local.systems.kafka", "--state", str(own), "--beside", str(state)]
    server = processes.start(state, "own-cluster", argv, env=os.environ, cwd=paths.ROOT)
    plugin = Plugin("confluentcloud", plugin_environment(state, str(server.ready["bootstrap"])))
    try:
        yield Site(state, plugin)
    finally:
        plugin.stop()
        processes.stop_all(state)


def plugin_environment(state: Path, bootstrap: str) -> dict[str, str]:
    """The stand-in's environment, with both clusters."""
    return environment(
        CCLOUD_LOCAL_STACK="1",
        CCLOUD_LOCAL_KAFKA_BOOTSTRAP="127.0.0.1:9092",
        CCLOUD_LOCAL_KAFKA_USERS=str(users.file(state)),
        CCLOUD_LOCAL_OWN_KAFKA_BOOTSTRAP=bootstrap,
        CCLOUD_LOCAL_OWN_KAFKA_USERS=str(users.file(client.own_cluster(state))),
    )


def _folder(state: Path) -> Path:
    folder = users.file(state).parent
    folder.mkdir(parents=True)
    return folder
