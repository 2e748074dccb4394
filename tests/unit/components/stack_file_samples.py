"""Scalars that a person may write into a stack file, and the value that Pulumi's engine gives to each."""

from collections.abc import Sequence
from typing import Any

SAMPLES: Sequence[tuple[str, Any]] = (
    # In YAML 1.1 these are booleans, numbers of base 60, octal numbers and dates.
    ("yes", "yes"),
    ("no", "no"),
    ("on", "on"),
    ("Off", "Off"),
    ("y", "y"),
    ("13:30", "13:30"),
    ("22:30:00", "22:30:00"),
    ("190:20:30", "190:20:30"),
    ("012345678901", 12345678901),
    ("0123", 83),
    ("08", 8),
    ("0888", 888),
    ("00", 0),
    ("0o17", 15),
    ("0x1F", 31),
    ("0b11", 3),
    ("0b12", "0b12"),
    ("-0x1f", -31),
    ("+5", 5),
    ("1_000", 1000),
    ("_1", "_1"),
    ("true", True),
    ("True", True),
    ("TRUE", True),
    ("false", False),
    ("~", None),
    ("null", None),
    ("Null", None),
    ("7.9", 7.9),
    ("0.10", 0.1),
    (".5", 0.5),
    ("+.5", 0.5),
    ("5.", 5),
    ("1.0", 1),
    ("1e3", 1000),
    ("1E3", 1000),
    ("123456.789e3", 123456789),
    ("1e-7", 1e-07),
    ("1e22", 1e22),
    ("-0", 0),
    ("9223372036854775807", 9223372036854775807),
    ("9223372036854775808", 9223372036854776000),
    ("18446744073709551615", 18446744073709552000),
    ("123456789012345678901234", 1.2345678901234568e23),
    ("2026-11-26", "2026-11-26 00:00:00 +0000 UTC"),
    ("2026-1-2", "2026-01-02 00:00:00 +0000 UTC"),
    ("2026-11-26T10:00:00Z", "2026-11-26 10:00:00 +0000 UTC"),
    ("2026-11-26t10:00:00.500Z", "2026-11-26 10:00:00.5 +0000 UTC"),
    ("2026-11-26 1:2:3.25", "2026-11-26 01:02:03.25 +0000 UTC"),
    ("2026-13-45", "2026-13-45"),
    ("2026-11-26T10:00Z", "2026-11-26T10:00Z"),
    ("4711", 4711),
    ('"4711"', "4711"),
    ("'yes'", "yes"),
    ('"03:30"', "03:30"),
    ("03:30", "03:30"),
    ("pkc-1.us-west-2.aws.confluent.cloud:9092", "pkc-1.us-west-2.aws.confluent.cloud:9092"),
    ("=", "="),
    ("..5", "..5"),
    ("0x", "0x"),
    ("!!str 5", "5"),
)

VALUES: Sequence[tuple[str, str]] = (
    ("us-west-2", "us-west-2"),
    ("5", "5"),
    ("7.9", "7.9"),
    ("true", "true"),
    ("yes", "yes"),
    ("~", ""),
)


def written(texts: Sequence[str]) -> str:
    """A stack file with these scalars under `test:samples`: `s0`, `s1`, ..."""
    lines = [f"    s{number}: {text}" for number, text in enumerate(texts)]
    return "\n".join(["config:", "  test:samples:", *lines, ""])
