"""The stack that is checked, as far as it exists: its settings, its state, and the secrets at hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.logzio import redaction
from components.logzio.facts import TOKEN_VARIABLE
from components.owner import Owner
from components.settings import PLACEHOLDER, Settings, SettingsError, load_config, load_stack_file, stack_file
from scripts.stack import PulumiError, Stack, project_name
from scripts.verify import kafka

CLOUD_KEY, CLOUD_SECRET = "CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET"


class TargetError(RuntimeError):
    """There is nothing to check; the message says what to do."""


@dataclass(frozen=True)
class Running:
    """What an earlier `up` made; for a new stack nothing.

    `registrations`: ids in Logz.io. `api_keys`: how many API keys of the audit-log cluster. `images`: ids, of the VMs.
    """

    account: str | None = None
    buckets: frozenset[str] = frozenset()
    registrations: frozenset[int] = frozenset()
    api_keys: int = 0
    bootstrap_servers: str | None = None
    has_vm: bool = False
    images: frozenset[str] = frozenset()
    architecture: str | None = None

    @classmethod
    def of(cls, stack: Stack) -> "Running":
        """The state of a stack.

        Raises:
            PulumiError: there is no such stack.
        """
        return cls(
            account=stack.aws_account(),
            buckets=frozenset(stack.buckets()),
            registrations=frozenset(made.id for made in stack.registrations()),
            api_keys=len(stack.keys().get("audit-log", ())),
            bootstrap_servers=stack.bootstrap_servers(),
            has_vm=stack.has_vm(),
            images=frozenset(stack.images()),
            architecture=stack.architecture(),
        )


@dataclass(frozen=True)
class Target:
    """What is checked.

    Attributes:
        stack: its name, without an organisation.
        config: the stack's configuration, `namespace:key` -> value.
        settings: None if they have `problems`.
        no_secrets: why only the stack file was read, so that its secrets are unknown; None if all is known.
        environ: the environment, whose secrets override those of the stack.
    """

    stack: str
    config: Mapping[str, Any] = field(repr=False)
    settings: Settings | None
    problems: tuple[str, ...] = ()
    running: Running = Running()
    no_secrets: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, name: str, environ: Mapping[str, str]) -> "Target":
        """Asks `pulumi` for the stack, or else reads only its file.

        Raises:
            TargetError: there is no such file either.
        """
        stack = Stack(name)
        try:
            config: Mapping[str, Any] = stack.config
            running = Running.of(stack)
        except PulumiError as error:
            return cls._of_file(stack, str(error), environ)
        return cls._with_settings(
            stack.short_name, config, lambda: load_config(config, environ), running=running, environ=environ
        )

    @classmethod
    def _of_file(cls, stack: Stack, why: str, environ: Mapping[str, str]) -> "Target":
        name, file = stack.short_name, stack.file
        try:
            config = stack_file.config(file, project_name())
        except OSError:
            raise TargetError(
                f"there is no {file.name} in {file.parent}, and {why}. `make preflight STACK=<name>` needs one of both"
            ) from None
        except SettingsError as error:
            return cls(name, {}, None, tuple(error.problems), no_secrets=why, environ=environ)
        return cls._with_settings(
            name, config, lambda: load_stack_file(file, project_name()), no_secrets=why, environ=environ
        )

    @classmethod
    def _with_settings(cls, stack: str, config: Mapping[str, Any], load: Any, **more: Any) -> "Target":
        try:
            return cls(stack, config, load(), **more)
        except SettingsError as error:
            return cls(stack, config, None, tuple(error.problems), **more)

    @property
    def owner(self) -> Owner:
        """The owner of the stack's resources."""
        return Owner(project_name(), self.stack)

    @property
    def region(self) -> str | None:
        """`aws:region`, also where other settings have problems."""
        found = self.config.get("aws:region")
        return found if isinstance(found, str) and found else None

    @property
    def logzio_token(self) -> str | None:
        """The API token of Logz.io; None if it is not at hand."""
        given = self.settings.logzio.api_token if self.settings else None
        return self.environ.get(TOKEN_VARIABLE) or _known(given.get_secret_value() if given else None)

    @property
    def kafka_key(self) -> tuple[str, str] | None:
        """API key and secret of the audit-log cluster; None if they are not at hand."""
        source = self.settings.source if self.settings else None
        given = source.api_secret.get_secret_value() if source and source.api_secret else None
        key = source.api_key if source else None
        return kafka.credentials_in(self.environ) or _pair(_known(key), _known(given))

    @property
    def fleet_key(self) -> tuple[str, str] | None:
        """API key and secret of the cluster with Connect's state; None if they are not at hand."""
        fleet = self.settings.fleet if self.settings else None
        secret = fleet.api_secret.get_secret_value() if fleet and fleet.api_secret else None
        return _pair(_known(fleet.api_key if fleet else None), _known(secret))

    @property
    def cloud_key(self) -> tuple[str, str] | None:
        """Cloud API key and secret of Confluent; None if they are not at hand."""
        config = self.config
        return _pair(self.environ.get(CLOUD_KEY), self.environ.get(CLOUD_SECRET)) or _pair(
            _text(config.get("confluentcloud:cloudApiKey")),
            _text(config.get("confluentcloud:cloudApiSecret")),
        )


def _pair(key: str | None, secret: str | None) -> tuple[str, str] | None:
    if not key or not secret:
        return None
    redaction.remember(secret)
    return key, secret


def _text(value: Any) -> str | None:
    """A value of the configuration; None if it is encrypted, as in a stack file."""
    return value if isinstance(value, str) and value else None


def _known(secret: str | None) -> str | None:
    return None if secret == PLACEHOLDER else secret
