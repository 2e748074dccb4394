"""The VM's user-data: the loader, what it must know, and the timer that runs it again (pure)."""

import shlex

import yaml

from components.settings import Settings
from components.worker.bundle import Bundle, File, read
from components.worker.connect import SERVICE, WorkerFacts, metrics_namespace

LOADER = f"/usr/local/sbin/load-{SERVICE}"


def files(settings: Settings, facts: WorkerFacts, bundle: Bundle) -> dict[str, File]:
    """Path on the VM -> file: those that are there before the bundle is."""
    install = f"/etc/systemd/system/{SERVICE}-install"
    return {
        f"/etc/{SERVICE}/loader.env": File(_loader_variables(settings, facts, bundle)),
        f"{install}.service": File(read(f"{SERVICE}-install.service")),
        f"{install}.timer": File(read(f"{SERVICE}-install.timer")),
        LOADER: File(read("loader.sh"), "0755"),
    }


def user_data(settings: Settings, facts: WorkerFacts, bundle: Bundle) -> str:
    """A #cloud-config document of about 5 KB; EC2 takes 16 KB."""
    document = {
        "write_files": [
            {"path": path, "permissions": file.permissions, "content": file.content}
            for path, file in files(settings, facts, bundle).items()
        ],
        "runcmd": [[LOADER]],
    }
    return "#cloud-config\n" + yaml.dump(document, Dumper=_Dumper, sort_keys=False)


def _loader_variables(settings: Settings, facts: WorkerFacts, bundle: Bundle) -> str:
    """What the loader sources. No endpoint: AWS's own."""
    endpoints = settings.worker.endpoints
    variables = {
        "BUCKET": settings.archive.bucket,
        "KEY": bundle.key,
        "SHA256": bundle.sha256,
        "REGION": settings.region,
        "S3_ENDPOINT": endpoints.s3 or "",
        "CLOUDWATCH_ENDPOINT": endpoints.cloudwatch or "",
        "NAMESPACE": metrics_namespace(facts.owner),
        "METRICS": str(settings.worker.metrics).lower(),
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as it is, for a person to read."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
