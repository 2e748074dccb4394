"""Asks all systems at once. A system that does not answer in time keeps no other answer back."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from components.fleet.topics import state_topics
from components.logzio import redaction
from components.settings import Settings
from components.worker.config import parameter_name
from components.worker_settings import consumer_group, fleet_name
from scripts.preflight import aws, fleet, logzio, packages
from scripts.preflight.audit_log import AuditLog
from scripts.preflight.aws import Aws, code_of
from scripts.preflight.confluent_cloud import URL, ConfluentCloud
from scripts.preflight.kafka_client import KafkaClient
from scripts.preflight.model import (
    Account,
    ApiKeys,
    BucketAnswer,
    CheckError,
    Cluster,
    FleetTopics,
    Group,
    Identity,
    Image,
    InTheWay,
    Package,
    Quota,
    Refused,
    Topics,
)
from scripts.preflight.target import CLOUD_KEY, CLOUD_SECRET, Target
from scripts.verify import kafka
from scripts.verify.chains import chains

SECONDS = 14.0
"""How long all questions together may take; each request has a shorter limit of its own."""

DOWNLOAD_SECONDS = 600.0

_T = TypeVar("_T")


@dataclass(frozen=True)
class Report:
    """The answers by check. `day`: on which they were given."""

    target: Target
    day: date
    answers: Mapping[str, Any]


def _once(ask: Callable[["Asker"], _T]) -> Callable[["Asker"], _T]:
    """Several checks need the answer: the first one asks, the others wait for it. An error is kept, too."""

    @wraps(ask)
    def asked(asker: "Asker") -> _T:
        with asker.lock(ask.__name__):
            if ask.__name__ not in asker.known:
                try:
                    asker.known[ask.__name__] = ask(asker)
                except CheckError as error:
                    asker.known[ask.__name__] = error
            found = asker.known[ask.__name__]
            if isinstance(found, CheckError):
                raise found
            return found  # type: ignore[no-any-return]  # of the type that `ask` returned

    return asked


@dataclass
class Asker:
    """The questions, each by the name of its check. `download`: fetch the connector's zip, for its SHA-256."""

    target: Target
    download: bool = False
    known: dict[str, Any] = field(default_factory=dict, repr=False)
    _locks: dict[str, threading.Lock] = field(default_factory=dict, repr=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def lock(self, name: str) -> threading.Lock:
        """The lock of a question."""
        with self._guard:
            return self._locks.setdefault(name, threading.Lock())

    def questions(self) -> dict[str, Callable[[], Any]]:
        """Check -> how its answer is got; raises CheckError."""
        return {
            "AWS identity": self.identity,
            "AWS permissions": self.refused,
            "AWS quotas": self.quotas,
            "image": self.image,
            "bucket": self.bucket,
            "audit-log cluster": self.cluster,
            "API keys": self.api_keys,
            "topics": self.topics,
            "consumer groups": self.groups,
            "Connect's cluster": self.fleet,
            "Logz.io": self.account,
            "registrations": self.in_the_way,
            "package": self.package,
            "repository key": lambda: packages.repository_key(self._settings),
            "connector": lambda: packages.archive(self._settings, download=self.download),
        }

    @property
    def _settings(self) -> Settings:
        if self.target.settings is None:
            raise CheckError("the settings must be valid first", "correct them, then run it again")
        return self.target.settings

    # --- AWS

    @_once
    def aws(self) -> Aws:
        """The caller's session."""
        if self.target.region is None:
            raise CheckError("aws:region is not set", "set it, then run it again")
        return Aws.of(self.target.config, self.target.region)

    @_once
    def identity(self) -> Identity:
        """Who calls."""
        return aws.identity(self.aws())

    def refused(self) -> tuple[Refused, ...]:
        """What the caller may not do."""
        return aws.refused(self._with_identity(), self.identity(), self._settings, self.target.owner)

    def quotas(self) -> dict[str, Quota]:
        """The quotas that a new stack meets."""
        running = self.target.running
        return aws.quotas(
            self._with_identity(),
            self._settings,
            has_vm=running.has_vm,
            has_bucket=self._settings.archive.bucket in running.buckets,
        )

    @_once
    def image(self) -> Image:
        """The image of a new VM."""
        running = self.target.running
        return aws.image(self._with_identity(), self._settings, running.images, running.architecture)

    def bucket(self) -> BucketAnswer:
        """Who has the bucket."""
        return aws.bucket(
            self._with_identity(),
            self._settings.archive.bucket,
            self.identity().account,
            self.target.running.buckets,
        )

    def _with_identity(self) -> Aws:
        """The session, once it is known that its credentials are valid: without that, each check would say so."""
        try:
            self.identity()
        except CheckError:
            raise CheckError("the AWS identity must be known first") from None
        return self.aws()

    # --- Confluent Cloud

    def _cloud(self) -> ConfluentCloud:
        key = self.target.cloud_key
        if key is None:
            raise CheckError(
                "no Cloud API key is at hand",
                f"export {CLOUD_KEY} and {CLOUD_SECRET}, or set confluentcloud:cloudApiKey and cloudApiSecret",
            )
        endpoint = self.target.config.get("confluentcloud:endpoint")
        return ConfluentCloud(*key, url=endpoint if isinstance(endpoint, str) and endpoint else URL)

    @_once
    def cluster(self) -> Cluster:
        """The endpoint: as the settings say, or as Confluent Cloud says."""
        source = self._settings.source
        if source.bootstrap_servers is not None:
            return Cluster(source.bootstrap_servers)
        try:
            return self._cloud().cluster(str(source.cluster), str(source.environment))
        except CheckError:
            if self.target.running.bootstrap_servers is None or self.target.cloud_key is not None:
                raise
            return Cluster(self.target.running.bootstrap_servers)

    def api_keys(self) -> ApiKeys | None:
        """The API keys of the cluster; None if the program makes none."""
        source = self._settings.source
        if source.bootstrap_servers is not None:
            return None
        found = self._cloud().api_keys(str(source.cluster), str(source.service_account))
        return ApiKeys(found, self.target.running.api_keys)

    def topics(self) -> Topics:
        """The topics' partitions."""
        settings = self._settings
        group = consumer_group(settings, self.target.owner)
        return self._audit_log(group).topics(settings.source.topics)

    def groups(self) -> tuple[Group, ...]:
        """The consumer groups of the connectors: of the events, and of the originals if they are archived."""
        settings = self._settings
        connectors = chains(settings, self.target.owner.project, self.target.stack)
        return tuple(self._audit_log(connector.group).members() for connector in connectors)

    def fleet(self) -> Cluster | FleetTopics | None:
        """The cluster with Connect's state: its topics, where the key is given; None for mode standalone."""
        settings = self._settings
        if settings.worker.mode == "standalone":
            return None
        given = settings.fleet
        if given.bootstrap_servers is None:
            return self._cloud().cluster(str(given.cluster), str(given.environment), "fleet")
        key = self.target.fleet_key
        if key is None:
            raise CheckError(
                "the secret of fleet.apiKey is not at hand",
                "`pulumi stack init`, or give the passphrase of the stack",
            )
        topics = state_topics(fleet_name(settings, self.target.owner))
        return fleet.topics(self._kafka(given.bootstrap_servers, key), topics)

    def _audit_log(self, group: str) -> AuditLog:
        key = self.target.kafka_key or self._stored_key()
        if key is None:
            raise CheckError(
                "no API key of the audit-log cluster is at hand",
                "export KAFKA_API_KEY and KAFKA_API_SECRET, or compare by hand: `confluent kafka topic describe "
                f"{self._settings.source.topics[0]}` shows the partitions",
            )
        return AuditLog(self._kafka(self.cluster().bootstrap_servers, key), group)

    def _kafka(self, bootstrap_servers: str, key: tuple[str, str]) -> KafkaClient:
        config = kafka.client_config(bootstrap_servers, *key, self.target.environ)
        return KafkaClient({**config, "client.id": "ccloud-logexporter-preflight"})

    def _stored_key(self) -> tuple[str, str] | None:
        """The running VM's key, from the parameter store; None for a new stack."""
        if not self.target.running.has_vm:
            return None
        return aws.stored_kafka_key(self._with_identity(), parameter_name(self.target.owner.path, "kafka"))

    # --- Logz.io

    @_once
    def account(self) -> Account:
        """The account of the token."""
        return logzio.account(logzio.client(self._settings.logzio.base_url, self._token()))

    def in_the_way(self) -> tuple[InTheWay, ...]:
        """The registrations that read the stack's objects already."""
        settings = self._settings
        try:
            self.account()
        except CheckError:
            raise CheckError("the Logz.io account must be known first") from None
        client = logzio.client(settings.logzio.base_url, self._token())
        return logzio.in_the_way(client, settings, self.target.running.registrations)

    def _token(self) -> str:
        token = self.target.logzio_token
        if token is None:
            raise CheckError(
                "no API token is at hand",
                "export LOGZIO_API_TOKEN, or `pulumi config set --secret --path ccloud-logexporter:logzio.apiToken`",
            )
        return token

    # --- packages

    def package(self) -> Package:
        """The package of the Confluent Platform, for the instance type's architecture."""
        return packages.package(self._settings, self._architecture())

    def _architecture(self) -> str:
        try:
            known = self.image().type_architectures
        except (CheckError, BotoCoreError, ClientError):
            # Most types are of this architecture; the image's own check says what is wrong.
            return "amd64"
        return "amd64" if "x86_64" in known else "arm64"


def collect(asker: Asker, seconds: float = SECONDS) -> Report:
    """The answers to all questions; a CheckError in place of an answer that did not come."""
    answers: dict[str, Any] = {}
    questions = asker.questions()
    threads = {}
    for check, ask in questions.items():
        # Daemons, not a pool: Python waits for a pool's threads when it ends, also for one that hangs.
        threads[check] = threading.Thread(target=_ask, args=(check, ask, answers), daemon=True)
        threads[check].start()
    deadline = time.monotonic() + seconds
    for check, thread in threads.items():
        limit = DOWNLOAD_SECONDS if asker.download and check == "connector" else 0.0
        thread.join(max(limit, deadline - time.monotonic()))
    late = CheckError(f"no answer within {seconds:g} s", "try again; then check the network and a proxy")
    return Report(
        asker.target, datetime.now(UTC).date(), {check: answers.get(check, late) for check in questions}
    )


def _ask(check: str, ask: Callable[[], Any], answers: dict[str, Any]) -> None:
    try:
        answers[check] = ask()
    except CheckError as error:
        answers[check] = error
    except (BotoCoreError, ClientError) as error:
        answers[check] = CheckError(redaction.clean(f"AWS: {code_of(error)}: {error}"), "see the message")
