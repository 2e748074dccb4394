"""`make render STACK=dev OUT=<dir>`: every file and policy that a stack's settings give.

Needs no account, no secret and no engine: what only an `up` can know (an endpoint that is looked up, ids that AWS
gives) is a placeholder in angle brackets.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from components import policies
from components.policies import Statement
from components.settings import Settings, SettingsError, load_stack_file
from components.worker.cloud_config import files, user_data
from components.worker.connect import WorkerFacts

ROOT = Path(__file__).resolve().parent.parent


def rendered(settings: Settings, stack: str) -> dict[str, str]:
    """File name -> content."""
    parameters = f"/ccloud-logexporter/{stack}"
    facts = WorkerFacts(
        # Any host has this length at least; the port is Confluent's.
        bootstrap_servers=settings.source.bootstrap_servers or "<looked-up-by-the-ids>:9092",
        kafka_parameter=f"{parameters}/kafka-credentials",
        writer_parameter=f"{parameters}/writer-credentials" if settings.writer.identity == "user" else None,
    )
    on_the_vm = {Path(path).name: file.content for path, file in files(settings, facts).items()}
    documents = {name: policies.to_json(one) + "\n" for name, one in _policies(settings, facts).items()}
    reasons = {name: _reasons(one) for name, one in _policies(settings, facts).items()}
    return {
        **on_the_vm,
        "user-data": user_data(settings, facts),
        **{f"{name}-policy.json": document for name, document in documents.items()},
        "policy-reasons.json": json.dumps(reasons, indent=2) + "\n",
    }


def _policies(settings: Settings, facts: WorkerFacts) -> dict[str, list[Statement]]:
    bucket, key = settings.archive.bucket, settings.archive.kms_key_arn
    names = [name for name in (facts.kafka_parameter, facts.writer_parameter) if name is not None]
    return {
        "writer": policies.writer(bucket, key),
        "reader": policies.reader(bucket, settings.connector.topics_dir, key),
        "reader-trust": policies.reader_trust(
            "<Logz.io's AWS account>", "<external id of your Logz.io account>"
        ),
        "bucket": policies.bucket(bucket),
        "instance-trust": policies.instance_trust(),
        "instance-secrets": policies.secrets(
            [f"arn:aws:ssm:{settings.region}:<account>:parameter{name}" for name in names]
        ),
        "instance-session-manager": policies.session_manager(),
    }


def _reasons(statements: list[Statement]) -> dict[str, str]:
    return {statement.sid: statement.reason for statement in statements}


def main(stack: str = "dev", out: Annotated[Path, typer.Option()] = Path("rendered")) -> None:
    """Writes every rendered file of STACK under its own name into OUT."""
    try:
        content = rendered(load_stack_file(ROOT / f"Pulumi.{stack}.yaml"), stack)
    except FileNotFoundError as missing:
        sys.exit(f"there is no stack file {missing.filename}: STACK names a Pulumi.<STACK>.yaml")
    except SettingsError as problem:
        sys.exit(str(problem))
    out.mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        (out / name).write_text(text)
    typer.echo(f"{len(content)} files in {out}")


if __name__ == "__main__":
    typer.run(main)
