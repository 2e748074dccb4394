"""A local AWS with its hypervisor: what boots VMs in a test. Needs root."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.base import http, processes, system_packages
from local.base.paths import ROOT
from local.base.processes import Server
from local.stack.deployment import aws_client
from local.systems.aws.accounts import UBUNTU_PARAMETER
from local.systems.vm import rootfs, shell

PATIENCE_SECONDS = 1800


@dataclass(frozen=True)
class Site:
    """A running local AWS with its hypervisor."""

    state: Path
    aws: str
    hypervisor: str

    def client(self, service: str) -> Any:
        return aws_client(self.state, self.aws, service)

    def launch(
        self,
        user_data: str,
        role: str | None = None,
        subnet: str | None = None,
        group: str | None = None,
    ) -> str:
        """Starts an instance, in `subnet` and the security group `group` or in what EC2 chooses; returns its id."""
        image = self.client("ssm").get_parameter(Name=UBUNTU_PARAMETER)["Parameter"]["Value"]
        profile = {} if role is None else {"IamInstanceProfile": {"Name": role}}
        place: dict[str, Any] = {} if subnet is None else {"SubnetId": subnet}
        if group is not None:
            place["SecurityGroupIds"] = [group]
        launched = self.client("ec2").run_instances(
            ImageId=image, MinCount=1, MaxCount=1, UserData=user_data, **profile, **place
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
    """The command lines of all processes but this one that have `text` in it, or in the paths of what they mount.

    The processes inside a VM have its folder, and so its instance's id, in the path of their root file system.
    """
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            mounts = (process / "mountinfo").read_text()
        except OSError:  # it ended meanwhile
            continue
        if (text in command or text in mounts) and int(process.name) != os.getpid():
            found.append(command)
    return found


def start_hypervisor(state: Path, aws: str) -> Server:
    """`aws`: the endpoint of the local AWS, which its VMs reach."""
    python = [sys.executable, "-m", "local.systems.vm.hypervisor", "--state", str(state)]
    command = [*python, "--aws-endpoint", aws, "--host-port", aws.rpartition(":")[2]]
    return processes.start(state, "hypervisor", command, env=os.environ, cwd=ROOT)


@contextmanager
def running(state: Path) -> Iterator[Site]:
    """Ended whatever happens."""
    system_packages.ensure(rootfs.DEBIAN_PACKAGES)
    rootfs.ensure()
    (state / "kafka").mkdir()
    self_signed = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=local test"]
    subprocess.run(
        [*self_signed, "-keyout", "/dev/null", "-out", str(state / "kafka" / "ca.pem")],
        check=True,
        capture_output=True,
    )
    try:
        command = [sys.executable, "-m", "local.systems.aws", "--state", str(state)]
        cloud = processes.start(state, "aws", command, env=os.environ, cwd=ROOT)
        aws = f"http://127.0.0.1:{cloud.ready['port']}"
        hypervisor = start_hypervisor(state, aws)
        yield Site(state, aws, f"http://127.0.0.1:{hypervisor.ready['port']}")
    finally:
        processes.stop_all(state)
