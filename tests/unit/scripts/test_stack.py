"""What is asked of the `pulumi` command, which is played."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

import scripts.stack
from components.settings import SettingsError
from scripts.stack import NoStackError, PulumiError, Stack
from scripts.verify.registrations import StackRegistration
from tests.unit.components.test_settings import BY_IDS

SECRET = "planted-token"  # of a stack that is played

Pulumi = Callable[[str, int], Path]


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    """A `pulumi` that gives this answer and exit code; returns the file with what it was asked."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("LOGZIO_API_TOKEN", raising=False)

    def play(answer: str, code: int) -> Path:
        (tmp_path / "answer").write_text(answer)
        script = tmp_path / "pulumi"
        script.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" >>{tmp_path}/asked\n'
            f'cat {tmp_path}/answer\necho "what went wrong" >&2\nexit {code}\n'
        )
        script.chmod(0o755)
        return tmp_path / "asked"

    return play


URN = "urn:pulumi:prod::ccloud-logexporter::logexporter:access:ArchiveWriter$aws:iam"


def state(*resources: Mapping[str, object]) -> str:
    return json.dumps({"deployment": {"resources": list(resources)}})


def config() -> str:
    sections = {**BY_IDS, "logzio": {"apiToken": SECRET}, "writer": {"keyGenerations": [2, 3]}}
    stated = {f"ccloud-logexporter:{name}": {"value": json.dumps(value)} for name, value in sections.items()}
    return json.dumps({**stated, "aws:region": {"value": "us-west-2"}, "other:thing": {"value": "x"}})


def test_settings_are_those_of_the_stack_with_its_secrets(pulumi: Pulumi) -> None:
    asked = pulumi(config(), 0)

    given = Stack("prod").settings()

    assert given.writer.key_generations == (2, 3)
    assert given.logzio.api_token is not None
    assert given.logzio.api_token.get_secret_value() == SECRET
    assert asked.read_text().split()[:5] == ["config", "--json", "--show-secrets", "--stack", "prod"]


def test_all_problems_of_the_settings_are_reported_at_once(pulumi: Pulumi) -> None:
    pulumi("{}", 0)

    with pytest.raises(SettingsError) as caught:
        Stack("prod").settings()

    assert len(caught.value.problems) > 3


def test_a_section_that_is_not_an_object_is_refused(pulumi: Pulumi) -> None:
    stated = json.loads(config())
    stated["ccloud-logexporter:writer"]["value"] = "no JSON"
    pulumi(json.dumps(stated), 0)

    with pytest.raises(SettingsError, match="ccloud-logexporter:writer: is not an object"):
        Stack("prod").settings()


def test_the_keys_in_the_state_are_grouped_by_identity(pulumi: Pulumi) -> None:
    pulumi(
        state(
            {"type": "aws:iam/accessKey:AccessKey", "urn": f"{URN}::writer-key-1"},
            {"type": "aws:iam/accessKey:AccessKey", "urn": f"{URN}::writer-key-2"},
            {"type": "aws:iam/user:User", "urn": f"{URN}::writer"},
            {"type": "aws:kms/key:Key", "urn": f"{URN}::other-key-3"},
            {"type": "aws:iam/accessKey:AccessKey", "urn": f"{URN}::writer-key-4", "delete": True},
        ),
        0,
    )

    assert Stack("prod").keys() == {"writer": {1, 2}}


def test_the_account_of_a_stack_is_that_of_its_parameters(pulumi: Pulumi) -> None:
    arn = "arn:aws:ssm:us-west-2:123456789012:parameter/ccloud-logexporter/prod/kafka-credentials"
    parameter = {
        "type": "aws:ssm/parameter:Parameter",
        "urn": f"{URN}::worker-kafka",
        "outputs": {"arn": arn},
    }
    pulumi(state(parameter), 0)
    assert Stack("prod").aws_account() == "123456789012"
    pulumi(state(), 0)
    assert Stack("prod").aws_account() is None


def test_the_profile_is_that_of_the_stack(pulumi: Pulumi) -> None:
    pulumi('{"aws:profile": {"value": "security"}}', 0)
    assert Stack("prod").aws_profile() == "security"
    pulumi("{}", 0)
    assert Stack("prod").aws_profile() is None


def test_a_stack_that_was_never_made_has_no_keys(pulumi: Pulumi) -> None:
    pulumi('{"deployment": {}}', 0)

    assert Stack("prod").keys() == {}


def test_generations_are_written_in_one_call(pulumi: Pulumi) -> None:
    asked = pulumi("", 0)

    Stack("prod").set_generations({"source": (1, 2), "writer": (3, 4)})

    assert asked.read_text().split()[:7] == [
        "config",
        "set-all",
        "--path",
        "--plaintext=ccloud-logexporter:source.keyGenerations[0]=1",
        "--plaintext=ccloud-logexporter:source.keyGenerations[1]=2",
        "--plaintext=ccloud-logexporter:writer.keyGenerations[0]=3",
        "--plaintext=ccloud-logexporter:writer.keyGenerations[1]=4",
    ]


def test_the_older_generation_is_dropped(pulumi: Pulumi) -> None:
    asked = pulumi("", 0)

    Stack("prod").drop_generation("writer")

    assert asked.read_text().split()[:4] == [
        "config",
        "rm",
        "--path",
        "ccloud-logexporter:writer.keyGenerations[0]",
    ]


def test_up_asks_the_person_unless_told_not_to(pulumi: Pulumi) -> None:
    asked = pulumi("", 0)
    Stack("prod").up(yes=False)
    assert asked.read_text().split() == ["up", "--stack", "prod"]
    asked.unlink()
    Stack("prod").up(yes=True)
    assert asked.read_text().split() == ["up", "--stack", "prod", "--yes", "--skip-preview"]


def test_a_command_that_fails_says_what_went_wrong_and_no_secret(pulumi: Pulumi) -> None:
    pulumi(config(), 255)

    with pytest.raises(PulumiError) as caught:
        Stack("prod").settings()

    assert str(caught.value) == "`pulumi config --json` failed: what went wrong"
    assert SECRET not in repr(caught.value)
    with pytest.raises(PulumiError, match="`pulumi up` failed"):
        Stack("prod").up(yes=True)


def test_a_missing_pulumi_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(PulumiError, match="no `pulumi` on PATH"):
        Stack("prod").keys()


def test_a_stack_of_an_organisation_has_a_short_name() -> None:
    assert Stack("acme/prod").short_name == "prod"
    assert Stack("prod").short_name == "prod"
    assert Stack("acme/ccloud-logexporter/prod").short_name == "prod"


def test_the_name_of_another_project_is_part_of_the_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Stack("acme/prod").owner == "prod"

    monkeypatch.setattr(scripts.stack, "ROOT", tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: audit\nruntime: python\n")

    assert Stack("acme/prod").owner == "audit/prod"


REGISTRATION_TYPE = "pulumi-python:dynamic/logexporter:LogzioRegistration"
REGISTRATION = f"urn:pulumi:prod::ccloud-logexporter::{REGISTRATION_TYPE}::logzio-audit-0"
ENCRYPTED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}


def test_registrations_in_the_state_have_their_time_of_creation_if_recorded(pulumi: Pulumi) -> None:
    prefix = "topics/audit/partition=0/"
    made = {"prefix": prefix, "role_arn": "arn:x", "secret_key": ENCRYPTED}
    resources: list[Mapping[str, object]] = [
        {"urn": REGISTRATION, "type": REGISTRATION_TYPE, "id": "7", "outputs": made},
        {
            "urn": REGISTRATION,
            "type": REGISTRATION_TYPE,
            "id": "8",
            "outputs": {"prefix": prefix, "access_key": ENCRYPTED, "created_at": "2026-01-02T03:04:05+00:00"},
        },
        {"urn": REGISTRATION, "type": REGISTRATION_TYPE, "id": "6", "outputs": made, "delete": True},
    ]
    pulumi(state(*resources), 0)

    assert Stack("prod").registrations() == [
        StackRegistration(7, prefix, "arn:x"),
        StackRegistration(8, prefix, created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ]


def test_the_endpoint_of_kafka_is_the_one_that_the_stack_found(pulumi: Pulumi) -> None:
    source = {
        "urn": "urn:pulumi:prod::ccloud-logexporter::logexporter:source:AuditLogSource::audit-log",
        "type": "logexporter:source:AuditLogSource",
        "outputs": {"bootstrapServers": "pkc-1.us-west-2.aws.confluent.cloud:9092"},
    }
    pulumi(state(source), 0)

    assert Stack("prod").bootstrap_servers() == "pkc-1.us-west-2.aws.confluent.cloud:9092"


def test_a_stack_that_was_never_made_has_no_endpoint_and_no_registrations(pulumi: Pulumi) -> None:
    pulumi(state(), 0)

    assert Stack("prod").bootstrap_servers() is None
    assert Stack("prod").registrations() == []


def test_a_secret_is_given_on_standard_input_and_is_no_argument(tmp_path: Path, pulumi: Pulumi) -> None:
    asked = pulumi("", 0)
    (tmp_path / "pulumi").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{asked}\ncat >{tmp_path}/given\n')

    Stack("prod").set_secret("logzio.apiToken", SECRET)

    assert (tmp_path / "given").read_text() == SECRET
    assert SECRET not in asked.read_text()
    assert asked.read_text().split()[:5] == [
        *("config", "set", "--secret", "--path", "ccloud-logexporter:logzio.apiToken")
    ]


def test_a_secret_of_another_namespace_is_no_path(pulumi: Pulumi) -> None:
    asked = pulumi("", 0)

    Stack("prod").set_secret("confluentcloud:cloudApiKey", SECRET)

    assert asked.read_text().split()[:4] == ["config", "set", "--secret", "confluentcloud:cloudApiKey"]


def test_a_missing_stack_is_told_from_other_errors(tmp_path: Path, pulumi: Pulumi) -> None:
    pulumi("", 1)
    with pytest.raises(PulumiError) as other:
        Stack("prod").init()
    (tmp_path / "pulumi").write_text("#!/bin/sh\necho \"error: no stack named 'prod' found\" >&2; exit 1\n")
    with pytest.raises(NoStackError):
        _ = Stack("prod").config

    assert not isinstance(other.value, NoStackError)


def test_the_stack_file_is_the_one_that_pulumi_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts.stack, "ROOT", tmp_path)
    assert Stack("acme/prod").file == tmp_path / "Pulumi.prod.yaml"

    monkeypatch.setenv("PULUMI_OPTION_CONFIG_FILE", "elsewhere/prod.yaml")
    assert Stack("acme/prod").file == Path("elsewhere/prod.yaml")
