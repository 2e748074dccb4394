"""AuditLogSource: the organisation's audit-log cluster, which Confluent Cloud keeps for 7 days."""

from dataclasses import dataclass

import pulumi
import pulumi_confluentcloud as confluentcloud

from components import generations, settings


@dataclass(frozen=True)
class AuditLogSourceArgs:
    """`source` holds either an endpoint with a key, or the three ids from which both are found and made.

    `region`: the bucket's; the audit-log cluster must be in the same unless `allow_other_region`.
    """

    source: settings.Source
    region: str
    allow_other_region: bool


class AuditLogSource(pulumi.ComponentResource):
    """Where the events come from. Outputs: `bootstrap_servers`, `api_key`, `api_secret` (secret)."""

    bootstrap_servers: str
    api_key: pulumi.Output[str]
    api_secret: pulumi.Output[str]

    def __init__(
        self, name: str, args: AuditLogSourceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("logexporter:source:AuditLogSource", name, None, opts)
        source = args.source
        if (
            source.bootstrap_servers is not None
            and source.api_key is not None
            and source.api_secret is not None
        ):
            self.bootstrap_servers = source.bootstrap_servers
            self.api_key = pulumi.Output.from_input(source.api_key)
            self.api_secret = settings.secret(source.api_secret)
        else:
            self._from_ids(name, args)
        self.register_outputs({"bootstrapServers": self.bootstrap_servers})

    def _from_ids(self, name: str, args: AuditLogSourceArgs) -> None:
        source = args.source
        invoked = pulumi.InvokeOptions(parent=self)
        # Asked now, not as an output: a cluster in the wrong region stops the program before it makes anything.
        cluster = confluentcloud.get_kafka_cluster(
            id=source.cluster,
            environment=confluentcloud.GetKafkaClusterEnvironmentArgs(id=str(source.environment)),
            opts=invoked,
        )
        settings.require_region(cluster.region, args.region, allow_other_region=args.allow_other_region)
        self.bootstrap_servers = settings.normalise_bootstrap_servers(cluster.bootstrap_endpoint)
        keys = [self._key(name, source, cluster, generation) for generation in source.key_generations]
        self.api_key = keys[-1].id
        self.api_secret = pulumi.Output.secret(keys[-1].secret)

    def _key(
        self,
        name: str,
        source: settings.Source,
        cluster: confluentcloud.GetKafkaClusterResult,
        generation: int,
    ) -> confluentcloud.ApiKey:
        return confluentcloud.ApiKey(
            generations.resource_name(name, generation),
            display_name=f"{pulumi.get_project()}-{pulumi.get_stack()}-{generation}",
            description="Reads the audit log for the archive",
            # Only a key of the predefined audit service account may read this cluster.
            owner=confluentcloud.ApiKeyOwnerArgs(
                id=str(source.service_account), api_version="iam/v2", kind="ServiceAccount"
            ),
            managed_resource=confluentcloud.ApiKeyManagedResourceArgs(
                id=cluster.id,
                api_version=cluster.api_version,
                kind=cluster.kind,
                environment=confluentcloud.ApiKeyManagedResourceEnvironmentArgs(id=str(source.environment)),
            ),
            # The wait polls an interface that this cluster may refuse; a wait that fails leaves a live key
            # behind whose secret nobody knows, and there are only two places for keys.
            disable_wait_for_ready=True,
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["secret"]),
        )
