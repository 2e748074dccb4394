"""Proof that events flow: an event that happened after a moment is found in Logz.io.

Such an event was read from Kafka, written to the bucket and fetched from there after that moment, with the keys that
were in use then.
"""

import email.utils
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import boto3

from components.settings import Settings
from components.shipping.client import LogzioClient
from components.shipping.transport import Transport
from components.worker.connect import METRICS_NAMESPACE, parameter_name

POLL_SECONDS = 10.0
FETCH_DELAY = timedelta(minutes=5)
"""More than an object waits at Logz.io before its events can be found."""

_METRICS_BACK = timedelta(minutes=10)


class ProofError(RuntimeError):
    """It could not be proven in time; the message says what was waited for."""


@dataclass(frozen=True)
class Proof:
    """Looks at one stack's VM and Logz.io account. `patience` is for each wait, in seconds."""

    settings: Settings
    stack: str
    logzio: LogzioClient
    client: Callable[[str], Any]
    patience: float
    say: Callable[[str], None]
    sleep: Callable[[float], None] = field(default=time.sleep)
    clock: Callable[[], float] = field(default=time.monotonic)

    def now(self) -> datetime:
        """The time by AWS's clock: this machine's may be wrong."""
        answer = self.client("sts").get_caller_identity()
        return email.utils.parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])

    def versions(self, credentials: Sequence[str]) -> dict[str, int]:
        """The newest version of the VM's credentials (`kafka`, `writer`) in the parameter store."""
        ssm = self.client("ssm")
        return {
            one: int(ssm.get_parameter(Name=parameter_name(self.stack, one))["Parameter"]["Version"])
            for one in credentials
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

    def wait_for_event(self, since: datetime) -> None:
        """Until Logz.io has an event that happened at `since` or later.

        Raises:
            ProofError: none came in time.
            LogzioError: it cannot be looked up.
        """
        after = since if self._times_are_the_events_own() else since + self._most_underway()
        log_type = self.settings.logzio.log_type
        self._wait(
            lambda: self.logzio.has_event(log_type, after),
            f"an event from after {after:%H:%M:%S} UTC is in Logz.io (a login to Confluent Cloud makes one)",
        )

    def _times_are_the_events_own(self) -> bool:
        connector = self.settings.connector
        return connector.format == "json" and connector.renames.get("time") == "@timestamp"

    def _most_underway(self) -> timedelta:
        """How long an event may be on its way: with the time of arrival alone, an old one would prove nothing."""
        return timedelta(seconds=self.settings.connector.rotation_seconds) + FETCH_DELAY

    def _version_in_use(self, credentials: str) -> int | None:
        """What the watchdog said last; None if nothing lately."""
        now = self.now()
        answer = self.client("cloudwatch").get_metric_statistics(
            Namespace=METRICS_NAMESPACE,
            MetricName="CredentialsVersion",
            Dimensions=[
                {"Name": "Stack", "Value": self.stack},
                {"Name": "Credentials", "Value": credentials},
            ],
            StartTime=now - _METRICS_BACK,
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Maximum"],
        )
        points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
        return int(points[-1]["Maximum"]) if points else None

    def _wait(self, is_so: Callable[[], bool], text: str) -> None:
        self.say(f"waiting until {text} ...")
        started = self.clock()
        while not is_so():
            if self.clock() - started > self.patience:
                raise ProofError(f"waited {self.patience / 60:.0f} minutes in vain until {text}")
            self.sleep(POLL_SECONDS)
        self.say(f"  yes, after {self.clock() - started:.0f} s")


def proof(settings: Settings, stack: str, *, minutes: float, say: Callable[[str], None]) -> Proof:
    """Of a stack, with the caller's AWS credentials and the stack's Logz.io token."""
    token = settings.logzio.api_token
    assert token is not None  # noqa: S101  # a rule of the settings
    session = boto3.Session(region_name=settings.region)
    return Proof(
        settings=settings,
        stack=stack,
        logzio=LogzioClient(Transport(settings.logzio.base_url, token.get_secret_value())),
        client=cast(Callable[[str], Any], session.client),
        patience=minutes * 60,
        say=say,
    )
