"""Registrations through the real engine: what people and interruptions do to them."""

import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from local.stack.engine import SDK_DEBUG
from local.systems.logzio.server import Emulator
from tests.engine.shipping_stack import ROLE, SECRET_VARIABLE, STACK, Stack, described, held
from tests.local.logzio_support import BODY, BUCKETS, api, running

SECRET = "marker-secret/of+the=key"
ACCESS_KEY = "AKIAMARKERMARKER0001"


def is_as_described(stack: Stack) -> bool:
    return held(stack.emulator) == sorted(described(stack))


def counts(emulator: Emulator, *calls: str) -> dict[str, int]:
    requests = emulator.state()["requests"]
    return {call: sum(requests.get(call, {}).values()) for call in calls}


def refused_by_rate(emulator: Emulator) -> int:
    return sum(by_status.get("429", 0) for by_status in emulator.state()["requests"].values())


def behind_its_back(emulator: Emulator, prefix_part: str, **changed: Any) -> None:
    """Somebody changes a registration in Logz.io (or deletes it, with nothing to change)."""
    with api(emulator) as client:
        (found,) = (
            registration
            for registration in client.get(BUCKETS).json()
            if prefix_part in registration["prefix"]
        )
        path = f"{BUCKETS}/{found['id']}"
        body = {name: found[name] for name in BODY if found[name] is not None}
        answer = client.put(path, json={**body, **changed}) if changed else client.delete(path)
        assert answer.status_code == 200


def test_a_stack_comes_up_stays_as_it_is_and_goes_without_a_trace(stack: Stack) -> None:
    assert stack.up().returncode == 0
    assert is_as_described(stack)
    assert stack.preview().returncode == 0
    refreshed = stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert refreshed.returncode == 0, refreshed.stdout
    # Another form of the same region is the same.
    stack.arguments["region"] = "US_WEST_2"
    assert stack.preview().returncode == 0
    assert stack.destroy().returncode == 0
    assert held(stack.emulator) == []


def test_without_its_account_a_stack_is_destroyed_once_its_registrations_are_forgotten(stack: Stack) -> None:
    # The commands of docs/deploy.md.
    stack.up()
    stack.rotate_token("token-of-nobody-that-is-left")

    assert stack.destroy().returncode != 0

    listed = stack.run("stack", "--show-urns", "-s", STACK, config=False).stdout
    urns = re.findall(r"urn:.*LogzioRegistration::.*", listed)
    assert sorted(urns) == sorted(resource["urn"] for resource in stack.resources())
    for urn in urns:
        assert stack.run("state", "delete", "--yes", urn, "-s", STACK, config=False).returncode == 0
    assert stack.destroy().returncode == 0
    assert stack.resources() == []


def test_more_partitions_add_registrations_and_touch_no_other(stack: Stack) -> None:
    stack.up()
    before = {resource["urn"]: resource["id"] for resource in stack.resources()}
    calls = counts(stack.emulator, "create", "update", "delete")
    stack.arguments["partitions"] = [0, 1, 2, 3, 4]

    assert stack.up().returncode == 0

    after = {resource["urn"]: resource["id"] for resource in stack.resources()}
    assert before.items() <= after.items()
    assert counts(stack.emulator, "create", "update", "delete") == {**calls, "create": calls["create"] + 3}
    assert is_as_described(stack)


def test_a_new_place_warns_once_and_leaves_nothing_at_the_old_one(stack: Stack) -> None:
    stack.up()
    stack.arguments["topics_dir"] = "other"

    previewed = stack.run("preview")
    done = stack.up()

    for message in (previewed.stdout, done.stdout):
        assert "warning: Logz.io will read s3://archive/other/ instead of s3://archive/topics/" in message
    # The engine repeats its warnings once at the end.
    assert done.stdout.count("stay unread") == 2
    assert is_as_described(stack)
    stack.arguments["bucket"] = "another"
    assert "instead of s3://archive/other/" in stack.up().stdout
    assert is_as_described(stack)


def test_a_new_place_that_failed_can_be_taken_back(stack: Stack) -> None:
    assert stack.up().returncode == 0
    foreign = ("archive", "elsewhere/audit/partition=1/")
    with api(stack.emulator) as client:
        client.post(BUCKETS, json={**BODY, "prefix": foreign[1], "arn": f"{ROLE}-of-another"})
    stack.arguments["topics_dir"] = "elsewhere"
    assert stack.up().returncode != 0
    assert ("archive", "elsewhere/audit/partition=0/") in held(stack.emulator)

    stack.arguments["topics_dir"] = "topics"
    assert stack.up().returncode == 0

    # The state holds the registration of partition 0 twice: as one that is wanted, and as one to be deleted.
    assert held(stack.emulator) == sorted([*described(stack), foreign])
    assert stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes").returncode == 0


def test_a_new_place_that_failed_is_finished_by_an_up_that_refreshes_first(stack: Stack) -> None:
    assert stack.up().returncode == 0
    with api(stack.emulator) as client:
        foreign = {**BODY, "prefix": "elsewhere/audit/partition=1/", "arn": f"{ROLE}-of-another"}
        made = client.post(BUCKETS, json=foreign).json()["id"]
        stack.arguments["topics_dir"] = "elsewhere"
        assert stack.up().returncode != 0
        client.delete(f"{BUCKETS}/{made}")

    done = stack.run("up", "--yes", "--skip-preview", "--refresh")

    assert done.returncode == 0, done.stdout + done.stderr
    assert is_as_described(stack)


@pytest.mark.parametrize("how", ["--refresh", "--run-program"])
def test_every_kind_of_destroy_leaves_no_registration(stack: Stack, how: str) -> None:
    assert stack.up().returncode == 0
    done = stack.run("destroy", "--yes", "--skip-preview", how)
    assert done.returncode == 0, done.stdout + done.stderr
    assert held(stack.emulator) == []


def test_a_changed_field_is_changed_in_place(stack: Stack) -> None:
    stack.up()
    ids = sorted(resource["id"] for resource in stack.resources())
    stack.arguments.update(log_type="other", add_object_key=True)

    assert stack.up().returncode == 0

    assert sorted(resource["id"] for resource in stack.resources()) == ids
    assert {registration["logsType"] for registration in stack.emulator.state()["registrations"]} == {"other"}


def test_another_region_of_the_same_bucket_is_never_there_beside_the_old_one(stack: Stack) -> None:
    stack.up()
    stack.arguments["region"] = "us-east-1"

    assert stack.up().returncode == 0

    assert {registration["region"] for registration in stack.emulator.state()["registrations"]} == {
        "US_EAST_1"
    }
    assert is_as_described(stack)


def test_changes_behind_its_back_are_seen_by_a_refresh_and_undone_by_up(stack: Stack) -> None:
    stack.arguments["partitions"] = [0, 1, 2]
    stack.up()
    behind_its_back(stack.emulator, "partition=0", logsType="drifted", active=False)
    behind_its_back(stack.emulator, "partition=1", addS3ObjectKeyAsLogField=True)
    behind_its_back(stack.emulator, "partition=2", arn=f"{ROLE}-of-another")

    assert stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes").returncode != 0
    assert stack.refresh().returncode == 0
    drifted = {resource["outputs"]["prefix"]: resource["outputs"] for resource in stack.resources()}
    assert drifted["topics/audit/partition=0/"]["log_type"] == "drifted"
    assert drifted["topics/audit/partition=0/"]["active"] is False
    assert drifted["topics/audit/partition=1/"]["add_object_key"] is True
    assert drifted["topics/audit/partition=2/"]["role_arn"] == f"{ROLE}-of-another"

    assert stack.up().returncode == 0
    assert stack.preview().returncode == 0
    for registration in stack.emulator.state()["registrations"]:
        shown = (
            registration["logsType"],
            registration["active"],
            registration["addS3ObjectKeyAsLogField"],
            registration["arn"],
        )
        assert shown == ("confluent_audit", True, False, ROLE)


def test_a_place_that_was_changed_behind_its_back_is_made_right_again(stack: Stack) -> None:
    stack.arguments["partitions"] = [0, 1, 2]
    stack.up()
    behind_its_back(stack.emulator, "partition=0", prefix="moved/")
    behind_its_back(stack.emulator, "partition=1", bucket="moved")
    behind_its_back(stack.emulator, "partition=2", region="EU_WEST_1")

    assert stack.refresh().returncode == 0
    assert stack.up().returncode == 0

    assert is_as_described(stack)
    assert stack.preview().returncode == 0


def test_a_registration_that_was_deleted_by_hand_disappears_and_comes_back(stack: Stack) -> None:
    stack.up()
    behind_its_back(stack.emulator, "partition=0")

    assert stack.refresh().returncode == 0
    assert len(stack.resources()) == 1
    assert stack.up().returncode == 0

    assert is_as_described(stack)


def test_an_update_of_a_registration_that_was_deleted_by_hand_says_what_to_do(stack: Stack) -> None:
    stack.up()
    behind_its_back(stack.emulator, "partition=0")
    stack.arguments["log_type"] = "other"

    failed = stack.up()
    assert failed.returncode != 0
    assert "run `pulumi refresh` so that Pulumi knows, then `pulumi up`" in failed.stdout + failed.stderr

    assert stack.refresh().returncode == 0
    assert stack.up().returncode == 0
    assert is_as_described(stack)


def test_a_stack_whose_registrations_were_deleted_by_hand_is_destroyed(stack: Stack) -> None:
    stack.up()
    behind_its_back(stack.emulator, "partition=0")
    behind_its_back(stack.emulator, "partition=1")

    assert stack.destroy().returncode == 0
    assert held(stack.emulator) == []


def test_a_foreign_registration_is_refused_by_its_id_and_adopted_when_asked(stack: Stack) -> None:
    with api(stack.emulator) as client:
        client.post(BUCKETS, json={**BODY, "arn": f"{ROLE}-of-another"})

    refused = stack.up()
    assert refused.returncode != 0
    assert "there is already: 1." in refused.stdout + refused.stderr

    stack.arguments["adopt_existing"] = True
    assert stack.up().returncode == 0
    assert is_as_described(stack)
    assert "1" in {resource["id"] for resource in stack.resources()}
    # The setting may go again without any change.
    stack.arguments["adopt_existing"] = False
    assert stack.preview().returncode == 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_an_up_that_was_cut_off_is_completed_by_the_next(stack: Stack, sent: signal.Signals) -> None:
    stack.emulator.fail(calls=["create"], answer="slow", delay=3600, times=2)
    process = stack.start("up", "--yes", "--skip-preview")
    while len(held(stack.emulator)) < 2:
        assert process.poll() is None
        time.sleep(0.05)

    # Both are made, and neither answer has come.
    process.send_signal(sent)
    assert process.stdout is not None
    if sent is signal.SIGINT:
        assert any("^C received" in line for line in process.stdout)
    else:
        process.wait()
    stack.emulator.clear_faults()
    process.communicate()
    assert process.returncode != 0
    if sent is signal.SIGKILL:
        stack.cancel()
        assert stack.resources() == []

    again = stack.up()

    assert again.returncode == 0, again.stdout + again.stderr
    assert is_as_described(stack)
    assert len(stack.resources()) == 2
    assert stack.destroy().returncode == 0
    assert held(stack.emulator) == []


def test_forty_registrations_come_and_go_under_too_many_requests(stack: Stack) -> None:
    stack.arguments["partitions"] = list(range(40))
    # So few at a time that even a request that all others wait for meets no more of them than it has tries.
    for good_before in (5, 20, 35, 50, 65, 80):
        stack.emulator.fail(status=429, times=3, skip=good_before)

    done = stack.up()

    assert done.returncode == 0, done.stdout
    assert is_as_described(stack)
    assert refused_by_rate(stack.emulator) == 18
    assert stack.emulator.state()["most_at_once"] <= 4

    for good_before in (5, 20):
        stack.emulator.fail(calls=["delete"], status=429, times=3, skip=good_before)
    assert stack.destroy().returncode == 0
    assert held(stack.emulator) == []
    assert refused_by_rate(stack.emulator) == 24


def test_the_engines_own_logging_does_not_keep_registrations_from_being_made(stack: Stack) -> None:
    # It puts its flags before the address at which a provider finds it.
    done = stack.run("up", "--yes", "--skip-preview", "--logflow", "--logtostderr", "-v=3")

    assert done.returncode == 0, done.stdout + done.stderr
    assert is_as_described(stack)


def test_a_new_token_changes_no_registration(stack: Stack) -> None:
    stack.up()
    stack.rotate_token("marker-new-token")
    stack.set_token("marker-new-token")

    assert stack.preview().returncode == 0
    calls = counts(stack.emulator, "create", "update", "delete")
    assert stack.up().returncode == 0
    assert counts(stack.emulator, "create", "update", "delete") == calls


def test_after_a_rotation_the_old_token_stays_in_the_state_until_up(stack: Stack) -> None:
    stack.up()
    stack.rotate_token("marker-new-token")
    stack.set_token("marker-new-token")

    refused = stack.refresh()
    assert refused.returncode != 0
    assert "run `pulumi up` before refresh or destroy" in refused.stdout + refused.stderr

    # The variable wins over the token in the state.
    stack.environment["LOGZIO_API_TOKEN"] = "marker-new-token"
    assert stack.refresh().returncode == 0
    del stack.environment["LOGZIO_API_TOKEN"]

    assert stack.up().returncode == 0
    assert stack.refresh().returncode == 0
    assert stack.destroy().returncode == 0


def test_another_account_is_refused_before_anything_is_lost(stack: Stack, tmp_path: Path) -> None:
    stack.up()
    (tmp_path / "other").mkdir()
    with running(tmp_path / "other") as other:
        stack.arguments["base_url"] = other.url
        stack.set_token(other.token)

        failed = stack.up()

        assert failed.returncode != 0
        assert "API token is not accepted" in failed.stdout + failed.stderr
        assert is_as_described(stack)
        assert held(other) == []


def test_no_token_and_no_key_gets_out_of_the_secrets_of_the_state(stack: Stack) -> None:
    token = stack.emulator.token
    del stack.arguments["role_arn"]
    stack.arguments["access_key"] = ACCESS_KEY
    stack.environment[SECRET_VARIABLE] = SECRET
    stack.environment[SDK_DEBUG] = "1"
    debug = ("--debug", "--logtostderr", "-v=5")
    stack.emulator.fail(calls=["create"], status=500, effect=True)
    stack.emulator.fail(calls=["list"], status=429)

    assert stack.run("up", "--yes", "--diff", *debug).returncode == 0
    assert stack.run("refresh", "--yes", "--diff", *debug).returncode == 0
    stack.emulator.fail(calls=["update"], code="credentials")
    stack.arguments["log_type"] = "other"
    assert stack.run("up", "--yes", "--diff", *debug).returncode == 0
    stack.emulator.fail(code="expired-token", times=None)
    assert stack.run("refresh", "--yes", "--diff", *debug).returncode != 0

    assert "resource registration successful" in stack.output, "the SDK's debug messages are not there"
    for place, text in {"output": stack.output, "state": stack.state()}.items():
        for name, secret in {"token": token, "secret key": SECRET}.items():
            assert secret not in text, f"the {name} is in the {place}"
    for registration in stack.resources():
        # The engine's mark of an encrypted value.
        assert "4dabf18193072939515e22adb298388d" in registration["outputs"]["secret_key"]
