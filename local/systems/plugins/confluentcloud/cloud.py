"""Confluent Cloud as the local stack has it: two clusters, and records of what the brokers do not keep themselves."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.base.files import locked, write_atomically
from local.systems.plugins.stand_in import RefusedError

OWN_CLUSTER = "lkc-local2"
"""The id of the organisation's own cluster. Every other id is the audit-log cluster's."""

OWN_ENVIRONMENT = "env-local2"


@dataclass(frozen=True)
class Cluster:
    """A local broker: its address (host:port) and the file of its users."""

    bootstrap: str
    users: Path

    @property
    def keys(self) -> Path:
        """Owner and description of each API key; the secrets are in `users` only."""
        return self.users.with_name("api-keys.json")

    @property
    def authority(self) -> Path:
        """The authority that signed the broker's certificate."""
        return self.users.with_name("ca.pem")

    @property
    def bootstrap_endpoint(self) -> str:
        """As Confluent Cloud gives it."""
        return f"SASL_SSL://{self.bootstrap}"

    @property
    def rest_endpoint(self) -> str:
        """Nothing serves it here: the stand-in talks to the broker itself."""
        return f"https://{self.bootstrap}"


@dataclass(frozen=True)
class Cloud:
    """The audit-log cluster, and the organisation's own one if the local stack has it."""

    audit_log: Cluster
    own: Cluster | None = None

    def cluster(self, cluster_id: str) -> Cluster:
        """The cluster with this id (lkc-...).

        Raises:
            RefusedError: it is the id of the organisation's own cluster, which does not run.
        """
        if cluster_id != OWN_CLUSTER:
            return self.audit_log
        return self._own()

    def cluster_of(self, crn: str) -> Cluster:
        """The cluster of a CRN, as `rbacCrn` of a cluster gives it.

        Raises:
            RefusedError: it is not that of the organisation's own cluster.
        """
        if crn != rbac_crn(OWN_ENVIRONMENT, OWN_CLUSTER):
            raise RefusedError(f"400 Bad Request: the local stack knows no cluster with the CRN {crn}")
        return self._own()

    def _own(self) -> Cluster:
        if self.own is None:
            raise RefusedError(
                f"404 Not Found: this local stack has no cluster {OWN_CLUSTER}: start one in mode distributed"
            )
        return self.own

    @property
    def service_accounts(self) -> Path:
        """Name and description of each service account that a program made, by id."""
        return self.audit_log.users.with_name("service-accounts.json")

    @property
    def role_bindings(self) -> Path:
        """Principal, role and CRN of each role binding, by id."""
        return self.audit_log.users.with_name("role-bindings.json")


def rbac_crn(environment: str, cluster: str) -> str:
    """A cluster's CRN; the organisation's id is made up.

    Source of the form: crn_pattern of a CloudClusterAdmin in github.com/confluentinc/terraform-provider-confluent
    issue 356, without its last part, `/kafka=lkc-...`, which names what is in a cluster.
    """
    organisation = "00000000-0000-4000-8000-000000000001"
    return (
        f"crn://confluent.cloud/organization={organisation}/environment={environment}/cloud-cluster={cluster}"
    )


@contextmanager
def changed(file: Path) -> Iterator[dict[str, Any]]:
    """The records in a file, by id, locked; changes are written when the block ends without an error."""
    with locked(file.with_suffix(".lock")):
        found = read(file)
        yield found
        write_atomically(file, json.dumps(found, indent=2))


def read(file: Path) -> dict[str, Any]:
    """The records in a file, by id; empty when there is no file yet."""
    records: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return records
