"""A stack of version 0.1.0 is brought up by today's program: what holds events and keys stays, and no event is lost.

CHANGELOG.md says what a person does before that `up`; CHANGES_BEFORE_UP has each setting that it names.
"""

from collections.abc import Callable, Iterator

import pytest

from components.archive import layout
from local.proofs.checker.left_behind import left_behind
from tests.engine.followed import KEPT, KEPT_KINDS, VM, Step
from tests.engine.upgrade import Changes, Upgrade, stack_of_0_1

CHANGES_BEFORE_UP: Changes = {
    "source": {"consumerGroup": "connect-auditlog-connector-s3-sink"},
    # Not what a person does: the default of ten minutes takes the same way, only later.
    "archive": {"originalsRotationSeconds": 5},
}


@pytest.fixture(scope="module")
def upgrade(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgrade]:
    """A stack that today's program has taken over."""
    with stack_of_0_1(tmp_path_factory.mktemp("upgrade")) as started:
        started.run(CHANGES_BEFORE_UP)
        yield started


def figures(upgrade: Upgrade) -> str:
    """What the upgrade did, in one line."""
    changed = [
        f"{step.operation} {step.urn.rpartition('::')[2]}"
        for step in upgrade.steps
        if step.operation != "same"
    ]
    return (
        f"{len(upgrade.produced()):,} events, lost {len(upgrade.lost_in_bucket())} in the bucket and "
        f"{len(upgrade.lost_in_logzio())} in Logz.io, {upgrade.duplicates()} duplicates, "
        f"{len(started_vms(upgrade))} new VM(s); changed: {', '.join(changed) or 'nothing'}"
    )


def started_vms(upgrade: Upgrade) -> list[Step]:
    return [
        step
        for step in upgrade.steps
        if VM.search(step.type) and step.operation in ("create", "create-replacement")
    ]


def partitions(keys: set[str]) -> set[int]:
    return {key.partition for key in map(layout.parse_data_key, keys) if key is not None}


def test_no_bucket_registration_key_parameter_or_subnet_is_replaced_or_deleted(upgrade: Upgrade) -> None:
    steps = [step for step in upgrade.steps if KEPT.search(step.type)]
    kept = {(type_, id_) for type_, id_ in upgrade.before if KEPT.search(type_)}

    assert [step for step in steps if step.operation not in ("same", "update", "create")] == []
    assert {id_ for _, id_ in kept} <= {id_ for _, id_ in upgrade.after}
    # Each kind was there, so each could have been replaced.
    assert {found[1] for type_, _ in kept if (found := KEPT.search(type_))} >= KEPT_KINDS


def test_the_vm_is_replaced_once_at_most(upgrade: Upgrade) -> None:
    assert len(started_vms(upgrade)) <= 1


def test_a_preview_after_the_upgrade_shows_no_change(upgrade: Upgrade) -> None:
    upgrade.deployment.pulumi("preview", "--expect-no-changes")


def test_no_event_is_lost_in_the_bucket(upgrade: Upgrade) -> None:
    assert upgrade.lost_in_bucket() == set()


def test_no_event_is_lost_in_logzio(upgrade: Upgrade) -> None:
    assert upgrade.lost_in_logzio() == set()


def test_every_event_has_an_original_those_that_0_1_archived_too(upgrade: Upgrade) -> None:
    assert upgrade.without_original() == set()


def test_logzio_indexes_every_event_that_todays_vm_archived(upgrade: Upgrade) -> None:
    assert upgrade.unindexed == []


def test_no_event_comes_twice_as_the_vm_is_shut_down_in_order(
    upgrade: Upgrade, record_property: Callable[[str, object], None]
) -> None:
    record_property("upgrade from 0.1.0", figures(upgrade))

    assert set(upgrade.vm_exit_codes()) <= {0}
    assert upgrade.duplicates() == 0


def test_logzio_goes_on_reading_each_prefix_that_0_1_filled(upgrade: Upgrade) -> None:
    filled_and_fed = partitions(upgrade.keys_before) & upgrade.fed_after

    assert filled_and_fed
    assert filled_and_fed <= partitions(upgrade.keys_after)


def test_destroy_removes_what_0_1_made(upgrade: Upgrade) -> None:
    upgrade.deployment.destroy()

    assert left_behind(upgrade.deployment) == []
