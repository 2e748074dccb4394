"""The API over HTTP on a loopback port."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from werkzeug.exceptions import Forbidden, HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from local.systems.plugins.confluentcloud.cloud import Cluster, read

_PAGE, _MOST = 10, 100

_ERRORS = {
    400: ("invalid_filter", "Invalid Filter", "The parameter has no such value"),
    401: (
        "user_unauthenticated",
        "Authentication Required",
        "Valid authentication credentials must be provided",
    ),
    403: ("user_unauthorized", "User Access Unauthorized", "The user is not allowed to access the resource"),
    404: ("resource_not_found", "Not Found", "The requested resource does not exist"),
}


@dataclass
class Organisation:
    """What the API shows: one environment with one Kafka cluster.

    `broker`: the local cluster, whose API keys are listed. `key`, `secret`: the only Cloud API key. `may_list_keys`:
    whether its owner has the role for that.
    """

    broker: Cluster
    cluster: str = "lkc-local1"
    environment: str = "env-local1"
    region: str = "us-west-2"
    key: str = "LOCALCLOUDKEY"
    may_list_keys: bool = True
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    def cluster_body(self) -> dict[str, Any]:
        """The cluster as `cmk/v2` shows it."""
        return {
            "api_version": "cmk/v2",
            "kind": "Cluster",
            "id": self.cluster,
            "spec": {
                "display_name": "audit-log",
                "availability": "SINGLE_ZONE",
                "cloud": "AWS",
                "region": self.region,
                "kafka_bootstrap_endpoint": self.broker.bootstrap_endpoint,
                "http_endpoint": self.broker.rest_endpoint,
                "environment": {"id": self.environment},
            },
            "status": {"phase": "PROVISIONED"},
        }

    def environment_body(self) -> dict[str, Any]:
        """The environment as `org/v2` shows it."""
        return {
            "api_version": "org/v2",
            "kind": "Environment",
            "id": self.environment,
            "display_name": "audit-log",
        }

    def keys(self, owner: str | None, resource: str | None) -> list[dict[str, Any]]:
        """The API keys as `iam/v2` lists them, without their secrets."""
        return [
            {"api_version": "iam/v2", "kind": "ApiKey", "id": key, "spec": _spec(record)}
            for key, record in sorted(read(self.broker.keys).items())
            if owner in (None, record["owner"]["id"])
            and resource in (None, (record.get("managedResource") or {}).get("id"))
        ]


def _spec(record: Mapping[str, Any]) -> dict[str, Any]:
    resource = record.get("managedResource") or {}
    return {
        "display_name": record.get("displayName") or "",
        "description": record.get("description") or "",
        "owner": {"id": record["owner"]["id"]},
        "resource": {"id": resource.get("id")},
    }


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's name
        pass


def bind(organisation: Organisation) -> BaseWSGIServer:
    """A server of the API on a free port of 127.0.0.1; its `serve_forever` answers."""
    return make_server("127.0.0.1", 0, _Application(organisation), threaded=True, request_handler=_Quiet)


class _Application:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self._paths = Map(
            [
                Rule("/cmk/v2/clusters/<cluster>", endpoint=self._cluster),
                Rule("/org/v2/environments/<environment>", endpoint=self._environment),
                Rule("/iam/v2/api-keys", endpoint=self._keys),
            ]
        )

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        given, known = request.authorization, self._organisation
        if given is None or (given.username, given.password) != (known.key, known.secret):
            return _error(401)
        try:
            endpoint, values = self._paths.bind_to_environ(request.environ).match(method="GET")
            return Response(json.dumps(endpoint(request, **values)), mimetype="application/json")
        except HTTPException as error:
            return _error(error.code or 404)

    def _cluster(self, request: Request, cluster: str) -> Any:
        known = self._organisation
        if (cluster, request.args.get("environment")) != (known.cluster, known.environment):
            raise NotFound
        return known.cluster_body()

    def _environment(self, _request: Request, environment: str) -> Any:
        if environment != self._organisation.environment:
            raise NotFound
        return self._organisation.environment_body()

    def _keys(self, request: Request) -> Any:
        if not self._organisation.may_list_keys:
            raise Forbidden
        found = self._organisation.keys(request.args.get("spec.owner"), request.args.get("spec.resource"))
        return _page(request, found)


def _page(request: Request, found: Sequence[Any]) -> dict[str, Any]:
    """A page of a list of API keys; `metadata.next` is the URL of the next one."""
    size = min(int(request.args.get("page_size", _PAGE)), _MOST)
    start = int(request.args.get("page_token", 0))
    metadata: dict[str, Any] = {"total_size": len(found)}
    if start + size < len(found):
        query = {**request.args, "page_size": str(size), "page_token": str(start + size)}
        metadata["next"] = f"{request.base_url}?{urlencode(query)}"
    page = found[start : start + size]
    return {"api_version": "iam/v2", "kind": "ApiKeyList", "metadata": metadata, "data": page}


def _error(status: int) -> Response:
    code, title, detail = _ERRORS.get(status, _ERRORS[404])
    error = {
        "id": secrets.token_hex(16),
        "status": str(status),
        "code": code,
        "title": title,
        "detail": detail,
    }
    return Response(json.dumps({"errors": [error]}), status=status, mimetype="application/json")
