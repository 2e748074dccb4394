"""Logz.io's side of AWS: its own account, the roles that it assumes, the keys that it gets."""

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 2})
_RENEWED_BEFORE = timedelta(minutes=5)


class CredentialsError(Exception):
    """AWS does not accept a key or role; the message is AWS's own."""


class Aws:
    """AWS as Logz.io's account sees it.

    `identity`: {"account_id", "access_key_id", "secret_access_key"} of the user that assumes the roles.
    """

    def __init__(self, endpoint: str, identity: Mapping[str, str], external_id: str) -> None:
        self.account_id = identity["account_id"]
        self._endpoint = endpoint
        self._external_id = external_id
        self._own = boto3.Session(identity["access_key_id"], identity["secret_access_key"])
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, ...], tuple[datetime, S3Client]] = {}

    @classmethod
    def load(cls, endpoint: str, file: Path, external_id: str) -> "Aws":
        """Reads the identity that the local AWS created for Logz.io from `file`."""
        return cls(endpoint, json.loads(file.read_text()), external_id)

    def check(self, body: Mapping[str, Any]) -> None:
        """Tries the key or role of a registration, but neither its rights nor the bucket.

        Raises:
            CredentialsError: AWS does not accept it.
        """
        try:
            if "arn" in body:
                self._assume(body["arn"], body["region"])
            else:
                session = boto3.Session(body["accessKey"], body["secretKey"])
                self._service(session, "sts", body["region"]).get_caller_identity()
        except (ClientError, BotoCoreError) as error:
            raise CredentialsError(str(error)) from error

    def s3(self, body: Mapping[str, Any]) -> "S3Client":
        """An S3 client with the registration's key or role; a role is assumed again before its credentials expire."""
        who = (body["region"], body.get("arn", ""), body.get("accessKey", ""), body.get("secretKey", ""))
        with self._lock:
            expires, client = self._clients.get(who, (datetime.min.replace(tzinfo=UTC), None))
            if client is None or expires - _RENEWED_BEFORE < datetime.now(UTC):
                expires, session = self._session(body)
                client = self._service(session, "s3", body["region"])
                self._clients[who] = (expires, client)
            return client

    def forget(self) -> None:
        """Assumes every role again at its next use: a role may have been deleted and created under the same name."""
        with self._lock:
            self._clients.clear()

    def _session(self, body: Mapping[str, Any]) -> tuple[datetime, boto3.Session]:
        if "arn" in body:
            return self._assume(body["arn"], body["region"])
        return datetime.max.replace(tzinfo=UTC), boto3.Session(body["accessKey"], body["secretKey"])

    def _assume(self, arn: str, region: str) -> tuple[datetime, boto3.Session]:
        # AWS evaluates the trust policy for our account and the external id.
        answer = self._service(self._own, "sts", region).assume_role(
            RoleArn=arn, RoleSessionName="logzio-fetcher", ExternalId=self._external_id
        )
        given = answer["Credentials"]
        session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        return given["Expiration"], session

    def _service(self, session: boto3.Session, name: Any, region: str) -> Any:
        return session.client(
            name,
            region_name=region.lower().replace("_", "-"),
            endpoint_url=self._endpoint,
            config=_CONFIG,
        )
