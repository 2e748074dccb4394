"""Where the settings and the secrets come from. `pulumi` is played, or not there."""

import json
from pathlib import Path

import pytest
import yaml

import scripts.preflight.target
from scripts.preflight.target import Running, Target, TargetError
from tests.unit.components.test_settings import BY_ENDPOINT, BY_IDS

ENCRYPTED = {"secure": "v1:abc"}


@pytest.fixture
def stack_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pulumi.prod.yaml of a checkout, on a machine without `pulumi`."""
    (tmp_path / "Pulumi.yaml").write_text("name: ccloud-logexporter\n")
    monkeypatch.setattr(scripts.stack, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "Pulumi.prod.yaml"


def write(file: Path, sections: dict[str, object], **more: object) -> None:
    config = {f"ccloud-logexporter:{name}": value for name, value in sections.items()}
    file.write_text(yaml.safe_dump({"config": {"aws:region": "us-west-2", **config, **more}}))


def test_a_stack_that_is_not_initialised_is_read_from_its_file(stack_file: Path) -> None:
    write(stack_file, {**BY_IDS, "logzio": {"apiToken": ENCRYPTED}})

    found = Target.read("organisation/prod", {})

    assert found.settings is not None
    assert found.stack == "prod"
    assert found.region == "us-west-2"
    assert found.running == Running()
    assert "no `pulumi` on PATH" in str(found.no_secrets)


def test_secrets_that_nobody_can_decrypt_are_not_at_hand(stack_file: Path) -> None:
    source = {**BY_ENDPOINT["source"], "apiSecret": ENCRYPTED}
    encrypted = {"confluentcloud:cloudApiKey": ENCRYPTED, "confluentcloud:cloudApiSecret": ENCRYPTED}
    write(stack_file, {**BY_ENDPOINT, "source": source, "logzio": {"apiToken": ENCRYPTED}}, **encrypted)

    found = Target.read("prod", {})

    assert (found.logzio_token, found.kafka_key, found.cloud_key) == (None, None, None)


def test_secrets_come_from_the_environment(stack_file: Path) -> None:
    write(stack_file, BY_IDS)
    names = ("KAFKA_API_KEY", "KAFKA_API_SECRET", "CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET")

    found = Target.read("prod", {**{name: name.lower() for name in names}, "LOGZIO_API_TOKEN": "a-token"})

    assert found.kafka_key == ("kafka_api_key", "kafka_api_secret")
    assert found.cloud_key == ("confluent_cloud_api_key", "confluent_cloud_api_secret")
    assert found.logzio_token == "a-token"


def test_every_problem_of_the_file_is_kept(stack_file: Path) -> None:
    write(stack_file, {"archive": {"bucket": "Not_A_Bucket"}, "worker": {"heapMb": "many"}})

    found = Target.read("prod", {})

    assert found.settings is None
    assert len(found.problems) >= 3


def test_without_stack_and_file_there_is_nothing_to_check(stack_file: Path) -> None:
    with pytest.raises(TargetError, match=r"there is no Pulumi\.prod\.yaml"):
        Target.read("prod", {})
    assert not stack_file.exists()


def test_an_initialised_stack_gives_its_secrets_and_what_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections = {
        f"ccloud-logexporter:{name}": {"value": json.dumps(value)} for name, value in BY_ENDPOINT.items()
    }
    cloud = {
        "confluentcloud:cloudApiKey": {"value": "K"},
        "confluentcloud:cloudApiSecret": {"value": "cloud"},
    }
    made = [
        {"type": "aws:s3/bucket:Bucket", "urn": "urn::b", "outputs": {"bucket": "logexporter-ccloud"}},
        {"type": "aws:ec2/instance:Instance", "urn": "urn::i", "outputs": {"ami": "ami-1"}},
        {"type": "pulumi:pulumi:Stack", "urn": "urn::s", "outputs": {"architecture": "arm64"}},
    ]
    (tmp_path / "config").write_text(json.dumps({"aws:region": {"value": "us-west-2"}, **sections, **cloud}))
    (tmp_path / "stack").write_text(json.dumps({"deployment": {"resources": made}}))
    played = tmp_path / "pulumi"
    played.write_text(f'#!/bin/sh\ncat "{tmp_path}/$1"\n')
    played.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    found = Target.read("prod", {})

    assert found.no_secrets is None
    assert found.kafka_key == (BY_ENDPOINT["source"]["apiKey"], BY_ENDPOINT["source"]["apiSecret"])
    assert found.cloud_key == ("K", "cloud")
    assert found.logzio_token == BY_ENDPOINT["logzio"]["apiToken"]
    assert found.running == Running(
        buckets=frozenset({"logexporter-ccloud"}),
        has_vm=True,
        images=frozenset({"ami-1"}),
        architecture="arm64",
    )
