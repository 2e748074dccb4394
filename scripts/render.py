"""Writes every file that the project renders: `python -m scripts.render --stack dev --out DIR`.

Needs no account, no secret and no engine. Values that need an account (its number, a looked-up endpoint,
Logz.io's identity) are placeholders in angle brackets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from components import deployer, policies
from components.owner import Owner
from components.policies import Statement
from components.settings import Settings
from components.worker import bundle, cloud_config
from components.worker.bundle import Bundle
from components.worker.config import WorkerConfig, metrics_namespace
from components.worker.connect import SERVICE, connectors
from components.worker_settings import worker_config
from scripts.stack import Stack, project_name
from scripts.stack_files import errors_shown, read

READER_ROLE = "<role of Logz.io>"


def rendered(settings: Settings, stack: str) -> dict[str, str]:
    """File name -> content: the VM's files, its user-data, the policies as JSON, and the reasons of all of them."""
    bootstrap_servers = settings.source.bootstrap_servers or f"<endpoint of {settings.source.cluster}>"
    owner = Owner(project_name(), stack)
    config = worker_config(settings, owner, bootstrap_servers)
    if settings.reader_role_is_watched:
        config = replace(config, reader_role=READER_ROLE)
    fetched = bundle.files(config)
    packed = bundle.pack(fetched)
    documents = {
        **_policies(settings, config, packed),
        **deployer.documents(settings, owner, "<account>"),
    }
    # VM 1's: the other VMs have another number, another status and another time for reboots.
    on_the_vm = {**fetched, **cloud_config.files(config, packed, 1)}
    # In mode distributed; a standalone worker has files.
    parameters = (
        {} if config.fleet is None else {f"connector-{made.name}.json": made for made in connectors(config)}
    )
    return {
        **{_name(path): file.content for path, file in on_the_vm.items()},
        **{name: made.text + "\n" for name, made in parameters.items()},
        "user-data": cloud_config.user_data(config, packed, 1),
        **{f"{name}.json": policies.to_json(given) + "\n" for name, given in documents.items()},
        "policies.md": _reasons(documents),
    }


def _name(path: str) -> str:
    """The last part of a path on the VM; a module keeps its package, as another package may have one of that name."""
    library = f"/usr/local/lib/{SERVICE}/"
    return path.removeprefix(library) if path.startswith(library) else PurePosixPath(path).name


def _policies(settings: Settings, config: WorkerConfig, packed: Bundle) -> dict[str, list[Statement]]:
    bucket, key = settings.archive.bucket, settings.archive.kms_key_arn
    prefix = f"arn:aws:ssm:{settings.region}:<account>:parameter"
    parameters = [prefix + name for name in config.parameters.values()]
    secrets_key = (
        settings.worker.secrets_key_arn or f"arn:aws:kms:{settings.region}:<account>:key/<key of the stack>"
    )
    statuses = [prefix + config.status_parameter(number) for number in config.numbers]
    documents = {
        "bucket-policy": policies.bucket(bucket, key),
        "writer-policy": policies.writer(bucket, key),
        "reader-policy": policies.reader(bucket, settings.connector.topics_dir, key),
        "vm-trust": policies.instance_trust(),
        "vm-secrets-policy": policies.secrets(parameters, secrets_key),
        "vm-status-policy": policies.worker_status(statuses),
        "vm-files-policy": policies.worker_files(bucket, packed.key, key),
        "vm-session-manager-policy": policies.session_manager(),
    }
    if config.fleet is not None:
        names = [config.connector_parameter(made.name) for made in connectors(config)]
        documents["vm-connectors-policy"] = policies.connector_settings([prefix + name for name in names])
    if settings.worker.secrets_key_arn is None:
        documents["secrets-key-policy"] = policies.secrets_key("arn:aws:iam::<account>:root")
    if settings.worker.metrics:
        documents["vm-metrics-policy"] = policies.metrics(metrics_namespace(config.owner.path))
    if config.reader_role is not None:
        arn = f"arn:aws:iam::<account>:role{settings.iam.path}{config.reader_role}"
        documents["vm-reader-use-policy"] = policies.reader_use(arn)
    if settings.alarms.canary:
        documents["canary-policy"] = policies.canary(
            bucket,
            settings.connector.topics_dir,
            key,
            kafka_parameter_arn=prefix + config.parameters["kafka"],
            secrets_key_arn=secrets_key,
            namespace=metrics_namespace(config.owner.path),
        )
    if settings.alarms.email:
        documents["alarm-topic-policy"] = policies.alarm_topic(
            f"arn:aws:sns:{settings.region}:<account>:<topic of the stack>"
        )
    if settings.logzio.authentication == "role":
        documents["reader-trust"] = policies.reader_trust(
            "<AWS account of Logz.io>", "<external id of the Logz.io account>"
        )
    return documents


def _reasons(documents: Mapping[str, Sequence[Statement]]) -> str:
    """Each statement in one list: IAM takes no comments."""
    lines = ["# What each policy allows and refuses, and why"]
    for name, statements in documents.items():
        lines += ["", f"## {name}", ""]
        for given in statements:
            on = f" on {', '.join(given.resources)}" if given.resources else ""
            lines.append(
                f"- {given.sid}: {given.effect.lower()} {', '.join(given.actions)}{on}. {given.reason}"
            )
    return "\n".join(lines) + "\n"


def main(
    stack: Annotated[
        str, typer.Option(help="Name of the stack, also as organisation/stack: Pulumi.<stack>.yaml is read.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to; made if it is not there.")],
) -> None:
    """Writes every rendered file under its own name."""
    known = Stack(stack)
    settings = read(known.file, "is not in these files")
    with errors_shown(known.file):
        contents = rendered(settings, known.short_name)
    for name, content in sorted(contents.items()):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(content)
        typer.echo(f"{out / name} ({len(content.encode()):,} bytes)")


if __name__ == "__main__":
    typer.run(main)
