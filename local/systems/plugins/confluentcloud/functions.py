"""The lookups of the program: the audit-log cluster and its service account."""

from collections.abc import Callable

from local.systems.plugins.confluentcloud.keys import Cluster
from local.systems.plugins.stand_in import RefusedError
from local.systems.plugins.values import Plain

Result = tuple[Plain, set[str]]


def _kafka_cluster(cluster: Cluster, arguments: Plain) -> Result:
    _only(arguments, "id", "environment")
    return {
        "id": arguments["id"],
        "environment": arguments["environment"],
        "displayName": "audit-log",
        "apiVersion": "cmk/v2",
        "kind": "Cluster",
        "availability": "LOW",
        "cloud": "AWS",
        "region": "us-west-2",
        "bootstrapEndpoint": f"SASL_SSL://{cluster.bootstrap}",
        # Nothing serves it here, as the program does not use it.
        "restEndpoint": f"https://{cluster.bootstrap}",
    }, set()


def _only(arguments: Plain, *known: str) -> None:
    for name in sorted(set(arguments) - set(known)):
        raise RefusedError(f"the stand-in of the confluentcloud plugin knows no argument {name} here")


FUNCTIONS: dict[str, Callable[[Cluster, Plain], Result]] = {
    "confluentcloud:index/getKafkaCluster:getKafkaCluster": _kafka_cluster,
}
