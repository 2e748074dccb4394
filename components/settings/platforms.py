"""Release lines of the Confluent Platform: which Java versions they run on, and until when Confluent supports them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

WARNED_BEFORE = timedelta(days=90)


@dataclass(frozen=True)
class Platform:
    """A release line.

    Attributes:
        java: versions of Java that run it, from Confluent's and Kafka's documentation.
        standard_end: the end of support for standard contracts.
        platinum_end: the end of all support: no more fixes, and the packages may disappear from the repository.
    """

    java: tuple[int, ...]
    standard_end: date
    platinum_end: date


def _released(day: date, *java: int) -> Platform:
    """A line by its release day: Confluent supports it for two years, with a platinum contract for three."""
    return Platform(java, day.replace(year=day.year + 2), day.replace(year=day.year + 3))


# As of 2026-11-26. The rule and its dates: Confluent's "Supported Versions and Interoperability". Checked there or in
# "Supported Connector Versions": 8.3. Not checked against that page, which could not be read: the days of 7.7 to 8.0;
# 8.1 and 8.2 have the day of the first Control Center for them, which came with or after them.
PLATFORMS: Mapping[str, Platform] = {
    "7.7": _released(date(2024, 7, 26), 8, 11, 17),
    "7.8": _released(date(2024, 12, 2), 8, 11, 17),
    "7.9": _released(date(2025, 2, 19), 8, 11, 17),
    "8.0": _released(date(2025, 6, 11), 17, 21),
    "8.1": _released(date(2025, 10, 22), 17, 21),
    "8.2": _released(date(2026, 4, 2), 17, 21),
    "8.3": _released(date(2026, 6, 17), 17, 21),
}

NEWEST = max(PLATFORMS, key=lambda line: PLATFORMS[line].standard_end)


def warning(line: str, today: date) -> str | None:
    """A warning about a line's support, from 90 days before the end of standard support; None before that."""
    platform = PLATFORMS[line]
    if today < platform.standard_end - WARNED_BEFORE:
        return None
    return (
        f"{line}: Confluent's standard support {_ends(platform.standard_end, today)}, platinum support "
        f"{_ends(platform.platinum_end, today)}; the line with the longest support is {NEWEST}"
    )


def has_ended(line: str, today: date) -> bool:
    """Whether all support for this line has ended."""
    return PLATFORMS[line].platinum_end <= today


def _ends(day: date, today: date) -> str:
    return f"{'ended' if day <= today else 'ends'} about {day}"
