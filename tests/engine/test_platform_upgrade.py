"""A running stack goes from platform 7.9 to 8.3 and back, as docs/operations.md says, while events flow.

It boots what the default settings boot in AWS, Ubuntu with Java 8, if Ubuntu's archive can be reached; otherwise Debian,
for which the local repository has a package of that name with Java 17 in it. The other tests boot Debian and Java 17.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Message, Producer

from components.archive import layout
from components.settings import NAMESPACE, Connector
from components.worker.files.watchdog.journal import SKIPPED
from local.base.waiting import wait_until
from local.proofs import client
from local.proofs.checker import following
from local.proofs.checker.checker import Result
from local.proofs.history import reader
from local.proofs.history.history import History
from local.stack.deployment import STACK, LocalDeployment
from local.systems.aws.images import UBUNTU_AMI
from local.systems.connector import archive
from local.systems.kafka.client import TOPIC, client_config
from local.systems.packages import debs
from local.systems.packages.debs import Line
from local.systems.vm import distributions, shell
from local.systems.vm.distributions import DEBIAN, UBUNTU, Distribution
from tests.engine.followed import KEPT, KEPT_KINDS, VM, Followed, Step
from tests.local.booted import booted
from tests.long import LONG

EVENTS = 500
"""So many before each change, and so many after it."""


@dataclass(frozen=True)
class Software:
    """What a VM is made of. `java`: the version of its settings. `archive`: the connector's zip."""

    line: Line
    java: int
    connector: str
    archive: Path
    image: str

    def settings(self, deployment: LocalDeployment) -> dict[str, str]:
        """The settings that a person changes, by their names."""
        packages = deployment.servers["packages"].ready
        return {
            "worker.platformVersion": self.line.platform,
            "worker.javaVersion": str(self.java),
            "worker.packageVersion": self.line.versions[0],
            "worker.ami": self.image,
            "connector.version": self.connector,
            "connector.archiveUrl": f"{packages['archive_url'].rpartition('/')[0]}/{self.archive.name}",
            "connector.archiveSha256": hashlib.sha256(self.archive.read_bytes()).hexdigest(),
        }


@dataclass(frozen=True)
class Vm:
    """What the VM says. `log`: the newest lines of Connect's own log file. `skipped`: offsets in its journal."""

    system: str
    java_home: str
    java: str
    package: str
    connector: str
    command: str
    log: str
    skipped: set[int]


@dataclass(frozen=True)
class Roll:
    """A change from one software to another, and what came of it. `poison`: offset of a record that is not JSON."""

    software: Software
    findings: list[dict[str, Any]]
    planned: dict[str, str]
    steps: list[Step]
    produced: int
    lost_in_bucket: set[str]
    lost_in_logzio: set[str]
    without_original: set[str]
    duplicates: int
    poison: int
    vm: Vm
    vm_exit_codes: list[int]
    verify_code: int
    verify: str
    resources: set[tuple[str, str]]


@dataclass
class Stack:
    """`first`: of the events before any change."""

    followed: Followed
    distribution: Distribution
    software: Software
    first: Result
    first_vm: Vm
    resources: set[tuple[str, str]]


def fitting_distribution() -> Distribution:
    """Ubuntu, if this machine reaches its archive: not every mirror of Debian has it beside."""
    try:
        index = f"{UBUNTU.mirror}/dists/{UBUNTU.suite}/InRelease"
        httpx.get(index, timeout=60, follow_redirects=True).raise_for_status()
    except httpx.HTTPError:
        return DEBIAN
    return UBUNTU


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Platform 7.9 with Java 8, its VM booted."""
    state, distribution = tmp_path_factory.mktemp("platform"), fitting_distribution()
    changed = {"worker": {"javaVersion": 8}}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(distributions.VARIABLE, distribution.name)
        with booted(state, changed) as running:
            client.produce(running, EVENTS)
            first = following.check(running)
            version = Connector().version
            software = Software(debs.LINES[0], 8, version, archive.ensure(version), UBUNTU_AMI)
            history = History()
            with reader.reading(running, history) as reading:
                followed = Followed(running, history, reading)
                yield Stack(followed, distribution, software, first, look(running), followed.resources())


@pytest.fixture(scope="module")
def there(stack: Stack) -> Roll:
    """Another line of the platform, another Java, another connector and another image, all at once."""
    running = stack.followed.deployment
    copied = running.aws("ec2").copy_image(Name="later", SourceImageId=UBUNTU_AMI, SourceRegion="us-west-2")
    connector = archive.ensure("12.1.12")
    shutil.copy(connector, running.state / "packages" / "archives")
    return roll(stack, Software(debs.LINES[1], 17, "12.1.12", connector, copied["ImageId"]))


@pytest.fixture(scope="module")
def back(stack: Stack, there: Roll) -> Roll:
    """As before."""
    assert there.software != stack.software
    return roll(stack, stack.software)


# The way back takes minutes, and is the same path with the former settings.
@pytest.fixture(params=["there", pytest.param("back", marks=LONG)])
def rolled(request: pytest.FixtureRequest) -> Roll:
    found: Roll = request.getfixturevalue(request.param)
    return found


def roll(stack: Stack, software: Software) -> Roll:
    """Changes the settings, then takes each step of the page."""
    followed, running = stack.followed, stack.followed.deployment
    for name, value in software.settings(running).items():
        running.pulumi("config", "set", "--path", f"{NAMESPACE}:{name}", value)
    # A busy machine needs longer than a network would.
    preflight = running.script("preflight", "--json", "--download", "--seconds", "300")
    assert preflight.stdout, preflight.stderr
    planned = planned_changes(running)
    steps = followed.up()
    poison = produce_poison(running)
    client.produce(running, EVENTS)
    followed.behind(originals=True)
    verify = running.script("verify")
    return Roll(
        software=software,
        findings=json.loads(preflight.stdout)["findings"],
        planned=planned,
        steps=steps,
        produced=len(followed.produced()),
        lost_in_bucket=followed.lost_in_bucket(),
        lost_in_logzio=followed.lost_in_logzio(),
        without_original=followed.without_original(),
        duplicates=followed.duplicates(),
        poison=poison,
        vm=look(running),
        vm_exit_codes=followed.vm_exit_codes(),
        verify_code=verify.returncode,
        verify=verify.stdout + verify.stderr,
        resources=followed.resources(),
    )


def planned_changes(running: LocalDeployment) -> dict[str, str]:
    """Type -> what a preview would do to a resource of that type; what stays is left out."""
    done = running.engine.attempt("preview", "--json", "--stack", STACK)
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        step["urn"].split("$")[-1].split("::")[-2]: step["op"]
        for step in json.loads(done.stdout)["steps"]
        if step["op"] not in ("same", "read", "create-replacement", "delete-replaced")
    }


def produce_poison(running: LocalDeployment) -> int:
    """Produces a record that is not JSON, which the connector for events skips; returns its offset."""
    offsets: list[int] = []

    def delivered(_error: object, message: Message) -> None:
        offsets.append(message.offset() or 0)

    producer = Producer({**client_config(running.state), "acks": "all"})
    producer.produce(TOPIC, b"not JSON", partition=0, on_delivery=delivered)
    producer.flush()
    (offset,) = offsets
    return offset


def look(running: LocalDeployment) -> Vm:
    """Asks the VM."""
    (instance,) = running.outputs()["instanceIds"]

    def on(command: str) -> str:
        done = shell.run(running.state / "vm" / instance, ["sh", "-ec", command])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def connector() -> str | None:
        plugins = json.loads(
            on(". /etc/s3-auditlog-sink/install.env; curl -s 127.0.0.1:$REST_PORT/connector-plugins")
        )
        versions = {str(plugin["class"]): str(plugin["version"]) for plugin in plugins}
        return versions.get("io.confluent.connect.s3.S3SinkConnector")

    java_home = on(". /etc/s3-auditlog-sink/java.env; echo $JAVA_HOME")
    journal = on("journalctl --output=cat --unit=s3-auditlog-sink")
    return Vm(
        system=on("cat /etc/os-release"),
        java_home=java_home,
        java=on(f"{java_home}/bin/java -version 2>&1"),
        package=on("dpkg-query --show --showformat='${Version}' confluent-kafka"),
        connector=wait_until(connector, "the connector's version", poll=0.5),
        command=on(
            "tr '\\0' ' ' </proc/$(systemctl show --property=MainPID --value s3-auditlog-sink)/cmdline"
        ),
        log=on("cat /var/log/s3-auditlog-sink/connect.log"),
        skipped={int(found[4]) for found in SKIPPED.finditer(journal)},
    )


def test_every_event_is_archived_and_delivered_on_ubuntu_with_java_8(stack: Stack) -> None:
    if stack.distribution != UBUNTU:
        pytest.skip(f"Ubuntu is not booted: this machine does not reach {UBUNTU.mirror}")
    first = stack.first

    assert first.ok, first.explain()
    assert (first.produced, first.archived, first.delivered) == (EVENTS, EVENTS, EVENTS)
    assert "VERSION_CODENAME=noble" in stack.first_vm.system
    assert 'version "1.8.0' in stack.first_vm.java


def test_preflight_finds_what_the_new_vm_will_install(rolled: Roll) -> None:
    texts = {finding["check"]: finding["text"] for finding in rolled.findings}
    line = rolled.software.line

    assert [finding for finding in rolled.findings if finding["state"] == "broken"] == []
    assert f"confluent-kafka {line.versions[0]}" in texts["package"]
    assert f"Confluent Platform {line.platform}" in texts["support"]
    assert rolled.software.image in texts["image"]
    assert "SHA-256" in texts["connector"]


def test_the_preview_replaces_the_vm_and_its_files_alone(rolled: Roll) -> None:
    replaced = {type_ for type_, operation in rolled.planned.items() if operation == "replace"}

    assert replaced == {"aws:ec2/instance:Instance", "aws:s3/bucketObjectv2:BucketObjectv2"}
    assert set(rolled.planned.values()) == {"replace", "update"}


def test_the_vm_is_replaced_once(rolled: Roll) -> None:
    made = [step for step in rolled.steps if VM.search(step.type) and step.operation.startswith("create")]

    assert [step.operation for step in made] == ["create-replacement"]


def test_what_holds_events_and_keys_stays(stack: Stack, rolled: Roll) -> None:
    def kept(resources: set[tuple[str, str]]) -> set[tuple[str, str]]:
        found = {(type_, id_) for type_, id_ in resources if KEPT.search(type_)}
        # The VM's files change with the VM.
        return {(type_, id_) for type_, id_ in found if layout.WORKER_FILES not in id_}

    assert kept(rolled.resources) == kept(stack.resources)
    # Each kind was there, so each could have been replaced.
    assert {type_.rpartition(":")[2] for type_, _ in kept(stack.resources)} >= KEPT_KINDS


def test_no_event_is_lost(rolled: Roll, record_property: Callable[[str, object], None]) -> None:
    record_property(
        f"to platform {rolled.software.line.platform}",
        f"{rolled.produced:,} events so far, lost {len(rolled.lost_in_bucket)} in the bucket and "
        f"{len(rolled.lost_in_logzio)} in Logz.io, {rolled.duplicates} duplicates",
    )

    assert rolled.lost_in_bucket == set()
    assert rolled.lost_in_logzio == set()
    assert rolled.without_original == set()
    assert set(rolled.vm_exit_codes) == {0}


def test_the_vm_runs_what_the_settings_say(stack: Stack, rolled: Roll) -> None:
    software, vm = rolled.software, rolled.vm
    kafka = next(software.line.jars().glob("connect-runtime-*.jar")).stem.removeprefix("connect-runtime-")
    # On Debian, the package of Java 8 has Java 17.
    java = "1.8" if software.java == 8 and stack.distribution == UBUNTU else "17"

    assert f"java-{software.java}-openjdk" in vm.java_home
    assert f'version "{java}.' in vm.java
    assert vm.package == software.line.versions[0]
    assert vm.connector == software.connector
    assert f"{software.line.log4j_option}/etc/kafka/{software.line.log4j}" in vm.command
    # By Connect's logging, in the file that only our own configuration names so.
    assert f"Kafka version: {kafka}" in vm.log


def test_the_watchdog_can_read_the_log_of_each_platform(rolled: Roll) -> None:
    assert rolled.poison in rolled.vm.skipped


def test_verify_finds_nothing_broken(rolled: Roll) -> None:
    assert rolled.verify_code == 0, rolled.verify
