"""A plan with prices: what each part costs in a month (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from scripts.cost import prices, sink
from scripts.cost.plan import Plan
from scripts.cost.prices import Price
from scripts.cost.sink import GB, HOURS, SECONDS, Workload

LISTINGS = "S3: Logz.io's listings"
KAFKA = "Kafka: traffic to the VMs"
ALARMS = "CloudWatch: alarms"
MINUTES = HOURS * 60

# S3 keeps a data key of the bucket's KMS key for a while: "by up to 99 percent" fewer requests (Amazon S3 user guide,
# "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys").
REQUESTS_PER_DATA_KEY = 100


@dataclass(frozen=True)
class Item:
    """One part of the bill: `quantity` times `price.unit` a month.

    `price`: None if the table has none. `settings`: those that change it most.
    """

    name: str
    quantity: float
    price: Price | None
    settings: str

    @property
    def usd(self) -> float | None:
        """USD a month; None without a price."""
        return None if self.price is None else self.quantity / self.price.per * self.price.usd


@dataclass(frozen=True)
class Estimate:
    """What a plan costs. `items` has only what the plan has."""

    plan: Plan
    items: tuple[Item, ...]

    def usd(self, *, listings: bool = True) -> float:
        """The sum, with or without Logz.io's listings."""
        return sum(item.usd or 0.0 for item in self.items if listings or item.name != LISTINGS)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Items that the sum lacks."""
        return tuple(item.name for item in self.items if item.usd is None)

    @property
    def free_tier_usd(self) -> float:
        """What CloudWatch's free tier takes off the sum, if no other stack of the account uses it."""
        return sum(
            replace(item, quantity=min(item.quantity, free)).usd or 0.0
            for item in self.items
            for price, free in prices.FREE.items()
            if item.price == price
        )

    @property
    def read_gb(self) -> float:
        """What the connectors read from Kafka, for which Confluent bills."""
        return next((item.quantity for item in self.items if item.name == KAFKA), 0.0)


def estimate(plan: Plan, workload: Workload, instance_usd: float | None = None) -> Estimate:
    """The estimate. `instance_usd`: price of the instance type for an hour, in place of the table's."""
    found = [*_vms(plan, instance_usd), *_bucket(plan, workload), *_other(plan, workload)]
    return Estimate(plan, tuple(item for item in found if item.quantity))


def _vms(plan: Plan, instance_usd: float | None) -> Iterator[Item]:
    price = prices.INSTANCES.get(plan.instance_type)
    if instance_usd is not None:
        price = Price(f"EC2 {plan.instance_type}, given", instance_usd, "hour", "the command line", "given")
    yield Item("VMs: instances", plan.vms * HOURS, price, "worker.instanceType, worker.count")
    yield Item("VMs: volumes", plan.vms * plan.volume_gb, prices.VOLUME, "worker.volumeGb, worker.count")
    yield Item("VMs: public addresses", (plan.addresses or 0) * HOURS, prices.ADDRESS, "worker.count")


def _bucket(plan: Plan, workload: Workload) -> Iterator[Item]:
    events = plan.copies[0]
    for copy in plan.copies:
        yield Item(f"S3: writing {copy.name}", sink.requests(copy, workload), prices.WRITE, copy.settings[0])
    for copy in plan.copies:
        yield Item(
            f"S3: storing {copy.name}", sink.stored_gb(copy, workload), prices.STORAGE, copy.settings[1]
        )
    yield Item("S3: Logz.io's reads", sink.objects(events, workload), prices.READ_REQUEST, events.settings[0])
    if plan.logzio_region != plan.region:
        month = SECONDS / sink.DAY
        yield Item(
            f"S3: traffic to Logz.io in {plan.logzio_region}",
            sink.archived_gb(events, workload, month),
            prices.TO_REGION,
            "aws:region",
        )
    if plan.bucket_key:
        yield Item(
            "KMS: the bucket's key", _data_keys(plan, workload), prices.KMS_REQUEST, "archive.kmsKeyArn"
        )
    listings = plan.registrations * SECONDS / workload.listing_seconds
    yield Item(LISTINGS, listings, prices.WRITE, "no setting")


def _data_keys(plan: Plan, workload: Workload) -> float:
    written = sum(sink.requests(copy, workload) for copy in plan.copies)
    read = sink.objects(plan.copies[0], workload)
    return (written + read) / REQUESTS_PER_DATA_KEY


def _other(plan: Plan, workload: Workload) -> Iterator[Item]:
    yield Item("KMS: the parameters' key", int(plan.own_key), prices.KMS_KEY, "worker.secretsKeyArn")
    yield Item("SSM: parameters", plan.parameters, prices.PARAMETER, "writer.identity, worker.count")
    yield Item("CloudWatch: metrics", plan.metrics, prices.METRIC, "worker.metrics, worker.count")
    yield Item(ALARMS, plan.alarms, prices.ALARM, "worker.metrics, worker.count")
    yield Item("CloudWatch: dashboard", plan.dashboards, prices.DASHBOARD, "alarms.dashboard")
    yield Item(
        "CloudWatch: heartbeats",
        plan.heartbeats * MINUTES,
        prices.METRIC_REQUEST,
        "worker.metrics, worker.count",
    )
    # Each connector reads all events. Between VMs nothing is sent, and S3 is reached by a gateway endpoint.
    read = len(plan.copies) * workload.events * workload.event_bytes / GB
    price = prices.FROM_REGION if plan.from_other_region else prices.IN_REGION
    yield Item(KAFKA, read, price, "archive.originals")
