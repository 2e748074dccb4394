"""make new with the real engine and broker, the local AWS, the emulators and a package repository."""

import shutil
from functools import partial
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

import scripts.new.present
import scripts.stack
from components.settings import NAMESPACE, load_stack_file
from local.stack import engine
from local.stack.deployment import REGION
from local.systems.aws.accounts import ACCOUNT
from scripts.new import __main__ as new
from scripts.preflight.collect import collect
from tests.local.scripts.test_preflight import (
    CLUSTER,
    ENVIRONMENT,
    PARTITIONS,
    SERVICE_ACCOUNT,
    STACK,
    Site,
    aws,
    site,
    world,
)

__all__ = ["aws", "site", "world"]

DESCRIBED = f"""{{
  "cluster_id": "{CLUSTER}",
  "environment_id": "{ENVIRONMENT}",
  "service_account_id": "{SERVICE_ACCOUNT}",
  "topic_name": "confluent-audit-log-events"
}}
"""


@pytest.fixture
def file(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack file that has only the addresses of the local systems, and the caller's environment."""
    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(scripts.stack.ROOT / "Pulumi.yaml", project)
    for module in (scripts.stack, scripts.new.present):
        monkeypatch.setattr(module, "ROOT", project)
    # The machine may be busy.
    monkeypatch.setattr(new, "collect", partial(collect, seconds=300.0))
    for name, value in {**site.environ, **engine.ensure().environment(tmp_path / "engine")}.items():
        monkeypatch.setenv(name, value)
    sections = {
        "source": {"topics": [site.topic]},
        **{name: site.sections[name] for name in ("connector", "logzio", "worker")},
    }
    config = {**site.config, **{f"{NAMESPACE}:{name}": values for name, values in sections.items()}}
    made = project / f"Pulumi.{STACK}.yaml"
    made.write_text(f"# ours\n{yaml.safe_dump({'config': config})}")
    return made


def run(typed: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(new.main)
    done = CliRunner().invoke(app, ["--stack", STACK], input=typed)
    return done.exit_code, done.output


def test_a_stack_made_by_questions_and_look_ups_is_ready(
    site: Site, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The ids; then Enter for the region, the account, the bucket and no address.
    code, shown = run(f"{DESCRIBED}\n\n\n\n")

    assert code == 0, shown
    assert f"stack {STACK}: ready for `pulumi up`" in shown
    found = load_stack_file(file)
    assert (found.source.cluster, found.source.environment) == (CLUSTER, ENVIRONMENT)
    assert found.source.partitions == {site.topic: PARTITIONS}
    assert (found.region, found.archive.bucket) == (REGION, f"ccloud-audit-log-{STACK}-{ACCOUNT}")
    assert "Logz.io: account 100001" in shown
    text = file.read_text()
    assert text.startswith("# ours\n")
    assert "# Id of the audit-log cluster" in text
    assert text.count("secure:") == 3
    secrets = [site.environ[name] for name in ("CONFLUENT_CLOUD_API_SECRET", "LOGZIO_API_TOKEN")]
    assert not [secret for secret in secrets if secret in text or secret in shown]

    # The environment lacks the secrets now: the stack has them.
    for name in ("CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET", "LOGZIO_API_TOKEN"):
        monkeypatch.delenv(name)
    code, shown = run("")

    assert code == 0, shown
    assert "there is nothing to add" in shown
    assert file.read_text() == text
