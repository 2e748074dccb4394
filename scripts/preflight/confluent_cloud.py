"""The parts of Confluent Cloud's API that preflight asks, with a Cloud API key.

Source of paths, parameters and fields: confluentinc/ccloud-sdk-go-v2, `apikeys/v2/api/openapi.yaml` (166d504),
`cmk/v2/docs/CmkV2ClusterSpec.md` (1ab527a), `org/v2/docs/OrgV2Environment.md` (209144c), read on 2026-11-27. Nobody has
tried it on a real audit-log cluster yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from components.logzio import redaction
from components.loopback import LOOPBACK
from components.settings import normalise_bootstrap_servers
from scripts.preflight.model import CheckError, Cluster, State

URL = "https://api.confluent.cloud"

KEYS_PER_OWNER = 2
"""API keys that the audit log's own service account may have (confluent terraform-provider issue 292)."""

_TIMEOUT = httpx.Timeout(8.0, connect=4.0)
_PAGE = 100
_MOST_PAGES = 20
_ADMIN = (
    "CONFLUENT_CLOUD_API_KEY and _SECRET must be a Cloud API key of a user or service account with the role "
    "OrganizationAdmin (`confluent api-key create --resource cloud`)"
)


@dataclass(frozen=True)
class ConfluentCloud:
    """Confluent Cloud's API for one Cloud API key."""

    key: str
    secret: str
    url: str = URL

    def cluster(self, cluster: str, environment: str, section: str = "source") -> Cluster:
        """The endpoint and the place of a Kafka cluster. `section`: of the settings that name it.

        Raises:
            CheckError: there is no such cluster, or the key may not see it.
        """
        found = self._get(f"/cmk/v2/clusters/{cluster}", {"environment": environment})
        if found is None:
            has_environment = self._get(f"/org/v2/environments/{environment}") is not None
            setting = "cluster" if has_environment else "environment"
            shows = (
                "`confluent audit-log describe`" if section == "source" else "`confluent kafka cluster list`"
            )
            raise CheckError(
                f"Confluent Cloud has no {setting} {cluster if has_environment else environment} that this key may see",
                f"set {section}.{setting} to what {shows} shows, or use a key of this organisation",
                State.BROKEN,
            )
        spec = found["spec"]
        try:
            servers = normalise_bootstrap_servers(str(spec["kafka_bootstrap_endpoint"]))
        except (KeyError, ValueError):
            raise CheckError(f"Confluent Cloud names no endpoint of {cluster}") from None
        return Cluster(servers, spec.get("region"), spec.get("cloud"))

    def api_keys(self, cluster: str, owner: str) -> tuple[str, ...]:
        """Ids of the API keys that a service account has for a cluster.

        Raises:
            CheckError: the API did not answer, or the key may not ask.
        """
        params: Mapping[str, str] = {"spec.owner": owner, "spec.resource": cluster, "page_size": str(_PAGE)}
        found: list[str] = []
        for _ in range(_MOST_PAGES):
            page = self._get("/iam/v2/api-keys", params)
            if page is None:
                raise CheckError("Confluent Cloud does not let this key list API keys", _ADMIN)
            found += [str(entry["id"]) for entry in page.get("data", ())]
            following = (page.get("metadata") or {}).get("next")
            if not following:
                break
            params = dict(httpx.URL(following).params)
        return tuple(found)

    def _get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The parsed answer; None if there is no such thing, or the key may not see it."""
        redaction.remember(self.secret)
        trust_env = httpx.URL(self.url).host not in LOOPBACK
        try:
            with httpx.Client(
                base_url=self.url, auth=(self.key, self.secret), timeout=_TIMEOUT, trust_env=trust_env
            ) as client:
                response = client.get(path, params=params)
                if response.status_code in (403, 404):
                    return None
                if response.status_code == 401:
                    raise CheckError("Confluent Cloud refuses the Cloud API key", _ADMIN, State.BROKEN)
                response.raise_for_status()
                return response.json()
        except httpx.HTTPStatusError as error:
            raise CheckError(
                f"Confluent Cloud answers {error.response.status_code} to {path}", "try again later"
            ) from None
        except httpx.TransportError as error:
            raise CheckError(
                f"Confluent Cloud does not answer: {type(error).__name__}", "check the network and a proxy"
            ) from None
        except ValueError:
            raise CheckError(
                "that is not Confluent Cloud's API", "check confluentcloud:endpoint and proxies"
            ) from None
