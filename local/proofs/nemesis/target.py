"""What a fault can hit: the VM, the broker, S3, Logz.io, the stack's settings."""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

from components.archive import layout
from components.settings import NAMESPACE
from components.worker.bundle import CONNECTOR_PROPERTIES
from components.worker.config import parameter_name
from components.worker.connect import SERVICE
from local.base import http, paths, processes
from local.base.waiting import wait_until
from local.proofs.history import reader
from local.proofs.history.history import PIPELINE, is_data
from local.proofs.history.places import StoredObject
from local.proofs.nemesis import projection
from local.stack import lifecycle
from local.stack.deployment import OWN, STACK, LocalDeployment, Mode, clean_environment, server_url
from local.systems import faults
from local.systems.aws import alarms, traffic
from local.systems.faults import Fault
from local.systems.kafka import client, commits, connect_group, users
from local.systems.kafka.relay import Relay
from local.systems.vm import shell
from local.systems.vm.network import Link

WATCHDOG = "/usr/local/lib/s3-auditlog-sink/watchdog"
"""The watchdog's folder in a VM."""

WATCHDOG_SETTINGS = f"/etc/{SERVICE}/watchdog.json"

REPLACING = ("worker", "heapMb", (448, 464))
"""Section, name and two values of a setting of which a change replaces every VM, in both modes."""


class FaultError(RuntimeError):
    """A fault could not be injected or healed; the message says why."""


@dataclass(frozen=True)
class Target:
    """A running local stack.

    Attributes:
        relay: its VM reaches Kafka through it.
        short: long outages are shortened, and no fault waits for its alarms.
    """

    deployment: LocalDeployment
    relay: Relay | None = None
    short: bool = False

    @property
    def state(self) -> Path:
        """The stack's folder."""
        return self.deployment.state

    # --- the VM

    def instances(self) -> set[str]:
        """Ids of the VMs that are not gone."""
        return {instance_id for instance_id, vm in self.deployment.vms().items() if vm["state"] != "gone"}

    def instance(self) -> str:
        """Id of a VM that is not gone: of the only one, where there is one.

        Raises:
            FaultError: there is none.
        """
        for instance_id in sorted(self.instances()):
            return instance_id
        raise FaultError("there is no VM")

    def run(self, *argv: str, check: bool = True, vm: str | None = None) -> str:
        """The output of a command that root runs inside a VM; without `vm`, inside the only one.

        Raises:
            FaultError: it failed, and `check` is set.
        """
        done = shell.run(self.state / "vm" / (vm or self.instance()), argv)
        if check and done.returncode != 0:
            raise FaultError(f"{' '.join(argv[:3])} ... failed in the VM: {done.stdout}{done.stderr}")
        return done.stdout

    def power(self, switch: str, vm: str | None = None) -> None:
        """`off` pulls the plug, `on` boots."""
        self._post(self.deployment.hypervisor, f"/instances/{vm or self.instance()}/power-{switch}")

    def isolate(self, vm: str, *, isolated: bool) -> None:
        """Takes a VM's network away, or gives it back."""
        what = "isolate" if isolated else "rejoin"
        self._post(self.deployment.hypervisor, f"/instances/{vm}/{what}")

    def link(self, vm: str, state: Link) -> None:
        """Cuts a VM off from the other VMs alone, or connects it again."""
        self._post(self.deployment.hypervisor, f"/instances/{vm}/link-{state}")

    def jvm(self) -> int:
        """Process id of Kafka Connect; 0 while there is none."""
        shown = self.run("systemctl", "show", "--property=MainPID", "--value", f"{SERVICE}.service")
        return int(shown)

    def kill_jvm(self, signal: str = "KILL", vm: str | None = None) -> None:
        """Sends a signal to the JVM of Kafka Connect alone."""
        self.run("systemctl", "kill", f"--signal={signal}", "--kill-who=main", f"{SERVICE}.service", vm=vm)

    def stop_service(self, vm: str) -> None:
        """Ends the service in order, as a person would."""
        self.run("systemctl", "stop", f"{SERVICE}.service", vm=vm)

    def start_service(self, vm: str) -> None:
        """Starts the service, without waiting for it."""
        self.run("systemctl", "start", "--no-block", f"{SERVICE}.service", vm=vm)

    def restart_service(self) -> None:
        """Restarts the service, as a person would."""
        self.run("systemctl", "restart", "--no-block", f"{SERVICE}.service")

    @property
    def rotation_seconds(self) -> int:
        """The stack's setting."""
        return int(self._setting("connector", "rotationSeconds"))

    @property
    def partitions(self) -> int:
        """The stack's setting for the topic."""
        return int(self._setting("source", "partitions")[client.TOPIC])

    def _setting(self, section: str, name: str) -> Any:
        document = yaml.safe_load(self.deployment.stack_file.read_text())
        return document["config"][f"{NAMESPACE}:{section}"][name]

    def set_rotation(self, seconds: int) -> None:
        """Writes another rotation into the VM's file and restarts the service; the stack does not know of it."""
        value = f"s/^(rotate.schedule.interval.ms)=.*/\\1={1000 * seconds}/"
        self.run("sed", "--in-place", "--regexp-extended", value, CONNECTOR_PROPERTIES)
        self.restart_service()

    def shorten(self, module: str, name: str, seconds: int, vm: str | None = None) -> None:
        """Gives a constant of the watchdog in a VM another value, until `restore`."""
        value = f"s/^({name} = )[0-9]+$/\\1{seconds}/"
        self.run("sed", "-i.kept", "-E", value, f"{WATCHDOG}/{module}", vm=vm)

    def restore(self, module: str, vm: str | None = None) -> None:
        """Gives a module of the watchdog its former content."""
        self.run("mv", f"{WATCHDOG}/{module}.kept", f"{WATCHDOG}/{module}", vm=vm)

    def journal(self, since: float, vm: str | None = None) -> list[str]:
        """What the service and its helpers logged since a moment (epoch seconds); empty while the VM is off.

        Of all VMs, without `vm`.
        """
        if vm is None:
            return [line for known in sorted(self.instances()) for line in self.journal(since, known)]
        command = ("journalctl", "--quiet", "--output=cat", "--no-pager", f"--since=@{int(since)}")
        try:
            return self.run(*command, f"--unit={SERVICE}*", vm=vm).splitlines()
        except RuntimeError:
            return []

    def wait_for_journal(self, text: str, since: float) -> None:
        """Until a line of the journal has this text.

        Raises:
            WaitError: none had it in time.
        """

        def has_text() -> bool:
            return any(text in line for line in self.journal(since))

        wait_until(has_text, f"the journal says: {text}", poll=2)

    # --- the broker

    def stop_broker(self) -> None:
        """Ends the broker; its data and its port stay."""
        processes.stop(self.state, "kafka")

    def start_broker(self) -> None:
        """Starts the broker again on its port."""
        port = str(self.deployment.servers["kafka"].ready["port"])
        command = [sys.executable, "-m", "local.systems.kafka", "--state", str(self.state), "--port", port]
        if self.relay is not None:
            command += ["--relay-port", str(self.relay.port)]
        environment = {**clean_environment(), "PYTHONPATH": str(paths.ROOT)}
        processes.start(self.state, "kafka", command, env=environment, cwd=paths.ROOT)

    def restart_broker(self) -> None:
        """Stops the broker and starts it again."""
        self.stop_broker()
        self.start_broker()

    def kafka_credentials(self) -> tuple[str, str]:
        """The VM's API key and its secret, as the broker knows them."""
        known = users.read(users.file(self.state))
        return next((key, secret) for key, secret in known.items() if key != users.ADMIN)

    def silence_kafka(self, *, silent: bool) -> None:
        """Drops everything between the VM and Kafka, or lets it pass again; other clients notice nothing."""
        if self.relay is not None:
            self.relay.be_silent() if silent else self.relay.speak()

    def refuse_commits(self, *, refused: bool) -> None:
        """Makes the broker refuse offset commits, or accept them again; fetching goes on."""
        commits.refuse(self._kafka(), refused=refused)

    def holders(self) -> dict[int, str]:
        """Partition -> id of the VM that reads it for the connector of the events; without those that none reads."""
        # A variable keeps it until it has answered: without its client an answer never comes.
        admin = self._kafka()
        (answer,) = admin.describe_consumer_groups([self.group]).values()
        return {
            place.partition: _instance_of(member.client_id)
            for member in answer.result().members
            for place in member.assignment.topic_partitions
        }

    def completed(self) -> list[tuple[int, float]]:
        """Partition and time (epoch seconds) of each object that Logz.io reads."""
        found = []
        for listed in self._data_objects():
            key = layout.parse_data_key(listed.key)
            if key is not None:
                found.append((key.partition, listed.modified))
        return found

    def uncommitted(self) -> int:
        """Objects that begin at or after their partition's committed offset: the most that one partition has."""
        # A variable keeps it until it has answered: without its client an answer never comes.
        admin = self._kafka()
        group = ConsumerGroupTopicPartitions(self.group)
        (answer,) = admin.list_consumer_group_offsets([group]).values()
        committed = {found.partition: found.offset for found in answer.result().topic_partitions}
        behind = (
            key.partition
            for key in map(layout.parse_data_key, self._data_keys())
            if key is not None and key.start_offset >= committed.get(key.partition, 0)
        )
        return max(Counter(behind).values(), default=0)

    @cached_property
    def group(self) -> str:
        """The consumer group of the connector that Logz.io's objects come from."""
        return str(self._watchdog_settings["connectors"][0]["group"])

    @cached_property
    def _watchdog_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = json.loads(self.run("cat", WATCHDOG_SETTINGS))
        return settings

    def _kafka(self) -> AdminClient:
        return AdminClient(client.client_config(self.state))

    # --- the organisation's own cluster, in mode distributed

    @property
    def is_distributed(self) -> bool:
        """Whether the VMs are a Connect cluster."""
        return self.deployment.has_own_cluster

    def stop_own_cluster(self) -> None:
        """Ends its broker; its data and its port stay."""
        processes.stop(self.state, OWN)

    def start_own_cluster(self) -> None:
        """Starts its broker again on its port."""
        lifecycle.serve_own_cluster(self.state, int(self.deployment.servers[OWN].ready["port"]))

    def own_cluster(self) -> AdminClient:
        """A client with every right on it."""
        return AdminClient(client.client_config(client.own_cluster(self.state)))

    def fleet_topic(self, what: str) -> str:
        """The topic with Connect's `configs`, `offsets` or `status`."""
        topics: list[str] = self._watchdog_settings["fleet"]["topics"]
        return next(topic for topic in topics if topic.endswith(what))

    def workers(self) -> set[str]:
        """Ids of the VMs in the Connect cluster, as the broker knows them."""
        return {_instance_of(client_id) for client_id in self._connect_cluster().client_ids}

    def leader(self) -> str | None:
        """Id of the VM that leads the Connect cluster; None while there is none."""
        found = self._connect_cluster().leader
        return None if found is None else _instance_of(found)

    def _connect_cluster(self) -> connect_group.Workers:
        name = self.fleet_topic("status").removesuffix("-status")
        return connect_group.workers(self.own_cluster(), name)

    # --- AWS

    def firing(self) -> frozenset[str]:
        """Names of the alarms that would fire if what the VMs report now went on, see `projection`."""
        now = time.time()
        since = now - projection.LONGEST_SECONDS
        found = alarms.read(self._cloudwatch, self.deployment.aws_endpoint, since)
        return projection.firing(found, now)

    def wait_for_alarms(self, *names: str) -> None:
        """Until these alarms would fire; not at all if outages are shortened.

        Raises:
            WaitError: one would not in time.
        """
        if not self.short:
            wait_until(lambda: self.firing() >= set(names), f"firing: {', '.join(names)}", poll=2)

    @cached_property
    def _cloudwatch(self) -> Any:
        return self.deployment.aws("cloudwatch")

    @cached_property
    def writer(self) -> str:
        """The IAM user that the S3 sink writes with."""
        users = self.deployment.aws("iam").list_users()["Users"]
        return next(str(user["UserName"]) for user in users if "writer-" in user["UserName"])

    def fail_s3(self, **fault: Any) -> None:
        """Injects a fault, given by the fields of `local.systems.faults.Fault`, into the sink's S3 requests only."""
        faults.inject(self.deployment.aws_endpoint, Fault(caller=self.writer, **fault))

    def heal_s3(self) -> None:
        """Ends all faults of S3."""
        faults.clear(self.deployment.aws_endpoint)

    def hits(self) -> int:
        """How many requests the S3 faults that are not over have hit."""
        return sum(fault["hits"] for fault in faults.current(self.deployment.aws_endpoint))

    def s3_is_healed(self) -> bool:
        """Whether every fault of S3 is over: it has hit its number of requests, or lasted its time."""
        return not faults.current(self.deployment.aws_endpoint)

    def written(self, operation: str = "CompleteMultipartUpload") -> int:
        """How often the sink has asked S3 for this."""
        counted = traffic.counted(self.deployment.aws_endpoint)
        return counted.get(self.writer, {}).get(operation, 0)

    def objects(self) -> int:
        """How many objects that Logz.io reads are in the bucket."""
        return len(self._data_keys())

    def _data_keys(self) -> list[str]:
        return [listed.key for listed in self._data_objects()]

    def _data_objects(self) -> Iterator[StoredObject]:
        # Without the originals: after an hour a whole listing takes seconds.
        prefix = layout.topic_prefix(PIPELINE.topics_dir, PIPELINE.topic)
        listing = reader.bucket(self.deployment).listing(prefix)
        return (listed for listed in listing if is_data(PIPELINE, listed.key))

    def put_parameter(self, credentials: str, value: dict[str, str]) -> None:
        """Replaces one pair of the VM's credentials, `kafka` or `writer`."""
        ssm, name = self.deployment.aws("ssm"), parameter_name(STACK, credentials)
        named = {"Key": "Name", "Option": "Equals", "Values": [name]}
        (known,) = ssm.describe_parameters(ParameterFilters=[named])["Parameters"]
        ssm.put_parameter(
            Name=name,
            Value=json.dumps(value),
            Type="SecureString",
            KeyId=known["KeyId"],
            Overwrite=True,
        )

    def heal_everything(self) -> None:
        """Ends what a fault that failed may have left in S3, in Logz.io and in Kafka."""
        self.heal_s3()
        self.fail_logzio(down=False)
        self.pass_over(on=False)
        self.silence_kafka(silent=False)
        if not processes.is_running(self.state, "kafka"):
            self.start_broker()
        if self.is_distributed and not processes.is_running(self.state, OWN):
            self.start_own_cluster()
        self.refuse_commits(refused=False)

    # --- packages and Logz.io

    def fail_packages(self, path_contains: str, count: int) -> None:
        """Answers the next `count` downloads of a kind with 503."""
        url = server_url(self.deployment.servers["packages"])
        faults.inject(url, Fault(request=re.compile(re.escape(path_contains)), times=count, status=503))

    def fail_logzio(self, *, down: bool) -> None:
        """Switches Logz.io's API and fetcher off, or on again."""
        self._post(self.deployment.logzio, "/_emulator/fetcher", {"paused": down})
        if down:
            faults.inject(self.deployment.logzio, Fault(status=503, times=None))
        else:
            faults.clear(self.deployment.logzio)

    def pass_over(self, *, on: bool) -> None:
        """Makes Logz.io's fetcher read objects without keeping an event, or keep them again."""
        self._post(self.deployment.logzio, "/_emulator/fetcher", {"discards": on})

    def passed_over(self) -> int:
        """How many objects Logz.io has read without keeping an event."""
        return len(self._get(self.deployment.logzio, "/_emulator/state")["refused"])

    # --- the stack

    def verify(self, since: float, *options: str) -> tuple[int, dict[str, Any]]:
        """Exit code and content of `make verify`, of objects since a moment (epoch seconds).

        Raises:
            FaultError: it could not look.
        """
        days = str((time.time() - since) / 86400)
        done = self.deployment.script("verify", "--json", "--days", days, *options)
        try:
            seen: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            raise FaultError(f"make verify: {done.stderr}") from None
        return done.returncode, seen

    def replay(self, *options: str) -> str:
        """What `make replay` says.

        Raises:
            FaultError: it did not send everything. An event that is too long for the listener does not count: Logz.io
                can never get it.
        """
        folder = str(self.state / "replay")
        done = self.deployment.script("replay", "--yes", "--progress", folder, *options)
        left = left_out(done.stdout)
        only_too_long = bool(left) and all(line.startswith(_TOO_LONG) for line in left)
        if done.returncode != 0 and not only_too_long:
            raise FaultError(f"make replay ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def set_count(self, count: int) -> None:
        """Sets the number of VMs, and runs `pulumi up` if it changes."""
        if self.deployment.set("worker", "count", count) != count:
            self.deployment.up()

    def replace_vm(self) -> None:
        """Changes a setting and runs `pulumi up`: a new VM takes the place of each."""
        section, name, values = REPLACING
        if self.deployment.set(section, name, values[0]) == values[0]:
            self.deployment.set(section, name, values[1])
        self.deployment.up()

    def _get(self, url: str, path: str) -> Any:
        return http.get(url + path).raise_for_status().json()

    def _post(self, url: str, path: str, content: Any = None) -> None:
        http.post(url + path, json=content).raise_for_status()


@contextmanager
def relayed(
    state: Path,
    changed: Mapping[str, Mapping[str, Any]],
    *,
    prepared: bool,
    mode: Mode = "standalone",
    short: bool = False,
) -> Iterator[Target]:
    """A local stack whose VMs reach Kafka through a relay. Its servers are stopped at the end.

    Args:
        changed, prepared, mode: as in `lifecycle.up`.
        short: as in `Target`.

    Raises:
        RuntimeError: the stack did not come up.
    """
    relay = Relay(processes.free_port(), lambda: int(processes.read(state, "kafka").ready["relayed_port"]))
    with relay:
        try:
            deployment = lifecycle.up(state, changed, relay_port=relay.port, prepared=prepared, mode=mode)
            yield Target(deployment, relay, short)
        finally:
            processes.stop_all(state)


def _instance_of(client_id: str) -> str:
    return f"i-{client_id.rpartition('-i-')[2]}"


_TOO_LONG = "too long for the listener"


def left_out(output: str) -> set[str]:
    """The lines of `make replay` about what it did not send; none of a run that did not finish."""
    kinds = ("without an id", _TOO_LONG, "lines that are not", "refused by the listener")
    lines = output.splitlines()
    ended = any(line.startswith("sent: ") for line in lines)
    return {line for line in lines if ended and line.startswith(kinds)}
