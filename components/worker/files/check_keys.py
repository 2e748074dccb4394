"""Before each start of the service: does the bucket have a key that sorts after the keys that the sink will write?

Each key has the time at which its file was opened (layout.py), and Logz.io never reads a key that sorts before a key
that it has read. A key with a time in the future was written while a clock was ahead: the start waits until that time
has passed, and the events wait in Kafka. The script runs as the service's user, with the sink's own rights, and makes
one request for each partition, however many objects there are.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

SETTINGS = Path("/etc/s3-auditlog-sink/keys.json")
STAMP_FORMAT = "%Y%m%dT%H%M%S.%fZ"
# The start does not wait longer than this: events are lost after 7 days in Kafka, and they are safe in the bucket.
MOST_SECONDS = 24 * 3600
# The writer's new key, S3 or the VM's clock may not be ready yet.
ATTEMPTS = 6
PAUSE_SECONDS = 10


class Bucket:
    """The bucket's keys. Each attempt uses the credentials that the service has at that time."""

    def __init__(self, name: str, new_client: Callable[[], Any]) -> None:
        self._name, self._new_client = name, new_client
        self._s3 = new_client()

    def keys_after(self, prefix: str, start: str) -> Iterator[str]:
        """The keys with a prefix that sort after `start`. It asks for a single key first, then for all others."""
        most = 1
        while keys := self._listed(prefix, start, most):
            yield from keys
            start, most = keys[-1], 1000

    def _listed(self, prefix: str, start: str, most: int) -> list[str]:
        """A page of keys, with retries for a minute or two.

        Raises:
            BotoCoreError, ClientError: of the last attempt.
        """
        attempt = 1
        while True:
            try:
                answer = self._s3.list_objects_v2(
                    Bucket=self._name, Prefix=prefix, StartAfter=start, MaxKeys=most
                )
                return [str(entry["Key"]) for entry in answer.get("Contents", ())]
            except (BotoCoreError, ClientError) as error:
                if attempt == ATTEMPTS:
                    raise
                say(f"keys of {self._name}, attempt {attempt} of {ATTEMPTS}: {error}")
            time.sleep(PAUSE_SECONDS)
            attempt += 1
            # A client that found no credentials never looks for them again.
            self._s3 = self._new_client()


def main() -> None:
    settings = json.loads(SETTINGS.read_text())
    bucket = Bucket(settings["bucket"], lambda: client(settings))
    check = refuse_stamps if settings["partitioner"] == "default" else wait_for_stamps
    try:
        check(bucket, settings)
    except (BotoCoreError, ClientError) as error:
        # Archiving the events matters more than their order, and the sink has its own retries.
        say(f"keys of {settings['bucket']} cannot be listed; the service starts unchecked: {error}")


def wait_for_stamps(bucket: Bucket, settings: Mapping[str, Any]) -> None:
    """Waits until the time of every key has passed."""
    reported = 0.0
    while ahead := newest_ahead(bucket, settings):
        remember(ahead)
        if ahead - time.time() > MOST_SECONDS:
            say(
                f"an object's key has the time {shown(ahead)}, which is too far ahead to wait for: until then "
                "Logz.io reads nothing that is written under its prefix"
            )
            return
        if ahead != reported:
            say(
                f"a clock was ahead: an object's key has the time {shown(ahead)}; waiting until it has passed"
            )
            reported = ahead
        # In short steps: somebody may correct the clock meanwhile.
        time.sleep(min(60.0, max(0.0, ahead - time.time()) + 0.001))
    remember(0.0)


def newest_ahead(bucket: Bucket, settings: Mapping[str, Any]) -> float:
    """The latest time of a key in the future, in seconds since the epoch; 0 if there is no such key."""
    newest = 0.0
    for folder in folders(settings):
        now = datetime.fromtimestamp(time.time(), UTC)
        for key in bucket.keys_after(folder, folder + f"{now.strftime(STAMP_FORMAT)[:-4]}Z"):
            newest = max(newest, stamp_of(key, folder))
    return newest


def refuse_stamps(bucket: Bucket, settings: Mapping[str, Any]) -> None:
    """Refuses the start if a key has a time: a key without a time sorts before it, and Logz.io would never read it."""
    for folder in folders(settings):
        key = next(bucket.keys_after(folder, folder), None)
        if key is not None:
            # Each attempt is a line in the journal.
            time.sleep(60)
            sys.exit(
                f"connector.partitioner default would write keys that Logz.io never reads, as they sort before {key}: "
                "set it to ordered, or connector.topicsDir to another folder"
            )


def folders(settings: Mapping[str, Any]) -> Iterator[str]:
    """The beginning of the keys of each partition, up to their time."""
    for topic, partitions in settings["partitions"].items():
        for partition in range(partitions):
            yield settings["folder"].format(topic=topic, partition=partition)


def stamp_of(key: str, folder: str) -> float:
    """The time in a key, in seconds since the epoch; 0 if there is none."""
    try:
        stamp = key.removeprefix(folder).partition("/")[0]
        return datetime.strptime(stamp, STAMP_FORMAT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        say(f"{key} is not an object of the sink, and Logz.io may read nothing that sorts before it")
        return 0.0


def remember(ahead: float) -> None:
    """Stores for the watchdog's metric until when keys are ahead."""
    file = Path(os.environ["RUNTIME_DIRECTORY"], "keys.json")
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps({"ahead_until": ahead}))
    partial.replace(file)


def client(settings: Mapping[str, Any]) -> Any:
    """A client of S3 with the writer's key if the service has it, else with the VM's role."""
    lines = Path(os.environ["RUNTIME_DIRECTORY"], "secrets.properties").read_text().splitlines()
    # A backslash is doubled in that file, for Java.
    secrets = dict(line.replace("\\\\", "\\").split("=", 1) for line in lines)
    return boto3.Session().client(
        "s3",
        region_name=settings["region"],
        endpoint_url=settings["endpoint"],
        aws_access_key_id=secrets.get("aws.access.key.id"),
        aws_secret_access_key=secrets.get("aws.secret.access.key"),
        config=Config(
            connect_timeout=5,
            read_timeout=10,
            retries={"max_attempts": 1},
            # The same style that the sink uses for a custom endpoint.
            s3={"addressing_style": "path" if settings["endpoint"] else "auto"},
        ),
    )


def shown(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
