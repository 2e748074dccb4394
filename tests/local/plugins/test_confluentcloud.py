"""The confluentcloud stand-in over its wire: its keys are users of the broker."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # it ships no types
import pytest

from local.systems.kafka import users
from tests.local.plugins.wire import Plugin, environment, opened

API_KEY = "confluentcloud:index/apiKey:ApiKey"


def _inputs(owner: str = "sa-1", **further: Any) -> dict[str, Any]:
    return {
        "owner": {"id": owner, "apiVersion": "iam/v2", "kind": "ServiceAccount"},
        "managedResource": {
            "id": "lkc-1",
            "apiVersion": "cmk/v2",
            "kind": "Cluster",
            "environment": {"id": "env-1"},
        },
        "disableWaitForReady": True,
        **further,
    }


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    """The broker's users: its administrator."""
    file = tmp_path / "users.json"
    users.add(file, users.ADMIN, "admin-secret")
    return file


@pytest.fixture
def confluent(users_file: Path) -> Iterator[Plugin]:
    """The stand-in for a broker that these tests do not need."""
    plugin = Plugin(
        "confluentcloud",
        environment(
            CCLOUD_LOCAL_STACK="1",
            CCLOUD_LOCAL_KAFKA_BOOTSTRAP="127.0.0.1:9092",
            CCLOUD_LOCAL_KAFKA_USERS=str(users_file),
        ),
    )
    yield plugin
    plugin.stop()


def test_a_key_can_log_in_until_it_is_deleted(confluent: Plugin, users_file: Path) -> None:
    key, state = confluent.create(API_KEY, _inputs(displayName="export"))
    while_it_lives = users.read(users_file)
    confluent.delete(API_KEY, key, state)

    assert while_it_lives == {users.ADMIN: "admin-secret", key: opened(state["secret"])}
    assert users.read(users_file) == {users.ADMIN: "admin-secret"}


def test_a_third_key_of_an_owner_is_refused(confluent: Plugin, users_file: Path) -> None:
    confluent.create(API_KEY, _inputs())
    second, state = confluent.create(API_KEY, _inputs())
    before = users.read(users_file)

    with pytest.raises(grpc.RpcError, match="sa-1 has 2 API keys already"):
        confluent.create(API_KEY, _inputs())

    assert users.read(users_file) == before
    confluent.create(API_KEY, _inputs(owner="sa-2"))
    confluent.delete(API_KEY, second, state)
    confluent.create(API_KEY, _inputs())


def test_a_refresh_finds_the_key(confluent: Plugin) -> None:
    inputs = _inputs(displayName="export", description="x")
    key, state = confluent.create(API_KEY, inputs)

    assert confluent.read(API_KEY, key, state, inputs) == (key, state, inputs)
    assert list(confluent.diff(API_KEY, key, state, inputs).diffs) == []


def test_a_key_that_the_broker_no_longer_knows_is_gone(confluent: Plugin, users_file: Path) -> None:
    key, state = confluent.create(API_KEY, _inputs())
    users.remove(users_file, key)

    assert confluent.read(API_KEY, key, state, _inputs())[0] == ""


def test_a_new_description_changes_the_key_in_place_and_a_new_owner_replaces_it(
    confluent: Plugin,
) -> None:
    key, state = confluent.create(API_KEY, _inputs(description="old"))

    described = _inputs(description="new")
    changed = confluent.update(API_KEY, key, state, described)
    replaced = confluent.diff(API_KEY, key, state, _inputs(owner="sa-2", description="old"))

    assert list(confluent.diff(API_KEY, key, state, described).replaces) == []
    assert changed["description"] == "new"
    assert opened(changed["secret"]) == opened(state["secret"])
    assert list(replaced.replaces) == ["owner"]


def test_a_setting_that_the_key_does_not_have_is_refused(confluent: Plugin) -> None:
    _, refused = confluent.check(API_KEY, _inputs(expiresAt="tomorrow"))

    assert set(refused) == {"expiresAt"}


def test_the_cluster_is_the_local_broker(confluent: Plugin) -> None:
    cluster = confluent.invoke(
        "confluentcloud:index/getKafkaCluster:getKafkaCluster",
        {"id": "lkc-1", "environment": {"id": "env-1"}},
    )

    assert cluster["bootstrapEndpoint"] == "SASL_SSL://127.0.0.1:9092"
    assert (cluster["region"], cluster["cloud"], cluster["apiVersion"], cluster["kind"]) == (
        "us-west-2",
        "AWS",
        "cmk/v2",
        "Cluster",
    )
