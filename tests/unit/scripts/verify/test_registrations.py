"""Registrations as the stack made them, against those that Logz.io has."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from components import settings
from components.logzio.model import Registered
from scripts.verify.model import RegistrationState
from scripts.verify.registrations import StackRegistration, compare, reads
from tests.unit.components.test_settings import BY_IDS, changed

GIVEN = settings.load(
    changed("source.partitions", {"confluent-audit-log-events": 2}, BY_IDS), region="us-west-2", environ={}
)
FIRST, SECOND = GIVEN.partition_prefixes
CREATED = datetime(2026, 1, 2, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/reader"


def present(id_: int, prefix: str, **fields: Any) -> Registered:
    made = Registered(id_, GIVEN.archive.bucket, "US_WEST_2", GIVEN.logzio.log_type, prefix, role_arn=ROLE)
    return replace(made, **fields)


MADE = [StackRegistration(1, FIRST, ROLE, created_at=CREATED), StackRegistration(2, SECOND, ROLE)]
PRESENT = [present(1, FIRST), present(2, SECOND)]


def states(made: list[StackRegistration], there: list[Registered]) -> list[RegistrationState]:
    return [compared.state for compared in compare(GIVEN, made, there)]


def test_all_are_as_they_were_made() -> None:
    first, second = compare(GIVEN, MADE, PRESENT)

    assert (first.state, first.created_at, second.state, second.created_at) == (
        RegistrationState.FINE,
        CREATED,
        RegistrationState.FINE,
        None,
    )


def test_a_missing_registration_was_deleted_or_never_made() -> None:
    first, second = compare(GIVEN, MADE[:1], [])

    assert (first.state, first.difference) == (RegistrationState.MISSING, "registration 1 is gone")
    assert (second.state, second.difference) == (RegistrationState.MISSING, "it was never made")


def test_a_disabled_registration_is_inactive() -> None:
    assert states(MADE, [present(1, FIRST, active=False), PRESENT[1]]) == [
        RegistrationState.INACTIVE,
        RegistrationState.FINE,
    ]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"log_type": "other"}, "logsType is other, not confluent_audit"),
        ({"region": "US_EAST_1"}, "region is US_EAST_1, not US_WEST_2"),
        ({"role_arn": "arn:x"}, f"arn is arn:x, not {ROLE}"),
        ({"id": 9}, "id is 9, not 1"),
        ({"add_object_key": True}, "addS3ObjectKeyAsLogField is True, not False"),
    ],
)
def test_a_changed_registration_names_the_difference(fields: dict[str, Any], told: str) -> None:
    first, _ = compare(GIVEN, MADE, [present(1, FIRST, **fields), PRESENT[1]])

    assert (first.state, first.difference) == (RegistrationState.CHANGED, told)


def test_the_time_of_another_registration_is_not_known() -> None:
    first, _ = compare(GIVEN, MADE, [present(9, FIRST), PRESENT[1]])

    assert first.created_at is None


@pytest.mark.parametrize("prefix", [FIRST, "topics/", ""])
def test_a_second_registration_of_the_same_objects_is_reported(prefix: str) -> None:
    first, *_ = compare(GIVEN, MADE, [*PRESENT, present(7, prefix)])

    assert (first.state, first.difference) == (RegistrationState.DOUBLE, "also read by 7")


def test_an_inactive_second_registration_is_ignored() -> None:
    assert states(MADE, [*PRESENT, present(7, "", active=False)]) == [
        RegistrationState.FINE,
        RegistrationState.FINE,
    ]


def test_a_key_that_pulumi_keeps_encrypted_is_not_compared() -> None:
    there = [present(1, FIRST, role_arn=None, access_key="AKIAXYZ"), PRESENT[1]]

    assert states([StackRegistration(1, FIRST), MADE[1]], there) == [
        RegistrationState.FINE,
        RegistrationState.FINE,
    ]


def test_a_different_key_is_reported_but_not_shown() -> None:
    there = [present(1, FIRST, role_arn=None, access_key="AKIAXYZ"), PRESENT[1]]

    first, _ = compare(GIVEN, [StackRegistration(1, FIRST, access_key="AKIAABC"), MADE[1]], there)

    assert (first.state, first.difference) == (RegistrationState.CHANGED, "accessKey")


def test_only_an_active_registration_of_the_bucket_reads_a_folder() -> None:
    bucket = GIVEN.archive.bucket
    assert reads(PRESENT[0], bucket, FIRST)
    assert not reads(PRESENT[0], bucket, SECOND)
    assert not reads(PRESENT[0], "other", FIRST)
    assert not reads(replace(PRESENT[0], active=False), bucket, FIRST)
