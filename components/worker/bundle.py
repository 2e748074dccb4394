"""The files of the VMs, packed into one archive that each VM fetches from the bucket (pure)."""

import bz2
import hashlib
import io
import json
import shlex
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.archive import layout
from components.settings.sections import FLEET_PORT
from components.worker.config import Platform, WorkerConfig, metrics_namespace
from components.worker.connect import (
    CONNECTOR_CLASS,
    LOG_FOLDER,
    PLUGIN_FOLDER,
    SERVICE,
    SinkConnector,
    client_properties,
    connectors,
    render,
    worker_properties,
)

INSTALL_SCRIPT = f"/usr/local/sbin/install-{SERVICE}"
STANDALONE_PROPERTIES = "/etc/kafka/connect-standalone.properties"
DISTRIBUTED_PROPERTIES = "/etc/kafka/connect-distributed.properties"
CLIENT_PROPERTIES = f"/etc/{SERVICE}/audit-log-client.properties"
CONNECTOR_PROPERTIES = "/etc/kafka-connect-s3/s3-sink-connector.properties"
ORIGINALS_PROPERTIES = "/etc/kafka-connect-s3/originals-connector.properties"

AMAZON_TIME = "169.254.169.123"
"""Amazon Time Sync, which every instance reaches."""

FILES = Path(__file__).parent / "files"
"""The VM's files; the functions below fill in their placeholders."""


@dataclass(frozen=True)
class File:
    """A file on the VM, owned by root. No file holds a secret."""

    content: str
    permissions: str = "0644"


@dataclass(frozen=True)
class Bundle:
    """An archive of files, their paths relative to `/`: a tar, packed by bzip2."""

    content: bytes

    @property
    def sha256(self) -> str:
        """64 hexadecimal digits. The VM unpacks only an archive with this SHA-256."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def key(self) -> str:
        """Its key in the bucket, which depends on the content."""
        return layout.worker_files_key(self.sha256)


def files(config: WorkerConfig) -> dict[str, File]:
    """Path on the VM -> file: all but the files that the user-data contains (see `cloud_config`)."""
    logging = _logging(config.platform)
    return {
        worker_file(config): File(render(worker_properties(config), "Kafka Connect")),
        CLIENT_PROPERTIES: File(
            render(client_properties(config), "Kafka's tools, for the audit-log cluster")
        ),
        **_connector_files(config),
        logging.path: File(read(logging.file).replace("@LOG_LEVEL@", config.connect.log_level)),
        f"/etc/systemd/system/{SERVICE}.service": File(
            read(f"{SERVICE}.service").replace("@CONNECT@", _command(config))
        ),
        f"/etc/sysusers.d/{SERVICE}.conf": File(read("sysusers.conf")),
        f"/etc/{SERVICE}/environment": File(_environment(config)),
        f"/etc/{SERVICE}/install.env": File(_install_variables(config)),
        f"/etc/{SERVICE}/keys.json": File(_keys_settings(config)),
        f"/etc/{SERVICE}/secrets.json": File(_secrets_settings(config)),
        f"/etc/{SERVICE}/watchdog.json": File(_watchdog_settings(config)),
        f"/etc/systemd/system/{SERVICE}-watchdog.service": File(read(f"{SERVICE}-watchdog.service")),
        f"/etc/systemd/system/{SERVICE}-watchdog.timer": File(read(f"{SERVICE}-watchdog.timer")),
        f"/etc/apt/apt.conf.d/60{SERVICE}": File(_upgrades(config.reboot_time)),
        **_pins(config.platform),
        f"/etc/needrestart/conf.d/{SERVICE}.conf": File(read("needrestart.conf")),
        # An image has one of the two. The hypervisor's time needs no way out.
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


def worker_file(config: WorkerConfig) -> str:
    """The path of the worker's properties."""
    return STANDALONE_PROPERTIES if config.fleet is None else DISTRIBUTED_PROPERTIES


def _command(config: WorkerConfig) -> str:
    """What systemd runs. It splits $CONNECTORS, which has a file for each connector, at the spaces."""
    if config.fleet is None:
        return f"/usr/bin/connect-standalone {STANDALONE_PROPERTIES} $CONNECTORS"
    return f"/usr/bin/connect-distributed {DISTRIBUTED_PROPERTIES}"


def _connector_files(config: WorkerConfig) -> dict[str, File]:
    """A file for each connector, in the order of `connectors`; a Connect cluster gets their properties by REST."""
    if config.fleet is not None:
        return {}
    titles = {
        CONNECTOR_PROPERTIES: "Audit log to S3",
        ORIGINALS_PROPERTIES: "Audit log to S3, as Confluent sent it",
    }
    return {
        path: File(render(connector.properties, title))
        for (path, title), connector in zip(titles.items(), connectors(config), strict=False)
    }


def pack(contents: Mapping[str, File]) -> Bundle:
    """The same files give the same bytes on every machine: otherwise an `up` from another machine would replace the VM.

    That is why it is bzip2, which has one implementation. The implementations of zlib (gzip) give different bytes.
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
    """Content of a file of the VM, as it is in the project."""
    return (FILES / name).read_text()


def _environment(config: WorkerConfig) -> str:
    """Systemd's EnvironmentFile of the service."""
    heap = config.connect.heap_mb
    logging = _logging(config.platform)
    variables = {
        **({"CONNECTORS": " ".join(_connector_files(config))} if config.fleet is None else {}),
        # A JVM that begins with all of its heap uses all of it, also where half is enough: 500 MB resident, not 390.
        "KAFKA_HEAP_OPTS": f"-Xms{heap // 2}m -Xmx{heap}m",
        # Audit events need one core only, and the serial collector uses the least memory. A JVM that runs out of memory
        # exits, and systemd starts it again.
        "KAFKA_JVM_PERFORMANCE_OPTS": "-server -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true",
        # If this is empty, the package's script opens JMX on a port of every interface.
        "KAFKA_JMX_OPTS": "-XX:+DisableAttachMechanism",
        "KAFKA_LOG4J_OPTS": f"-D{logging.option}{logging.path}",
        "LOG_DIR": LOG_FOLDER,
        # Retries while the metadata service is slow during boot.
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "5",
    }
    return "".join(f'{name}="{value}"\n' for name, value in variables.items())


def _install_variables(config: WorkerConfig) -> str:
    """What the install script sources."""
    platform, sink = config.platform, config.sink
    package_version = f"={platform.package_version}" if platform.package_version else ""
    # Empty: nothing is compiled.
    jdk = f"openjdk-{platform.java_version}-jdk-headless" if sink.partitioner == "ordered" else ""
    variables = {
        "JAVA_PACKAGE": f"openjdk-{platform.java_version}-jre-headless",
        "JDK_PACKAGE": jdk,
        "PLATFORM_PACKAGE": platform.package + package_version,
        "PLATFORM_VERSION": platform.version,
        "REPOSITORY_URL": platform.repository_url,
        "REPOSITORY_KEY_URL": platform.key_url,
        "REPOSITORY_KEY_FINGERPRINTS": " ".join(platform.key_fingerprints),
        "CONNECTOR_NAMES": " ".join(connector.name for connector in connectors(config)),
        "CONNECTOR_CLASS": CONNECTOR_CLASS,
        "CONNECTOR_URL": sink.url,
        "CONNECTOR_SHA256": sink.sha256 or "",
        "PLUGIN_FOLDER": PLUGIN_FOLDER,
        "REST_PORT": str(config.connect.rest_port),
        # Empty for standalone workers, which have files of their connectors.
        "CONNECT_CLUSTER": "" if config.fleet is None else config.fleet.name,
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def _pins(platform: Platform) -> dict[str, File]:
    """Apt's preference for one version of Confluent's packages, or for the newest version of their line.

    The package depends on exactly its own version of its sibling packages, but apt would choose their newest version
    ("held broken packages"; Confluent's own playbooks meet it, confluentinc/cp-ansible issue 1797). A priority above
    1000 also wins over a later version that is installed (apt_preferences(5)): an image may have a later line.
    """
    version = platform.package_version or f"{platform.version}.*"
    text = f"Package: confluent-*\nPin: version {version}\nPin-Priority: 1001\n"
    return {f"/etc/apt/preferences.d/{SERVICE}": File(text)}


def _upgrades(reboot_time: str) -> str:
    """Apt's settings for unattended upgrades. The distribution chooses the sources: its security updates.

    The file sorts after the distribution's 50unattended-upgrades, so it wins. A reboot loses nothing: the connectors
    read again what they had not committed.
    """
    never = reboot_time == "never"
    values = {
        "APT::Periodic::Update-Package-Lists": "1",
        "APT::Periodic::Unattended-Upgrade": "1",
        "Unattended-Upgrade::Automatic-Reboot": "false" if never else "true",
        "Unattended-Upgrade::Automatic-Reboot-WithUsers": "true",
    }
    if not never:
        # The install script writes the time of its VM here.
        values["Unattended-Upgrade::Automatic-Reboot-Time"] = "@REBOOT_TIME@"
    return "".join(f'{name} "{value}";\n' for name, value in values.items())


def _secrets_settings(config: WorkerConfig) -> str:
    """Where fetch_secrets.py and the watchdog find the credentials; names only."""
    return _json(
        {
            "region": config.region,
            "endpoint": config.endpoints.ssm,
            "parameters": config.parameters,
        }
    )


def _keys_settings(config: WorkerConfig) -> str:
    """Where check_keys.py looks for keys with a time in the future."""
    return _json(
        {
            "region": config.region,
            "endpoint": config.endpoints.s3,
            "bucket": config.bucket,
            "partitioner": config.sink.partitioner,
            "folder": layout.stamped_template(config.sink.topics_dir),
            "partitions": {topic: config.kafka.partitions[topic] for topic in config.kafka.topics},
        }
    )


def _watchdog_settings(config: WorkerConfig) -> str:
    """What the watchdog looks after, and where it reports."""
    # Before the names of a connector's metrics.
    prefixes = ("", "Originals")
    return _json(
        {
            "connectors": [
                _watched(config, connector, prefix)
                for prefix, connector in zip(prefixes, connectors(config), strict=False)
            ],
            "fleet": None
            if config.fleet is None
            else {
                "port": FLEET_PORT,
                "bootstrap_servers": config.fleet.bootstrap_servers,
                "topics": list(config.fleet.topics.values()),
            },
            "rest_port": config.connect.rest_port,
            "bootstrap_servers": config.kafka.bootstrap_servers,
            "partitions": dict(config.kafka.partitions),
            "metrics": config.metrics,
            "namespace": metrics_namespace(config.owner.path),
            "region": config.region,
            "endpoint": config.endpoints.cloudwatch,
            "reader": None
            if config.reader_role is None
            else {
                "role": config.reader_role,
                "region": config.region,
                "endpoint": config.endpoints.iam,
            },
        }
    )


def _watched(config: WorkerConfig, connector: SinkConnector, prefix: str) -> dict[str, Any]:
    """What the watchdog knows of a connector. In mode distributed, the connector's properties are in a parameter.

    They are not among the VM's files then, so that a change of them needs no other VM.
    """
    known = {
        "name": connector.name,
        "prefix": prefix,
        "group": connector.group,
        "client_id_prefix": connector.client_id_prefix,
    }
    if config.fleet is None:
        return {**known, "rotation_seconds": connector.rotation_seconds}
    return {**known, "parameter": config.connector_parameter(connector.name)}


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=2) + "\n"


@dataclass(frozen=True)
class _Logging:
    """`path`: on the VM. `file`: in the project. `option`: of the JVM, before the path."""

    path: str
    file: str
    option: str


def _logging(platform: Platform) -> _Logging:
    """Platform 7.x logs through log4j 1, later ones through log4j 2."""
    if platform.version.startswith("7."):
        file, option = "connect-log4j.properties", "log4j.configuration=file:"
    else:
        file, option = "connect-log4j2.yaml", "log4j2.configurationFile="
    return _Logging(f"/etc/kafka/{file}", file, option)
