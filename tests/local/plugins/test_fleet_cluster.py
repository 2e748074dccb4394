"""What the stand-in makes in the organisation's own cluster is real: the broker refuses what no rule allows."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc  # type: ignore[import-untyped]  # it ships no types
import pytest
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    ConfigResource,
    ResourceType,
)

from local.systems.kafka import access_rules, client, users
from local.systems.plugins.confluentcloud.cloud import OWN_CLUSTER
from tests.local.kafka_support import wait_for
from tests.local.plugins import fleet_cluster
from tests.local.plugins.fleet_cluster import ACCOUNT, ACL, API_KEY, BINDING, LOOKUP, TOPIC, Key, Site
from tests.local.plugins.wire import Plugin, secret

CONFIGS, OFFSETS, STATUS = "fleet-configs", "fleet-offsets", "fleet-status"
GROUP = "fleet"

RIGHTS = [
    ("TOPIC", CONFIGS, "READ"),
    ("TOPIC", CONFIGS, "WRITE"),
    ("TOPIC", CONFIGS, "DESCRIBE_CONFIGS"),
    ("TOPIC", OFFSETS, "READ"),
    ("TOPIC", OFFSETS, "DESCRIBE_CONFIGS"),
    ("TOPIC", STATUS, "READ"),
    ("TOPIC", STATUS, "WRITE"),
    ("TOPIC", STATUS, "DESCRIBE_CONFIGS"),
    ("GROUP", GROUP, "READ"),
]
"""What the workers of a fleet need."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with fleet_cluster.site(tmp_path_factory.mktemp("cloud")) as made:
        yield made


@pytest.fixture(scope="module")
def admin(site: Site) -> Key:
    """The key of an account that administers the cluster."""
    account = site.account("admin")
    site.role(account)
    return site.key(account)


@pytest.fixture(scope="module")
def workers(site: Site, admin: Key) -> Key:
    """The key of a fleet's workers, with its rights, and the topics, each with a record."""
    key = site.key(site.account("workers"))
    for topic in (CONFIGS, OFFSETS, STATUS):
        site.plugin.create(TOPIC, site.topic(topic, admin))
        assert produced(client.client_config(client.own_cluster(site.state)), topic) is None
    for right in RIGHTS:
        site.plugin.create(ACL, site.acl(right, key.account, admin))
    return key


def produced(config: dict[str, str | int | float | bool], topic: str) -> int | None:
    """The error code of a record that was to be written; None if it was."""
    refusals: list[KafkaError | None] = []
    producer = Producer({**config, "message.timeout.ms": 300_000})
    producer.produce(topic, b"value", key=b"key", on_delivery=lambda error, _: refusals.append(error))
    producer.flush()
    (refused,) = refusals
    return None if refused is None else refused.code()


def consumed(config: dict[str, str | int | float | bool], topic: str) -> int | None:
    consumer = Consumer({**config, "group.id": GROUP, "enable.auto.commit": False})
    # A topic that it may not even see is not consumed, and no error comes.
    if (unseen := consumer.list_topics(topic, timeout=60).topics[topic].error) is not None:
        return int(unseen.code())
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        message = wait_for("a record or an error", lambda: consumer.poll(1))
        error = message.error()
        return None if error is None else error.code()
    finally:
        consumer.close()


def committed(config: dict[str, str | int | float | bool]) -> int | None:
    # A variable keeps it until it has answered: without its client an answer never comes.
    admin, offsets = AdminClient(config), ConsumerGroupTopicPartitions(GROUP, [TopicPartition(STATUS, 0, 1)])
    (answer,) = admin.alter_consumer_group_offsets([offsets]).values()
    try:
        (partition,) = answer.result().topic_partitions
    except KafkaException as error:
        code: int = error.args[0].code()
        return code
    return None if partition.error is None else int(partition.error.code())


def described(config: dict[str, str | int | float | bool], topic: str) -> int | None:
    admin, resource = AdminClient(config), ConfigResource(ResourceType.TOPIC, topic)
    try:
        admin.describe_configs([resource])[resource].result()
    except KafkaException as error:
        code: int = error.args[0].code()
        return code
    return None


def tried(site: Site, key: Key, right: tuple[str, str, str]) -> int | None:
    """The error code of what the right is for; None if the broker allows it."""
    kind, name, operation = right
    if kind == "GROUP":
        return committed(site.config(key))
    attempt = {"READ": consumed, "WRITE": produced, "DESCRIBE_CONFIGS": described}[operation]
    return attempt(site.config(key), name)


def rules(site: Site, principal: str) -> int:
    """How many access rules of the broker name this principal."""
    admin = site.admin
    return len(admin.describe_acls(access_rules.matching(principal=principal)).result())


def refusal(site: Site, token: str, inputs: Mapping[str, object]) -> str:
    """The plugin's message."""
    with pytest.raises(grpc.RpcError) as refused:
        site.plugin.create(token, inputs)
    return str(refused.value)


def test_the_own_cluster_is_the_second_broker(site: Site) -> None:
    own = site.cluster
    audit_log = site.plugin.invoke(LOOKUP, {"id": "lkc-1", "environment": {"id": "env-1"}})

    bootstrap = client.client_config(client.own_cluster(site.state))["bootstrap.servers"]
    assert own["bootstrapEndpoint"] == f"SASL_SSL://{bootstrap}"
    assert own["rbacCrn"].endswith(f"/cloud-cluster={OWN_CLUSTER}")
    assert audit_log["bootstrapEndpoint"] == "SASL_SSL://127.0.0.1:9092"


def test_another_environment_has_no_own_cluster(site: Site) -> None:
    with pytest.raises(grpc.RpcError, match="environment env-1 has no cluster"):
        site.plugin.invoke(LOOKUP, {"id": OWN_CLUSTER, "environment": {"id": "env-1"}})


def test_a_local_stack_without_an_own_cluster_has_none(tmp_path: Path) -> None:
    variables = fleet_cluster.plugin_environment(tmp_path, "")
    plugin = Plugin(
        "confluentcloud", {name: value for name, value in variables.items() if "_OWN_" not in name}
    )
    try:
        with pytest.raises(grpc.RpcError, match=f"has no cluster {OWN_CLUSTER}"):
            plugin.invoke(LOOKUP, {"id": OWN_CLUSTER, "environment": {"id": "env-local2"}})
    finally:
        plugin.stop()


def test_the_broker_has_no_rule_for_everybody(site: Site, workers: Key) -> None:
    assert rules(site, "User:*") == 0
    assert rules(site, f"User:{workers.account}") == len(RIGHTS)


@pytest.mark.parametrize("right", RIGHTS, ids=" ".join)
def test_without_a_right_the_broker_refuses_the_workers(
    site: Site, admin: Key, workers: Key, right: tuple[str, str, str]
) -> None:
    inputs = site.acl(right, workers.account, admin)
    acl = f"{OWN_CLUSTER}/{'#'.join((*right[:2], 'LITERAL', f'User:{workers.account}', '*', right[2], 'ALLOW'))}"
    refused = getattr(
        KafkaError, "GROUP_AUTHORIZATION_FAILED" if right[0] == "GROUP" else "TOPIC_AUTHORIZATION_FAILED"
    )
    # A broker takes up a change of its rules a moment after it has accepted it.
    wait_for("the right is there", lambda: tried(site, workers, right) is None)

    site.plugin.delete(ACL, acl, inputs)
    wait_for("the right is gone", lambda: tried(site, workers, right) == refused)
    gone = site.plugin.read(ACL, acl, inputs, inputs)
    restored, _ = site.plugin.create(ACL, inputs)

    assert gone[0] == ""
    assert restored == acl
    wait_for("the right is back", lambda: tried(site, workers, right) is None)


def test_a_later_key_has_the_rights_of_its_owner(site: Site, workers: Key) -> None:
    later = site.key(workers.account)

    assert tried(site, later, ("TOPIC", STATUS, "WRITE")) is None
    assert tried(site, site.key(site.account("stranger")), ("TOPIC", STATUS, "WRITE")) == (
        KafkaError.TOPIC_AUTHORIZATION_FAILED
    )


def test_a_key_without_a_role_makes_neither_topic_nor_rule(site: Site, workers: Key) -> None:
    topic = refusal(site, TOPIC, site.topic("not-mine", workers))
    acl = refusal(site, ACL, site.acl(("TOPIC", "not-mine", "READ"), workers.account, workers))

    assert "error creating Kafka Topic: 403 Forbidden" in topic
    assert "error creating Kafka ACLs: 403 Forbidden" in acl
    assert "not-mine" not in site.admin.list_topics(timeout=60).topics


def test_a_wrong_secret_is_refused(site: Site, admin: Key) -> None:
    wrong = Key(admin.account, admin.key, "wrong")

    assert "401 Unauthorized" in refusal(site, TOPIC, site.topic("not-mine", wrong))


def test_another_rest_endpoint_is_refused(site: Site, admin: Key) -> None:
    elsewhere = site.topic("not-mine", admin, restEndpoint="https://127.0.0.1:1")

    assert "does not answer at https://127.0.0.1:1" in refusal(site, TOPIC, elsewhere)


def test_a_topic_has_its_partitions_and_settings_until_it_is_deleted(site: Site, admin: Key) -> None:
    inputs = site.topic("made", admin)
    topic, state = site.plugin.create(TOPIC, inputs)
    while_it_lives = site.admin.list_topics(timeout=60).topics["made"]
    found = site.plugin.read(TOPIC, topic, state, inputs)
    again = refusal(site, TOPIC, inputs)
    difference = site.plugin.diff(TOPIC, topic, state, inputs)
    site.plugin.delete(TOPIC, topic, state)

    assert topic == f"{OWN_CLUSTER}/made"
    assert len(while_it_lives.partitions) == 1
    assert state["config"] == {"cleanup.policy": "compact"}
    assert found[:2] == (topic, state)
    assert list(difference.diffs) == []
    assert "400 Bad Request" in again
    assert "made" not in site.admin.list_topics(timeout=60).topics
    assert site.plugin.read(TOPIC, topic, state, inputs)[0] == ""


def test_a_setting_and_more_partitions_change_a_topic_in_place(site: Site, admin: Key) -> None:
    topic, state = site.plugin.create(TOPIC, site.topic("changed", admin))
    news = site.topic(
        "changed", admin, partitionsCount=2, config={"cleanup.policy": "delete", "retention.ms": "1000"}
    )

    difference = site.plugin.diff(TOPIC, topic, state, news)
    changed = site.plugin.update(TOPIC, topic, state, news)

    assert list(difference.replaces) == []
    assert changed["config"] == {"cleanup.policy": "delete", "retention.ms": "1000"}
    assert len(site.admin.list_topics(timeout=60).topics["changed"].partitions) == 2
    with pytest.raises(grpc.RpcError, match=r"default value \(retention\.ms\) is not supported"):
        site.plugin.update(TOPIC, topic, changed, site.topic("changed", admin, partitionsCount=2))
    with pytest.raises(grpc.RpcError, match="read-only"):
        site.plugin.update(
            TOPIC, topic, state, site.topic("changed", admin, config={**changed["config"], "flush.ms": "1"})
        )


def test_a_new_name_and_fewer_partitions_replace_a_topic(site: Site, admin: Key) -> None:
    topic, state = site.plugin.create(TOPIC, site.topic("replaced", admin, partitionsCount=2))

    renamed = site.plugin.diff(TOPIC, topic, state, site.topic("other", admin, partitionsCount=2))
    fewer = site.plugin.diff(TOPIC, topic, state, site.topic("replaced", admin))

    assert list(renamed.replaces) == ["topicName"]
    assert list(fewer.replaces) == ["partitionsCount"]


def test_the_credentials_of_a_topic_are_secret(site: Site, admin: Key) -> None:
    _, state = site.plugin.create(TOPIC, site.topic("secretive", admin))

    assert state["credentials"] == secret({"key": admin.key, "secret": admin.secret})


def test_a_rule_that_changes_is_another_rule(site: Site, admin: Key, workers: Key) -> None:
    inputs = site.acl(("TOPIC", STATUS, "READ"), workers.account, admin)
    acl = f"{OWN_CLUSTER}/TOPIC#{STATUS}#LITERAL#User:{workers.account}#*#READ#ALLOW"
    other_key = {**inputs, "credentials": secret({"key": "K", "secret": "S"})}

    assert list(site.plugin.diff(ACL, acl, inputs, {**inputs, "operation": "WRITE"}).replaces) == [
        "operation"
    ]
    assert list(site.plugin.diff(ACL, acl, inputs, other_key).replaces) == []


def test_a_rule_for_a_key_is_refused(site: Site, admin: Key) -> None:
    for_a_key = {**site.acl(("TOPIC", STATUS, "READ"), "sa-1", admin), "principal": f"User:{admin.key}"}

    assert "the principal must start with" in refusal(site, ACL, for_a_key)


def test_without_its_role_an_administrator_can_do_nothing(site: Site) -> None:
    account = site.account("dismissed")
    binding, state = site.role(account)
    key = site.key(account)
    site.plugin.create(TOPIC, site.topic("by-administrator", key))

    site.plugin.delete(BINDING, binding, state)

    assert "403 Forbidden" in refusal(site, TOPIC, site.topic("by-nobody", key))
    assert site.plugin.read(BINDING, binding, state)[0] == ""


def test_a_role_on_another_cluster_is_refused(site: Site) -> None:
    inputs = {"principal": "User:sa-1", "roleName": "CloudClusterAdmin", "crnPattern": "crn://elsewhere"}

    assert "knows no cluster with the CRN crn://elsewhere" in refusal(site, BINDING, inputs)
    assert "knows the role CloudClusterAdmin only" in refusal(site, BINDING, {**inputs, "roleName": "Owner"})


def test_two_service_accounts_have_different_names(site: Site) -> None:
    account, state = site.plugin.create(ACCOUNT, {"displayName": "twin"})

    taken = refusal(site, ACCOUNT, {"displayName": "twin"})
    renamed = site.plugin.update(ACCOUNT, account, state, {"displayName": "single", "description": "x"})
    site.plugin.create(ACCOUNT, {"displayName": "twin"})

    assert "409 Conflict" in taken
    assert account.startswith("sa-")
    assert (state["apiVersion"], state["kind"]) == ("iam/v2", "ServiceAccount")
    assert (renamed["displayName"], renamed["description"]) == ("single", "x")


def test_an_owner_may_have_more_than_two_keys_here(site: Site) -> None:
    account = site.account("with many keys")

    keys = {site.key(account).key for _ in range(3)}

    assert keys <= set(users.read(users.file(client.own_cluster(site.state))))


def test_a_key_is_of_one_cluster_alone(site: Site) -> None:
    key, state = site.plugin.create(API_KEY, site.key_inputs(site.account("of one cluster")))

    assert key not in users.read(users.file(site.state))
    assert site.plugin.read(API_KEY, key, state, {})[0] == key
    site.plugin.delete(API_KEY, key, state)
    assert key not in users.read(users.file(client.own_cluster(site.state)))
