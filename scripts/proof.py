"""Proof that events flow: the VM uses the newest credentials, and an event that it archived since is in Logz.io.

The object that holds the event is in the stack's own bucket and was not there before the VM had changed over, so the
event was read from Kafka, written and fetched with the keys that are in use now.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import boto3

from components.logzio.client import LogzioClient
from components.logzio.errors import Kind, LogzioError
from components.logzio.transport import Transport
from components.settings import Settings
from components.worker.config import metrics_namespace, parameter_name
from scripts.archive import Archive

POLL_SECONDS = 10.0

_T = TypeVar("_T")

_METRICS_BACK = timedelta(minutes=10)
# What a look at Logz.io may meet now and then, and the next look does not.
_PASSING = (Kind.RATE_LIMIT, Kind.SERVER, Kind.NETWORK)


class ProofError(RuntimeError):
    """It could not be proven in time; the message says what was waited for."""


@dataclass(frozen=True)
class Proof:
    """Looks at one stack's VM, bucket and Logz.io account.

    `stack`: see `components.owner.Owner.path`. `patience` is for each wait, in seconds.
    """

    settings: Settings
    stack: str
    archive: Archive
    logzio: LogzioClient
    client: Callable[[str], Any]
    patience: float
    say: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def aws_account(self) -> str:
        """The account that the caller's AWS credentials are of."""
        return str(self.client("sts").get_caller_identity()["Account"])

    def versions(self, credentials: Sequence[str]) -> dict[str, int]:
        """The newest version of the VM's credentials (`kafka`, `writer`) in the parameter store."""
        ssm = self.client("ssm")
        return {
            credential: int(
                ssm.get_parameter(Name=parameter_name(self.stack, credential))["Parameter"]["Version"]
            )
            for credential in credentials
        }

    def wait_for_vm(self, wanted: Mapping[str, int]) -> None:
        """Until the VM says that it runs with these versions of its credentials.

        Raises:
            ProofError: it did not say so in time.
        """
        self._wait(
            lambda: all(self._version_in_use(one) == version for one, version in wanted.items()),
            f"the VM uses the new credentials ({', '.join(wanted)})",
        )

    def wait_for_event(self) -> None:
        """Until an event that is not archived yet is in the bucket, and then in Logz.io.

        Raises:
            ProofError: none came in time.
            LogzioError: it cannot be looked up.
        """
        partitions = self.settings.topic_partitions
        newest = {partition: self.archive.newest_key(*partition) for partition in partitions}

        def new_event() -> str | None:
            keys = (self.archive.first_key_after(*partition, newest[partition]) for partition in partitions)
            found = (self._event_id(key) for key in keys if key is not None)
            return next((one for one in found if one is not None), None)

        event = self._wait(new_event, "a new event is in the bucket (a login to Confluent Cloud makes one)")
        self._wait(lambda: self._has_arrived(event), f"event {event} is indexed in Logz.io")

    def _event_id(self, key: str) -> str | None:
        ids = (event.get(self._id_field) for event in self.archive.events(key))
        return next((id_ for id_ in ids if isinstance(id_, str)), None)

    @property
    def _id_field(self) -> str:
        connector = self.settings.connector
        return connector.renames.get("id", "id") if connector.format == "json" else "id"

    def _has_arrived(self, event: str) -> bool:
        try:
            return self.logzio.has_event(self._id_field, event)
        except LogzioError as error:
            if error.kind not in _PASSING:
                raise
            return False

    def _version_in_use(self, credentials: str) -> int | None:
        """What the watchdog said last; None if nothing lately."""
        now = datetime.now(UTC)
        answer = self.client("cloudwatch").get_metric_statistics(
            Namespace=metrics_namespace(self.stack),
            MetricName="CredentialsVersion",
            Dimensions=[{"Name": "Credentials", "Value": credentials}],
            StartTime=now - _METRICS_BACK,
            EndTime=now + _METRICS_BACK,  # this machine's clock may be slow
            Period=60,
            Statistics=["Maximum"],
        )
        points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
        return int(points[-1]["Maximum"]) if points else None

    def _wait(self, look: Callable[[], _T | None], text: str) -> _T:
        self.say(f"waiting until {text} ...")
        started = self.clock()
        while not (found := look()):
            if self.clock() - started > self.patience:
                raise ProofError(f"gave up after {self.patience / 60:.0f} minutes of waiting until {text}")
            self.sleep(POLL_SECONDS)
        self.say(f"  yes, after {self.clock() - started:.0f} s")
        return found


def proof(
    settings: Settings, stack: str, profile: str | None, *, minutes: float, say: Callable[[str], None]
) -> Proof:
    """Of a stack, with the caller's AWS credentials (or those of `profile`) and the stack's Logz.io token."""
    token = settings.logzio.api_token
    assert token is not None  # noqa: S101  # a rule of the settings
    session = boto3.Session(region_name=settings.region, profile_name=profile)
    client = cast("Callable[[str], Any]", session.client)
    return Proof(
        settings=settings,
        stack=stack,
        archive=Archive(client("s3"), settings.archive.bucket, settings.connector.topics_dir),
        logzio=LogzioClient(Transport(settings.logzio.base_url, token.get_secret_value())),
        client=client,
        patience=minutes * 60,
        say=say,
    )
