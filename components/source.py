"""AuditLogSource: the organisation's audit-log cluster. Confluent Cloud keeps the events for 7 days."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_confluentcloud as confluentcloud

from components import key_generations, settings
from components.owner import Owner


@dataclass(frozen=True)
class AuditLogSourceArgs:
    """Either `bootstrap_servers` (host:port), `api_key` and `api_secret`, or three ids to find and make them.

    The ids: `cluster` (lkc-...), `environment` (env-...), `service_account` (sa-...). `region`: of the bucket; the
    audit-log cluster must be in the same region unless `allow_other_region`. `key_generations`: see
    `components.key_generations`.
    """

    owner: Owner
    region: str
    allow_other_region: bool = False
    bootstrap_servers: str | None = None
    api_key: pulumi.Input[str] | None = None
    api_secret: pulumi.Input[str] | None = None
    cluster: str | None = None
    environment: str | None = None
    service_account: str | None = None
    key_generations: Sequence[int] = (1,)


class AuditLogSource(pulumi.ComponentResource):
    """Where the events come from. Outputs: `bootstrap_servers`, `api_key`, `api_secret` (secret)."""

    bootstrap_servers: str
    api_key: pulumi.Output[str]
    api_secret: pulumi.Output[str]

    def __init__(
        self, name: str, args: AuditLogSourceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("logexporter:source:AuditLogSource", name, None, opts)
        if args.bootstrap_servers is not None and args.api_key is not None and args.api_secret is not None:
            self.bootstrap_servers = args.bootstrap_servers
            self.api_key = pulumi.Output.from_input(args.api_key)
            self.api_secret = pulumi.Output.secret(args.api_secret)
        else:
            self._from_ids(name, args)
        self.register_outputs({"bootstrapServers": self.bootstrap_servers})

    def _from_ids(self, name: str, args: AuditLogSourceArgs) -> None:
        # Asked now, not as an output: a cluster in the wrong region stops the program before it makes anything.
        cluster = confluentcloud.get_kafka_cluster(
            id=args.cluster,
            environment=confluentcloud.GetKafkaClusterEnvironmentArgs(id=str(args.environment)),
            opts=pulumi.InvokeOptions(parent=self),
        )
        settings.require_region(cluster.region, args.region, allow_other_region=args.allow_other_region)
        self.bootstrap_servers = settings.normalise_bootstrap_servers(cluster.bootstrap_endpoint)
        keys = [self._key(name, args, cluster, generation) for generation in args.key_generations]
        self.api_key = keys[-1].id
        self.api_secret = pulumi.Output.secret(keys[-1].secret)

    def _key(
        self,
        name: str,
        args: AuditLogSourceArgs,
        cluster: confluentcloud.GetKafkaClusterResult,
        generation: int,
    ) -> confluentcloud.ApiKey:
        return confluentcloud.ApiKey(
            key_generations.resource_name(name, generation),
            display_name=f"{args.owner.project}-{args.owner.stack}-{generation}",
            description="Reads the audit log for the archive",
            # Only a key of the predefined audit service account may read this cluster.
            owner=confluentcloud.ApiKeyOwnerArgs(
                id=str(args.service_account), api_version="iam/v2", kind="ServiceAccount"
            ),
            managed_resource=confluentcloud.ApiKeyManagedResourceArgs(
                id=cluster.id,
                api_version=cluster.api_version,
                kind=cluster.kind,
                environment=confluentcloud.ApiKeyManagedResourceEnvironmentArgs(id=str(args.environment)),
            ),
            # The wait polls an interface that this cluster may refuse. A failed wait would leave an active key behind
            # whose secret nobody knows, and the service account can have only two keys.
            disable_wait_for_ready=True,
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["secret"]),
        )
