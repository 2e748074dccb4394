"""Mode distributed on a VM: who gives Connect its connectors, and what is watched besides."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.worker.files.watchdog import connect, fleet
from components.worker.files.watchdog.connect import Connect
from components.worker.files.watchdog.fleet import answers, give_connectors, look, rotation_seconds
from components.worker.files.watchdog.memory import Memory
from tests.unit.components.test_settings import changed, loaded, problems
from tests.unit.components.worker.watchdog.support import (
    ORIGINALS,
    RUNNING,
    SETTINGS,
    SINK,
    ConnectCluster,
    Rest,
    play,
)

TOPICS = ["stack-configs", "stack-offsets", "stack-status"]
WANTED = {
    SINK: {"name": SINK, "flush.size": "5000", "rotate.schedule.interval.ms": "60000"},
    ORIGINALS: {"name": ORIGINALS, "flush.size": "50000", "rotate.schedule.interval.ms": "600000"},
}


def distributed(port: int = 8083, servers: str = "127.0.0.1:1") -> dict[str, Any]:
    """The settings of a VM of a Connect cluster."""
    connectors = [
        {
            **{name: value for name, value in known.items() if name != "rotation_seconds"},
            "parameter": f"/{known['name']}",
        }
        for known in SETTINGS["connectors"]
    ]
    of_the_fleet = {"port": 8443, "bootstrap_servers": servers, "topics": TOPICS}
    return {**SETTINGS, "connectors": connectors, "rest_port": port, "fleet": of_the_fleet}


@dataclass
class Parameters:
    """The wanted properties, as the parameter store has them."""

    wanted: dict[str, Mapping[str, str]] = field(default_factory=lambda: dict(WANTED))

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803  # boto3's
        """The name of its argument is boto3's."""
        if Name.removeprefix("/") not in self.wanted:
            raise ClientError({"Error": {"Code": "ParameterNotFound"}}, "GetParameter")
        return {"Parameter": {"Value": json.dumps(self.wanted[Name.removeprefix("/")])}}


@pytest.fixture
def parameters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Parameters:
    played = Parameters()
    (tmp_path / "secrets.json").write_text("{}")
    monkeypatch.setattr(fleet, "CREDENTIALS", tmp_path / "secrets.json")
    monkeypatch.setattr(fleet, "client", lambda service, _: {"ssm": played}[service])
    return played


def test_a_connect_cluster_gets_its_connectors_once(
    connect_cluster: tuple[ConnectCluster, int], parameters: Parameters
) -> None:
    cluster, port = connect_cluster

    assert give_connectors(distributed(port))
    assert give_connectors(distributed(port))

    assert cluster.connectors == parameters.wanted
    assert cluster.changes == [f"PUT {SINK}", f"PUT {ORIGINALS}"]


def test_a_changed_property_is_put_and_named_without_its_value(
    connect_cluster: tuple[ConnectCluster, int], parameters: Parameters, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster, port = connect_cluster
    give_connectors(distributed(port))
    parameters.wanted[SINK] = {**WANTED[SINK], "flush.size": "1234"}

    assert give_connectors(distributed(port))

    assert cluster.connectors[SINK]["flush.size"] == "1234"
    assert cluster.changes[2:] == [f"PUT {SINK}"]
    assert f"{SINK}: changed: flush.size\n" in capsys.readouterr().out


def test_what_a_person_changed_by_hand_is_put_back(
    connect_cluster: tuple[ConnectCluster, int], parameters: Parameters
) -> None:
    cluster, port = connect_cluster
    give_connectors(distributed(port))
    cluster.connectors[ORIGINALS] = {**WANTED[ORIGINALS], "topics.dir": "elsewhere"}

    give_connectors(distributed(port))

    assert cluster.connectors == parameters.wanted


def test_a_connector_that_the_settings_do_not_have_any_more_is_removed(
    connect_cluster: tuple[ConnectCluster, int], parameters: Parameters
) -> None:
    cluster, port = connect_cluster
    give_connectors(distributed(port))
    settings = distributed(port)
    settings["connectors"] = settings["connectors"][:1]

    assert give_connectors(settings)

    assert cluster.connectors == {SINK: parameters.wanted[SINK]}


@pytest.mark.parametrize("refuses", [409, 500])
def test_a_refusal_is_no_reason_to_stop_and_the_next_run_tries_again(
    connect_cluster: tuple[ConnectCluster, int], parameters: Parameters, refuses: int
) -> None:
    cluster, port = connect_cluster
    cluster.refuses = refuses

    assert not give_connectors(distributed(port))

    cluster.refuses = None
    assert give_connectors(distributed(port))
    assert cluster.connectors == parameters.wanted


@pytest.mark.usefixtures("parameters")
def test_a_worker_that_has_not_joined_yet_is_not_asked_for_connectors(
    connect_cluster: tuple[ConnectCluster, int],
) -> None:
    cluster, port = connect_cluster
    cluster.health = 503

    assert not give_connectors(distributed(port))
    assert cluster.changes == []


def test_a_platform_that_does_not_know_the_question_counts_as_ready(
    connect_cluster: tuple[ConnectCluster, int], parameters: Parameters
) -> None:
    cluster, port = connect_cluster
    cluster.health = 404

    assert give_connectors(distributed(port))
    assert cluster.connectors == parameters.wanted


def test_a_parameter_that_cannot_be_read_leaves_the_connector_as_it_is(
    connect_cluster: tuple[ConnectCluster, int], parameters: Parameters
) -> None:
    cluster, port = connect_cluster
    give_connectors(distributed(port))
    del parameters.wanted[SINK]

    assert not give_connectors(distributed(port))
    assert cluster.connectors == WANTED


def test_a_standalone_worker_is_given_nothing(connect_cluster: tuple[ConnectCluster, int]) -> None:
    cluster, port = connect_cluster

    assert give_connectors({**SETTINGS, "rest_port": port})
    assert cluster.changes == []


def test_the_rotation_is_that_of_the_connector(
    connect_cluster: tuple[ConnectCluster, int], parameters: Parameters
) -> None:
    _, port = connect_cluster
    settings = distributed(port)
    give_connectors(settings)

    rotations = [rotation_seconds(Connect.of(settings), known) for known in settings["connectors"]]

    assert rotations == [
        int(known["rotate.schedule.interval.ms"]) / 1000 for known in parameters.wanted.values()
    ]
    assert (
        rotation_seconds(Connect.of(distributed(1)), settings["connectors"][0]) == fleet.MOST_ROTATION_SECONDS
    )
    assert rotation_seconds(Connect.of(SETTINGS), SETTINGS["connectors"][0]) == 60


def test_a_rotation_that_is_not_known_is_taken_for_the_longest_that_the_settings_allow() -> None:
    longest = fleet.MOST_ROTATION_SECONDS

    assert loaded(changed("connector.rotationSeconds", longest)).connector.rotation_seconds == longest
    assert problems(changed("connector.rotationSeconds", longest + 1)) != []


def test_a_vm_looks_after_its_own_tasks_and_after_all_if_it_has_none(
    rest: tuple[Rest, Connect], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    played, standalone = rest
    (tmp_path / "instance.properties").write_text("instance.id=i-1\naddress=10.42.0.4\n")
    monkeypatch.setattr(connect, "INSTANCE", tmp_path / "instance.properties")
    own = Connect.of(distributed(standalone.port))
    here, there = "10.42.0.4:8443", "10.42.1.4:8443"
    tasks = [
        {"id": 0, "state": "RUNNING", "worker_id": here},
        {"id": 1, "state": "FAILED", "worker_id": there},
    ]
    played.bodies[SINK] = json.dumps({"connector": {"state": "RUNNING", "worker_id": there}, "tasks": tasks})
    played.bodies[ORIGINALS] = json.dumps(
        {"connector": {"state": "RUNNING", "worker_id": there}, "tasks": [{**tasks[1], "state": "RUNNING"}]}
    )

    assert own.states() == {SINK: ["RUNNING"], ORIGINALS: RUNNING}


def test_a_connect_cluster_without_the_connector_has_it_unassigned(
    connect_cluster: tuple[ConnectCluster, int],
) -> None:
    _, port = connect_cluster

    assert Connect.of(distributed(port)).states() == {SINK: ["UNASSIGNED"], ORIGINALS: ["UNASSIGNED"]}


def test_the_cluster_answers_if_a_broker_takes_a_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert answers(distributed(servers=f"127.0.0.1:1,127.0.0.1:{port}"))
    assert not answers(distributed(servers=f"127.0.0.1:{port}"))
    assert answers(SETTINGS)


# As Kafka's tool prints it (3.9).
DESCRIBED = (
    "Topic: {topic}\tTopicId: aaaa\tPartitionCount: 1\tReplicationFactor: 3\tConfigs: min.insync.replicas=2{policy}\n"
    "\tTopic: {topic}\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: \n"
)


def described(*policies: str) -> str:
    """The topics with these policies; without a policy, the cluster's default is in force, and the tool shows none."""
    shown = [f",cleanup.policy={policy}" if policy else "" for policy in policies]
    return "".join(
        DESCRIBED.format(topic=topic, policy=policy) for topic, policy in zip(TOPICS, shown, strict=True)
    )


@pytest.mark.parametrize(
    ("policies", "wrong"),
    [
        (("compact", "compact", "compact"), 0),
        (("compact", "delete", "compact"), 1),
        (("compact,delete", "", "compact"), 2),
    ],
)
def test_topics_that_are_not_compacted_are_counted_and_named(
    bin_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    policies: tuple[str, ...],
    wrong: int,
) -> None:
    monkeypatch.setattr(fleet, "answers", lambda _: True)
    (bin_folder / "table").write_text(described(*policies))
    play(bin_folder, "kafka-topics", f"cat {bin_folder}/table; echo $* >{bin_folder}/asked")

    assert look(distributed(), Memory()) == {"FleetClusterAnswers": 1, "FleetTopicsWrong": wrong}
    assert capsys.readouterr().out.count("not compact") == wrong
    asked = (bin_folder / "asked").read_text()
    assert "--command-config /etc/kafka/connect-distributed.properties" in asked
    assert "stack" in asked


def test_a_key_that_is_refused_is_no_answer(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "answers", lambda _: True)
    play(bin_folder, "kafka-topics", "echo SaslAuthenticationException >&2; exit 1")

    assert look(distributed(), Memory()) == {"FleetClusterAnswers": 0, "FleetTopicsWrong": 0}


def test_the_cluster_is_looked_at_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, memory = SimpleNamespace(now=0.0), Memory()
    monkeypatch.setattr(fleet, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(fleet, "answers", lambda _: False)
    looked = []
    for clock.now in (0.0, 60.0, 299.0, 300.0):
        if look(distributed(), memory):
            looked.append(clock.now)

    assert looked == [0.0, 300.0]
    assert look(SETTINGS, Memory()) == {}


def test_the_days_of_the_certificate_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    end = datetime.now(UTC) + timedelta(days=100, hours=1)
    (tmp_path / "certificate.json").write_text(json.dumps({"not_after": end.isoformat()}))
    monkeypatch.setattr(fleet, "CERTIFICATE", tmp_path / "certificate.json")
    monkeypatch.setattr(fleet, "answers", lambda _: False)

    assert look(distributed(), Memory())["CertificateDaysLeft"] == pytest.approx(100, abs=0.1)
