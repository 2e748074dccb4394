"""A VM from an instance's user-data to its end: needs root, boots for real."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.base import http, processes, system_packages
from local.base.paths import ROOT
from local.systems.aws.accounts import UBUNTU_PARAMETER
from local.systems.vm import rootfs, shell
from local.systems.vm.machine import NSPAWN_FOLDERS, clear_leftovers

REGION = "us-west-2"
PATIENCE_SECONDS = 600
USER_DATA = """\
#cloud-config
packages: [python3-boto3]
write_files:
- path: /opt/fetch.py
  content: |
    import boto3, os, sys
    os.environ.update(AWS_METADATA_SERVICE_TIMEOUT="60", AWS_METADATA_SERVICE_NUM_ATTEMPTS="5")
    client = boto3.client("ssm", endpoint_url="{endpoint}", region_name="us-west-2")
    print(client.get_parameter(Name=sys.argv[1], WithDecryption=True)["Parameter"]["Value"])
runcmd:
- [ sh, -c, "python3 /opt/fetch.py /vm/own >/opt/own" ]
- [ sh, -c, "python3 /opt/fetch.py /vm/foreign >/opt/foreign 2>&1 || true" ]
"""


@dataclass(frozen=True)
class Site:
    """A running local AWS with its hypervisor."""

    state: Path
    aws: str
    hypervisor: str

    def client(self, service: str) -> Any:
        keys = json.loads((self.state / "aws" / "deployer.json").read_text())
        client: Any = boto3.client  # the stubs want the service's name as a literal
        return client(
            service,
            endpoint_url=self.aws,
            region_name=REGION,
            aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"],
        )

    def launch(self, user_data: str, role: str | None = None) -> str:
        image = self.client("ssm").get_parameter(Name=UBUNTU_PARAMETER)["Parameter"]["Value"]
        profile = {} if role is None else {"IamInstanceProfile": {"Name": role}}
        launched = self.client("ec2").run_instances(
            ImageId=image, MinCount=1, MaxCount=1, UserData=user_data, **profile
        )
        return str(launched["Instances"][0]["InstanceId"])

    def folder(self, instance: str) -> Path:
        return self.state / "vm" / instance

    def run(self, instance: str, *argv: str) -> str:
        return shell.run(self.folder(instance), argv).stdout.strip()

    def post(self, instance: str, action: str) -> None:
        http.post(f"{self.hypervisor}/instances/{instance}/{action}").raise_for_status()

    def await_state(self, instance: str, state: str) -> dict[str, Any]:
        def is_there() -> bool:
            answer = http.get(f"{self.hypervisor}/instances/{instance}")
            return answer.status_code == 200 and answer.json()["state"] == state

        wait_until(is_there)
        answer: dict[str, Any] = http.get(f"{self.hypervisor}/instances/{instance}").json()
        return answer


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail("did not come about in time")
        time.sleep(0.2)


def processes_with(text: str) -> list[str]:
    """The command lines of all processes that hold `text`, but not our own."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if text in command and int(process.name) != os.getpid():
            found.append(command)
    return found


def hypervisor_command(state: Path, aws: str) -> list[str]:
    python = [sys.executable, "-m", "local.systems.vm.hypervisor", "--state", str(state)]
    return [*python, "--aws-endpoint", aws, "--host-port", aws.rpartition(":")[2]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    system_packages.ensure(rootfs.DEBIAN_PACKAGES)
    rootfs.ensure()
    state = tmp_path_factory.mktemp("state")
    (state / "kafka").mkdir()
    self_signed = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=local test"]
    subprocess.run(
        [*self_signed, "-keyout", "/dev/null", "-out", str(state / "kafka" / "ca.pem")],
        check=True,
        capture_output=True,
    )
    command = [sys.executable, "-m", "local.systems.aws", "--state", str(state)]
    cloud = processes.start(state, "aws", command, env=os.environ, cwd=ROOT)
    aws = f"http://127.0.0.1:{cloud.ready['port']}"
    hypervisor = processes.start(
        state, "hypervisor", hypervisor_command(state, aws), env=os.environ, cwd=ROOT
    )
    yield Site(state, aws, f"http://127.0.0.1:{hypervisor.ready['port']}")
    processes.stop_all(state)


@pytest.fixture(scope="module")
def instance(site: Site) -> str:
    """A VM that fetched what its role lets it, and tried what it does not."""
    iam, ssm = site.client("iam"), site.client("ssm")
    for name in ("own", "foreign"):
        ssm.put_parameter(Name=f"/vm/{name}", Value=f"the {name} secret", Type="SecureString")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    own = f"arn:aws:ssm:{REGION}:123456789012:parameter/vm/own"
    rights = {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": own}
    version = {"Version": "2012-10-17"}
    iam.create_role(RoleName="vm", AssumeRolePolicyDocument=json.dumps({**version, "Statement": [trust]}))
    iam.put_role_policy(
        RoleName="vm", PolicyName="p", PolicyDocument=json.dumps({**version, "Statement": [rights]})
    )
    iam.create_instance_profile(InstanceProfileName="vm")
    iam.add_role_to_instance_profile(InstanceProfileName="vm", RoleName="vm")
    launched = site.launch(USER_DATA.format(endpoint=site.aws), role="vm")
    site.await_state(launched, "running")
    return launched


def test_cloud_init_ends_well_and_so_does_the_system(site: Site, instance: str) -> None:
    told = site.await_state(instance, "running")
    assert told["cloud_init"] == {"status": "done", "errors": []}
    assert site.run(instance, "systemctl", "--failed", "--no-legend") == ""


def test_the_vm_gets_exactly_the_user_data_of_its_instance(site: Site, instance: str) -> None:
    seen = shell.run(site.folder(instance), ["cat", "/var/lib/cloud/instance/user-data.txt"]).stdout
    assert seen == USER_DATA.format(endpoint=site.aws)


def test_the_vm_is_named_after_its_instance(site: Site, instance: str) -> None:
    assert site.run(instance, "hostname") == instance
    assert site.run(instance, "cat", "/var/lib/cloud/data/instance-id") == instance


def test_the_vms_role_reads_its_parameter_and_is_refused_another(site: Site, instance: str) -> None:
    assert site.run(instance, "cat", "/opt/own") == "the own secret"
    refused = site.run(instance, "cat", "/opt/foreign")
    assert "AccessDeniedException" in refused
    assert "the foreign secret" not in refused


def test_the_vm_trusts_the_brokers_authority(site: Site, instance: str) -> None:
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    authority = "/usr/local/share/ca-certificates/local-kafka.crt"
    assert "OK" in site.run(instance, "openssl", "verify", "-CAfile", bundle, authority)


def test_each_vm_has_a_machine_id_of_its_own(site: Site, instance: str) -> None:
    other = site.launch("#cloud-config\n{}\n")
    site.await_state(other, "running")
    numbers = {site.run(one, "cat", "/etc/machine-id") for one in (instance, other)}
    assert len(numbers - {""}) == 2
    site.client("ec2").terminate_instances(InstanceIds=[other])
    site.await_state(other, "gone")


def test_what_was_on_disk_outlives_a_pulled_plug_and_what_was_in_memory_does_not(
    site: Site, instance: str
) -> None:
    site.run(instance, "sh", "-c", "echo kept >/var/lib/kept; echo lost >/run/lost")
    site.post(instance, "power-off")
    site.await_state(instance, "stopped")
    assert processes_with(instance) == []
    site.post(instance, "power-on")
    site.await_state(instance, "running")
    assert site.run(instance, "cat", "/var/lib/kept") == "kept"
    assert site.run(instance, "ls", "/run/lost") == ""


def test_a_vm_follows_its_instance_through_stop_and_start(site: Site, instance: str) -> None:
    ec2 = site.client("ec2")
    ec2.stop_instances(InstanceIds=[instance])
    assert site.await_state(instance, "stopped")["exit_code"] == 0
    ec2.start_instances(InstanceIds=[instance])
    site.await_state(instance, "running")


def test_a_user_data_that_fails_is_told_as_an_error(site: Site) -> None:
    broken = site.launch("#cloud-config\nruncmd:\n- [ sh, -c, 'exit 3' ]\n")
    told = site.await_state(broken, "running")
    assert told["cloud_init"]["status"] == "error"
    site.client("ec2").terminate_instances(InstanceIds=[broken])
    site.await_state(broken, "gone")


def test_nothing_is_left_of_a_terminated_instance_but_its_console_log(site: Site) -> None:
    short = site.launch("#cloud-config\n{}\n")
    site.await_state(short, "running")
    site.client("ec2").terminate_instances(InstanceIds=[short])
    site.await_state(short, "gone")
    assert [file.name for file in site.folder(short).iterdir()] == ["console.log"]
    assert short in (site.folder(short) / "console.log").read_text(errors="replace")
    assert processes_with(short) == []
    assert short not in Path("/proc/self/mountinfo").read_text()


def test_a_killed_hypervisor_takes_its_vms_with_it(site: Site) -> None:
    processes.stop(site.state, "hypervisor")
    command = hypervisor_command(site.state, site.aws)
    server = processes.start(site.state, "hypervisor", command, env=os.environ, cwd=ROOT)
    second = Site(site.state, site.aws, f"http://127.0.0.1:{server.ready['port']}")
    doomed = second.launch("#cloud-config\n{}\n")
    second.await_state(doomed, "running")
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: processes_with(doomed) == [])
    clear_leftovers()
    assert not (NSPAWN_FOLDERS / doomed).exists()
    assert doomed not in Path("/proc/self/mountinfo").read_text()
