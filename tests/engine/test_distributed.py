"""`worker.mode: distributed` on the real engine: what the program makes in a real broker of the organisation's own.

No VM boots here.
"""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    ConfigResource,
    ResourceType,
)

from components.fleet.topics import GROUP_RIGHTS, TOPIC_RIGHTS, state_topics
from local.proofs.checker.left_behind import in_confluent_cloud, in_own_cluster
from local.stack import lifecycle
from local.systems.kafka import access_rules, certificates, client, users
from local.systems.plugins.confluentcloud.cloud import OWN_CLUSTER, OWN_ENVIRONMENT, Cloud, Cluster, read
from tests.engine.booting import RUNNING, booting, fail_to_boot
from tests.engine.program_stack import STACK, ProgramStack, program_stack

NAME = "audit-fleet"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProgramStack]:
    """Two VMs that are a Connect cluster."""
    state = tmp_path_factory.mktemp("distributed")
    with program_stack(state) as made:
        (state / "kafka").mkdir()
        certificates.ensure(state / "kafka")
        made.own_cluster = lifecycle.serve_own_cluster(state)
        made.set("worker", mode="distributed", count=2)
        made.set("fleet", cluster=OWN_CLUSTER, environment=OWN_ENVIRONMENT, name=NAME)
        made.up()
        yield made


@pytest.fixture
def admin(stack: ProgramStack) -> AdminClient:
    return AdminClient(client.client_config(client.own_cluster(stack.state)))


def accounts(stack: ProgramStack) -> dict[str, str]:
    """The service accounts: whether they administer the cluster -> id."""
    cloud = Cloud(Cluster("", stack.state / "kafka" / "users.json"))
    made = read(cloud.service_accounts)
    return {"admin" if "-admin" in known["displayName"] else "workers": key for key, known in made.items()}


def keys(stack: ProgramStack) -> dict[str, str]:
    """URN of each API key -> its id."""
    found = stack.resources()
    return {made["urn"]: made["id"] for made in found if made["type"].endswith(":ApiKey")}


def rules(admin: AdminClient, account: str) -> list[tuple[str, str, str]]:
    """Kind, name and operation of each access rule for a service account."""
    theirs = access_rules.matching(principal=f"User:{account}")
    return sorted(
        (rule.restype.name, rule.name, rule.operation.name) for rule in admin.describe_acls(theirs).result()
    )


def test_connects_state_has_three_compacted_topics_with_one_partition(
    stack: ProgramStack, admin: AdminClient
) -> None:
    topics = admin.list_topics(timeout=60).topics
    made = {name: topic for name, topic in topics.items() if not name.startswith("__")}

    assert stack.output
    assert set(made) == set(state_topics(NAME).values())
    assert [len(topic.partitions) for topic in made.values()] == [1, 1, 1]
    for name in made:
        resource = ConfigResource(ResourceType.TOPIC, name)
        assert admin.describe_configs([resource])[resource].result()["cleanup.policy"].value == "compact"


def test_the_workers_have_the_rights_of_the_table_and_no_other(
    stack: ProgramStack, admin: AdminClient
) -> None:
    topics = state_topics(NAME)
    expected = [("TOPIC", topics[what], right) for what, rights in TOPIC_RIGHTS.items() for right in rights]
    expected += [("GROUP", NAME, right) for right in GROUP_RIGHTS]

    assert rules(admin, accounts(stack)["workers"]) == sorted(expected)


def test_nothing_changes_without_a_change(stack: ProgramStack) -> None:
    stack.refresh()

    assert stack.planned() == {}


def test_the_administrators_key_is_replaced_without_a_change_of_the_vms_key(stack: ProgramStack) -> None:
    """As SECURITY.md says. A key that was deleted first would make `pulumi refresh` fail at the topics and rights."""
    before = keys(stack)
    urn = next(name for name in before if name.endswith("::fleet-admin-key-1"))

    done = stack.pulumi("up", "--stack", STACK, "--yes", "--skip-preview", "--replace", urn)
    after = keys(stack)

    assert done.returncode == 0, done.stdout + done.stderr
    assert {name for name in before if before[name] != after[name]} == {urn}
    assert before[urn] not in users.read(users.file(client.own_cluster(stack.state)))
    stack.refresh()


def test_another_name_that_failed_can_be_taken_back(stack: ProgramStack) -> None:
    """As with another cluster, topics and rights stay in the state until the new ones carry the events."""
    before = sorted(in_own_cluster(stack.state))
    stack.set("worker", bootMinutes=5)
    stack.set("fleet", name="another-fleet")
    fail_to_boot(stack)
    assert set(in_own_cluster(stack.state)) > set(before)

    stack.set("fleet", name=NAME)
    with booting(stack, lambda _: RUNNING):
        stack.up()
    stack.set("worker", bootMinutes=0)
    stack.up()

    assert sorted(in_own_cluster(stack.state)) == before
    stack.refresh()
    assert stack.planned() == {}


def test_mode_standalone_takes_away_what_only_a_connect_cluster_needs(stack: ProgramStack) -> None:
    stack.set("worker", mode="standalone")
    stack.up()
    left = [*in_own_cluster(stack.state), *in_confluent_cloud(stack.state)]

    stack.set("worker", mode="distributed")
    stack.up()

    assert [line for line in left if not line.startswith("Kafka API key")] == []
    # That of the audit-log cluster.
    assert len(left) == 1
    assert len([line for line in in_own_cluster(stack.state) if line.startswith("topic")]) == 3


def test_destroy_leaves_nothing_in_confluent_cloud(stack: ProgramStack) -> None:
    """Last in the file."""
    stack.destroy()

    assert [*in_own_cluster(stack.state), *in_confluent_cloud(stack.state)] == []
