"""Which distribution the local VMs boot."""

import pytest

from local.systems.vm import distributions
from local.systems.vm.distributions import DEBIAN, UBUNTU, VARIABLE, chosen


@pytest.mark.parametrize(("name", "distribution"), [("", DEBIAN), ("debian", DEBIAN), ("ubuntu", UBUNTU)])
def test_a_vm_boots_debian_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, name: str, distribution: distributions.Distribution
) -> None:
    monkeypatch.setenv(VARIABLE, name)

    assert chosen() == distribution


def test_another_distribution_is_refused_beside_those_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "fedora")

    with pytest.raises(RuntimeError, match="VM_DISTRIBUTION is fedora; accepted: debian, ubuntu"):
        chosen()
