"""What the command says of a stack: its estimate, the article's, savings, and what the estimate leaves out."""

from dataclasses import dataclass

from components.settings import Settings
from scripts.cost import levers, prices
from scripts.cost.estimate import Estimate, estimate
from scripts.cost.levers import Saving
from scripts.cost.plan import plan_of, the_articles
from scripts.cost.sink import Workload


@dataclass(frozen=True)
class Given:
    """Prices that the person gave. `instance_usd`: for an hour. `confluent_usd`: for a GB read of the audit log."""

    instance_usd: float | None = None
    confluent_usd: float | None = None


@dataclass(frozen=True)
class Report:
    """`reservations`: why the sum may be wrong for this stack; `notes`: what it does not have for any stack."""

    stack: str
    workload: Workload
    ours: Estimate
    article: Estimate
    savings: tuple[Saving, ...]
    reservations: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0; 2 with reservations."""
        return 2 if self.reservations else 0


def report_of(stack: str, settings: Settings, workload: Workload, given: Given) -> Report:
    """The report of a stack."""
    plan = plan_of(settings)
    ours = estimate(plan, workload, given.instance_usd)
    return Report(
        stack=stack,
        workload=workload,
        ours=ours,
        article=estimate(the_articles(plan), workload, given.instance_usd),
        savings=tuple(levers.savings(settings, workload, given.instance_usd)),
        reservations=tuple(_reservations(ours)),
        notes=tuple(_notes(ours, given)),
    )


def _reservations(ours: Estimate) -> list[str]:
    plan, found = ours.plan, []
    if plan.region != prices.REGION:
        found.append(
            f"the stack is in {plan.region}, and the prices are those of {prices.REGION}: look up those of {plan.region}"
        )
    if ours.unpriced:
        found.append(
            f"no price for {plan.instance_type}: the VMs are not in the sum; give it with INSTANCE_USD=<USD an hour>"
        )
    return found


def _notes(ours: Estimate, given: Given) -> list[str]:
    """Lines on what is not in the sum."""
    found = [
        "Logz.io does not document how often it lists a prefix: LISTING_SECONDS=<seconds> counts another interval",
        _confluent(ours, given),
    ]
    if ours.free_tier_usd:
        found.append(
            f"CloudWatch's free tier, if no other stack of the account uses it, takes {ours.free_tier_usd:.2f} off"
        )
    if ours.plan.addresses is None:
        found.append("the way out of the existing subnets (NAT gateway, endpoints) is not in the sum")
    if ours.plan.from_other_region:
        found.append(
            "Kafka may be in another region: AWS bills the sender for that, which is Confluent. The VMs' own requests "
            "are not in the sum: nobody has measured them"
        )
    return [
        *found,
        "the article: objects of 3 events without gzip, no originals, no alarms, and one registration, with which "
        "Logz.io skips most objects (docs/article.md)",
        "tax, Logz.io's own price, and what `make replay` and people read are not in the sum",
    ]


def _confluent(ours: Estimate, given: Given) -> str:
    read = f"Confluent bills each GB read of the audit log: {ours.read_gb:.1f} GB at most"
    if given.confluent_usd is None:
        return f"{read}. No public price was found: CONFLUENT_USD=<USD a GB of AUDIT_LOG_READ, from your bill> counts it"
    return f"{read}, at {given.confluent_usd:g} a GB {ours.read_gb * given.confluent_usd:.2f} more"
