"""Which alarms would fire if what the VMs report now went on.

An alarm needs minutes to hours of its metric, a fault lasts a minute. So the metric's latest value is repeated as often
as the watchdog sends it, over all the time that the alarm looks back on, and the alarm's real definition is evaluated on
that. A metric that came for the last time longer ago than the watchdog waits between two values is projected as silence.

It proves that the watchdog reports the fault in a way that the alarm sees, and that it reports the end of the fault. It
does not prove that the fault would have lasted so long, and of VMs that share a metric only the latest value counts.
"""

from collections.abc import Iterable

from components.worker.files.watchdog.group import MEASURE_SECONDS
from components.worker.files.watchdog.reader import LOOK_SECONDS
from local.systems.aws.alarms import Alarm
from local.systems.aws.evaluation import Datum, state

HEARTBEAT_SECONDS = 60
"""From one run of the watchdog to the next, as its timer says."""

RUN_SECONDS = 90
"""The longest run of the watchdog, of which a look at the consumer groups is the most: it starts several JVMs."""

LONGEST_SECONDS = LOOK_SECONDS + HEARTBEAT_SECONDS + RUN_SECONDS
"""The longest time between two values of a metric."""

_GROWING = ("SecondsStuck", "OriginalsSecondsStuck")
"""While it is not 0, such a metric grows by a second each second."""

_OF_GROUPS = (
    *_GROWING,
    "GroupMembers",
    "OriginalsGroupMembers",
    "ExpiredEvents",
    "ForeignMembers",
    "UnregisteredPartitions",
)


def name(alarm: Alarm) -> str:
    """The alarm's name in the program and in the runbook, with which its description ends."""
    return alarm.description.rpartition("#")[2]


def firing(alarms: Iterable[Alarm], now: float) -> frozenset[str]:
    """The names of the alarms that would fire, of any VM. `now`: epoch seconds."""
    return frozenset(name(alarm) for alarm in alarms if would_fire(alarm, now))


def would_fire(alarm: Alarm, now: float) -> bool:
    """Whether the alarm would fire if what its metric says now went on."""
    end = now + alarm.definition.range_seconds
    return state(alarm.definition, _projected(alarm, now, end), end, "OK") == "ALARM"


def _projected(alarm: Alarm, now: float, end: float) -> list[Datum]:
    latest = max((datum for datum in alarm.data if datum.at <= now), default=None)
    # What an alarm ignores may be missing for any time: the latest value counts.
    if latest is None or (alarm.definition.missing != "ignore" and now - latest.at > _silent_after(alarm)):
        return []
    grows = alarm.definition.metric in _GROWING and latest.value > 0
    times = [now + seconds for seconds in range(0, alarm.definition.range_seconds, HEARTBEAT_SECONDS)]
    return [Datum(at, latest.value + (at - latest.at if grows else 0)) for at in times if at < end]


def _silent_after(alarm: Alarm) -> float:
    """Seconds after which a metric must have come again."""
    pause = HEARTBEAT_SECONDS + RUN_SECONDS
    if alarm.definition.metric in _OF_GROUPS:
        return MEASURE_SECONDS + pause
    return LOOK_SECONDS + pause if alarm.definition.metric == "SecondsSinceLogzioRead" else pause
