"""The VM's user-data: every file on it and the one script that installs the rest (pure)."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import yaml

from components.settings import Settings
from components.worker.connect import (
    LOG_FOLDER,
    PLUGIN_FOLDER,
    SERVICE,
    WorkerFacts,
    connector_properties,
    render,
    worker_properties,
)

MAX_BYTES = 16_384
"""EC2 takes no larger user-data."""

INSTALL_SCRIPT = f"/usr/local/sbin/install-{SERVICE}"
WORKER_PROPERTIES = "/etc/kafka/connect-standalone.properties"
CONNECTOR_PROPERTIES = "/etc/kafka-connect-s3/s3-sink-connector.properties"

_FILES = Path(__file__).parent / "files"


@dataclass(frozen=True)
class File:
    """A file on the VM, owned by root; none of them holds a secret."""

    content: str
    permissions: str = "0644"


def files(settings: Settings, facts: WorkerFacts) -> dict[str, File]:
    """Path on the VM -> file."""
    log_path, log_content, _ = _logging(settings)
    return {
        WORKER_PROPERTIES: File(render(worker_properties(settings, facts), "Kafka Connect, standalone")),
        CONNECTOR_PROPERTIES: File(render(connector_properties(settings, facts), "Audit log to S3")),
        log_path: File(log_content),
        f"/etc/systemd/system/{SERVICE}.service": File(_read(f"{SERVICE}.service")),
        f"/etc/sysusers.d/{SERVICE}.conf": File(_read("sysusers.conf")),
        f"/etc/{SERVICE}/environment": File(_environment(settings)),
        f"/etc/{SERVICE}/install.env": File(_install_variables(settings)),
        f"/etc/{SERVICE}/secrets.json": File(_secrets_settings(settings, facts)),
        f"/usr/local/lib/{SERVICE}/fetch_secrets.py": File(_read("fetch_secrets.py")),
        INSTALL_SCRIPT: File(_read("install.sh"), "0755"),
    }


def user_data(settings: Settings, facts: WorkerFacts) -> str:
    """A #cloud-config document, at most 16,384 bytes.

    Raises:
        ValueError: it is larger; the connector's further properties are the only part without a bound.
    """
    document = {
        "write_files": [
            {"path": path, "owner": "root:root", "permissions": file.permissions, "content": file.content}
            for path, file in files(settings, facts).items()
        ],
        # One command: runcmd would go on after one that failed.
        "runcmd": [[INSTALL_SCRIPT]],
    }
    text = "#cloud-config\n" + yaml.dump(document, Dumper=_Readable, sort_keys=False, width=1_000)
    size = len(text.encode())
    if size > MAX_BYTES:
        raise ValueError(
            f"the user-data has {size:,} bytes and EC2 takes {MAX_BYTES:,}; shorten "
            "ccloud-logexporter:connector.properties"
        )
    return text


def _environment(settings: Settings) -> str:
    """Systemd's EnvironmentFile of the service."""
    heap = settings.worker.heap_mb
    _, _, log_option = _logging(settings)
    variables = {
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


def _install_variables(settings: Settings) -> str:
    """What the install script sources."""
    worker, connector = settings.worker, settings.connector
    variables = {
        "JAVA_PACKAGE": f"openjdk-{worker.java_version}-jre-headless",
        "PLATFORM_PACKAGE": worker.package,
        "PLATFORM_VERSION": worker.platform_version,
        "REPOSITORY_URL": worker.repository_url,
        "REPOSITORY_KEY_URL": worker.key_url,
        "REPOSITORY_KEY_FINGERPRINT": worker.repository_key_fingerprint,
        "CONNECTOR_NAME": connector.name,
        "CONNECTOR_URL": connector.download_url,
        "CONNECTOR_SHA256": connector.archive_sha256 or "",
        "PLUGIN_FOLDER": PLUGIN_FOLDER,
        "REST_PORT": str(worker.rest_port),
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def _secrets_settings(settings: Settings, facts: WorkerFacts) -> str:
    """Where fetch_secrets.py looks; names only."""
    known = {
        "region": settings.region,
        "endpoint": settings.worker.endpoints.ssm,
        "kafka_parameter": facts.kafka_parameter,
        "writer_parameter": facts.writer_parameter,
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
    content = _read(name).replace("@LOG_LEVEL@", settings.worker.log_level)
    return path, content, f"-D{option}{path}"


def _read(name: str) -> str:
    """A file without its lines of comment: user-data has little room, and they can be read in the project.

    Not compressed instead: another build of zlib gives other bytes, and these would replace the VM.
    """
    lines = (_FILES / name).read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not re.match(r"\s*#(?!!)", line))


class _Readable(yaml.SafeDumper):
    """Files as literal blocks: what is sent to the VM can be read in the console."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Readable.add_representer(str, _represent_text)
