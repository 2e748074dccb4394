"""What a script needs to look at a stack: its settings, its state, and clients with the caller's rights."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import boto3

from components.logzio import redaction
from components.logzio.client import LogzioClient
from components.logzio.transport import Transport
from components.settings import Settings
from components.worker.config import parameter_name
from scripts.stack import Stack
from scripts.verification import kafka


class AccessError(RuntimeError):
    """Something that is needed is not there; the message says what to do."""


@dataclass(frozen=True)
class Access:
    """A stack as the caller can reach it. Secrets come from Pulumi, the environment or the parameter store."""

    stack: Stack
    settings: Settings
    client: Callable[[str], Any]
    """A boto3 client by the service's name."""
    logzio: LogzioClient

    @classmethod
    def of(cls, name: str) -> "Access":
        """With the AWS credentials that `pulumi up` takes: `aws:profile`, else the environment's own.

        Raises:
            SettingsError, PulumiError: the stack cannot be read.
            AccessError: the credentials are of another account.
            botocore.exceptions.BotoCoreError, ClientError: there are none, or they are refused.
        """
        redaction.install()
        stack = Stack(name)
        settings = stack.settings()
        token = settings.logzio.api_token
        assert token is not None  # noqa: S101  # a rule of the settings
        session = boto3.Session(region_name=settings.region, profile_name=stack.aws_profile())
        client = cast("Callable[[str], Any]", session.client)
        _require_account(stack.aws_account(), str(client("sts").get_caller_identity()["Account"]))
        transport = Transport(settings.logzio.base_url, token.get_secret_value())
        return cls(stack, settings, client, LogzioClient(transport))

    def kafka(self, environ: dict[str, str]) -> kafka.Config:
        """What a client of the audit-log cluster needs.

        The key: of the environment, of the settings, or the one that the VM uses, in the parameter store.

        Raises:
            AccessError: the stack was never made.
            botocore.exceptions.ClientError: the parameter cannot be read.
        """
        source = self.settings.source
        servers = source.bootstrap_servers or self.stack.bootstrap_servers()
        if servers is None:
            raise AccessError("the stack has no endpoint of Kafka yet: run `pulumi up` first")
        key, secret = kafka.credentials_in(environ) or self._given() or self._stored()
        redaction.remember(secret)
        return kafka.client_config(servers, key, secret, environ)

    def _given(self) -> tuple[str, str] | None:
        source = self.settings.source
        if source.api_key is None or source.api_secret is None:
            return None
        return source.api_key, source.api_secret.get_secret_value()

    def _stored(self) -> tuple[str, str]:
        name = parameter_name(self.stack.owner, "kafka")
        found = self.client("ssm").get_parameter(Name=name, WithDecryption=True)
        value = json.loads(found["Parameter"]["Value"])
        return str(value["key"]), str(value["secret"])


def _require_account(stacks: str | None, callers: str) -> None:
    if stacks is not None and stacks != callers:
        raise AccessError(
            f"the stack is in AWS account {stacks}, and the AWS credentials in this environment belong to {callers}: "
            "export the ones that `pulumi up` uses (aws:profile is honoured, aws:assumeRoles is not)"
        )
