"""An instance whose metadata service has no role at first, and an AWS service that accepts only that role's key."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from local.stack.deployment import REGION
from local.systems.vm import imds

ROLE = "/latest/meta-data/iam/security-credentials/"
ACCESS_KEY = "ASIALATEROLE"


@dataclass
class LateRole:
    """The metadata service of an instance: it has the role from the second request on.

    `first`: the answer to the first request. EC2's answers 404 until the instance has its profile.
    """

    first: int = 404
    asked: int = 0
    metadata: imds.Metadata = field(init=False)

    def __post_init__(self) -> None:
        credentials = {
            "Code": "Success",
            "AccessKeyId": ACCESS_KEY,
            "SecretAccessKey": "made up",
            "Token": "made up",
            "Expiration": "2100-01-01T00:00:00Z",
        }
        instance = {"id": "i-0123456789abcdef0", "region": REGION, "role": "vm", "profile_arn": ""}
        keys = ("image", "type", "address", "zone", "account")
        self.metadata = imds.Metadata({**instance, **dict.fromkeys(keys, "")}, lambda: credentials)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == ROLE:
            self.asked += 1
            if self.asked == 1:
                return Response(status=self.first)(environ, start_response)
        return self.metadata(environ, start_response)


@contextmanager
def running(role: LateRole, answer: str, content_type: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Makes `role` the metadata service of every SDK here; returns the address of an AWS that answers `answer`."""

    @Request.application
    def aws(request: Request) -> Response:
        known = f"Credential={ACCESS_KEY}/" in request.headers.get("Authorization", "")
        return Response(answer, content_type=content_type) if known else Response(status=403)

    metadata = imds.serve(role)
    server = imds.serve(aws)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{metadata.server_port}")
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        metadata.shutdown()
        server.shutdown()
