"""What the report says of the machine."""

import pytest

from local.proofs.bench.machine import java_version


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', "17.0.15"),
        ('openjdk version "1.8.0_452"\n', "1.8.0_452"),
        ("something else\n", "something else"),
    ],
)
def test_the_version_of_java_is_read_from_what_it_prints(printed: str, version: str) -> None:
    assert java_version(printed) == version
