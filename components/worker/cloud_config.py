"""The VM's user-data (pure): the loader, its variables, and the timer that runs it again."""

import shlex

import yaml

from components.worker.bundle import Bundle, File, read
from components.worker.config import WorkerConfig, metrics_namespace
from components.worker.connect import SERVICE

LOADER = f"/usr/local/sbin/load-{SERVICE}"


def files(config: WorkerConfig, bundle: Bundle) -> dict[str, File]:
    """Path on the VM -> file: the files that fetch the bundle."""
    install = f"/etc/systemd/system/{SERVICE}-install"
    return {
        f"/etc/{SERVICE}/loader.env": File(_loader_variables(config, bundle)),
        f"{install}.service": File(read(f"{SERVICE}-install.service")),
        f"{install}.timer": File(read(f"{SERVICE}-install.timer")),
        LOADER: File(read("loader.sh"), "0755"),
    }


def user_data(config: WorkerConfig, bundle: Bundle) -> str:
    """A #cloud-config document of about 5 KB; EC2 takes 16 KB."""
    document = {
        "write_files": [
            {"path": path, "permissions": file.permissions, "content": file.content}
            for path, file in files(config, bundle).items()
        ],
        "runcmd": [[LOADER]],
    }
    return "#cloud-config\n" + yaml.dump(document, Dumper=_Dumper, sort_keys=False)


def _loader_variables(config: WorkerConfig, bundle: Bundle) -> str:
    """What the loader sources. An empty endpoint is AWS's public one."""
    endpoints = config.endpoints
    variables = {
        "BUCKET": config.bucket,
        "KEY": bundle.key,
        "SHA256": bundle.sha256,
        "REGION": config.region,
        "S3_ENDPOINT": endpoints.s3 or "",
        "CLOUDWATCH_ENDPOINT": endpoints.cloudwatch or "",
        "NAMESPACE": metrics_namespace(config.owner.path),
        "METRICS": str(config.metrics).lower(),
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines line by line, so that a person can read it."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
