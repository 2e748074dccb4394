"""FleetCluster: the Kafka cluster of the organisation's own, in which a Connect cluster keeps its state.

The audit-log cluster cannot have it: nobody can write there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_confluentcloud as confluentcloud

from components import key_generations, settings
from components.fleet.certificate import FleetCertificate
from components.fleet.topics import GROUP_RIGHTS, TOPIC_RIGHTS, state_topics
from components.former_name import renamed
from components.owner import Owner


@dataclass(frozen=True)
class FleetClusterArgs:
    """Either `bootstrap_servers` (host:port), `api_key` and `api_secret`, or `cluster` (lkc-...) and `environment`.

    `name`: of the Connect cluster: its group, and the beginning of the names of its topics. With the ids, the program
    makes the topics, and a service account with rights on them and on the group alone.
    `key_generations`: of its key, see `components.key_generations`. `certificate_generation`: of the VMs' certificate.
    """

    owner: Owner
    name: str
    bootstrap_servers: str | None = None
    api_key: pulumi.Input[str] | None = None
    api_secret: pulumi.Input[str] | None = None
    cluster: str | None = None
    environment: str | None = None
    key_generations: Sequence[int] = (1,)
    certificate_generation: int = 1


class FleetCluster(pulumi.ComponentResource):
    """Where a Connect cluster keeps its state, and the certificate with which its VMs know each other.

    Outputs: `bootstrap_servers`, `api_key`, `api_secret` (secret), `certificate`. `needed`: without these resources a
    worker does not start.
    """

    bootstrap_servers: str
    api_key: pulumi.Output[str]
    api_secret: pulumi.Output[str]
    certificate: FleetCertificate
    needed: Sequence[pulumi.Resource] = ()

    def __init__(self, name: str, args: FleetClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("logexporter:fleet:FleetCluster", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        if args.bootstrap_servers is not None and args.api_key is not None and args.api_secret is not None:
            self.bootstrap_servers = args.bootstrap_servers
            self.api_key = pulumi.Output.from_input(args.api_key)
            self.api_secret = pulumi.Output.secret(args.api_secret)
        else:
            self._make()
        self.certificate = FleetCertificate(name, str(args.owner), args.certificate_generation, self._child)
        self.register_outputs({"bootstrapServers": self.bootstrap_servers})

    def _make(self) -> None:
        cluster = confluentcloud.get_kafka_cluster(
            id=self._args.cluster,
            environment=confluentcloud.GetKafkaClusterEnvironmentArgs(id=str(self._args.environment)),
            opts=pulumi.InvokeOptions(parent=self),
        )
        self.bootstrap_servers = settings.normalise_bootstrap_servers(cluster.bootstrap_endpoint)
        access = self._access(cluster)
        workers = self._service_account(self._name, "The VMs that archive the audit log")
        topics = [
            self._topic(cluster, access, what, topic) for what, topic in state_topics(self._args.name).items()
        ]
        rights = self._rights(cluster, access, workers, topics)
        keys = [
            self._key(self._name, cluster, workers, generation) for generation in self._args.key_generations
        ]
        self.api_key = keys[-1].id
        self.api_secret = pulumi.Output.secret(keys[-1].secret)
        self.needed = [*topics, *rights]

    def _service_account(self, name: str, description: str) -> confluentcloud.ServiceAccount:
        return confluentcloud.ServiceAccount(
            name,
            # Unique in the organisation, 64 characters at most.
            display_name=self._args.owner.unique_name(name, 64),
            description=description,
            opts=self._child,
        )

    def _in_cluster(self, what: str) -> str:
        """The logical name of a resource with a fixed name in Confluent Cloud. `what`: its kind and that name.

        Another cluster, or another name, then needs another resource, not a replacement of this one. If `up` fails, a
        replaced resource would wait to be deleted. The next `up`, with the settings of before, could not make it again,
        or would make it and then delete it.
        """
        return f"{self._name}-{self._args.cluster}-{what}"

    def _access(self, cluster: confluentcloud.GetKafkaClusterResult) -> "_Access":
        """The key that makes topics and rights. Only an administrator of the cluster may do that."""
        name = f"{self._name}-admin"
        account = self._service_account(
            name, "Pulumi: makes the topics of the VMs that archive the audit log"
        )
        binding = confluentcloud.RoleBinding(
            self._in_cluster("admin"),
            principal=account.id.apply(_principal),
            role_name="CloudClusterAdmin",
            crn_pattern=cluster.rbac_crn,
            opts=renamed(self, name),
        )
        key = self._key(name, cluster, account, 1)
        return _Access(key, binding, cluster.rest_endpoint)

    def _key(
        self,
        name: str,
        cluster: confluentcloud.GetKafkaClusterResult,
        account: confluentcloud.ServiceAccount,
        generation: int,
    ) -> confluentcloud.ApiKey:
        return confluentcloud.ApiKey(
            key_generations.resource_name(name, generation),
            display_name=f"{self._args.owner}-{name}-{generation}",
            description=account.description,
            owner=confluentcloud.ApiKeyOwnerArgs(
                id=account.id, api_version=account.api_version, kind=account.kind
            ),
            managed_resource=confluentcloud.ApiKeyManagedResourceArgs(
                id=cluster.id,
                api_version=cluster.api_version,
                kind=cluster.kind,
                environment=confluentcloud.ApiKeyManagedResourceEnvironmentArgs(
                    id=str(self._args.environment)
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["secret"]),
        )

    def _topic(
        self,
        cluster: confluentcloud.GetKafkaClusterResult,
        access: "_Access",
        what: str,
        topic: str,
    ) -> confluentcloud.KafkaTopic:
        return confluentcloud.KafkaTopic(
            self._in_cluster(f"topic-{topic}"),
            kafka_cluster=confluentcloud.KafkaTopicKafkaClusterArgs(id=cluster.id),
            topic_name=topic,
            # Connect refuses more for its configuration, and needs no more for the others.
            partitions_count=1,
            config={"cleanup.policy": "compact"},
            rest_endpoint=access.rest_endpoint,
            credentials=confluentcloud.KafkaTopicCredentialsArgs(key=access.key.id, secret=access.secret),
            opts=renamed(self, f"{self._name}-{what}", [access.binding]),
        )

    def _rights(
        self,
        cluster: confluentcloud.GetKafkaClusterResult,
        access: "_Access",
        workers: confluentcloud.ServiceAccount,
        topics: Sequence[confluentcloud.KafkaTopic],
    ) -> list[confluentcloud.KafkaAcl]:
        names = state_topics(self._args.name)
        wanted = [
            *(("TOPIC", what, names[what], right) for what in TOPIC_RIGHTS for right in TOPIC_RIGHTS[what]),
            *(("GROUP", "group", self._args.name, right) for right in GROUP_RIGHTS),
        ]
        return [
            confluentcloud.KafkaAcl(
                self._in_cluster(f"{resource_type.lower()}-{resource_name}-{_dashed(right)}"),
                kafka_cluster=confluentcloud.KafkaAclKafkaClusterArgs(id=cluster.id),
                resource_type=resource_type,
                resource_name_=resource_name,
                pattern_type="LITERAL",
                principal=workers.id.apply(_principal),
                host="*",
                operation=right,
                permission="ALLOW",
                rest_endpoint=access.rest_endpoint,
                credentials=confluentcloud.KafkaAclCredentialsArgs(key=access.key.id, secret=access.secret),
                opts=renamed(self, f"{self._name}-{what}-{_dashed(right)}", [access.binding, *topics]),
            )
            for resource_type, what, resource_name, right in wanted
        ]


@dataclass(frozen=True)
class _Access:
    """The administrator's key, the role that it needs, and the cluster's REST endpoint."""

    key: confluentcloud.ApiKey
    binding: confluentcloud.RoleBinding
    rest_endpoint: str

    @property
    def secret(self) -> pulumi.Output[str]:
        return pulumi.Output.secret(self.key.secret)


def _principal(service_account: str) -> str:
    return f"User:{service_account}"


def _dashed(right: str) -> str:
    return right.lower().replace("_", "-")
