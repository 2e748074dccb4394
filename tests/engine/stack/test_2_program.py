"""The project's own program on the real engine, against the whole local stack."""

import json
import re
import time
from pathlib import Path

from components.worker import bundle
from local.proofs import client
from local.proofs.checker import following
from local.stack import deployment
from local.stack.deployment import BOOT_SECONDS, LocalDeployment
from local.systems.kafka.client import PARTITIONS, TOPIC
from local.systems.vm import distributions, shell

EVENTS = 1500


def test_every_event_is_archived_and_delivered(running: LocalDeployment) -> None:
    client.produce(running, EVENTS)

    result = following.check(running)

    assert result.ok, result.explain()
    assert (result.produced, result.archived, result.delivered) == (EVENTS, EVENTS, EVENTS)


def test_a_preview_after_up_shows_no_change(running: LocalDeployment) -> None:
    running.pulumi("preview", "--expect-no-changes")


def test_a_refresh_after_up_shows_no_change(running: LocalDeployment) -> None:
    running.pulumi("refresh", "--yes", "--expect-no-changes")


def test_outputs_say_where_things_are(running: LocalDeployment) -> None:
    outputs = running.outputs()

    assert outputs["bucket"] == deployment.BUCKET
    assert outputs["topicPrefixes"] == [f"topics/{TOPIC}/"]
    assert len(set(outputs["registrationIds"].values())) == PARTITIONS
    (instance,), (command,) = outputs["instanceIds"], outputs["shellCommands"]
    assert command.endswith(f" --target {instance}")


def test_a_removed_bucket_policy_is_noticed_and_restored(running: LocalDeployment) -> None:
    s3 = running.aws("s3")
    s3.delete_bucket_policy(Bucket=deployment.BUCKET)

    running.pulumi("refresh", "--yes")
    running.pulumi("up", "--yes", "--skip-preview")

    policy = json.loads(s3.get_bucket_policy(Bucket=deployment.BUCKET)["Policy"])
    assert policy["Statement"][0]["Sid"] == "OnlyTls"


def test_security_updates_come_by_themselves_and_none_of_another_repository(running: LocalDeployment) -> None:
    vm = _vm(running)
    settings = shell.run(vm, ["apt-config", "dump"]).stdout
    assert 'APT::Periodic::Unattended-Upgrade "1";' in settings
    assert 'Unattended-Upgrade::Automatic-Reboot-Time "03:30";' in settings
    timers = shell.run(vm, ["systemctl", "is-active", "apt-daily.timer", "apt-daily-upgrade.timer"])
    assert timers.stdout.split() == ["active", "active"]

    # Their own runs would hold apt's lock.
    shell.run(vm, ["systemctl", "stop", "apt-daily.timer", "apt-daily-upgrade.timer"])
    shell.run(vm, ["systemctl", "stop", "apt-daily.service", "apt-daily-upgrade.service"])
    # What it says of the origins it takes from, and of each package that it may not touch.
    tried = shell.run(vm, ["unattended-upgrade", "--dry-run", "--debug"])

    assert re.search("Packages that will be upgraded: |No packages found", tried.stdout), tried.stdout
    (origins,) = {line for line in tried.stdout.splitlines() if line.startswith("Allowed origins are:")}
    assert f"{distributions.chosen().suite}-security" in origins
    assert set(re.findall(r"\b(?:origin|o)=([A-Za-z]+)", origins)) <= {
        "Debian",
        "Ubuntu",
        "UbuntuESM",
        "UbuntuESMApps",
    }


def test_a_reboot_loses_nothing_and_needs_nobody(running: LocalDeployment) -> None:
    before = _boot_id(running)
    assert before is not None
    shell.run(_vm(running), ["systemctl", "reboot"])
    client.produce(running, 500)
    deadline = time.monotonic() + BOOT_SECONDS
    while _boot_id(running) in (before, None):
        assert time.monotonic() < deadline, "the VM did not come back"
        time.sleep(0.5)

    result = following.check(running)

    assert result.ok, result.explain()


def test_the_vm_has_the_files_of_the_project_as_they_are(running: LocalDeployment) -> None:
    on_the_vm = shell.run(
        _vm(running), ["cat", "/usr/local/lib/s3-auditlog-sink/watchdog/decisions.py"]
    ).stdout

    assert on_the_vm == (bundle.FILES / "watchdog" / "decisions.py").read_text()


def test_changed_files_replace_the_vm_and_the_former_files_stay(running: LocalDeployment) -> None:
    before = _worker_files(running)
    running.set("worker", "logLevel", "DEBUG")
    lines = running.pulumi("up", "--yes", "--skip-preview").splitlines()

    assert [line for line in lines if "ec2:Instance" in line and "created" in line], lines
    after = _worker_files(running)
    assert len(before) == 1
    # An `up` that goes back to the settings of before finds them in their place.
    assert before < after
    assert len(after) == 2


def _vm(running: LocalDeployment) -> Path:
    """The folder of the VM, on this machine."""
    (instance,) = running.outputs()["instanceIds"]
    return running.state / "vm" / str(instance)


def _worker_files(running: LocalDeployment) -> set[str]:
    listed = running.aws("s3").list_objects_v2(Bucket=deployment.BUCKET, Prefix="worker-files/")
    return {stored["Key"] for stored in listed["Contents"]}


def _boot_id(running: LocalDeployment) -> str | None:
    """Another one after each boot; None while the VM is off."""
    try:
        return shell.run(_vm(running), ["cat", "/proc/sys/kernel/random/boot_id"]).stdout or None
    except RuntimeError:
        return None
