"""The instance metadata service of one VM, IMDSv2 only: what curl, botocore and the AWS SDKs read.

Every VM has one of its own on a port of the host's 127.0.0.1, which the VM finds on its own 127.0.0.1. Paths and
answers follow "Use instance metadata to manage your EC2 instance", EC2 user guide.
"""

import datetime
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

TOKEN_HEADER = "X-aws-ec2-metadata-token"  # noqa: S105  # the name of a header
TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
MAX_TTL = 21600
RENEW_SECONDS = 3 * 3600
"""Role credentials that end sooner than this are replaced; SDKs ask again long before theirs end."""


class Metadata:
    """One instance's metadata.

    Args:
        instance: EC2's description, as `local.systems.aws.instances.describe` returns it. The hypervisor replaces it
            at each poll: moto gives an instance its profile a moment after it runs.
        credentials: fetches fresh role credentials; None if the instance has none.
    """

    def __init__(
        self, instance: Mapping[str, Any], credentials: Callable[[], Mapping[str, str] | None]
    ) -> None:
        self.instance = instance
        self._fetch = credentials
        self._credentials: Mapping[str, str] | None = None
        self._tokens: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answers one request."""
        answer: Iterable[bytes] = self._answer(Request(environ))(environ, start_response)
        return answer

    def _answer(self, request: Request) -> Response:
        if "X-Forwarded-For" in request.headers:
            return Response(status=403)
        if request.path == "/latest/api/token":
            return self._token(request) if request.method == "PUT" else Response(status=405)
        if not self._is_known(request.headers.get(TOKEN_HEADER, "")):
            return Response(status=401)
        content = self._content(request.path.removeprefix("/latest/").rstrip("/"))
        return Response(status=404) if content is None else Response(content, mimetype="text/plain")

    def _token(self, request: Request) -> Response:
        ttl = request.headers.get(TTL_HEADER, "")
        if not ttl.isdigit() or not 1 <= int(ttl) <= MAX_TTL:
            return Response(status=400)
        token = secrets.token_urlsafe(32)
        with self._lock:
            now = time.monotonic()
            self._tokens = {known: end for known, end in self._tokens.items() if end > now}
            self._tokens[token] = now + int(ttl)
        return Response(token, headers={TTL_HEADER: ttl}, mimetype="text/plain")

    def _is_known(self, token: str) -> bool:
        with self._lock:
            return self._tokens.get(token, 0.0) > time.monotonic()

    def _content(self, path: str) -> str | None:
        instance = self.instance
        plain = {
            "meta-data/ami-id": instance["image"],
            "meta-data/hostname": instance["id"],
            "meta-data/instance-id": instance["id"],
            "meta-data/instance-type": instance["type"],
            "meta-data/local-ipv4": instance["address"],
            "meta-data/placement/availability-zone": instance["zone"],
            "meta-data/placement/region": instance["region"],
            "meta-data/services/domain": "amazonaws.com",
            "meta-data/services/partition": "aws",
        }
        if path in plain:
            return str(plain[path])
        if path == "dynamic/instance-identity/document":
            return self._document()
        return self._iam(path) if path.startswith("meta-data/iam/") else None

    def _document(self) -> str:
        instance = self.instance
        return json.dumps(
            {
                "accountId": instance["account"],
                "architecture": "x86_64",
                "availabilityZone": instance["zone"],
                "imageId": instance["image"],
                "instanceId": instance["id"],
                "instanceType": instance["type"],
                "privateIp": instance["address"],
                "region": instance["region"],
                "version": "2017-09-30",
            }
        )

    def _iam(self, path: str) -> str | None:
        role = self.instance["role"]
        credentials = None if role is None else self._current_credentials()
        if credentials is None:
            return None
        return {
            "meta-data/iam/info": json.dumps(
                {"Code": "Success", "InstanceProfileArn": self.instance["profile_arn"]}
            ),
            "meta-data/iam/security-credentials": role,
            f"meta-data/iam/security-credentials/{role}": json.dumps(dict(credentials)),
        }.get(path)

    def _current_credentials(self) -> Mapping[str, str] | None:
        with self._lock:
            if self._credentials is None or _seconds_left(self._credentials) < RENEW_SECONDS:
                self._credentials = self._fetch()
            return self._credentials


def serve(application: Callable[[dict[str, Any], Any], Iterable[bytes]]) -> BaseWSGIServer:
    """Serves an application (usually a `Metadata`) on a free port of 127.0.0.1, in a thread, until `shutdown()`."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _seconds_left(credentials: Mapping[str, str]) -> float:
    end = datetime.datetime.fromisoformat(credentials["Expiration"])
    return (end - datetime.datetime.now(datetime.UTC)).total_seconds()
