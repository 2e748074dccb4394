"""Just brought up: every place is searched for the stack's secrets, and for what it opens to others."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.archive import layout
from components.settings import Connector
from components.settings.sections import Worker
from components.worker.connect import SECRETS_FILE, SERVICE
from local.base import http
from local.proofs.checker import secret_search
from local.proofs.checker.secret_search import files_below
from local.stack import deployment
from local.stack.deployment import LocalDeployment
from local.systems.vm import shell
from local.systems.vm.machine import leader_of
from tests.engine.stack.conftest import BroughtUp
from tests.unit.components.worker.unpacked import unpacked

TOKEN, KAFKA, WRITER = "Logz.io API token", "Kafka API secret", "writer's secret access key"
PARAMETERS = {KAFKA: ("kafka", "secret"), WRITER: ("writer", "secret_access_key")}


@dataclass(frozen=True)
class Running(BroughtUp):
    """The stack with its secrets: name -> secret."""

    secrets: Mapping[str, str]

    @property
    def vm(self) -> Path:
        """The folder of the VM, on this machine."""
        (folder,) = (self.deployment.state / "vm").glob("i-*")
        return folder

    @property
    def vm_root(self) -> Path:
        """The VM's file system as its own processes see it."""
        return Path(f"/proc/{leader_of(json.loads((self.vm / 'machine.json').read_text())['pid'])}/root")

    def rest(self, path: str, *options: str) -> bytes:
        """What Connect answers to a request inside the VM; `options` are curl's."""
        url = f"http://127.0.0.1:{Worker().rest_port}/{path}"
        return shell.run(self.vm, ["curl", "--silent", "--fail", *options, url]).stdout.encode()

    def found_in(self, places: Iterable[tuple[str, bytes]]) -> dict[str, set[str]]:
        """Name of a place -> the names of the secrets in it, in any of their forms."""
        return secret_search.found_in(self.secrets, places)


@pytest.fixture(scope="module")
def stack(brought_up: BroughtUp) -> Running:
    return Running(brought_up.deployment, brought_up.output, _secrets(brought_up.deployment))


def _secrets(running: LocalDeployment) -> dict[str, str]:
    ssm = running.aws("ssm")
    found = {TOKEN: (running.state / "logzio" / "token").read_text().strip()}
    for what, (name, key) in PARAMETERS.items():
        answer = ssm.get_parameter(Name=parameter(name), WithDecryption=True)
        found[what] = json.loads(answer["Parameter"]["Value"])[key]
    return found


def parameter(name: str) -> str:
    return f"/ccloud-logexporter/{deployment.STACK}/{name}-credentials"


def test_the_state_holds_every_secret_and_none_in_plain(stack: Running) -> None:
    folder = stack.deployment.state / "pulumi"
    opened = stack.deployment.pulumi("stack", "export", "--show-secrets")

    assert stack.found_in([("opened", opened.encode())]) == {"opened": set(stack.secrets)}
    assert any(b"ciphertext" in content for _, content in files_below(folder))
    assert stack.found_in(files_below(folder)) == {}
    assert stack.found_in([("stack file", stack.deployment.stack_file.read_bytes())]) == {}


def test_the_search_of_a_soak_knows_every_secret_and_looks_everywhere_and_finds_none(stack: Running) -> None:
    secrets = secret_search.secrets_of(stack.deployment)
    places = list(secret_search.places(stack.deployment))
    names = {name for name, _ in places}
    vm = stack.vm.name

    assert set(secrets.values()) == set(stack.secrets.values())
    assert {"stack file", "logs/aws.log", f"console of {vm}", f"journal of {vm}"} <= names
    assert f"{vm}:/etc/systemd/system/{SERVICE}.service" in names
    assert any(b"ciphertext" in content for name, content in places if name.startswith("pulumi/"))
    assert secret_search.found_in(secrets, places) == {}


def test_no_output_of_the_stack_is_a_secret(stack: Running) -> None:
    shown = ("stack", "output", "--json", "--show-secrets")

    assert stack.found_in([("outputs", stack.deployment.pulumi(*shown).encode())]) == {}


def test_pulumi_says_no_secret_whatever_it_is_asked_to_show(stack: Running) -> None:
    preview = ("preview", "--diff", "--show-config", "--show-sames")
    output = stack.deployment.pulumi(*preview)

    assert "[secret]" in stack.output
    assert stack.found_in([("up", stack.output.encode()), ("preview", output.encode())]) == {}


def test_what_ec2_knows_of_the_vm_holds_no_secret(stack: Running) -> None:
    ec2 = stack.deployment.aws("ec2")
    described = ec2.describe_instances()
    (instance,) = described["Reservations"][0]["Instances"]
    raw = ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="userData")
    user_data = base64.b64decode(raw["UserData"]["Value"])

    assert user_data.startswith(b"#cloud-config")
    assert stack.found_in([("user-data", user_data), ("instance", repr(described).encode())]) == {}


def test_the_vms_files_in_the_bucket_hold_no_secret(stack: Running) -> None:
    s3 = stack.deployment.aws("s3")
    (listed,) = s3.list_objects_v2(Bucket=deployment.BUCKET, Prefix=f"{layout.WORKER_FILES}/")["Contents"]
    packed = s3.get_object(Bucket=deployment.BUCKET, Key=listed["Key"])["Body"].read()
    files = unpacked(packed)

    assert f"/etc/systemd/system/{SERVICE}.service" in files
    assert stack.found_in((path, content.encode()) for path, content in files.items()) == {}


def test_the_parameter_store_keeps_two_secrets_under_the_stacks_key_and_knows_nothing_of_the_third(
    stack: Running,
) -> None:
    ssm = stack.deployment.aws("ssm")
    names = [
        known["Name"] for known in ssm.describe_parameters()["Parameters"] if "/aws/" not in known["Name"]
    ]
    kept = {name: ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"] for name in names}

    described = {
        known["Name"]: known["KeyId"] for known in ssm.describe_parameters()["Parameters"] if "KeyId" in known
    }
    (alias,) = (
        alias
        for alias in stack.deployment.aws("kms").list_aliases()["Aliases"]
        if alias["AliasName"] == f"alias/ccloud-logexporter-{deployment.STACK}-worker-secrets"
    )
    assert {key.rpartition("/")[2] for key in described.values()} == {alias["TargetKeyId"]}
    assert {name: parameter["Type"] for name, parameter in kept.items()} == {
        parameter("kafka"): "SecureString",
        parameter("writer"): "SecureString",
        # What the VM says of itself.
        f"/ccloud-logexporter/{deployment.STACK}/vm-1-status": "String",
    }
    assert stack.found_in((name, parameter["Value"].encode()) for name, parameter in kept.items()) == {
        parameter("kafka"): {KAFKA},
        parameter("writer"): {WRITER},
    }


def test_the_vm_has_its_secrets_in_one_file_in_memory_that_only_the_service_can_read(
    stack: Running,
) -> None:
    root = stack.vm_root
    places = {
        f"{folder}/{name}": content
        for folder in ("run", "tmp", "dev/shm")
        for name, content in files_below(root / folder)
    }
    file = f"run/{SERVICE}/secrets.properties"
    shown = shell.run(stack.vm, ["stat", "--format=%U %a", f"/{file}"])

    assert stack.found_in(places.items()) == {file: {KAFKA, WRITER}}
    assert shown.stdout.split() == [SERVICE, "400"]


def test_no_file_on_the_vms_disk_holds_a_secret(stack: Running) -> None:
    # All that the boot wrote: units, settings, cloud-init's copies of the user-data, logs, the journal.
    names = {name for name, _ in files_below(stack.vm / "disk" / "upper")}

    assert f"etc/systemd/system/{SERVICE}.service" in names
    assert any(name.startswith(f"var/log/{SERVICE}/") for name in names)
    assert stack.found_in(files_below(stack.vm / "disk" / "upper")) == {}


def test_nothing_that_was_logged_holds_a_secret(stack: Running) -> None:
    journal = shell.run(stack.vm, ["journalctl", "--all", "--output=export", "--no-pager"]).stdout
    logs = [("journal", journal.encode()), ("console", (stack.vm / "console.log").read_bytes())]

    assert SERVICE in journal
    assert stack.found_in([*logs, *files_below(stack.deployment.state / "logs")]) == {}


def test_no_process_carries_a_secret_in_its_arguments_or_environment(stack: Running) -> None:
    def read(process: Path, name: str) -> bytes:
        try:
            return (process / name).read_bytes()
        except OSError:  # it ended meanwhile
            return b""

    inside = shell.run(stack.vm, ["ps", "-eo", "args"])
    processes = [
        (f"{process.name} {name}", read(process, name))
        for process in Path("/proc").glob("[0-9]*")
        for name in ("cmdline", "environ")
    ]

    assert any(b"ConnectStandalone" in arguments for _, arguments in processes)
    assert stack.found_in([*processes, ("ps", inside.stdout.encode())]) == {}


def test_connects_rest_interface_shows_references_where_secrets_are(stack: Running) -> None:
    name = Connector().name
    paths = [
        "",
        "connectors?expand=info&expand=status",
        f"connectors/{name}/config",
        f"connectors/{name}/tasks",
        f"connectors/{name}/tasks-config",
        "connector-plugins",
        "admin/loggers",
    ]
    answers = {path: stack.rest(path) for path in paths}

    assert all(answers.values())
    assert b"${file:" in answers[f"connectors/{name}/config"]
    assert stack.found_in(answers.items()) == {}


def test_connects_rest_interface_opens_a_secret_to_every_process_on_the_loopback(stack: Running) -> None:
    """SECURITY.md says so: the worker resolves references before it validates (AbstractHerder in Kafka's source)."""
    class_name = "io.confluent.connect.s3.S3SinkConnector"
    asked = {
        "name": "asked",
        "connector.class": class_name,
        "topics": "t",
        "s3.bucket.name": f"${{file:{SECRETS_FILE}:aws.secret.access.key}}",
    }
    put = ("--request", "PUT", "--header", "Content-Type: application/json", "--data", json.dumps(asked))
    answer = stack.rest(f"connector-plugins/{class_name}/config/validate", *put)

    assert stack.found_in([("answer", answer)]) == {"answer": {WRITER}}


def test_the_vm_listens_on_its_loopback_alone(stack: Running) -> None:
    # The host's services are forwarded into the VM by a process outside it: `ss` names the processes of the VM alone.
    lines = shell.run(
        stack.vm, ["ss", "--no-header", "--listening", "--numeric", "--processes", "--tcp", "--udp"]
    )
    own = [line.split() for line in lines.stdout.splitlines() if "users:" in line]
    addresses = {fields[4].rpartition(":")[0] for fields in own}

    assert any("java" in fields[-1] for fields in own)
    # This image has no SSH; that of production has.
    masked = shell.run(stack.vm, ["systemctl", "is-enabled", "ssh.socket", "ssh.service"])
    assert masked.stdout.split() == ["masked", "masked"]
    assert addresses <= {"127.0.0.1", "[::ffff:127.0.0.1]", "[::1]"}


def test_no_way_leads_into_the_vm_and_few_lead_out(stack: Running) -> None:
    ec2 = stack.deployment.aws("ec2")
    (instance,) = ec2.describe_instances()["Reservations"][0]["Instances"]
    ids = [group["GroupId"] for group in instance["SecurityGroups"]]
    (group,) = ec2.describe_security_groups(GroupIds=ids)["SecurityGroups"]
    kafka, aws, packages = (
        int(url.rpartition(":")[2])
        for url in (
            stack.deployment.bootstrap,
            stack.deployment.aws_endpoint,
            f":{stack.deployment.servers['packages'].ready['port']}",
        )
    )

    assert group["IpPermissions"] == []
    assert {
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in group["IpPermissionsEgress"]
    } == {("tcp", port, port) for port in (80, 443, kafka, aws, packages)}


def test_the_metadata_service_answers_the_vm_itself_alone(stack: Running) -> None:
    exported = json.loads(stack.deployment.pulumi("stack", "export"))
    (instance,) = [
        resource
        for resource in exported["deployment"]["resources"]
        if resource["type"] == "aws:ec2/instance:Instance"
    ]

    assert instance["inputs"]["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpPutResponseHopLimit": 1,
        "httpTokens": "required",
    }


def test_a_disk_whose_vm_lost_its_power_holds_no_secret(stack: Running) -> None:
    folder = stack.vm
    url = f"{stack.deployment.hypervisor}/instances/{folder.name}"
    http.post(f"{url}/power-off")

    try:
        assert stack.found_in(files_below(folder)) == {}
    finally:
        http.post(f"{url}/power-on").raise_for_status()
