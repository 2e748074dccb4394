"""How many objects, requests and bytes the S3 sink makes of the events (pure), and what is known of that by measurement.

- An object costs 3 requests: create, a part, complete (`test_an_object_costs_three_requests_and_no_put` in
  tests/local/connector; with the vendor's connector, 120 objects took 361 requests, and 20,000 events with the article's
  `flush.size=3` took 20,000). An object that is larger than a part has a request for each part.
- The sink rotates a file by the clock, and a partition without events has no file (docs/s3-sink.md): in each rotation in
  which a partition has events, it has an object for each `flush.size` of them and one for the rest.
- What gzip leaves was measured on 20,000 sample events (local/proofs/generator): see `_ratio`.
"""

import math
from dataclasses import dataclass

from scripts.cost.plan import Copy

HOURS = 730
SECONDS = HOURS * 3600
"""Of a month, as AWS's calculator counts."""

DAY = 86_400
GB = 2**30
"""S3 and EC2 bill binary gigabytes."""


@dataclass(frozen=True)
class Workload:
    """What the estimate assumes of the events and of Logz.io.

    `events_per_second`: of all partitions together, spread evenly; 5 is an assumption, as nobody has measured an
    organisation's audit log. `event_bytes`: of an event in Kafka, without compression; 1,560 is the mean of the 20,000
    sample events of docs/logzio.md (31.2 million characters). `listing_seconds`: between two listings of a prefix; 10 is
    an assumption, as Logz.io only says "every few seconds", on a former page. `age_days`: of the stack; older events
    exist only after that.
    """

    events_per_second: float = 5.0
    event_bytes: float = 1560.0
    listing_seconds: float = 10.0
    age_days: float = 365.0

    @property
    def events(self) -> float:
        """Events of a month."""
        return self.events_per_second * SECONDS


def objects(copy: Copy, workload: Workload) -> float:
    """Objects of a month, at most: real events come in bursts and so in fewer objects."""
    rate = workload.events_per_second / copy.partitions
    if copy.rotation_seconds is None:
        return rate / copy.flush_size * SECONDS * copy.partitions
    in_rotation = rate * copy.rotation_seconds
    # The share of the rotations in which a partition has an event, for events at random.
    share = -math.expm1(-in_rotation)
    rotations = SECONDS / copy.rotation_seconds
    return math.ceil(in_rotation / copy.flush_size) * share * rotations * copy.partitions


def requests(copy: Copy, workload: Workload) -> float:
    """Requests of a month that write the objects."""
    written = objects(copy, workload)
    parts = math.ceil(
        bytes_of_an_event(copy, workload) * _events_in_an_object(copy, workload) / copy.part_size
    )
    return written * (2 + max(1, parts))


def archived_gb(copy: Copy, workload: Workload, days: float) -> float:
    """Size of the events of so many days."""
    return bytes_of_an_event(copy, workload) * workload.events_per_second * DAY * days / GB


def stored_gb(copy: Copy, workload: Workload) -> float:
    """What the bucket holds: the events of the retention, at most those of the stack's age."""
    return archived_gb(copy, workload, min(copy.retention_days or math.inf, workload.age_days))


def bytes_of_an_event(copy: Copy, workload: Workload) -> float:
    """Bytes of an event in an object."""
    level = copy.gzip_level
    left = 1.0 if level is None else _ratio(_events_in_an_object(copy, workload), level)
    return workload.event_bytes * copy.growth * left


def _events_in_an_object(copy: Copy, workload: Workload) -> float:
    written = objects(copy, workload)
    return workload.events / written if written else 0.0


def _ratio(events: float, level: int) -> float:
    """What gzip leaves of `events` events in one object.

    Measured at level 6 for 1, 5, 25, 100, 250 and 5,000 of the sample events: 0.41, 0.22, 0.13, 0.11, 0.10, 0.10; for
    flattened ones 0.36, 0.19, 0.12, 0.10, 0.10, 0.09. At level 1 objects are about half as large again; a level between
    is counted as level 1.
    """
    left = min(0.43, 0.10 + 0.65 / events) if events else 0.0
    return left if level >= 6 else 1.5 * left
