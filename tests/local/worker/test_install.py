"""A boot that fails: seen on a VM that boots from the project's user-data, beside a local AWS. Needs root."""

import hashlib
import re
import secrets
import socket
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from components.worker import bundle
from components.worker.bundle import INSTALL_SCRIPT, Bundle
from local.base import processes
from local.systems.packages import debs, server
from local.systems.vm import rootfs, shell
from local.systems.vm.machine import Machine
from tests.local.worker import site as sites
from tests.local.worker.site import Site

BOOT_SECONDS = 900
SERVICE = "s3-auditlog-sink.service"
SLEEP = "/usr/local/sbin/sleep"
INSTALLATION, RETRY = "s3-auditlog-sink-install.service", "s3-auditlog-sink-install.timer"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with sites.running(tmp_path_factory.mktemp("site")) as one:
        yield one


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    folder = tmp_path / f"i-{secrets.token_hex(8)}"
    folder.mkdir()
    one = Machine(folder.name, folder, rootfs.ensure())
    try:
        yield one
    finally:
        one.pull_the_plug()


def prepare(machine: Machine, site: Site, packages: Mapping[str, Any], **changed: Any) -> Bundle:
    """Gives the machine its user-data; `changed`: settings of the worker or the connector that are wrong."""
    worker = {
        "javaVersion": 17,
        "packageVersion": None,
        "repositoryUrl": packages["repository_url"],
        "repositoryKeyFingerprint": packages["key_fingerprint"],
    }
    connector = {"archiveUrl": packages["archive_url"], "archiveSha256": packages["archive_sha256"]}
    for section in (worker, connector):
        section.update({name: value for name, value in changed.items() if name in section})
    settings = site.settings(worker=worker, connector=connector)
    packed = sites.packed_files(settings)
    machine.create_disk(site.user_data(settings, packed).encode(), site.metadata_url, {})
    return packed


def boot(machine: Machine) -> None:
    """Boots to the end of cloud-init."""
    machine.boot()
    deadline = time.monotonic() + BOOT_SECONDS
    while machine.state == "booting":
        if time.monotonic() > deadline:
            pytest.fail("cloud-init did not come to an end")
        machine.poll()
        time.sleep(0.2)


def boot_with_files(machine: Machine, site: Site, packages: Mapping[str, Any], **changed: Any) -> None:
    """As `prepare` and `boot`, with the VM's files in the bucket."""
    packed = prepare(machine, site, packages, **changed)
    site.put(packed)
    site.grant(packed)
    boot(machine)


def no_pauses(machine: Machine) -> None:
    """Until it is removed from the VM, a program stands before `sleep` that takes no time."""
    program = machine.folder / "disk" / "upper" / SLEEP.lstrip("/")
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)


def on(machine: Machine, *argv: str) -> str:
    return shell.run(machine.folder, argv).stdout.strip()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"repositoryKeyFingerprint": ["A" * 40]}, ("package repository's key", f"expected {'A' * 40}")),
        ({"archiveSha256": "0" * 64}, ("S3 connector", "connector.zip: FAILED")),
    ],
    ids=["another key", "another archive"],
)
def test_what_is_not_what_it_should_be_fails_the_boot_and_leaves_no_service(
    machine: Machine, site: Site, packages: Mapping[str, Any], wrong: dict[str, str], said: tuple[str, str]
) -> None:
    told = site.boots_failed()
    boot_with_files(machine, site, packages, **wrong)

    step, reason = said
    output = on(machine, "cat", "/var/log/cloud-init-output.log")
    assert machine.cloud_init["status"] == "error"
    assert f"install: FAILED in step: {step} (exit code 1)" in output
    assert reason in output
    assert on(machine, "systemctl", "is-enabled", SERVICE) == "disabled"
    assert on(machine, "systemctl", "is-active", SERVICE) == "inactive"
    assert site.boots_failed() == told + 1


def test_a_partitioner_that_does_not_compile_fails_the_boot_in_a_step_of_its_own(
    machine: Machine, site: Site, packages: Mapping[str, Any], tmp_path: Path
) -> None:
    """As with a line of the connector that has its classes elsewhere."""
    archive = tmp_path / "served" / "connector.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("connector/manifest.json", "{}")
        packed.writestr("connector/lib/", "")
    with server.bind(archive.parent, 0) as served:
        thread = Thread(target=served.serve_forever)
        thread.start()
        boot_with_files(
            machine,
            site,
            packages,
            archiveUrl=f"http://127.0.0.1:{served.server_port}/connector.zip",
            archiveSha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
        )
        served.shutdown()
        thread.join()

    output = on(machine, "cat", "/var/log/cloud-init-output.log")
    assert machine.cloud_init["status"] == "error"
    assert "install: FAILED in step: partitioner (exit code 1)" in output
    assert "package io.confluent.connect.storage.partitioner does not exist" in output
    assert on(machine, "systemctl", "is-enabled", SERVICE) == "disabled"


def test_a_boot_that_failed_is_tried_again_until_what_it_needs_is_there(
    machine: Machine, site: Site, packages: Mapping[str, Any]
) -> None:
    packed = prepare(machine, site, packages, archiveSha256="0" * 64)
    site.put(packed)
    # The right is on another object.
    site.grant(bundle.pack({}))
    no_pauses(machine)
    told = site.boots_failed()
    boot(machine)
    on(machine, "rm", SLEEP)

    failed = f"loader: FAILED: s3://{site.stack.bucket}/{packed.key}: "
    console = (machine.folder / "console.log").read_text(errors="replace")
    assert machine.cloud_init["status"] == "error"
    assert f"{failed}HTTP status 403 AccessDenied" in console
    assert on(machine, "systemctl", "is-enabled", RETRY) == "enabled"
    assert on(machine, "systemctl", "is-active", RETRY) == "active"
    assert on(machine, "systemctl", "show", "--property=Unit", "--value", RETRY) == INSTALLATION
    assert site.boots_failed() == told + 1

    site.grant(packed)
    site.put(packed, b"other bytes")
    # As the timer does, ten minutes later.
    on(machine, "systemctl", "start", INSTALLATION)
    journal = on(machine, "journalctl", "--output=cat", "--unit", INSTALLATION)
    assert f"{failed}SHA-256 is " in journal
    assert f"expected {packed.sha256}" in journal
    assert on(machine, "ls", INSTALL_SCRIPT) == ""
    assert site.boots_failed() == told + 2

    site.put(packed)
    on(machine, "systemctl", "start", INSTALLATION)
    journal = on(machine, "journalctl", "--output=cat", "--unit", INSTALLATION)
    assert "install: FAILED in step: S3 connector (exit code 1)" in journal
    assert site.boots_failed() == told + 3

    # As the vendor's archive comes back.
    right = f"s/^CONNECTOR_SHA256=.*/CONNECTOR_SHA256={packages['archive_sha256']}/"
    on(machine, "sed", "--in-place", right, "/etc/s3-auditlog-sink/install.env")
    on(machine, "systemctl", "start", "--no-block", INSTALLATION)

    # The service goes on trying by itself from there on.
    deadline = time.monotonic() + BOOT_SECONDS
    while on(machine, "systemctl", "is-enabled", SERVICE, RETRY).split() != ["enabled", "disabled"]:
        assert time.monotonic() < deadline, on(machine, "journalctl", "--unit", INSTALLATION)
        time.sleep(0.5)


SSH = ("ssh.socket", "ssh.service")


def listen_for_ssh(machine: Machine) -> int:
    """Gives the VM units as Ubuntu's openssh-server has them, the socket on; returns its port.

    Not 22: a local VM shares this machine's network.
    """
    port = processes.free_port()
    units = machine.folder / "disk" / "upper" / "usr/lib/systemd/system"
    units.mkdir(parents=True)
    (units / "ssh.socket").write_text(
        f"[Socket]\nListenStream=127.0.0.1:{port}\n[Install]\nWantedBy=sockets.target\n"
    )
    (units / "ssh.service").write_text("[Service]\nExecStart=/usr/bin/sleep infinity\n")
    wanted = machine.folder / "disk" / "upper" / "etc/systemd/system/sockets.target.wants"
    wanted.mkdir(parents=True)
    (wanted / "ssh.socket").symlink_to("/usr/lib/systemd/system/ssh.socket")
    return port


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_nothing_listens_for_ssh_whatever_becomes_of_the_installation(
    machine: Machine, site: Site, packages: Mapping[str, Any]
) -> None:
    packed = prepare(machine, site, packages, repositoryKeyFingerprint="A" * 40)
    site.put(packed)
    site.grant(packed)
    port = listen_for_ssh(machine)
    boot(machine)

    journal = on(machine, "journalctl", "--output=cat", "--unit", "ssh.socket")
    assert "Listening on" in journal, "the VM never listened: this test shows nothing"
    assert not answers(port)
    assert on(machine, "systemctl", "is-enabled", *SSH).split() == ["masked", "masked"]
    assert on(machine, "systemctl", "is-active", *SSH).split() == ["inactive", "inactive"]


def test_the_version_that_the_settings_name_is_the_one_that_runs_whatever_is_newer(
    machine: Machine, site: Site, packages: Mapping[str, Any]
) -> None:
    # What comes after the packages is of no interest here.
    boot_with_files(machine, site, packages, packageVersion=debs.OLDER_VERSION, archiveSha256="0" * 64)
    output = on(machine, "cat", "/var/log/cloud-init-output.log")
    assert "install: FAILED in step: S3 connector" in output, output[-3000:]

    older = dict.fromkeys(("confluent-common", "confluent-kafka"), debs.OLDER_VERSION)
    assert installed(machine) == older
    assert jars_that_run(machine) == {"connect-runtime-7.9.0-ccs.jar"}
    upgrade = on(machine, "apt-get", "--simulate", "dist-upgrade")
    assert "newly installed" in upgrade
    assert "confluent" not in upgrade

    # As an image that has a later one.
    newer = dict.fromkeys(older, debs.VERSION)
    on(machine, "apt-get", "--yes", "install", *(f"{name}={version}" for name, version in newer.items()))
    assert installed(machine) == newer
    assert jars_that_run(machine) == {"connect-runtime-7.9.1-ccs.jar"}
    on(machine, "systemctl", "start", INSTALLATION)
    assert installed(machine) == older, on(machine, "journalctl", "--unit", INSTALLATION)


def installed(machine: Machine) -> dict[str, str]:
    """Confluent's packages and their versions."""
    shown = on(machine, "dpkg-query", "--show", "--showformat=${Package} ${Version}\\n", "confluent-*")
    return dict(line.split() for line in shown.splitlines())


def jars_that_run(machine: Machine) -> set[str]:
    """Where the service's start program takes Connect's classes from."""
    java = on(machine, "cat", "/etc/s3-auditlog-sink/java.env")
    environment = (java, "KAFKA_OPTS=-Xlog:class+load", "LOG_DIR=/tmp")
    loaded = on(machine, "env", *environment, "/usr/bin/connect-standalone")
    return set(re.findall(r"ConnectStandalone source: file:\S*/(connect-runtime-\S+\.jar)", loaded))


def test_java_8_is_found_though_its_package_has_it_in_two_places(
    machine: Machine, site: Site, packages: Mapping[str, Any]
) -> None:
    # What comes after the packages is of no interest here.
    boot_with_files(machine, site, packages, javaVersion=8, archiveSha256="0" * 64)

    output = on(machine, "cat", "/var/log/cloud-init-output.log")
    assert "install: FAILED in step: S3 connector" in output, output[-3000:]
    (variable,) = on(machine, "cat", "/etc/s3-auditlog-sink/java.env").splitlines()
    home = variable.removeprefix("JAVA_HOME=")
    assert home.startswith("/usr/lib/jvm/java-8-openjdk-amd64")
    assert on(machine, f"{home}/bin/java", "--version").startswith("openjdk 17")
    assert installed(machine) == dict.fromkeys(("confluent-common", "confluent-kafka"), debs.VERSION)
