"""Boots that fail, in a VM with the project's user data and a local AWS. Needs root."""

import hashlib
import re
import secrets
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from components.worker import bundle
from components.worker.bundle import INSTALL_SCRIPT, Bundle
from local.systems.packages import debs, server
from local.systems.vm import rootfs, shell
from local.systems.vm.machine import Machine
from tests.local.worker import site as sites
from tests.local.worker.site import Site

BOOT_SECONDS = 1800
SERVICE = "s3-auditlog-sink.service"
SLEEP = "/usr/local/sbin/sleep"
INSTALLATION, RETRY = "s3-auditlog-sink-install.service", "s3-auditlog-sink-install-later.timer"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with sites.running(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    folder = tmp_path / f"i-{secrets.token_hex(8)}"
    folder.mkdir()
    # The distribution's packages are there: tests/engine/test_demo.py installs them, too.
    machine = Machine(folder.name, folder, rootfs.ensure_prepared())
    try:
        yield machine
    finally:
        machine.pull_the_plug()


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
    urls = [site.stack.endpoint, site.metadata_url, worker["repositoryUrl"], connector["archiveUrl"]]
    machine.host_ports = {urlsplit(url).port or 0 for url in urls}
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
    """Puts a program that takes no time in front of `sleep`, until it is removed from the VM."""
    program = machine.folder / "disk" / "upper" / SLEEP.lstrip("/")
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)


def on(machine: Machine, *argv: str) -> str:
    return shell.run(machine.folder, argv).stdout.strip()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"repositoryKeyFingerprint": ["A" * 40]}, ("package repository's key", f"expected {'A' * 40}")),
        ({"archiveSha256": "0" * 64}, ("S3 connector", "connector.zip: FAILED")),
    ],
    ids=["another key", "another archive"],
)
def test_a_wrong_download_fails_the_boot_and_leaves_no_service(
    machine: Machine, site: Site, packages: Mapping[str, Any], wrong: dict[str, str], message: tuple[str, str]
) -> None:
    before = site.boots_failed()
    boot_with_files(machine, site, packages, **wrong)

    step, reason = message
    output = on(machine, "cat", "/var/log/cloud-init-output.log")
    assert machine.cloud_init["status"] == "error"
    assert f"install: FAILED in step: {step} (exit code 1)" in output
    assert reason in output
    assert on(machine, "systemctl", "is-enabled", SERVICE) == "disabled"
    assert on(machine, "systemctl", "is-active", SERVICE) == "inactive"
    assert site.boots_failed() == before + 1


def test_a_partitioner_that_does_not_compile_fails_the_boot_in_its_own_step(
    machine: Machine, site: Site, packages: Mapping[str, Any], tmp_path: Path
) -> None:
    """As with a version of the connector that has its classes elsewhere."""
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


def test_a_failed_boot_is_retried_until_it_succeeds(
    machine: Machine, site: Site, packages: Mapping[str, Any]
) -> None:
    packed = prepare(machine, site, packages, archiveSha256="0" * 64)
    site.put(packed)
    # The right is on another object.
    site.grant(bundle.pack({}))
    no_pauses(machine)
    before = site.boots_failed()
    boot(machine)
    on(machine, "rm", SLEEP)

    failed = f"loader: FAILED: s3://{site.stack.bucket}/{packed.key}: "
    console = (machine.folder / "console.log").read_text(errors="replace")
    assert machine.cloud_init["status"] == "error"
    assert f"{failed}HTTP status 403 AccessDenied" in console
    assert on(machine, "systemctl", "is-enabled", INSTALLATION) == "enabled"
    assert on(machine, "systemctl", "is-active", RETRY) == "active"
    assert site.boots_failed() == before + 1

    site.grant(packed)
    site.put(packed, b"other bytes")
    # As the transient timer does, ten minutes later.
    on(machine, "systemctl", "start", INSTALLATION)
    journal = on(machine, "journalctl", "--output=cat", "--unit", INSTALLATION)
    assert f"{failed}SHA-256 is " in journal
    assert on(machine, "ls", INSTALL_SCRIPT) == ""
    assert site.boots_failed() == before + 2

    site.put(packed)
    on(machine, "systemctl", "start", INSTALLATION)
    journal = on(machine, "journalctl", "--output=cat", "--unit", INSTALLATION)
    assert "install: FAILED in step: S3 connector (exit code 1)" in journal
    assert site.boots_failed() == before + 3

    # As the vendor's archive comes back.
    right = f"s/^CONNECTOR_SHA256=.*/CONNECTOR_SHA256={packages['archive_sha256']}/"
    on(machine, "sed", "--in-place", right, "/etc/s3-auditlog-sink/install.env")
    on(machine, "systemctl", "start", "--no-block", INSTALLATION)

    # The service goes on trying by itself from there on.
    deadline = time.monotonic() + BOOT_SECONDS
    while on(machine, "systemctl", "is-enabled", SERVICE, INSTALLATION).split() != ["enabled", "disabled"]:
        assert time.monotonic() < deadline, on(machine, "journalctl", "--unit", INSTALLATION)
        time.sleep(0.5)


SSH = ("ssh.socket", "ssh.service")


def listen_for_ssh(machine: Machine) -> None:
    """Gives the VM units as Ubuntu's openssh-server has them, the socket on."""
    units = machine.folder / "disk" / "upper" / "usr/lib/systemd/system"
    units.mkdir(parents=True)
    (units / "ssh.socket").write_text("[Socket]\nListenStream=22\n[Install]\nWantedBy=sockets.target\n")
    (units / "ssh.service").write_text("[Service]\nExecStart=/usr/bin/sleep infinity\n")
    wanted = machine.folder / "disk" / "upper" / "etc/systemd/system/sockets.target.wants"
    wanted.mkdir(parents=True)
    (wanted / "ssh.socket").symlink_to("/usr/lib/systemd/system/ssh.socket")


def listeners(machine: Machine) -> list[str]:
    """The addresses on which the VM listens, as <address>:<port>."""
    shown = on(machine, "ss", "--no-header", "--listening", "--numeric", "--tcp")
    return [line.split()[3] for line in shown.splitlines()]


def test_nothing_listens_for_ssh_whatever_happens_to_the_installation(
    machine: Machine, site: Site, packages: Mapping[str, Any]
) -> None:
    packed = prepare(machine, site, packages, repositoryKeyFingerprint="A" * 40)
    site.put(packed)
    site.grant(packed)
    listen_for_ssh(machine)
    boot(machine)

    journal = on(machine, "journalctl", "--output=cat", "--unit", "ssh.socket")
    assert "Listening on" in journal, "the VM never listened: this test shows nothing"
    open_ports = {address.rpartition(":")[2] for address in listeners(machine)}
    assert str(urlsplit(site.metadata_url).port) in open_ports
    assert "22" not in open_ports
    assert on(machine, "systemctl", "is-enabled", *SSH).split() == ["masked", "masked"]
    assert on(machine, "systemctl", "is-active", *SSH).split() == ["inactive", "inactive"]


def test_the_version_in_the_settings_runs_even_if_there_is_a_newer_one(
    machine: Machine, site: Site, packages: Mapping[str, Any]
) -> None:
    # The steps after the packages do not matter here.
    boot_with_files(machine, site, packages, packageVersion=debs.OLDER_VERSION, archiveSha256="0" * 64)
    output = on(machine, "cat", "/var/log/cloud-init-output.log")
    assert "install: FAILED in step: S3 connector" in output, output[-3000:]

    older = dict.fromkeys(("confluent-common", "confluent-kafka"), debs.OLDER_VERSION)
    assert installed(machine) == older
    assert jars_that_run(machine) == {"connect-runtime-7.9.0-ccs.jar"}
    upgrade = on(machine, "apt-get", "--simulate", "dist-upgrade")
    assert "newly installed" in upgrade
    assert "confluent" not in upgrade

    # As in an image that has a later version.
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
    """The folder from which the service's start program takes Connect's classes."""
    java = on(machine, "cat", "/etc/s3-auditlog-sink/java.env")
    environment = (java, "KAFKA_OPTS=-Xlog:class+load", "LOG_DIR=/tmp")
    loaded = on(machine, "env", *environment, "/usr/bin/connect-standalone")
    return set(re.findall(r"ConnectStandalone source: file:\S*/(connect-runtime-\S+\.jar)", loaded))


def test_java_8_is_found_although_its_package_has_it_in_two_places(
    machine: Machine, site: Site, packages: Mapping[str, Any]
) -> None:
    # The steps after the packages do not matter here.
    boot_with_files(machine, site, packages, javaVersion=8, archiveSha256="0" * 64)

    output = on(machine, "cat", "/var/log/cloud-init-output.log")
    assert "install: FAILED in step: S3 connector" in output, output[-3000:]
    (variable,) = on(machine, "cat", "/etc/s3-auditlog-sink/java.env").splitlines()
    home = variable.removeprefix("JAVA_HOME=")
    assert home.startswith("/usr/lib/jvm/java-8-openjdk-amd64")
    assert on(machine, f"{home}/bin/java", "--version").startswith("openjdk 17")
    assert installed(machine) == dict.fromkeys(("confluent-common", "confluent-kafka"), debs.VERSION)
