"""Brings a history up to date from the places of a stack."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from confluent_kafka import KafkaException

from local.base import progress
from local.proofs.history.history import PIPELINE, History
from local.proofs.history.places import Bucket, DeliveredStore, Objects, PlaceError, Records, Topic
from local.stack.deployment import BUCKET, LocalDeployment
from local.systems.kafka import client


class Reader:
    """Reads what is new in each place. `topic`: None if the history has no use for Kafka's records."""

    def __init__(
        self, history: History, bucket: Objects, delivered: DeliveredStore, topic: Records | None = None
    ) -> None:
        self._history = history
        self._bucket = bucket
        self._delivered = delivered
        self._topic = topic

    def read(self) -> None:
        """Reads every place, the last one first: the others have what it shows already.

        Raises:
            PlaceError, confluent_kafka.KafkaException: Kafka could not be read to its end.
        """
        self.read_delivered()
        for listed in self._bucket.listing():
            if not self._history.has_object(listed):
                self._history.put_object(listed, self._bucket.read(listed.key))
        for record in self._topic.new_records() if self._topic is not None else ():
            self._history.add_record(record)

    def try_to_read(self) -> None:
        """Reads every place; what a broker that is gone does not answer is read the next time."""
        try:
            self.read()
        except (KafkaException, PlaceError) as error:
            progress.say(f"  Kafka cannot be read yet: {error}")

    def read_delivered(self) -> None:
        """Reads what Logz.io indexed; cheap."""
        for row in self._delivered.new_rows():
            self._history.add_delivered(row)


def bucket(deployment: LocalDeployment) -> Bucket:
    """The archive of the local stack."""
    return Bucket(deployment.aws("s3"), BUCKET)


def delivered(deployment: LocalDeployment) -> DeliveredStore:
    """What Logz.io indexed from the archive of the local stack, from the first row on."""
    return DeliveredStore(deployment.state / "logzio" / "store.sqlite", BUCKET)


@contextmanager
def reading(deployment: LocalDeployment, history: History) -> Iterator[Reader]:
    """A reader of the local stack; its Kafka consumer is closed at the end."""
    with closing(Topic(client.client_config(deployment.state), PIPELINE.topic)) as topic:
        yield Reader(history, bucket(deployment), delivered(deployment), topic)
