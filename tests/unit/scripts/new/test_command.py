"""make new as a command; the systems and `pulumi` are played."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

import scripts.new.present
import scripts.stack
from components.settings import load_stack_file
from scripts.new import __main__ as new
from scripts.new import lookup
from scripts.preflight.aws import Aws
from scripts.preflight.collect import Asker
from scripts.preflight.model import Account, CheckError, Cluster, Identity, Owned, State

TOPIC = "confluent-audit-log-events"
DESCRIBED = (
    '{\n  "cluster_id": "lkc-abc12",\n  "environment_id": "env-abc12",\n'
    f'  "service_account_id": "sa-abc12",\n  "topic_name": "{TOPIC}"\n}}\n'
)
SECRETS = {
    "CONFLUENT_CLOUD_API_KEY": "CLOUDKEY4711",
    "CONFLUENT_CLOUD_API_SECRET": "planted-cloud-secret",
    "LOGZIO_API_TOKEN": "planted-logzio-token",
}
KAFKA = {"KAFKA_API_KEY": "KAFKAKEY4711", "KAFKA_API_SECRET": "planted-kafka-secret"}
FREE = "ccloud-audit-log-prod-123456789012"
UNREACHABLE = CheckError("does not answer", "check the network")


@dataclass
class World:
    """The played systems. A CheckError is raised in place of an answer."""

    folder: Path
    cluster: Cluster | CheckError = field(
        default_factory=lambda: Cluster("pkc-abc12.us-west-2.aws.confluent.cloud:9092", "us-west-2", "AWS")
    )
    partitions: dict[str, int] | CheckError = field(default_factory=lambda: {TOPIC: 6})
    caller: Identity | CheckError = field(
        default_factory=lambda: Identity("123456789012", "arn:aws:iam::123456789012:user/deployer")
    )
    buckets: dict[str, Owned] = field(default_factory=dict)
    regions: Mapping[str, Account | CheckError] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.folder / "Pulumi.prod.yaml"

    @property
    def config(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(self.file.read_text())["config"]
        return found

    def asked(self) -> list[str]:
        """The arguments of each `pulumi`."""
        asked = self.folder / "asked"
        return asked.read_text().splitlines() if asked.exists() else []

    def stored(self) -> dict[str, str]:
        """What `pulumi config set` got on its standard input, by setting."""
        return {file.name.removeprefix("stored."): file.read_text() for file in self.folder.glob("stored.*")}


def _answer(found: Any) -> Any:
    if isinstance(found, CheckError):
        raise found
    return found


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Systems where all is in order, on a machine with `pulumi` and without secrets in the environment."""
    made = World(tmp_path)
    refused = CheckError("Logz.io: Insufficient privileges", "set the token", State.BROKEN)
    made.regions = {f"https://api{suffix}.logz.io": refused for suffix in ("", "-au", "-ca", "-uk")}
    made.regions = {**made.regions, "https://api-eu.logz.io": Account("4711")}
    monkeypatch.setattr(scripts.new.present, "ROOT", tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: ccloud-logexporter\n")
    monkeypatch.setattr(scripts.stack, "ROOT", tmp_path)
    monkeypatch.setattr(Asker, "questions", lambda _: {})
    for name in (*SECRETS, *KAFKA):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(lookup, "cluster", lambda *_: _answer(made.cluster))
    monkeypatch.setattr(lookup, "partitions", lambda *_: _answer(made.partitions))
    monkeypatch.setattr(lookup, "caller", lambda *_: (Aws(None), _answer(made.caller)))  # type: ignore[arg-type]
    monkeypatch.setattr(
        lookup, "bucket_owner", lambda _session, name, _account: made.buckets.get(name, Owned.NOBODY)
    )
    monkeypatch.setattr(lookup, "logzio_account", lambda _token, url: _answer(made.regions[url]))
    script = tmp_path / "pulumi"
    script.write_text(
        f"""#!/bin/sh
cd {tmp_path}
echo "$*" >>asked
case "$1 $2" in
  "config --json") [ -f initialised ] || {{ echo "error: no stack named 'prod' found" >&2; exit 1; }}; echo "{{}}" ;;
  "stack init") touch initialised ;;
  "stack export") echo '{{"deployment": {{}}}}' ;;
  "config set") [ "$4" = --path ] && name=$5 || name=$4; cat >"stored.$name" ;;
esac
"""
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return made


def run(*arguments: str, typed: str | None = None) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(new.main)
    done = CliRunner().invoke(app, ["--stack", "prod", *arguments], input=typed)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def at_hand(monkeypatch: pytest.MonkeyPatch, secrets: Mapping[str, str]) -> None:
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)


# What a person types, from the first question to the last.
TYPED = (
    f"{DESCRIBED}CLOUDKEY4711\nplanted-cloud-secret\n12\n\ny\n\nplanted-logzio-token\n\non-call@example.com\n"
)


def test_a_person_is_asked_and_looked_up_answers_are_suggested(world: World) -> None:
    _, shown = run(typed=TYPED)

    found = load_stack_file(world.file)
    assert (found.source.cluster, found.source.environment) == ("lkc-abc12", "env-abc12")
    assert found.source.service_account == "sa-abc12"
    assert found.source.partitions == {TOPIC: 12}
    assert (found.region, found.archive.bucket, found.logzio.region) == ("us-west-2", FREE, "eu")
    assert found.alarms.email == ("on-call@example.com",)
    assert "AWS account: 123456789012 (arn:aws:iam::123456789012:user/deployer)" in shown
    assert "Logz.io: account 4711, region eu" in shown
    assert "stack prod:" in shown.splitlines()[-2]
    assert world.stored() == {
        "confluentcloud:cloudApiKey": "CLOUDKEY4711",
        "confluentcloud:cloudApiSecret": "planted-cloud-secret",
        "ccloud-logexporter:logzio.apiToken": "planted-logzio-token",
    }


def test_no_secret_is_shown_in_the_file_or_an_argument(world: World) -> None:
    world.regions = dict.fromkeys(world.regions, UNREACHABLE)

    _, shown = run(typed=TYPED.replace("-token\n", "-token\neu"))

    for text in (shown, world.file.read_text(), "\n".join(world.asked())):
        assert "planted" not in text
        assert "CLOUDKEY" not in text
    assert "planted-logzio-token" in world.stored().values()


def test_flags_and_environment_answer_everything(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand(monkeypatch, {**SECRETS, **KAFKA})
    (world.folder / "described.json").write_text(DESCRIBED)

    run("--yes", "--audit-log", str(world.folder / "described.json"), "--email", "a@example.com")

    found = load_stack_file(world.file)
    assert found.source.partitions == {TOPIC: 6}
    assert (found.region, found.archive.bucket, found.logzio.region) == ("us-west-2", FREE, "eu")
    assert found.alarms.email == ("a@example.com",)
    assert set(world.stored().values()) == set(SECRETS.values())


def test_what_describe_prints_can_be_piped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand(monkeypatch, {**SECRETS, **KAFKA})

    run("--yes", "--audit-log", "-", typed=DESCRIBED.replace(TOPIC, "another-topic"))

    assert world.config["ccloud-logexporter:source"]["topics"] == ["another-topic"]
    assert world.config["ccloud-logexporter:source"]["cluster"] == "lkc-abc12"


def test_each_missing_answer_is_named_by_its_flag_and_nothing_is_written(world: World) -> None:
    world.caller = UNREACHABLE

    code, shown = run("--yes")

    assert code == 2
    for name in (
        *("--cluster", "--environment", "--service-account", "--partitions", "--region", "--bucket"),
        *("--logzio-region", *SECRETS),
    ):
        assert f"\n  {name}" in shown, shown
    assert not world.file.exists()
    assert not [line for line in world.asked() if "init" in line or "set" in line]


def test_a_second_run_asks_nothing_and_changes_nothing(world: World) -> None:
    run(typed=TYPED)
    text = world.file.read_text() + (
        "  confluentcloud:cloudApiKey: {secure: v1:a}\n  confluentcloud:cloudApiSecret: {secure: v1:b}\n"
    ).replace("{", "\n    ").replace("}", "")
    text = text.replace("    region: eu", "    region: eu\n    apiToken:\n      secure: v1:c")
    world.file.write_text(text)
    asked = len(world.asked())

    _, shown = run(typed="")

    assert "there is nothing to add" in shown
    assert world.file.read_text() == text
    assert not [line for line in world.asked()[asked:] if "set" in line or "init" in line]


def test_an_interruption_keeps_the_answers_and_the_next_run_asks_for_the_rest(world: World) -> None:
    code, shown = run(typed=TYPED.partition("12\n\ny")[0])

    assert code == 1
    assert "interrupted; `make new STACK=prod` asks for the rest" in shown
    assert set(world.config["ccloud-logexporter:source"]) == {"cluster", "environment", "serviceAccount"}
    before = world.file.read_text().splitlines()

    run(typed="CLOUDKEY4711\nplanted-cloud-secret\n12\n\ny\nmy-own-bucket\nplanted-logzio-token\n\n\n")

    found = load_stack_file(world.file)
    assert (found.source.partitions, found.archive.bucket) == ({TOPIC: 12}, "my-own-bucket")
    assert world.config["ccloud-logexporter:alarms"] == {"email": []}
    assert [line for line in before if line not in world.file.read_text().splitlines()] == []


def test_a_wrong_answer_is_asked_again(world: World) -> None:
    world.buckets = {"taken-bucket": Owned.ANOTHER_ACCOUNT, FREE: Owned.ANOTHER_ACCOUNT}

    _, shown = run(
        typed=TYPED.replace("12\n\ny\n\n", "many\n0\n12\neu-north-1\n\ny\nNo_Bucket\ntaken-bucket\n\n")
    )

    assert "is not a number" in shown
    assert "accepted: us-east-1" in shown
    assert "is not a bucket name" in shown
    assert "belongs to somebody else" in shown
    # The first candidate is taken: the next one is suggested.
    assert load_stack_file(world.file).archive.bucket == f"{FREE}-2"


def test_a_refused_key_is_not_kept(world: World) -> None:
    world.cluster = CheckError("Confluent Cloud refuses the Cloud API key", "make one", State.BROKEN)

    code, shown = run(typed=TYPED)

    assert code == 1
    assert "refuses the Cloud API key; make one" in shown
    assert world.stored() == {}
    assert not world.file.exists()


def test_a_token_that_no_region_accepts_is_not_kept(world: World) -> None:
    world.regions = dict.fromkeys(world.regions, CheckError("refused", "set it", State.BROKEN))

    code, shown = run(typed=TYPED)

    assert code == 1
    assert "not kept: LOGZIO_API_TOKEN" in shown
    assert "ccloud-logexporter:logzio.apiToken" not in world.stored()
    assert world.config["ccloud-logexporter:archive"] == {"bucket": FREE}


def test_without_pulumi_the_file_is_written_and_the_rest_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.folder / "pulumi").unlink()
    monkeypatch.setenv("PATH", str(world.folder))

    code, shown = run(typed=TYPED)

    assert code == 2
    assert load_stack_file(world.file).logzio.region == "eu"
    assert shown.partition("left to do:\n")[2].splitlines() == [
        "  pulumi stack init prod",
        "  pulumi config set --secret confluentcloud:cloudApiKey --stack prod",
        "  pulumi config set --secret confluentcloud:cloudApiSecret --stack prod",
        "  pulumi config set --secret --path ccloud-logexporter:logzio.apiToken --stack prod",
        "  make preflight STACK=prod",
    ]


def test_without_the_passphrase_only_the_secrets_are_left(world: World) -> None:
    (world.folder / "pulumi").write_text('#!/bin/sh\necho "error: passphrase must be set" >&2\nexit 1\n')
    world.file.write_text("encryptionsalt: v1:abc\n")

    code, shown = run(typed=TYPED)

    assert code == 2
    assert (
        "note: no secret can be stored: `pulumi config --json` failed: error: passphrase must be set" in shown
    )
    assert "stack init" not in shown.partition("left to do:")[2]
    assert load_stack_file(world.file).logzio.region == "eu"


def test_a_secret_that_pulumi_refuses_is_left_to_do(world: World) -> None:
    script = world.folder / "pulumi"
    script.write_text(
        script.read_text().replace('"config set")', '"config set") [ "$4" = --path ] && exit 1;')
    )

    _, shown = run(typed=TYPED)

    assert shown.partition("left to do:\n")[2].splitlines() == [
        "  pulumi config set --secret --path ccloud-logexporter:logzio.apiToken --stack prod",
        "  make preflight STACK=prod",
    ]


def test_with_no_system_in_reach_the_flags_are_enough(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand(monkeypatch, {**SECRETS, **KAFKA})
    world.cluster = world.partitions = world.caller = UNREACHABLE
    world.regions = dict.fromkeys(world.regions, UNREACHABLE)

    _, shown = run(
        *("--yes", "--cluster", "lkc-abc12", "--environment", "env-abc12", "--service-account", "sa-abc12"),
        *(
            "--partitions",
            "3",
            "--region",
            "us-west-2",
            "--bucket",
            "example-bucket",
            "--logzio-region",
            "us",
        ),
    )

    assert load_stack_file(world.file).source.partitions == {TOPIC: 3}
    assert shown.count("note: does not answer; check the network") == 3
    assert set(world.stored().values()) == set(SECRETS.values())


def test_a_given_endpoint_needs_no_ids_and_no_cloud_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_hand(monkeypatch, {**KAFKA, "LOGZIO_API_TOKEN": "planted-logzio-token"})

    run(
        "--yes",
        "--bootstrap-servers",
        "pkc-abc12.us-west-2.aws.confluent.cloud:9092",
        "--region",
        "us-west-2",
    )

    assert world.config["ccloud-logexporter:source"] == {
        "bootstrapServers": "pkc-abc12.us-west-2.aws.confluent.cloud:9092",
        "apiKey": "KAFKAKEY4711",
        "partitions": {TOPIC: 6},
    }
    assert world.stored()["ccloud-logexporter:source.apiSecret"] == "planted-kafka-secret"


def test_a_wrong_flag_is_an_error_that_names_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand(monkeypatch, {**SECRETS, **KAFKA})
    ids = ("--cluster", "lkc-abc12", "--environment", "env-abc12", "--service-account", "sa-abc12")

    for wrong, text in (
        (("--cluster", "LKC"), "--cluster: does not have the expected form; accepted: lkc-"),
        (("--partitions", "7"), f"--partitions: {TOPIC} has 6 partitions"),
        (("--bucket", "a.b.c"), "--bucket: has a dot"),
        (("--email", "nobody"), "--email: is not an address"),
        (("--region", "mars-1"), "--region: Logz.io reads no bucket of this region"),
    ):
        code, shown = run("--yes", *ids, *wrong)

        assert (code, text in shown) == (1, True), shown
        assert not world.file.exists()


def test_a_bucket_of_the_account_is_taken_over_only_on_demand(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_hand(monkeypatch, {**SECRETS, **KAFKA})
    world.buckets = {"our-bucket": Owned.THIS_ACCOUNT}
    (world.folder / "d.json").write_text(DESCRIBED)
    arguments = ("--yes", "--audit-log", str(world.folder / "d.json"), "--bucket", "our-bucket")

    refused, shown = run(*arguments)
    run(*arguments, "--adopt-existing")

    assert (refused, "--adopt-existing" in shown) == (1, True)
    assert load_stack_file(world.file).archive.adopt_existing


def test_the_wrong_account_ends_it_before_a_bucket_is_named(world: World) -> None:
    code, shown = run(typed=TYPED.replace("12\n\ny\n", "12\n\nn\n"))

    assert code == 1
    assert "AWS_PROFILE" in shown
    assert "ccloud-logexporter:archive" not in world.config


def test_a_file_that_somebody_changed_meanwhile_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*_: object) -> Cluster:
        world.file.write_text("config:\n  aws:region: us-east-1\n")
        return Cluster("pkc-abc12.us-west-2.aws.confluent.cloud:9092", "us-west-2")

    monkeypatch.setattr(lookup, "cluster", meanwhile)

    code, shown = run(typed=TYPED)

    assert code == 1
    assert "somebody changed Pulumi.prod.yaml meanwhile" in shown
    assert world.file.read_text() == "config:\n  aws:region: us-east-1\n"
    # Nor is a part of a file left over.
    assert {file.name for file in world.folder.iterdir() if "Pulumi" in file.name} == {
        "Pulumi.yaml",
        "Pulumi.prod.yaml",
    }


def test_a_file_that_is_no_stack_file_is_refused(world: World) -> None:
    world.file.write_text("config: [")

    code, shown = run(typed=TYPED)

    assert code == 1
    assert "Pulumi.prod.yaml: is not a stack file" in shown
    assert world.file.read_text() == "config: ["


def test_a_file_of_stack_init_gets_the_settings(world: World) -> None:
    world.file.write_text("encryptionsalt: v1:abc\n")

    run(typed=TYPED)

    assert load_stack_file(world.file).archive.bucket == FREE
    assert world.file.read_text().startswith("encryptionsalt: v1:abc\n")


def test_the_name_of_a_stack_is_no_path() -> None:
    app = typer.Typer()
    app.command()(new.main)

    done = CliRunner().invoke(app, ["--stack", "a/b/c/../../x"])

    assert done.exit_code == 1
    assert "--stack: is not the name of a stack" in done.output


def test_no_option_takes_a_secret() -> None:
    _, shown = run("--help")

    assert not [word for word in ("token", "secret", "password") if f"--{word}" in shown.lower()]
