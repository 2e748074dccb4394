"""The VM's user-data (pure): the loader, its variables, and the service that runs it again."""

import shlex

import yaml

from components.worker.bundle import Bundle, File, read
from components.worker.config import WorkerConfig, metrics_namespace
from components.worker.connect import SERVICE

LOADER = f"/usr/local/sbin/load-{SERVICE}"


REBOOT_MINUTES_APART = 20


def files(config: WorkerConfig, bundle: Bundle, number: int) -> dict[str, File]:
    """Path on the VM -> file: the files that fetch the bundle, and what differs between VMs. `number`: of the VM."""
    repeats = f"{SERVICE}-install.service"
    return {
        f"/etc/{SERVICE}/loader.env": File(_loader_variables(config, bundle, number)),
        f"/etc/systemd/system/{repeats}": File(read(repeats)),
        LOADER: File(read("loader.sh"), "0755"),
    }


def user_data(config: WorkerConfig, bundle: Bundle, number: int) -> str:
    """A #cloud-config document of about 6 KB; EC2 takes 16 KB."""
    document = {
        "write_files": [
            {"path": path, **_permissions(file), "content": file.content}
            for path, file in files(config, bundle, number).items()
        ],
        "runcmd": [[LOADER]],
    }
    return "#cloud-config\n" + yaml.dump(document, Dumper=_Dumper, sort_keys=False)


def reboot_time(config: WorkerConfig, number: int) -> str:
    """When a VM may reboot, HH:MM (UTC): not all at the same time. `never` for no reboot."""
    if config.reboot_time == "never":
        return config.reboot_time
    hours, minutes = map(int, config.reboot_time.split(":"))
    hours, minutes = divmod(hours * 60 + minutes + (number - 1) * REBOOT_MINUTES_APART, 60)
    return f"{hours % 24:02}:{minutes:02}"


def _loader_variables(config: WorkerConfig, bundle: Bundle, number: int) -> str:
    """What the loader, the install script and the watchdog source. An empty endpoint is AWS's public one."""
    endpoints = config.endpoints
    variables = {
        "BUCKET": config.bucket,
        "KEY": bundle.key,
        "REGION": config.region,
        "VM_NUMBER": str(number),
        "REBOOT_TIME": reboot_time(config, number),
        "STATUS_PARAMETER": config.status_parameter(number),
        "S3_ENDPOINT": endpoints.s3 or "",
        "SSM_ENDPOINT": endpoints.ssm or "",
        "CLOUDWATCH_ENDPOINT": endpoints.cloudwatch or "",
        # Empty: no metrics.
        "NAMESPACE": metrics_namespace(config.owner.path) if config.metrics else "",
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def _permissions(file: File) -> dict[str, str]:
    """Without them, cloud-init takes 0644 (its documentation, module Write Files)."""
    return {} if file.permissions == "0644" else {"permissions": file.permissions}


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines line by line, so that a person can read it."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
