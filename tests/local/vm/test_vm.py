"""A VM from its instance's user-data to its end. Needs root: the VM boots for real."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.base import processes
from local.base.paths import ROOT
from local.stack.deployment import REGION
from local.systems.vm import shell
from local.systems.vm.machine import CONTROL_GROUPS, NSPAWN_FOLDERS, clear_leftovers
from tests.local.vm.site import Site, processes_with, running, start_hypervisor, wait_until

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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("state")) as site:
        yield site


@pytest.fixture(scope="module")
def instance(site: Site) -> str:
    """A VM that read the parameter of its role, and tried to read another."""
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
    answer = site.await_state(instance, "running")
    assert answer["cloud_init"] == {"status": "done", "errors": []}
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
    numbers = {site.run(vm, "cat", "/etc/machine-id") for vm in (instance, other)}
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


def test_user_data_that_fails_is_reported_as_an_error(site: Site) -> None:
    broken = site.launch("#cloud-config\nruncmd:\n- [ sh, -c, 'exit 3' ]\n")
    answer = site.await_state(broken, "running")
    assert answer["cloud_init"]["status"] == "error"
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
    assert not [tree for tree in CONTROL_GROUPS if (tree / short).exists()]
    assert short not in Path("/proc/self/mountinfo").read_text()


def test_a_killed_hypervisor_takes_its_vms_with_it(site: Site) -> None:
    processes.stop(site.state, "hypervisor")
    server = start_hypervisor(site.state, site.aws)
    second = Site(site.state, site.aws, f"http://127.0.0.1:{server.ready['port']}")
    doomed = second.launch("#cloud-config\n{}\n")
    second.await_state(doomed, "running")
    started = processes.children(server.pid)
    assert any("pasta" in Path(f"/proc/{child}/cmdline").read_text() for child in started)
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: processes_with(doomed) == [])
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in started))

    def is_cleared() -> bool:
        clear_leftovers()
        return not any((parent / doomed).exists() for parent in (NSPAWN_FOLDERS, *CONTROL_GROUPS))

    # A process that is ending has no command line any more, and is still in its control group.
    wait_until(is_cleared)
    assert doomed not in Path("/proc/self/mountinfo").read_text()


def test_a_chroot_is_refused_with_the_reason(tmp_path: Path) -> None:
    program = "from local.systems.vm.machine import check_user_namespaces; check_user_namespaces()"
    tried = subprocess.run(
        [
            *("unshare", "--mount", "--propagation", "private"),
            *("sh", "-c", 'mount --rbind / "$0" && exec chroot "$0" "$@"', str(tmp_path)),
            *(sys.executable, "-c", program),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert tried.returncode != 0
    assert "the kernel allows none in a chroot" in tried.stderr.splitlines()[-1]
