"""What answers mean, where no real system is needed to get them."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from components.settings import platforms
from scripts.preflight.collect import Asker, Report
from scripts.preflight.evaluate import JUDGES, evaluate, exit_code
from scripts.preflight.model import (
    ApiKeys,
    Archive,
    BucketAnswer,
    CheckError,
    Finding,
    Owned,
    Package,
    Quota,
    Refused,
    State,
    Topics,
)
from scripts.preflight.target import Running, Target
from tests.unit.components.test_settings import BY_IDS, changed, loaded

DAY = date(2026, 11, 27)


def target(raw: dict[str, Any] = BY_IDS, **more: Any) -> Target:
    return Target("prod", {"aws:region": "us-west-2"}, loaded(raw), **more)


def findings(check: str, answer: Any, at: Target | None = None, day: date = DAY) -> list[Finding]:
    found = evaluate(Report(at or target(), day, {check: answer}))
    return [finding for finding in found if finding.check == check]


def test_every_question_has_its_evaluation() -> None:
    assert set(Asker(target()).questions()) == set(JUDGES)


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([State.OK, State.WARNING], 0),
        ([State.OK, State.UNKNOWN], 2),
        ([State.UNKNOWN, State.BROKEN], 1),
    ],
)
def test_the_exit_code_says_broken_before_unknown(states: list[State], code: int) -> None:
    assert exit_code([Finding("x", state, "x") for state in states]) == code


def test_every_problem_of_the_settings_has_its_line() -> None:
    broken = Target("prod", {}, None, problems=("one", "two"))

    found = evaluate(Report(broken, DAY, {}))

    assert [(finding.state, finding.text) for finding in found] == [
        (State.BROKEN, "one"),
        (State.BROKEN, "two"),
    ]


def test_the_warnings_of_a_preview_are_warnings() -> None:
    found = evaluate(Report(target(), DAY, {}))

    texts = [finding.text for finding in found if finding.state is State.WARNING]
    assert any("archiveSha256 is not set" in text for text in texts)


@pytest.mark.parametrize(
    ("day", "running", "allowed", "state"),
    [
        (date(2026, 6, 1), False, False, State.OK),
        (date(2027, 6, 1), False, False, State.WARNING),
        (date(2030, 1, 1), False, False, State.BROKEN),
        (date(2030, 1, 1), True, False, State.WARNING),
        (date(2030, 1, 1), False, True, State.WARNING),
    ],
)
def test_an_ended_platform_line_is_refused_for_a_new_stack(
    day: date, running: bool, allowed: bool, state: State
) -> None:
    raw = changed("worker.allowUnsupportedPlatform", allowed, BY_IDS)
    at = target(raw, running=Running(has_vm=running))

    (finding,) = [found for found in evaluate(Report(at, day, {})) if found.check == "support"]

    assert finding.state is state
    assert state is State.OK or platforms.NEWEST in finding.todo


def test_an_answer_that_did_not_come_is_unknown_and_a_refusal_is_broken() -> None:
    (late,) = findings("bucket", CheckError("no answer", "try again"))
    (refused,) = findings("bucket", CheckError("refused", state=State.BROKEN))

    assert (late.state, late.text, late.todo) == (State.UNKNOWN, "no answer", "try again")
    assert refused.state is State.BROKEN


def test_many_refused_actions_are_counted() -> None:
    names = tuple(f"ec2:Action{number:02}" for number in range(20))

    (finding,) = findings("AWS permissions", (Refused(names, ("*",)),))

    assert "20 actions are refused: ec2:Action00" in finding.text
    assert finding.text.endswith("and 12 more")
    assert finding.details == names


def test_a_quota_counts_what_is_used_and_what_is_needed() -> None:
    full, fits = Quota(used=5, needed=1, limit=5.0), Quota(used=4, needed=1, limit=5.0)

    found = findings("AWS quotas", {"VPCs": full, "buckets": fits})

    assert [(finding.state, finding.text) for finding in found] == [
        (State.BROKEN, "VPCs: 5 of 5 are used, 1 more are needed"),
        (State.OK, "buckets: 4 of 5"),
    ]


def test_a_quota_that_only_a_replacement_of_the_vms_exceeds_is_a_warning() -> None:
    (finding,) = findings("AWS quotas", {"vCPUs": Quota(used=4, needed=2, for_a_while=True, limit=5.0)})

    assert finding.state is State.WARNING
    assert finding.text == "vCPUs: 4 of 5 are used, 2 more are needed while `pulumi up` replaces the VMs"


@pytest.mark.parametrize(
    ("ids", "own", "generations", "state"),
    [
        ((), 0, [1], State.OK),
        (("A",), 0, [1], State.WARNING),
        (("A", "B"), 0, [1], State.BROKEN),
        (("A",), 1, [1], State.OK),
        (("A", "B"), 1, [1], State.WARNING),
        (("A", "B"), 2, [1, 2], State.OK),
    ],
)
def test_an_api_key_must_be_free_and_one_more_for_a_rotation(
    ids: tuple[str, ...], own: int, generations: list[int], state: State
) -> None:
    at = target(changed("source.keyGenerations", generations, BY_IDS))

    (finding,) = findings("API keys", ApiKeys(ids, own), at)

    assert finding.state is state


@pytest.mark.parametrize(
    ("owned", "adopts", "state"),
    [
        (Owned.NOBODY, False, State.OK),
        (Owned.NOBODY, True, State.BROKEN),
        (Owned.THIS_ACCOUNT, False, State.BROKEN),
        (Owned.THIS_ACCOUNT, True, State.OK),
        (Owned.THIS_STACK, False, State.OK),
        (Owned.ANOTHER_ACCOUNT, True, State.BROKEN),
    ],
)
def test_a_bucket_is_free_or_may_be_taken_over(owned: Owned, adopts: bool, state: State) -> None:
    at = target(changed("archive.adoptExisting", adopts, BY_IDS))

    (finding,) = findings("bucket", BucketAnswer(owned, "us-west-2"), at)

    assert finding.state is state


def test_a_pinned_package_tells_of_a_later_one() -> None:
    at = target(changed("worker.packageVersion", "7.9.1-1", BY_IDS))

    (finding,) = findings("package", Package("confluent-kafka", "7.9.1-1", "7.9.4-1"), at)

    assert finding.state is State.OK
    assert "7.9.4-1 is there" in finding.text


def test_a_download_without_a_hash_in_the_settings_shows_the_hash() -> None:
    (finding,) = findings("connector", Archive(1_000_000, "ab" * 32))

    assert finding.state is State.WARNING
    assert "ab" * 32 in finding.text


def test_a_zip_that_was_not_downloaded_is_there_and_says_what_compares_its_hash() -> None:
    at = target(changed("connector.archiveSha256", "ab" * 32, BY_IDS))

    (finding,) = findings("connector", Archive(1_000_000, None), at)

    assert finding.state is State.OK
    assert "`DOWNLOAD=1` compares its SHA-256" in finding.text


def test_the_command_for_the_partitions_is_one_that_pulumi_takes() -> None:
    (finding,) = findings("topics", Topics({"confluent-audit-log-events": 24}))

    assert finding.todo == (
        "pulumi config set --stack prod --path "
        "'ccloud-logexporter:source.partitions[\"confluent-audit-log-events\"]' 24"
    )


def test_no_secrets_at_hand_is_said_once() -> None:
    at = replace(target(), no_secrets="there is no `pulumi` on PATH")

    (finding,) = [
        found
        for found in evaluate(Report(at, DAY, {}))
        if found.check == "settings" and "secrets" in found.text
    ]

    assert finding.state is State.UNKNOWN
    assert "pulumi stack init prod" in finding.todo
