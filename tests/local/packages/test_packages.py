"""apt trusts the package repository by its key alone, and its packages behave like Confluent's."""

import hashlib
import os
import re
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.worker import bundle
from local.base import http, paths, processes
from local.systems import faults
from local.systems.faults import Fault
from local.systems.packages import debs
from tests.local import packages_support
from tests.unit.components.worker.test_rendered import config

SETTINGS = "etc/kafka/connect-standalone.properties"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("packages")
    yield folder
    processes.stop_all(folder)


@pytest.fixture(scope="module")
def ready(state: Path) -> Mapping[str, Any]:
    return packages_support.start(state)


def run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "LC_ALL": "C", "no_proxy": "127.0.0.1"}
    return subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


class Apt:
    """apt with a root of its own that knows this repository only, of the lines `platforms`."""

    def __init__(self, root: Path, ready: Mapping[str, Any], key: bytes, *platforms: str) -> None:
        for folder in ("etc/apt", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log"):
            (root / folder).mkdir(parents=True)
        (root / "var/lib/dpkg").mkdir()
        (root / "var/lib/dpkg/status").touch()
        self.root, self.key = root, root / "archive.asc"
        self.key.write_bytes(key)
        (root / "etc/apt/sources.list").write_text(
            "".join(
                f"deb [arch=amd64 signed-by={self.key}] {ready['repository_url']}/{platform} stable main\n"
                for platform in platforms or (debs.PLATFORM,)
            )
        )

    def get(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        options = [
            f"Dir={self.root}",
            "APT::Architecture=amd64",
            "Acquire::Languages=none",
            # apt's own user may not look into a test's folder.
            "APT::Sandbox::User=root",
        ]
        return run("apt-get", *(word for option in options for word in ("-o", option)), *arguments)


def key_of(ready: Mapping[str, Any]) -> bytes:
    return http.get(f"{ready['repository_url']}/7.9/archive.key").raise_for_status().content


def test_the_key_has_the_announced_fingerprint(ready: Mapping[str, Any], tmp_path: Path) -> None:
    key = tmp_path / "archive.key"
    key.write_bytes(key_of(ready))

    shown = run("gpg", "--homedir", tmp_path, "--batch", "--show-keys", "--with-colons", key).stdout

    fingerprints = [line.split(":")[9] for line in shown.splitlines() if line.startswith("fpr:")]
    assert fingerprints == [ready["key_fingerprint"]]


def test_apt_trusts_the_repository_and_downloads_the_package(
    ready: Mapping[str, Any], tmp_path: Path
) -> None:
    apt = Apt(tmp_path / "root", ready, key_of(ready))

    updated = apt.get("update")
    assert updated.returncode == 0, updated.stdout
    assert "W:" not in updated.stdout
    fetched = apt.get("install", "--yes", "--download-only", "--no-install-recommends", "confluent-platform")

    assert fetched.returncode == 0, fetched.stdout
    packages = {deb.name.split("_")[0] for deb in (apt.root / "var/cache/apt/archives").glob("*.deb")}
    assert packages == {"confluent-common", "confluent-kafka", "confluent-platform"}


@pytest.fixture
def apt(ready: Mapping[str, Any], tmp_path: Path) -> Apt:
    """apt with the repository's index."""
    client = Apt(tmp_path / "root", ready, key_of(ready))
    updated = client.get("update")
    assert updated.returncode == 0, updated.stdout
    return client


def downloaded(apt: Apt, *names: str) -> tuple[set[str], str]:
    """The packages that apt downloads for `names`, as `<name>_<version>`, and its output."""
    done = apt.get(
        "install", "--yes", "--allow-downgrades", "--download-only", "--no-install-recommends", *names
    )
    found = (deb.name.removesuffix("_all.deb") for deb in (apt.root / "var/cache/apt/archives").glob("*.deb"))
    return set(found), done.stdout


def versions(version: str, *names: str) -> set[str]:
    return {f"confluent-{name}_{version}" for name in names}


def test_apt_installs_the_newest_packages_by_default(apt: Apt) -> None:
    found, _ = downloaded(apt, "confluent-platform")

    assert found == versions(debs.VERSION, "common", "kafka", "platform")


def test_an_older_version_cannot_be_installed_by_its_name_alone(apt: Apt) -> None:
    found, output = downloaded(apt, f"confluent-platform={debs.OLDER_VERSION}")

    assert found == set()
    assert f"confluent-kafka (= {debs.OLDER_VERSION})" in output
    assert "held broken packages" in output


@pytest.mark.parametrize(
    ("package", "names"),
    [("confluent-kafka", ("common", "kafka")), ("confluent-platform", ("common", "kafka", "platform"))],
)
def test_with_the_vms_preferences_apt_installs_all_packages_of_an_older_version(
    apt: Apt, package: str, names: tuple[str, ...]
) -> None:
    pin(apt, debs.OLDER_VERSION)

    found, output = downloaded(apt, f"{package}={debs.OLDER_VERSION}")

    assert found == versions(debs.OLDER_VERSION, *names), output


def test_with_the_vms_preferences_apt_can_install_the_newest_version_too(apt: Apt) -> None:
    pin(apt, debs.VERSION)

    found, output = downloaded(apt, f"confluent-platform={debs.VERSION}")

    assert found == versions(debs.VERSION, "common", "kafka", "platform"), output


def test_a_version_that_the_repository_lacks_is_named(apt: Apt) -> None:
    pin(apt, "7.9.9-1")

    found, output = downloaded(apt, "confluent-kafka=7.9.9-1")

    assert found == set()
    assert "Version '7.9.9-1' for 'confluent-kafka' was not found" in output


def test_the_line_of_the_settings_is_installed_although_a_later_one_is_known(
    ready: Mapping[str, Any], tmp_path: Path
) -> None:
    """As with an organisation's own image."""
    apt = Apt(tmp_path / "root", ready, key_of(ready), *(line.platform for line in debs.LINES))
    assert apt.get("update").returncode == 0
    later = debs.LINES[-1].versions[-1]
    simulated = apt.get("install", "--simulate", "confluent-kafka")
    assert f"confluent-kafka ({later}" in simulated.stdout, "there is no later one: this test shows nothing"
    pin(apt, None)

    found, output = downloaded(apt, "confluent-kafka")

    assert found == versions(debs.VERSION, "common", "kafka"), output


def pin(apt: Apt, version: str | None) -> None:
    """Gives apt the preferences that the VM has with this `worker.packageVersion`."""
    preferences = bundle.files(config(worker={"packageVersion": version}))[
        "/etc/apt/preferences.d/s3-auditlog-sink"
    ]
    (apt.root / "etc/apt/preferences.d").mkdir()
    (apt.root / "etc/apt/preferences.d/s3-auditlog-sink").write_text(preferences.content)


def test_apt_refuses_the_repository_with_another_key(ready: Mapping[str, Any], tmp_path: Path) -> None:
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback"]
    run(*gpg, "--passphrase", "", "--quick-generate-key", "Other", "ed25519", "sign")
    other = run(*gpg, "--armor", "--export", "Other").stdout
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=True)

    refused = Apt(tmp_path / "root", ready, other.encode()).get("update")

    assert "NO_PUBKEY" in refused.stdout
    assert refused.returncode != 0


def test_apt_refuses_an_index_that_was_changed_after_signing(
    ready: Mapping[str, Any], state: Path, tmp_path: Path
) -> None:
    served = state / "packages/deb/7.9/dists/stable/main/binary-amd64/Packages"
    content = served.read_text()
    served.write_text(content.replace("local stack", "other stack"))
    try:
        refused = Apt(tmp_path / "root", ready, key_of(ready)).get("update")
    finally:
        served.write_text(content)

    assert refused.returncode != 0
    assert "Hash Sum mismatch" in refused.stdout


def test_an_unchanged_repository_keeps_its_key(ready: Mapping[str, Any], state: Path) -> None:
    processes.stop(state, "packages")
    again = packages_support.start(state, "--port", str(ready["port"]))

    assert again == ready


def test_no_private_key_is_left(ready: Mapping[str, Any], state: Path) -> None:
    assert ready["key_fingerprint"]
    files = [file for file in (state / "packages").rglob("*") if file.is_file()]
    texts = [file.read_bytes() for file in files if file.suffix not in {".deb", ".zip"}]
    assert texts
    assert not [text for text in texts if b"PRIVATE KEY" in text]


def test_the_archive_is_the_connector_with_the_announced_checksum(ready: Mapping[str, Any]) -> None:
    content = http.get(ready["archive_url"]).raise_for_status().content

    assert hashlib.sha256(content).hexdigest() == ready["archive_sha256"]
    assert content.startswith(b"PK")


def test_a_fault_hits_so_many_requests_and_no_others(ready: Mapping[str, Any]) -> None:
    base = f"http://127.0.0.1:{ready['port']}"

    faults.inject(base, Fault(request=re.compile("archive.key$"), status=503, times=2))

    key, index = f"{base}/deb/7.9/archive.key", f"{base}/deb/7.9/dists/stable/InRelease"
    assert [http.get(url).status_code for url in (key, index, key, key)] == [503, 200, 503, 200]


def test_folders_are_not_listed(ready: Mapping[str, Any]) -> None:
    assert http.get(f"http://127.0.0.1:{ready['port']}/deb/").status_code == 404


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root for dpkg with settings from before the package."""
    (tmp_path / "var/lib/dpkg/info").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/updates").mkdir()
    (tmp_path / "var/lib/dpkg/status").touch()
    (tmp_path / SETTINGS).parent.mkdir(parents=True)
    (tmp_path / SETTINGS).write_text("ours=1\n")
    return tmp_path


def install(root: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    packages = [debs.ensure() / f"confluent-{name}_{debs.VERSION}_all.deb" for name in ("common", "kafka")]
    return run("dpkg", f"--root={root}", "--force-not-root", *options, "--install", *packages)


def test_existing_settings_stop_an_installation_that_cannot_ask(root: Path) -> None:
    stopped = install(root)

    assert stopped.returncode != 0
    assert "conffile prompt" in stopped.stdout


def test_existing_settings_are_kept_on_request(root: Path) -> None:
    done = install(root, "--force-confold", "--force-confdef")

    assert done.returncode == 0, done.stdout
    assert (root / SETTINGS).read_text() == "ours=1\n"
    assert (root / f"{SETTINGS}.dpkg-dist").exists()
    assert stat.S_IMODE((root / "usr/bin/connect-standalone").stat().st_mode) == 0o755


@pytest.fixture(scope="module", params=debs.LINES, ids=lambda line: f"platform {line.platform}")
def line(request: pytest.FixtureRequest) -> debs.Line:
    found: debs.Line = request.param
    return found


@pytest.fixture(scope="module")
def unpacked(line: debs.Line, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    deb = debs.ensure() / f"confluent-kafka_{line.versions[-1]}_all.deb"
    subprocess.run(["dpkg-deb", "-x", deb, folder], check=True)
    return folder


def test_the_start_script_runs_connect_with_the_packages_own_logging(
    line: debs.Line, unpacked: Path, tmp_path: Path
) -> None:
    log4j = unpacked / "etc/kafka" / line.log4j
    environment = {
        **os.environ,
        "LOG_DIR": str(tmp_path),
        "KAFKA_LOG4J_OPTS": f"{line.log4j_option}{log4j}",
    }

    started = subprocess.run(
        [unpacked / "usr/bin/connect-standalone"],
        check=False,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )

    assert "Usage: ConnectStandalone worker.properties" in started.stdout
    script = (unpacked / "usr/bin/connect-standalone").read_text()
    assert f"{line.log4j_option}/etc/kafka/{line.log4j}" in script


def test_the_start_script_passes_the_environments_options_on(unpacked: Path, tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    java.chmod(0o755)
    environment = {
        "JAVA_HOME": str(tmp_path),
        "KAFKA_HEAP_OPTS": "-Xms300m -Xmx300m",
        "KAFKA_OPTS": "-XX:+ExitOnOutOfMemoryError",
        "KAFKA_JVM_PERFORMANCE_OPTS": "-XX:+UseSerialGC",
        "KAFKA_JMX_OPTS": "-Dno.jmx=true",
        "KAFKA_LOG4J_OPTS": "-Dlog4j.configuration=file:/x",
        "LOG_DIR": str(tmp_path / "logs"),
        "CLASSPATH": "/more.jar",
        "PATH": os.environ["PATH"],
    }
    script = unpacked / "usr/bin/connect-standalone"
    words = subprocess.run(
        [script, "w.properties", "c.properties"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ).stdout.splitlines()

    assert words == [
        "-Xms300m",
        "-Xmx300m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Dno.jmx=true",
        f"-Dkafka.logs.dir={tmp_path / 'logs'}",
        "-Dlog4j.configuration=file:/x",
        "-cp",
        f"/more.jar:{script.parent}/../share/java/kafka/*",
        "-XX:+ExitOnOutOfMemoryError",
        "org.apache.kafka.connect.cli.ConnectStandalone",
        "w.properties",
        "c.properties",
    ]


def test_the_start_scripts_pass_shellcheck() -> None:
    folder = paths.ROOT / "local/systems/packages/files"

    checked = run("shellcheck", folder / "connect-standalone", folder / "kafka-run-class")

    assert checked.returncode == 0, checked.stdout


def test_every_package_of_the_index_is_a_file_of_the_repository(
    line: debs.Line, ready: Mapping[str, Any], state: Path
) -> None:
    root = state / "packages" / "deb" / line.platform
    index = (root / "dists" / "stable" / "main" / "binary-amd64" / "Packages").read_text()
    names = re.findall(r"^Filename: (.+)$", index, re.MULTILINE)

    assert ready
    assert len(names) >= 3 * len(line.versions)
    assert all(name.startswith("pool/") and (root / name).is_file() for name in names), names
    # apt-ftparchive follows symbolic links, and names what they lead to.
    assert not any((root / name).is_symlink() for name in names)
