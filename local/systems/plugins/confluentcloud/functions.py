"""The lookups of the program: the audit-log cluster and the organisation's own one."""

from collections.abc import Callable

from local.systems.plugins.confluentcloud.cloud import OWN_CLUSTER, OWN_ENVIRONMENT, Cloud, rbac_crn
from local.systems.plugins.stand_in import RefusedError
from local.systems.plugins.values import Plain

Result = tuple[Plain, set[str]]


def _kafka_cluster(cloud: Cloud, arguments: Plain) -> Result:
    _only(arguments, "id", "environment")
    cluster_id, environment = arguments["id"], arguments["environment"]["id"]
    cluster = cloud.cluster(cluster_id)
    if cluster == cloud.own and environment != OWN_ENVIRONMENT:
        raise RefusedError(f"404 Not Found: environment {environment} has no cluster {OWN_CLUSTER}")
    return {
        "id": cluster_id,
        "environment": arguments["environment"],
        "displayName": "own" if cluster == cloud.own else "audit-log",
        "apiVersion": "cmk/v2",
        "kind": "Cluster",
        "availability": "LOW",
        "cloud": "AWS",
        "region": "us-west-2",
        "bootstrapEndpoint": cluster.bootstrap_endpoint,
        "restEndpoint": cluster.rest_endpoint,
        "rbacCrn": rbac_crn(environment, cluster_id),
    }, set()


def _only(arguments: Plain, *known: str) -> None:
    for name in sorted(set(arguments) - set(known)):
        raise RefusedError(f"the stand-in of the confluentcloud plugin knows no argument {name} here")


FUNCTIONS: dict[str, Callable[[Cloud, Plain], Result]] = {
    "confluentcloud:index/getKafkaCluster:getKafkaCluster": _kafka_cluster,
}
