"""make preflight against a real broker, the local AWS, emulators and a package repository: how each fault is named."""

import json
import os
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from components import deployer, policies, settings
from components.owner import Owner
from components.settings import NAMESPACE, Settings
from local.base import processes
from local.stack.deployment import REGION, aws_client, aws_environment
from local.systems.aws.accounts import ACCOUNT
from local.systems.aws.images import UBUNTU_AMI, UBUNTU_ARM_AMI
from local.systems.confluent_cloud import server as confluent_cloud
from local.systems.confluent_cloud.server import Organisation
from local.systems.kafka import client as kafka_client
from local.systems.kafka import users
from local.systems.logzio.server import Emulator
from local.systems.packages import debs
from local.systems.plugins.confluentcloud.cloud import Cluster
from scripts.preflight.collect import Asker, collect
from scripts.preflight.evaluate import evaluate, exit_code
from scripts.preflight.model import Finding, State
from scripts.preflight.target import Running, Target
from tests.local import kafka_support, packages_support
from tests.local.aws import clients
from tests.local.logzio.test_fetcher import aws
from tests.local.logzio_support import BODY, BUCKETS, api, running

__all__ = ["aws"]

STACK = "prod"
CLUSTER, ENVIRONMENT, SERVICE_ACCOUNT = "lkc-local1", "env-local1", "sa-local1"
PARTITIONS = 3
READER = "READER"

Sections = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class World:
    """The servers of this module."""

    state: Path
    endpoint: str
    organisation: Organisation
    cloud_url: str
    packages: Mapping[str, Any]

    def aws(self, service: str) -> Any:
        return aws_client(self.state, self.endpoint, service)


@dataclass
class Site:
    """A new stack for which all is in order, until a test breaks something.

    `sections`: its settings. `config`: its further configuration. `environ`: the caller's environment.
    """

    world: World
    logzio: Emulator
    topic: str
    bucket: str
    sections: Sections
    config: dict[str, Any]
    environ: dict[str, str]
    running: Running = field(default_factory=Running)
    ends: list[Callable[[], object]] = field(default_factory=list)

    def settings(self) -> Settings:
        environ = {"LOGZIO_API_TOKEN": self.environ.get("LOGZIO_API_TOKEN", "none-at-hand")}
        return settings.load(self.sections, region=REGION, environ=environ)

    def target(self) -> Target:
        return Target(
            STACK,
            {"aws:region": REGION, **self.config},
            self.settings(),
            running=self.running,
            environ=self.environ,
        )

    def findings(self, check: str, *, download: bool = False) -> list[Finding]:
        """The findings of one check."""
        asker = Asker(self.target(), download=download)
        asker.questions = lambda: {check: Asker.questions(asker)[check]}  # type: ignore[method-assign]  # one of them
        found = evaluate(collect(asker, seconds=120.0))
        return [finding for finding in found if finding.check == check]

    def by_endpoint(self, key: str, secret: str) -> None:
        """Gives the endpoint and an API key instead of the three ids."""
        source = self.sections["source"]
        for name in ("cluster", "environment", "serviceAccount"):
            del source[name]
        source.update(bootstrapServers=self.world.organisation.broker.bootstrap, apiKey=key, apiSecret=secret)

    def as_user(self, statements: list[policies.Statement]) -> None:
        """The caller becomes an IAM user with these rights."""
        iam, name = self.world.aws("iam"), f"limited-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policies.to_json(statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.config["aws:accessKey"], self.config["aws:secretKey"] = (
            key["AccessKeyId"],
            key["SecretAccessKey"],
        )

    def least(self) -> list[policies.Statement]:
        return deployer.statements(self.settings(), Owner(NAMESPACE, STACK), ACCOUNT)


@contextmanager
def served(organisation: Organisation) -> Iterator[str]:
    server = confluent_cloud.bind(organisation)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def world(aws: tuple[Path, str]) -> Iterator[World]:
    """One broker, one AWS, one package repository and one Confluent Cloud for the whole module."""
    state, endpoint = aws
    kafka_support.start_broker(state)
    users.add(users.file(state), READER, "reader-secret-of-a-test")
    packages = packages_support.start(state)
    broker = Cluster(str(kafka_client.client_config(state)["bootstrap.servers"]), users.file(state))
    organisation = Organisation(broker)
    with served(organisation) as url:
        yield World(state, endpoint, organisation, url, packages)
    processes.stop(state, "packages")
    processes.stop(state, "kafka")


@pytest.fixture
def site(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A new stack without a fault."""
    for name, value in aws_environment(world.state, world.endpoint).items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "LOGZIO_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # The machine may be busy; what a test waits for comes at once on a quiet one.
    monkeypatch.setattr("scripts.preflight.kafka_client.SECONDS", 20.0)
    world.organisation.broker.keys.unlink(missing_ok=True)
    name = uuid.uuid4().hex[:12]
    topic = f"audit-{name}"
    kafka_support.create_topic(world.state, topic, PARTITIONS)
    with running(tmp_path) as logzio:
        made = Site(
            world=world,
            logzio=logzio,
            topic=topic,
            bucket=f"bucket-{name}",
            sections={
                "source": {
                    "cluster": CLUSTER,
                    "environment": ENVIRONMENT,
                    "serviceAccount": SERVICE_ACCOUNT,
                    "topics": [topic],
                    "partitions": {topic: PARTITIONS},
                },
                "archive": {"bucket": f"bucket-{name}"},
                "alarms": {"email": ["security@example.com"]},
                "connector": {
                    "archiveUrl": world.packages["archive_url"],
                    "archiveSha256": world.packages["archive_sha256"],
                },
                "logzio": {"apiUrl": logzio.url},
                "worker": {
                    "repositoryUrl": world.packages["repository_url"],
                    "repositoryKeyFingerprint": [world.packages["key_fingerprint"]],
                },
            },
            config={"confluentcloud:endpoint": world.cloud_url},
            environ={
                "CONFLUENT_CLOUD_API_KEY": world.organisation.key,
                "CONFLUENT_CLOUD_API_SECRET": world.organisation.secret,
                "KAFKA_API_KEY": users.ADMIN,
                "KAFKA_API_SECRET": str(kafka_client.client_config(world.state)["sasl.password"]),
                "LOGZIO_API_TOKEN": logzio.token,
                "SSL_CERT_FILE": str(kafka_client.ca_file(world.state)),
            },
        )
        yield made
        for end in reversed(made.ends):
            end()


def test_a_stack_without_a_fault_is_ready(site: Site) -> None:
    report = collect(Asker(site.target(), download=True), seconds=300.0)

    findings = evaluate(report)

    warnings = [finding for finding in findings if finding.state is State.WARNING]
    assert [finding for finding in findings if finding.state in (State.BROKEN, State.UNKNOWN)] == []
    # The platform's end of support comes nearer with the days.
    assert {finding.check for finding in warnings} <= {"support"}
    assert exit_code(findings) == 0
    assert {finding.check for finding in findings} == {"settings", "support", *report.answers}


def test_an_own_cluster_in_order_is_ready(site: Site) -> None:
    by_an_own_cluster(site, name=site.topic)
    (before,) = site.findings("Connect's cluster")
    for what in ("configs", "status"):
        a_state_topic(site, what, 1, "compact")

    (found,) = site.findings("Connect's cluster")

    assert (before.state, found.state) == (State.OK, State.OK)
    assert "no topics yet" in before.text
    assert f"has {site.topic}-configs, {site.topic}-status" in found.text


# --- broken set-ups: each breaks one thing of a stack without a fault


def no_aws_credentials(site: Site) -> None:
    site.config["aws:profile"] = "nobody-made-this-profile"


def refused_aws_key(site: Site) -> None:
    site.config.update({"aws:accessKey": "AKIAIOSFODNN7EXAMPLE", "aws:secretKey": "a-secret-of-nobody"})


def another_account_than_the_stacks(site: Site) -> None:
    site.running = replace(site.running, account="999999999999")


def two_permissions_are_missing(site: Site) -> None:
    missing = {"iam:PassRole", "s3:PutBucketPolicy"}
    site.as_user(
        [
            replace(statement, actions=[name for name in statement.actions if name not in missing])
            for statement in site.least()
            if set(statement.actions) - missing
        ]
    )


def the_simulation_is_not_allowed(site: Site) -> None:
    site.as_user(
        [statement for statement in site.least() if "iam:SimulatePrincipalPolicy" not in statement.actions]
    )


def a_role_that_cannot_be_assumed(site: Site) -> None:
    site.config["aws:assumeRoles"] = json.dumps([{"roleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"}])


def no_vpc_is_left(site: Site) -> None:
    ec2 = site.world.aws("ec2")
    while len(ec2.describe_vpcs()["Vpcs"]) < 5:
        made = ec2.create_vpc(CidrBlock="10.9.0.0/24")["Vpc"]["VpcId"]
        site.ends.append(partial(ec2.delete_vpc, VpcId=made))


def more_vcpus_than_the_quota(site: Site) -> None:
    site.sections["worker"].update(count=3)


def a_quota_that_cannot_be_read(site: Site) -> None:
    site.as_user(
        [
            replace(statement, actions=[name for name in statement.actions if "GetServiceQuota" not in name])
            for statement in site.least()
        ]
    )


def an_unknown_instance_type(site: Site) -> None:
    site.sections["worker"].update(instanceType="t3.colossal")


def an_image_of_another_region(site: Site) -> None:
    site.sections["worker"].update(ami="ami-0ffffffffffffffff")


def an_image_that_the_stack_keeps_is_gone(site: Site) -> None:
    site.running = replace(
        site.running,
        has_vm=True,
        images=frozenset({UBUNTU_AMI, "ami-0ffffffffffffffff"}),
        architecture="x86_64",
    )


def an_image_for_another_architecture(site: Site) -> None:
    site.sections["worker"].update(ami=UBUNTU_ARM_AMI)


def the_bucket_exists(site: Site) -> None:
    make_bucket(site, REGION)


def nothing_to_adopt(site: Site) -> None:
    site.sections["archive"].update(adoptExisting=True)


def the_bucket_is_in_another_region(site: Site) -> None:
    make_bucket(site, "eu-west-1")
    site.sections["archive"].update(adoptExisting=True)


def the_bucket_belongs_to_somebody_else(site: Site) -> None:
    # S3 answers so about a bucket of another account.
    faults = f"{site.world.endpoint}/_faults"
    httpx.post(faults, json={"calls": ["HeadBucket"], "status": 403, "seconds": 600}, trust_env=False)
    site.ends.append(lambda: httpx.delete(faults, trust_env=False))


def make_bucket(site: Site, region: str) -> None:
    keys = clients.first_identity(site.world.state / "aws", "deployer")
    s3 = clients.client(site.world.endpoint, "s3", keys, region)
    s3.create_bucket(Bucket=site.bucket, CreateBucketConfiguration={"LocationConstraint": region})
    site.ends.append(lambda: s3.delete_bucket(Bucket=site.bucket))


def a_refused_cloud_key(site: Site) -> None:
    site.environ["CONFLUENT_CLOUD_API_SECRET"] = "a-former-secret"


def another_cluster(site: Site) -> None:
    site.sections["source"].update(cluster="lkc-another")


def another_environment(site: Site) -> None:
    site.sections["source"].update(environment="env-another")


def a_cluster_in_another_region(site: Site) -> None:
    organisation = site.world.organisation
    organisation.region = "eu-central-1"
    site.ends.append(lambda: setattr(organisation, "region", REGION))


def a_cloud_key_without_the_role(site: Site) -> None:
    organisation = site.world.organisation
    organisation.may_list_keys = False
    site.ends.append(lambda: setattr(organisation, "may_list_keys", True))


def no_cloud_key_at_hand(site: Site) -> None:
    del site.environ["CONFLUENT_CLOUD_API_KEY"]


def both_api_keys_are_taken(site: Site) -> None:
    taken = {"owner": {"id": SERVICE_ACCOUNT}, "managedResource": {"id": CLUSTER}}
    foreign = {"owner": {"id": "sa-another"}, "managedResource": {"id": CLUSTER}}
    records = {"TAKEN1": taken, "TAKEN2": taken, "FOREIGN": foreign}
    site.world.organisation.broker.keys.write_text(json.dumps(records))


def a_refused_api_key(site: Site) -> None:
    site.environ["KAFKA_API_SECRET"] = "a-former-secret"


def no_api_key_at_hand(site: Site) -> None:
    del site.environ["KAFKA_API_KEY"]


def a_cluster_that_does_not_answer(site: Site) -> None:
    site.by_endpoint("SOMEKEY", "some-secret")
    site.sections["source"]["bootstrapServers"] = "127.0.0.1:9"


def a_name_that_does_not_resolve(site: Site) -> None:
    site.by_endpoint("SOMEKEY", "some-secret")
    site.sections["source"]["bootstrapServers"] = "pkc-nobody.us-west-2.aws.confluent.invalid:9092"


def a_topic_that_is_not_there(site: Site) -> None:
    site.sections["source"].update(topics=["audit-nobody"], partitions={"audit-nobody": PARTITIONS})


def a_topic_that_the_key_may_not_read(site: Site) -> None:
    site.environ.update(KAFKA_API_KEY=READER, KAFKA_API_SECRET="reader-secret-of-a-test")
    admin = AdminClient(kafka_client.client_config(site.world.state))
    rule = (
        *(ResourceType.TOPIC, site.topic, ResourcePatternType.LITERAL),
        *(f"User:{READER}", "*", AclOperation.READ, AclPermissionType.DENY),
    )
    for made in admin.create_acls([AclBinding(*rule)]).values():
        made.result()
    site.ends.append(
        lambda: [gone.result() for gone in admin.delete_acls([AclBindingFilter(*rule)]).values()]
    )


def fewer_partitions_than_kafka(site: Site) -> None:
    site.sections["source"].update(partitions={site.topic: PARTITIONS - 1})


def more_partitions_than_kafka(site: Site) -> None:
    site.sections["source"].update(partitions={site.topic: PARTITIONS + 1})


def somebody_else_in_the_group(site: Site) -> None:
    group = f"{NAMESPACE}-{STACK}-{site.bucket}"
    consumer = Consumer(
        {**kafka_client.client_config(site.world.state), "group.id": group, "client.id": "foreign"}
    )
    consumer.subscribe([site.topic])
    site.ends.append(consumer.close)
    kafka_support.wait_for("the member's partitions", lambda: (consumer.poll(0.1), consumer.assignment())[1])


def a_refused_logzio_token(site: Site) -> None:
    site.environ["LOGZIO_API_TOKEN"] = "a-former-token-of-logzio"


def a_token_of_another_logzio_region(site: Site) -> None:
    site.logzio.fail(calls=["whoami"], code="region")


def logzio_is_down(site: Site) -> None:
    site.logzio.fail(calls=["whoami"], status=503)


def a_registration_of_the_same_prefix(site: Site) -> None:
    register(site, f"topics/{site.topic}/partition=1/")


def a_registration_of_the_whole_bucket(site: Site) -> None:
    register(site, "")


def register(site: Site, prefix: str) -> None:
    body = {**BODY, "bucket": site.bucket, "prefix": prefix}
    with api(site.logzio) as client:
        assert client.post(BUCKETS, json=body).status_code == 201


def a_package_version_that_is_not_there(site: Site) -> None:
    site.sections["worker"].update(packageVersion="7.9.99-1")


def no_repository_at_the_address(site: Site) -> None:
    site.sections["worker"].update(repositoryUrl=site.world.packages["repository_url"] + "/elsewhere")


def another_key_of_the_repository(site: Site) -> None:
    site.sections["worker"].update(repositoryKeyFingerprint=["A" * 40])


def a_key_that_is_not_there(site: Site) -> None:
    site.sections["worker"].update(repositoryKeyUrl=site.world.packages["repository_url"] + "/no.key")


def a_connector_that_is_not_there(site: Site) -> None:
    site.sections["connector"].update(archiveUrl=site.world.packages["archive_url"] + ".gone")


def a_connector_with_another_hash(site: Site) -> None:
    site.sections["connector"].update(archiveSha256="0" * 64)


def a_package_server_that_does_not_answer(site: Site) -> None:
    site.sections["worker"].update(repositoryUrl="http://127.0.0.1:9/deb")


def by_an_own_cluster(site: Site, **given: str) -> None:
    """Mode distributed, with its state in the one broker of this module."""
    secret = str(kafka_client.client_config(site.world.state)["sasl.password"])
    servers = site.world.organisation.broker.bootstrap
    site.sections["fleet"] = {
        "bootstrapServers": servers,
        "apiKey": users.ADMIN,
        "apiSecret": secret,
        **given,
    }
    site.sections["worker"].update(mode="distributed")


def an_own_cluster_that_refuses_the_key(site: Site) -> None:
    by_an_own_cluster(site, apiSecret="a-secret-of-nobody")


def an_own_cluster_that_does_not_answer(site: Site) -> None:
    by_an_own_cluster(site, bootstrapServers="127.0.0.1:9")


def an_own_cluster_that_is_not_there(site: Site) -> None:
    site.sections["fleet"] = {"cluster": "lkc-nowhere", "environment": ENVIRONMENT}
    site.sections["worker"].update(mode="distributed")


def a_state_topic(site: Site, what: str, partitions: int, policy: str) -> None:
    by_an_own_cluster(site, name=site.topic)
    kafka_support.create_topic(
        site.world.state, f"{site.topic}-{what}", partitions, {"cleanup.policy": policy}
    )


def a_state_topic_that_is_not_compacted(site: Site) -> None:
    a_state_topic(site, "status", 1, "delete")


def connectors_in_several_partitions(site: Site) -> None:
    a_state_topic(site, "configs", 3, "compact")


B, U, W = State.BROKEN, State.UNKNOWN, State.WARNING
BrokenSetup = tuple[Callable[[Site], None], str, State, str, str]
BROKEN_SETUPS: list[BrokenSetup] = [
    # what is broken, the check that says so, its state, and parts of its text and of what to do
    (no_aws_credentials, "AWS identity", B, "profile", "AWS_PROFILE"),
    (refused_aws_key, "AWS identity", B, "credentials are refused", "AWS_PROFILE"),
    (a_role_that_cannot_be_assumed, "AWS identity", B, "sts:AssumeRole", "AWS_PROFILE"),
    (another_account_than_the_stacks, "AWS identity", B, f"belongs to {ACCOUNT}", "the stack's account"),
    (
        two_permissions_are_missing,
        "AWS permissions",
        B,
        "refused: iam:PassRole, s3:PutBucketPolicy",
        "make render",
    ),
    (
        the_simulation_is_not_allowed,
        "AWS permissions",
        U,
        "simulation is refused",
        "iam:SimulatePrincipalPolicy",
    ),
    (no_vpc_is_left, "AWS quotas", B, "VPCs in the region: 5 of 5 are used, 1 more", "Service Quotas"),
    (more_vcpus_than_the_quota, "AWS quotas", B, "6 more are needed", "Service Quotas"),
    (a_quota_that_cannot_be_read, "AWS quotas", U, "AccessDenied", "servicequotas:GetServiceQuota"),
    (an_unknown_instance_type, "image", B, "no instance type t3.colossal", "worker.instanceType"),
    (an_image_of_another_region, "image", B, "has no image ami-0ffffffffffffffff", "worker.ami"),
    (
        an_image_that_the_stack_keeps_is_gone,
        "image",
        B,
        "has no image ami-0ffffffffffffffff, which the stack keeps",
        f"today is {UBUNTU_AMI}",
    ),
    (an_image_for_another_architecture, "image", B, "is for arm64", "worker.ami"),
    (the_bucket_exists, "bucket", B, "exists in this account already", "archive.adoptExisting: true"),
    (nothing_to_adopt, "bucket", B, "there is no bucket", "remove archive.adoptExisting"),
    (the_bucket_is_in_another_region, "bucket", B, "is in eu-west-1", "another archive.bucket"),
    (
        the_bucket_belongs_to_somebody_else,
        "bucket",
        B,
        "belongs to another account",
        "another archive.bucket",
    ),
    (a_refused_cloud_key, "audit-log cluster", B, "refuses the Cloud API key", "OrganizationAdmin"),
    (another_cluster, "audit-log cluster", B, "no cluster lkc-another", "source.cluster"),
    (another_environment, "audit-log cluster", B, "no environment env-another", "source.environment"),
    (a_cluster_in_another_region, "audit-log cluster", B, "eu-central-1", "aws:region"),
    (a_cloud_key_without_the_role, "API keys", U, "does not let this key list API keys", "OrganizationAdmin"),
    (no_cloud_key_at_hand, "API keys", U, "no Cloud API key", "CONFLUENT_CLOUD_API_KEY"),
    (
        both_api_keys_are_taken,
        "API keys",
        B,
        "2 of 2 API keys of sa-local1 exist (TAKEN1, TAKEN2)",
        "api-key delete",
    ),
    (a_refused_api_key, "topics", B, "refuses the API key", "KAFKA_API_KEY"),
    (no_api_key_at_hand, "topics", U, "no API key of the audit-log cluster", "kafka topic describe"),
    (a_cluster_that_does_not_answer, "topics", U, "does not answer", "source.bootstrapServers"),
    (a_name_that_does_not_resolve, "topics", B, "does not resolve", "source.bootstrapServers"),
    (a_topic_that_is_not_there, "topics", B, "no such topic", "source.topics"),
    (a_topic_that_the_key_may_not_read, "topics", B, "may not read", "service account"),
    (
        fewer_partitions_than_kafka,
        "topics",
        B,
        "has 3 partitions, and source.partitions says 2",
        "pulumi config set",
    ),
    (
        more_partitions_than_kafka,
        "topics",
        W,
        "has 3 partitions, and source.partitions says 4",
        "pulumi config set",
    ),
    (somebody_else_in_the_group, "consumer groups", B, "foreign on", "source.consumerGroup"),
    (an_own_cluster_that_refuses_the_key, "Connect's cluster", B, "refuses the API key", "fleet.apiKey"),
    (
        an_own_cluster_that_does_not_answer,
        "Connect's cluster",
        U,
        "does not answer",
        "fleet.bootstrapServers",
    ),
    (an_own_cluster_that_is_not_there, "Connect's cluster", B, "no cluster lkc-nowhere", "fleet.cluster"),
    (
        a_state_topic_that_is_not_compacted,
        "Connect's cluster",
        B,
        "cleanup.policy=delete",
        "cleanup.policy=compact",
    ),
    (connectors_in_several_partitions, "Connect's cluster", B, "has 3 partitions", "fleet.name"),
    (a_refused_logzio_token, "Logz.io", B, "Insufficient privileges (HTTP 403)", "LOGZIO_API_TOKEN"),
    (a_token_of_another_logzio_region, "Logz.io", B, "differs from current server region", "logzio.region"),
    (logzio_is_down, "Logz.io", U, "HTTP 503", "later"),
    (a_registration_of_the_same_prefix, "registrations", B, "partition=1/", "logzio.adoptExisting: true"),
    (a_registration_of_the_whole_bucket, "registrations", B, "the whole bucket", "delete them in Logz.io"),
    (
        a_package_version_that_is_not_there,
        "package",
        B,
        f"the newest is {debs.VERSION}",
        "worker.packageVersion",
    ),
    (no_repository_at_the_address, "package", B, "there is no repository", "worker.repositoryUrl"),
    (a_package_server_that_does_not_answer, "package", U, "does not answer", "network"),
    (another_key_of_the_repository, "repository key", B, "A" * 40, "fingerprint by another way"),
    (a_key_that_is_not_there, "repository key", B, "there is no", "worker.repositoryKeyUrl"),
    (a_connector_that_is_not_there, "connector", B, "is not there (HTTP 404)", "connector.version"),
    (a_connector_with_another_hash, "connector", B, "0" * 64, "do not install it"),
]


@pytest.mark.parametrize("setup", BROKEN_SETUPS, ids=[setup[0].__name__ for setup in BROKEN_SETUPS])
def test_a_broken_setup_is_named_with_what_to_do(site: Site, setup: BrokenSetup) -> None:
    break_it, check, state, text, todo = setup
    break_it(site)

    findings = site.findings(check, download=True)

    found = [finding for finding in findings if finding.state is state]
    assert len(found) == 1, findings
    assert text in found[0].text, found
    assert todo in found[0].todo, found
    assert exit_code(findings) == {B: 1, U: 2, W: 0}[state]


def test_the_roles_that_the_plugin_assumes_are_assumed_and_simulated(site: Site) -> None:
    iam, name = site.world.aws("iam"), f"deployer-{uuid.uuid4().hex[:8]}"
    anybody = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
    }
    iam.create_role(
        RoleName=name,
        Path="/people/",
        AssumeRolePolicyDocument=json.dumps({"Version": policies.VERSION, "Statement": [anybody]}),
    )
    rights = [
        replace(statement, actions=[a for a in statement.actions if a != "kms:Encrypt"])
        for statement in site.least()
    ]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policies.to_json(rights))
    site.config["aws:assumeRoles"] = [{"roleArn": f"arn:aws:iam::{ACCOUNT}:role/people/{name}"}]

    (identity,) = site.findings("AWS identity")
    (permissions,) = site.findings("AWS permissions")

    assert f"assumed-role/{name}/preflight" in identity.text
    assert permissions.details == ("kms:Encrypt",)


def test_no_finding_shows_a_secret(site: Site) -> None:
    a_refused_api_key(site)
    a_refused_cloud_key(site)
    site.environ["LOGZIO_API_TOKEN"] = "a-former-token-of-logzio"

    shown = str(evaluate(collect(Asker(site.target()), seconds=300.0)))

    assert not re.search("a-former-(secret|token)", shown)
    assert site.world.organisation.secret not in shown


def test_the_members_of_a_running_stack_are_its_own(site: Site) -> None:
    somebody_else_in_the_group(site)
    site.running = replace(site.running, has_vm=True)

    (finding,) = site.findings("consumer groups")

    assert finding.state is State.OK


def test_a_type_of_another_architecture_gets_the_newest_image(site: Site) -> None:
    site.running = replace(site.running, has_vm=True, images=frozenset({UBUNTU_AMI}), architecture="x86_64")
    site.sections["worker"].update(instanceType="t4g.small")

    (finding,) = site.findings("image")

    assert finding.state is State.OK
    assert f"{UBUNTU_ARM_AMI} (the newest Ubuntu 24.04 today)" in finding.text


def test_a_running_stack_needs_as_many_vcpus_again_while_its_vms_are_replaced(site: Site) -> None:
    more_vcpus_than_the_quota(site)
    site.running = replace(site.running, has_vm=True)

    found = [finding for finding in site.findings("AWS quotas") if finding.state is State.WARNING]

    assert "6 more are needed while `pulumi up` replaces the VMs" in found[0].text


def test_what_the_stack_made_is_not_in_its_way(site: Site) -> None:
    a_registration_of_the_same_prefix(site)
    the_bucket_exists(site)
    with api(site.logzio) as client:
        ids = frozenset(int(found["id"]) for found in client.get(BUCKETS).json())
    site.running = replace(site.running, registrations=ids, buckets=frozenset({site.bucket}))

    assert [found.state for found in site.findings("registrations")] == [State.OK]
    assert [found.state for found in site.findings("bucket")] == [State.OK]


def test_the_api_keys_come_in_pages(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.preflight.confluent_cloud._PAGE", 1)
    both_api_keys_are_taken(site)

    (finding,) = site.findings("API keys")

    assert "TAKEN1, TAKEN2" in finding.text


def test_preflight_only_reads(site: Site) -> None:
    before = _made(site)

    collect(Asker(site.target()), seconds=300.0)

    assert _made(site) == before


def _made(site: Site) -> Any:
    """What a program would have made at each system."""
    config = kafka_client.client_config(site.world.state)
    with closing(Consumer({**config, "group.id": f"{NAMESPACE}-{STACK}-{site.bucket}"})) as consumer:
        committed = consumer.committed([TopicPartition(site.topic, 0)], timeout=60)[0].offset
    return (
        site.world.aws("s3").list_buckets()["Buckets"],
        len(site.world.aws("iam").list_users()["Users"]),
        site.logzio.state()["registrations"],
        committed,
    )
