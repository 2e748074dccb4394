"""Proof that events flow: every VM uses the newest credentials, and an event that it archived since is in Logz.io.

The object that holds the event is in the stack's bucket, and was not there before the VMs used the new keys. So the
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
from components.worker.alarms import VM_DIMENSION
from components.worker.config import metrics_namespace, parameter_name
from scripts.archive import Archive

POLL_SECONDS = 10.0

_T = TypeVar("_T")

_METRICS_BACK = timedelta(minutes=10)
# Errors of Logz.io that a later request may not meet.
_TRANSIENT = (Kind.RATE_LIMIT, Kind.SERVER, Kind.NETWORK)


class ProofError(RuntimeError):
    """Nothing was proven in time; the message names the condition that was not met."""


@dataclass(frozen=True)
class Proof:
    """Checks one stack's VM, bucket and Logz.io account.

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
        """The account of the caller's AWS credentials."""
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

    def wait_for_vms(self, wanted: Mapping[str, int]) -> None:
        """Waits until every VM reports these versions of its credentials.

        Raises:
            ProofError: it did not report them in time.
        """
        self._wait(
            lambda: all(
                self._version_in_use(name, number) == version
                for name, version in wanted.items()
                for number in range(1, self.settings.worker.count + 1)
            ),
            f"the VMs use the new credentials ({', '.join(wanted)})",
        )

    def wait_for_event(self) -> None:
        """Waits until a new event is in the bucket, and then in Logz.io.

        Raises:
            ProofError: no event arrived in time.
            LogzioError: Logz.io cannot be searched.
        """
        partitions = self.settings.topic_partitions
        newest = {partition: self.archive.newest_key(*partition) for partition in partitions}

        def new_event() -> str | None:
            keys = (self.archive.first_key_after(*partition, newest[partition]) for partition in partitions)
            found = (self._event_id(key) for key in keys if key is not None)
            return next((event for event in found if event is not None), None)

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
            if error.kind not in _TRANSIENT:
                raise
            return False

    def _version_in_use(self, credentials: str, number: int) -> int | None:
        """The version that the watchdog of a VM reported last; None if it reported none recently."""
        now = datetime.now(UTC)
        answer = self.client("cloudwatch").get_metric_statistics(
            Namespace=metrics_namespace(self.stack),
            MetricName="CredentialsVersion",
            Dimensions=[
                {"Name": "Credentials", "Value": credentials},
                {"Name": VM_DIMENSION, "Value": str(number)},
            ],
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
    """The proof of a stack, with the caller's AWS credentials (or those of `profile`) and the stack's Logz.io token."""
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
