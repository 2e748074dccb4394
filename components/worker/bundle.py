"""The VM's files, packed into one archive that the VM fetches from the bucket (pure)."""

import bz2
import hashlib
import io
import json
import shlex
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components import layout
from components.settings import Settings
from components.worker.connect import (
    LOG_FOLDER,
    PLUGIN_FOLDER,
    SERVICE,
    WorkerFacts,
    connectors,
    metrics_namespace,
    render,
    worker_properties,
)

INSTALL_SCRIPT = f"/usr/local/sbin/install-{SERVICE}"
WORKER_PROPERTIES = "/etc/kafka/connect-standalone.properties"
CONNECTOR_PROPERTIES = "/etc/kafka-connect-s3/s3-sink-connector.properties"
ORIGINALS_PROPERTIES = "/etc/kafka-connect-s3/originals-connector.properties"

AMAZON_TIME = "169.254.169.123"
"""Amazon Time Sync, in reach of every instance."""

FILES = Path(__file__).parent / "files"
"""The files of the VM that no setting changes."""


@dataclass(frozen=True)
class File:
    """A file on the VM, owned by root; none of them holds a secret."""

    content: str
    permissions: str = "0644"


@dataclass(frozen=True)
class Bundle:
    """An archive of files, their paths relative to `/`: a tar, packed by bzip2."""

    content: bytes

    @property
    def sha256(self) -> str:
        """64 hexadecimal digits. The VM unpacks nothing that has another one."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def key(self) -> str:
        """Its key in the bucket: another one for other content."""
        return layout.worker_files_key(self.sha256)


def files(settings: Settings, facts: WorkerFacts) -> dict[str, File]:
    """Path on the VM -> file: all but those that the user-data brings (see `cloud_config`)."""
    log_path, log_content, _ = _logging(settings)
    return {
        WORKER_PROPERTIES: File(render(worker_properties(settings, facts), "Kafka Connect, standalone")),
        **_connector_files(settings, facts),
        log_path: File(log_content),
        f"/etc/systemd/system/{SERVICE}.service": File(read(f"{SERVICE}.service")),
        f"/etc/sysusers.d/{SERVICE}.conf": File(read("sysusers.conf")),
        f"/etc/{SERVICE}/environment": File(_environment(settings, facts)),
        f"/etc/{SERVICE}/install.env": File(_install_variables(settings, facts)),
        f"/etc/{SERVICE}/keys.json": File(_keys_settings(settings)),
        f"/etc/{SERVICE}/secrets.json": File(_secrets_settings(settings, facts)),
        f"/etc/{SERVICE}/watchdog.json": File(_watchdog_settings(settings, facts)),
        f"/etc/systemd/system/{SERVICE}-watchdog.service": File(read(f"{SERVICE}-watchdog.service")),
        f"/etc/systemd/system/{SERVICE}-watchdog.timer": File(read(f"{SERVICE}-watchdog.timer")),
        f"/etc/apt/apt.conf.d/60{SERVICE}": File(_upgrades(settings)),
        **_pins(settings),
        f"/etc/needrestart/conf.d/{SERVICE}.conf": File(read("needrestart.conf")),
        # Whichever of the two an image has: the time of the hypervisor, which needs no way out.
        f"/etc/systemd/timesyncd.conf.d/{SERVICE}-time.conf": File(f"[Time]\nNTP={AMAZON_TIME}\n"),
        f"/etc/chrony/sources.d/{SERVICE}-time.sources": File(f"server {AMAZON_TIME} prefer iburst\n"),
        f"/etc/systemd/journald.conf.d/{SERVICE}-journald.conf": File(read("journald.conf")),
        f"/usr/local/lib/{SERVICE}/check_keys.py": File(read("check_keys.py")),
        f"/usr/local/lib/{SERVICE}/fetch_secrets.py": File(read("fetch_secrets.py")),
        f"/usr/local/lib/{SERVICE}/OrderedPartitioner.java": File(read("OrderedPartitioner.java")),
        **{
            f"/usr/local/lib/{SERVICE}/watchdog/{module.name}": File(module.read_text())
            for module in sorted((FILES / "watchdog").glob("*.py"))
        },
        INSTALL_SCRIPT: File(read("install.sh"), "0755"),
    }


def _connector_files(settings: Settings, facts: WorkerFacts) -> dict[str, File]:
    """A file for each of the worker's connectors, in their order."""
    known = {
        CONNECTOR_PROPERTIES: "Audit log to S3",
        ORIGINALS_PROPERTIES: "Audit log to S3, as Confluent sent it",
    }
    return {
        path: File(render(connector.properties, title))
        for (path, title), connector in zip(known.items(), connectors(settings, facts), strict=False)
    }


def pack(contents: Mapping[str, File]) -> Bundle:
    """The same files give the same bytes on every machine, or another machine would replace the VM.

    So bzip2, which has one implementation, while those of zlib (gzip) give different bytes.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, file in contents.items():
            data = file.content.encode()
            member = tarfile.TarInfo(path.removeprefix("/"))
            member.size, member.mode = len(data), int(file.permissions, 8)
            archive.addfile(member, io.BytesIO(data))
    return Bundle(bz2.compress(out.getvalue()))


def read(name: str) -> str:
    """A file of the VM as it is in the project."""
    return (FILES / name).read_text()


def _environment(settings: Settings, facts: WorkerFacts) -> str:
    """Systemd's EnvironmentFile of the service."""
    heap = settings.worker.heap_mb
    _, _, log_option = _logging(settings)
    variables = {
        "CONNECTORS": " ".join(_connector_files(settings, facts)),
        "KAFKA_HEAP_OPTS": f"-Xms{heap}m -Xmx{heap}m",
        # One core is enough for a trail of events, and the serial collector needs the least memory. A JVM out
        # of memory ends, and is started again.
        "KAFKA_JVM_PERFORMANCE_OPTS": "-server -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true",
        # Left empty, the package's script opens JMX on a port of every interface.
        "KAFKA_JMX_OPTS": "-XX:+DisableAttachMechanism",
        "KAFKA_LOG4J_OPTS": log_option,
        "LOG_DIR": LOG_FOLDER,
        # A metadata service that is slow during boot is asked again.
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "5",
    }
    return "".join(f'{name}="{value}"\n' for name, value in variables.items())


def _install_variables(settings: Settings, facts: WorkerFacts) -> str:
    """What the install script sources."""
    worker, connector = settings.worker, settings.connector
    variables = {
        "JAVA_PACKAGE": f"openjdk-{worker.java_version}-jre-headless",
        # Empty: nothing is compiled.
        "JDK_PACKAGE": f"openjdk-{worker.java_version}-jdk-headless"
        if connector.partitioner == "ordered"
        else "",
        "PLATFORM_PACKAGE": worker.package + (f"={worker.package_version}" if worker.package_version else ""),
        "PLATFORM_VERSION": worker.platform_version,
        "REPOSITORY_URL": worker.repository_url,
        "REPOSITORY_KEY_URL": worker.key_url,
        "REPOSITORY_KEY_FINGERPRINTS": " ".join(worker.repository_key_fingerprint),
        "CONNECTOR_NAMES": " ".join(one.name for one in connectors(settings, facts)),
        "CONNECTOR_URL": connector.download_url,
        "CONNECTOR_SHA256": connector.archive_sha256 or "",
        "PLUGIN_FOLDER": PLUGIN_FOLDER,
        "REST_PORT": str(worker.rest_port),
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def _pins(settings: Settings) -> dict[str, File]:
    """Apt's preference for one version of Confluent's packages, if the settings name one.

    The package depends on its siblings in exactly its own version, of which apt would choose the newest ("held broken
    packages"; Confluent's own playbooks meet it, confluentinc/cp-ansible issue 1797). A priority above 1000 wins over a
    later version that is installed (apt_preferences(5)).
    """
    version = settings.worker.package_version
    if version is None:
        return {}
    text = f"Package: confluent-*\nPin: version {version}\nPin-Priority: 1001\n"
    return {f"/etc/apt/preferences.d/{SERVICE}": File(text)}


def _upgrades(settings: Settings) -> str:
    """Apt's settings for unattended upgrades: from where is the distribution's own choice, its security updates.

    Named after the distribution's 50unattended-upgrades, so that it wins. A reboot loses nothing: what was not
    committed is read again.
    """
    time = settings.worker.reboot_time
    values = {
        "APT::Periodic::Update-Package-Lists": "1",
        "APT::Periodic::Unattended-Upgrade": "1",
        "Unattended-Upgrade::Automatic-Reboot": "false" if time == "never" else "true",
        "Unattended-Upgrade::Automatic-Reboot-WithUsers": "true",
    }
    if time != "never":
        values["Unattended-Upgrade::Automatic-Reboot-Time"] = time
    return "".join(f'{name} "{value}";\n' for name, value in values.items())


def _secrets_settings(settings: Settings, facts: WorkerFacts) -> str:
    """Where fetch_secrets.py and the watchdog look; names only."""
    known = {
        "region": settings.region,
        "endpoint": settings.worker.endpoints.ssm,
        "parameters": dict(facts.parameters),
    }
    return json.dumps(known, indent=2) + "\n"


def _keys_settings(settings: Settings) -> str:
    """Where check_keys.py looks for keys that are ahead."""
    known = {
        "region": settings.region,
        "endpoint": settings.worker.endpoints.s3,
        "bucket": settings.archive.bucket,
        "partitioner": settings.connector.partitioner,
        "folder": layout.stamped_template(settings.connector.topics_dir),
        "partitions": {topic: settings.source.partitions[topic] for topic in settings.source.topics},
    }
    return json.dumps(known, indent=2) + "\n"


def _watchdog_settings(settings: Settings, facts: WorkerFacts) -> str:
    """What the watchdog looks after, and where it tells."""
    known = {
        "connectors": [
            {
                "name": one.name,
                # Before the names of its metrics.
                "prefix": prefix,
                "group": one.group,
                "client_id_prefix": one.client_id_prefix,
                "rotation_seconds": one.rotation_seconds,
            }
            for prefix, one in zip(("", "Originals"), connectors(settings, facts), strict=False)
        ],
        "rest_port": settings.worker.rest_port,
        "bootstrap_servers": facts.bootstrap_servers,
        "partitions": settings.source.partitions,
        "metrics": settings.worker.metrics,
        "namespace": metrics_namespace(facts.owner),
        "region": settings.region,
        "endpoint": settings.worker.endpoints.cloudwatch,
    }
    return json.dumps(known, indent=2) + "\n"


def _logging(settings: Settings) -> tuple[str, str, str]:
    """Path and content of the logging configuration, and the JVM's option for it."""
    if settings.worker.platform_version.startswith("7."):
        path, name, option = (
            "/etc/kafka/connect-log4j.properties",
            "connect-log4j.properties",
            "log4j.configuration=file:",
        )
    else:
        path, name, option = (
            "/etc/kafka/connect-log4j2.yaml",
            "connect-log4j2.yaml",
            "log4j2.configurationFile=",
        )
    content = read(name).replace("@LOG_LEVEL@", settings.worker.log_level)
    return path, content, f"-D{option}{path}"
