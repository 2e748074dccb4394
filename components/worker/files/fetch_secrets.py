"""Fetches the service's credentials from the parameter store before each start.

The script runs as the service's user with the VM's role. It writes the credentials to files that only this user can
read, in the service's runtime directory (tmpfs), and to more files there the versions of the parameters, and the id and
the address of the VM. It never prints a value.
"""

import base64
import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

SETTINGS = Path("/etc/s3-auditlog-sink/secrets.json")
# Written by cloud-init (its documentation, "Directory layout").
INSTANCE_ID = Path("/var/lib/cloud/data/instance-id")
ATTEMPTS = 30
PAUSE_SECONDS = 10


def main() -> None:
    settings = json.loads(SETTINGS.read_text())
    folder = Path(os.environ["RUNTIME_DIRECTORY"])
    properties: dict[str, str] = {}
    versions: dict[str, int] = {}
    for credentials, name in settings["parameters"].items():
        values, versions[credentials] = fetch(settings, name)
        properties |= PROPERTIES[credentials](values)
        if credentials == "certificate":
            write_certificate(folder, values)
    write(folder / "secrets.properties", java_properties(properties))
    write(folder / "instance.properties", java_properties(instance(fleet="fleet" in versions)))
    write(folder / "versions.json", json.dumps(versions))
    sys.stderr.write(f"versions of the credentials: {versions}\n")


def fetch(settings: Mapping[str, Any], name: str) -> tuple[dict[str, str], int]:
    """The JSON value of one parameter and its version.

    Retries for 5 minutes: the metadata service of a new instance may have no role yet, and the rights of a new role take
    effect after a while.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            parameter = parameter_store(settings).get_parameter(Name=name, WithDecryption=True)["Parameter"]
        except (BotoCoreError, ClientError) as error:
            sys.stderr.write(f"parameter {name}, attempt {attempt} of {ATTEMPTS}: {error}\n")
            sys.stderr.flush()
            time.sleep(PAUSE_SECONDS)
        else:
            return dict(json.loads(parameter["Value"])), int(parameter["Version"])
    sys.exit(f"parameter {name} cannot be read")


def parameter_store(settings: Mapping[str, Any]) -> Any:
    """A client with the metadata service's present credentials: a client without credentials never looks again."""
    return boto3.Session().client(
        "ssm",
        region_name=settings["region"],
        endpoint_url=settings["endpoint"],
        config=Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 3}),
    )


def instance(*, fleet: bool) -> dict[str, str]:
    """What the properties of Kafka Connect say about this VM."""
    address = {"address": private_address()} if fleet else {}
    return {"instance.id": instance_id(), **address}


def private_address() -> str:
    """The address at which the other VMs reach this one, from the metadata service."""
    service = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254") + "/latest"
    # The metadata service is on the VM's own link, never behind a proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(path: str, method: str, headers: dict[str, str]) -> str:
        request = urllib.request.Request(f"{service}/{path}", method=method, headers=headers)  # noqa: S310  # not a user's
        with opener.open(request, timeout=10) as answer:
            return str(answer.read().decode())

    token = ask("api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    return ask("meta-data/local-ipv4", "GET", {"X-aws-ec2-metadata-token": token})


def instance_id() -> str:
    """The end of the client ids of Kafka's clients. The service also works without it."""
    try:
        return INSTANCE_ID.read_text().strip() or "unknown"
    except OSError as error:
        sys.stderr.write(f"id of the instance: {error}\n")
        return "unknown"


def login(cluster: str, credentials: Mapping[str, str]) -> dict[str, str]:
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    user, password = quoted(credentials["key"]), quoted(credentials["secret"])
    return {f"{cluster}.sasl.jaas.config": f"{module} required username={user} password={password};"}


def certificate_properties(credentials: dict[str, str]) -> dict[str, str]:
    return {"certificate.password": credentials["password"]}


def writer_properties(credentials: dict[str, str]) -> dict[str, str]:
    return {
        "aws.access.key.id": credentials["access_key_id"],
        "aws.secret.access.key": credentials["secret_access_key"],
    }


PROPERTIES: Mapping[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "kafka": partial(login, "kafka"),
    "writer": writer_properties,
    "fleet": partial(login, "fleet"),
    "certificate": certificate_properties,
}
"""Credentials -> the function that makes the properties for Kafka Connect from them."""


def quoted(text: str) -> str:
    """A string of a JAAS configuration."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def java_properties(properties: dict[str, str]) -> str:
    """A .properties file for Java: a backslash in a value is doubled."""
    doubled = {name: value.replace("\\", "\\\\") for name, value in properties.items()}
    return "".join(f"{name}={value}\n" for name, value in doubled.items())


def write_certificate(folder: Path, certificate: Mapping[str, str]) -> None:
    """Writes the VMs' certificate with its key, and for the watchdog the end of its validity."""
    write(folder / "certificate.p12", base64.b64decode(certificate["archive"]))
    write(folder / "certificate.json", json.dumps({"not_after": certificate["not_after"]}))


def write(path: Path, content: str | bytes) -> None:
    """Writes atomically, so that a reader never sees half of the file."""
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    partial.replace(path)


if __name__ == "__main__":
    main()
