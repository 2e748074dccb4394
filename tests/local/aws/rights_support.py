"""The resources that the stack's policies guard, in a local AWS, and what each identity does there with its rights."""

import json
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
from botocore.exceptions import ClientError

from components import policies
from components.archive import layout
from components.policies import Statement
from components.worker.config import metrics_namespace
from components.worker.files import check_keys, fetch_secrets
from components.worker.files.watchdog import reader
from components.worker.files.watchdog.memory import Memory
from components.worker.files.watchdog.metrics import metric
from local.base import http
from local.stack.deployment import REGION
from local.systems.aws.accounts import ACCOUNT, LOGZIO_ACCOUNT
from local.systems.aws.images import UBUNTU_AMI
from local.systems.logzio.aws import Aws
from local.systems.logzio.fetcher import Fetcher
from local.systems.logzio.indexing import Indexer
from local.systems.logzio.store import Store
from scripts.verify import canary
from scripts.verify.bucket import Bucket
from tests.local.aws import clients

NAMESPACE = metrics_namespace("dev")
TOPICS_DIR = "topics"
PREFIX = layout.partition_prefix(TOPICS_DIR, "audit", 0)
STATUS = "/ccloud-logexporter/dev/vm-1-status"
WORKER_FILES = layout.worker_files_key("0" * 64)
EXTERNAL_ID = "logzio:aws:extid:1"
REFUSALS = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}

Keys = Mapping[str, str]


def code_of(error: ClientError) -> str:
    """AWS's code of an error; the status for a HEAD request."""
    return str(error.response["Error"]["Code"])


@dataclass(frozen=True)
class Stack:
    """A guarded bucket, the parameters, a VM, and foreign resources that the identities have no rights on."""

    endpoint: str
    cloud: Path
    bucket: str
    foreign_bucket: str
    kafka_parameter: str
    writer_parameter: str
    foreign_parameter: str
    secrets_key: str
    kms_key: str | None
    foreign_kms_key: str
    reader_role: str

    def client(self, service: str, keys: Keys) -> Any:
        return clients.client(self.endpoint, service, keys)

    def deployer(self, service: str) -> Any:
        return self.client(service, self.first_identity("deployer"))

    def first_identity(self, name: str) -> dict[str, str]:
        return clients.first_identity(self.cloud, name)

    @property
    def encrypted(self) -> bytes:
        """A parameter's value as the Parameter Store encrypts it with KMS."""
        context = {"PARAMETER_ARN": self.parameter_arns()[0]}
        kms = self.deployer("kms")
        answer = kms.encrypt(KeyId=self.secrets_key, Plaintext=b"secret", EncryptionContext=context)
        return bytes(answer["CiphertextBlob"])

    @property
    def reader_role_arn(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/logexporter/{self.reader_role}"

    def parameter_arns(self) -> list[str]:
        return [
            f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}"
            for name in (self.kafka_parameter, self.writer_parameter)
        ]


def make_stack(endpoint: str, cloud: Path, *, with_kms: bool) -> Stack:
    """All resources as the program creates them, and a foreign bucket, parameter and key."""
    bare = Stack(endpoint, cloud, "", "", "", "", "", "", None, "", "")
    unique = uuid.uuid4().hex[:12]
    s3, ssm, kms = bare.deployer("s3"), bare.deployer("ssm"), bare.deployer("kms")
    key, foreign_key = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    key_policy = policies.to_json(policies.secrets_key(f"arn:aws:iam::{ACCOUNT}:root"))
    secrets_key = kms.create_key(Policy=key_policy)["KeyMetadata"]["Arn"]
    bucket, foreign_bucket = f"archive-{unique}", f"foreign-{unique}"
    for name in (bucket, foreign_bucket):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=name, Key=f"{PREFIX}there", Body=b"{}")
    if with_kms:
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        s3.put_bucket_encryption(
            Bucket=bucket,
            ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
        )
    s3.put_object(Bucket=bucket, Key=WORKER_FILES, Body=b"files")
    used_key = key if with_kms else None
    s3.put_bucket_policy(Bucket=bucket, Policy=policies.to_json(policies.bucket(bucket, used_key)))
    stack = replace(
        bare,
        bucket=bucket,
        foreign_bucket=foreign_bucket,
        kafka_parameter=f"/stack-{unique}/kafka-credentials",
        writer_parameter=f"/stack-{unique}/writer-credentials",
        foreign_parameter=f"/another-{unique}/secret",
        secrets_key=secrets_key,
        kms_key=used_key,
        foreign_kms_key=foreign_key,
        reader_role=f"reader-role-{unique}",
    )
    bare.deployer("iam").create_role(
        RoleName=stack.reader_role,
        Path="/logexporter/",
        AssumeRolePolicyDocument=policies.to_json(policies.reader_trust(LOGZIO_ACCOUNT, EXTERNAL_ID)),
    )
    for name in (stack.kafka_parameter, stack.writer_parameter, stack.foreign_parameter):
        value = '{"key": "k", "secret": "s"}'
        ssm.put_parameter(Name=name, Type="SecureString", KeyId=secrets_key, Value=value)
    # Of every stack here.
    ssm.put_parameter(Name=STATUS, Type="String", Value="none", Overwrite=True)
    return stack


@dataclass(frozen=True)
class Identity:
    """An identity with rights. `statements`: by policy, trust policies included."""

    name: str
    stack: Stack
    statements: Mapping[str, Sequence[Statement]]
    put: Callable[[str, Sequence[Statement]], None] = field(repr=False)
    keys: Callable[[], Keys] = field(repr=False)
    flow: "Mapping[str, Callable[[Identity], None]]" = field(repr=False)

    def client(self, service: str) -> Any:
        return self.stack.client(service, self.keys())

    def broken_steps(self) -> set[str]:
        """The steps of this identity's tasks that fail now."""
        return {name for name, step in self.flow.items() if not _works(step, self)}


def _works(step: Callable[[Identity], None], identity: Identity) -> bool:
    try:
        step(identity)
    except (ClientError, StepError, SystemExit):
        return False
    return True


class StepError(AssertionError):
    """A step got an answer, but a wrong one."""


def _finds_bucket(writer: Identity) -> None:
    writer.client("s3").head_bucket(Bucket=writer.stack.bucket)


def _looks_at_keys(writer: Identity) -> None:
    """The calls of the VM's script before each start, with the sink's rights."""
    folder = layout.stamped_start(TOPICS_DIR, "audit", 0)
    bucket = check_keys.Bucket(writer.stack.bucket, lambda: writer.client("s3"))
    list(bucket.keys_after(folder, folder))


def _upload(writer: Identity, key: str) -> None:
    """The sink's calls for one object: three, with the condition that never overwrites (10.6 and later)."""
    s3, bucket = writer.client("s3"), writer.stack.bucket
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    parts = []
    for number, body in ((1, b"x" * 5 * 1024 * 1024), (2, b"rest")):
        part = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
    )


def _uploads(writer: Identity) -> None:
    _upload(writer, f"{PREFIX}{uuid.uuid4().hex}")


def _restarts(writer: Identity) -> None:
    """After a crash: 412 for an object that exists, then HeadObject looks for the next offset."""
    stack = writer.stack
    key = f"{PREFIX}{uuid.uuid4().hex}"
    stack.deployer("s3").put_object(Bucket=stack.bucket, Key=key, Body=b"{}")
    try:
        _upload(writer, key)
    except ClientError as error:
        if code_of(error) != "PreconditionFailed":
            raise
    else:
        raise StepError("an object was overwritten")
    writer.client("s3").head_object(Bucket=stack.bucket, Key=key)
    try:
        writer.client("s3").head_object(Bucket=stack.bucket, Key=f"{key}-next")
    except ClientError as error:
        # The sink takes 403 for "exists": it would skip the events of this object.
        if code_of(error) != "404":
            raise StepError("a missing object looks like a refused one") from error


def _aborts(writer: Identity) -> None:
    stack, key = writer.stack, f"{PREFIX}{uuid.uuid4().hex}"
    upload = stack.deployer("s3").create_multipart_upload(Bucket=stack.bucket, Key=key)["UploadId"]
    writer.client("s3").abort_multipart_upload(Bucket=stack.bucket, Key=key, UploadId=upload)


def _logzio_reads(reader: Identity) -> None:
    """A registration with this identity, and one poll of the fetcher."""
    stack = reader.stack
    who = Aws.load(stack.endpoint, stack.cloud / "logzio.json", EXTERNAL_ID)
    store = Store(stack.cloud / f"{uuid.uuid4().hex}.sqlite")
    try:
        body = {"region": REGION.upper().replace("-", "_"), "bucket": stack.bucket, "prefix": PREFIX}
        store.create(
            {
                **body,
                "active": True,
                "logsType": "confluent_audit",
                "addS3ObjectKeyAsLogField": False,
                **_named(reader),
            }
        )
        key = f"{PREFIX}{time.time_ns()}"
        stack.deployer("s3").put_object(Bucket=stack.bucket, Key=key, Body=b'{"id": "new"}\n')
        Fetcher(store, who, Indexer(store)).look()
        (registration,) = store.registrations()
        if registration.last_error is not None or store.event_count() == 0:
            raise StepError(registration.last_error or "nothing was read")
    finally:
        store.close()


def _named(reader: Identity) -> dict[str, str]:
    """The fields of a registration that name the identity."""
    if "trust" in reader.statements:
        return {"arn": f"arn:aws:iam::{ACCOUNT}:role/{reader.name}"}
    return {"accessKey": reader.keys()["id"], "secretKey": reader.keys()["secret"]}


def _fetches_files(vm: Identity) -> None:
    """The calls of the loader."""
    vm.client("s3").get_object(Bucket=vm.stack.bucket, Key=WORKER_FILES)


def _fetches_secrets(vm: Identity) -> None:
    """The calls of the VM's script before each start of the service."""
    with patch.object(fetch_secrets, "parameter_store", lambda _settings: vm.client("ssm")):
        for name in (vm.stack.kafka_parameter, vm.stack.writer_parameter):
            fetch_secrets.fetch({}, name)


def _tells_metrics(vm: Identity) -> None:
    """The calls of the watchdog."""
    with patch.dict(os.environ, {"VM_NUMBER": "1"}):
        skipped = metric("SkippedEventOffset", 1.0, {"Topic": "audit", "Partition": "0"})
        running = metric("TaskRunning", 1.0)
    vm.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=[running, skipped])


def _tells_status(vm: Identity) -> None:
    """The call of the watchdog after a boot, and of the loader after one that failed."""
    vm.client("ssm").put_parameter(Name=STATUS, Value="i-1 RUNNING now", Overwrite=True)


def _sees_when_logzio_reads(vm: Identity) -> None:
    """The call of the watchdog, once an hour."""
    watched = {"reader": {"role": vm.stack.reader_role}}
    with patch.object(reader, "client", lambda service, _: vm.client(service)):
        if not reader.since_read(watched, Memory()):
            raise StepError("IAM did not answer")


def _follows_the_archive(watcher: Identity) -> None:
    """The calls of `verify` for one partition."""
    stack, key = watcher.stack, f"{PREFIX}{uuid.uuid4().hex}"
    stack.deployer("s3").put_object(Bucket=stack.bucket, Key=key, Body=b"{}")
    bucket = Bucket(watcher.client("s3"), stack.bucket)
    bucket.partitions(TOPICS_DIR, "audit")
    if key not in {stored.key for stored in bucket.objects(PREFIX)}:
        raise StepError("the object is not listed")
    bucket.lines(key)


def _reads_kafkas_login(watcher: Identity) -> None:
    watcher.client("ssm").get_parameter(Name=watcher.stack.kafka_parameter, WithDecryption=True)


def _publishes(watcher: Identity) -> None:
    canary.publish(watcher.client("cloudwatch"), NAMESPACE, 0.0)


WRITES: Mapping[str, Callable[[Identity], None]] = {
    "finds the bucket": _finds_bucket,
    "looks at the keys": _looks_at_keys,
    "uploads in parts": _uploads,
    "goes on after a crash": _restarts,
    "aborts an upload": _aborts,
}
READS: Mapping[str, Callable[[Identity], None]] = {"Logz.io reads": _logzio_reads}
RUNS: Mapping[str, Callable[[Identity], None]] = {
    "fetches its files": _fetches_files,
    "fetches secrets": _fetches_secrets,
    "tells metrics": _tells_metrics,
    "tells its status": _tells_status,
    "sees when Logz.io reads": _sees_when_logzio_reads,
}
WATCHES: Mapping[str, Callable[[Identity], None]] = {
    "follows the archive": _follows_the_archive,
    "reads Kafka's login": _reads_kafkas_login,
    "publishes": _publishes,
}


def writer_user(stack: Stack) -> Identity:
    return _user(stack, "writer", policies.writer(stack.bucket, stack.kms_key), WRITES)


def reader_user(stack: Stack) -> Identity:
    return _user(stack, "reader", policies.reader(stack.bucket, TOPICS_DIR, stack.kms_key), READS)


def canary_user(stack: Stack) -> Identity:
    """Who runs `verify --publish`."""
    statements = policies.canary(
        stack.bucket,
        TOPICS_DIR,
        stack.kms_key,
        kafka_parameter_arn=stack.parameter_arns()[0],
        secrets_key_arn=stack.secrets_key,
        namespace=NAMESPACE,
    )
    return _user(stack, "canary", statements, WATCHES)


def vm_role(stack: Stack) -> Identity:
    return _vm(stack, {}, RUNS)


def writer_role(stack: Stack) -> Identity:
    """The VM's role where the sink has no key of its own."""
    rights = {"writer": policies.writer(stack.bucket, stack.kms_key)}
    return _vm(stack, rights, {**RUNS, **WRITES})


def reader_role(stack: Stack) -> Identity:
    name = f"reader-{uuid.uuid4().hex[:8]}"
    trust = policies.reader_trust(LOGZIO_ACCOUNT, EXTERNAL_ID)
    rights = {"reader": policies.reader(stack.bucket, TOPICS_DIR, stack.kms_key)}

    def keys() -> Keys:
        sts = stack.client("sts", stack.first_identity("logzio"))
        return _session(
            sts.assume_role(
                RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}",
                RoleSessionName="logzio-fetcher",
                ExternalId=EXTERNAL_ID,
            )["Credentials"]
        )

    return _role(stack, name, {"trust": trust, **rights}, keys, READS)


IDENTITIES: Mapping[str, Callable[[Stack], Identity]] = {
    "writer user": writer_user,
    "writer role": writer_role,
    "reader role": reader_role,
    "reader user": reader_user,
    "VM role": vm_role,
    "canary user": canary_user,
}


def _user(
    stack: Stack, kind: str, statements: Sequence[Statement], flow: Mapping[str, Callable[[Identity], None]]
) -> Identity:
    iam, name = stack.deployer("iam"), f"{kind}-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}

    def put(policy: str, given: Sequence[Statement]) -> None:
        iam.put_user_policy(UserName=name, PolicyName=policy, PolicyDocument=policies.to_json(given))

    put(kind, statements)
    return Identity(name, stack, {kind: statements}, put, lambda: keys, flow)


def _vm(
    stack: Stack,
    rights: Mapping[str, Sequence[Statement]],
    flow: Mapping[str, Callable[[Identity], None]],
) -> Identity:
    """The role of a VM, assumed as EC2 assumes it."""
    iam, ec2, name = stack.deployer("iam"), stack.deployer("ec2"), f"vm-{uuid.uuid4().hex[:8]}"
    statements = {
        "trust": policies.instance_trust(),
        "files": policies.worker_files(stack.bucket, WORKER_FILES, stack.kms_key),
        "secrets": policies.secrets(stack.parameter_arns(), stack.secrets_key),
        "session-manager": policies.session_manager(),
        "metrics": policies.metrics(NAMESPACE),
        "reader-use": policies.reader_use(stack.reader_role_arn),
        "status": policies.worker_status([f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{STATUS}"]),
        **rights,
    }
    started: list[str] = []
    token = json.loads((stack.cloud / "ec2.json").read_text())["token"]

    def keys() -> Keys:
        answer = http.post(
            f"{stack.endpoint}/_local/instances/{started[0]}/credentials",
            headers={"Authorization": f"Bearer {token}"},
        )
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise StepError("the VM gets no credentials")
        return _session(answer.raise_for_status().json())

    identity = _role(stack, name, statements, keys, flow)
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    made = ec2.run_instances(
        ImageId=UBUNTU_AMI, MinCount=1, MaxCount=1, IamInstanceProfile={"Name": name}, InstanceType="t3.small"
    )
    started.append(made["Instances"][0]["InstanceId"])
    return identity


def _role(
    stack: Stack,
    name: str,
    statements: Mapping[str, Sequence[Statement]],
    keys: Callable[[], Keys],
    flow: Mapping[str, Callable[[Identity], None]],
) -> Identity:
    iam = stack.deployer("iam")

    def put(policy: str, given: Sequence[Statement]) -> None:
        document = policies.to_json(given)
        if policy == "trust":
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=document)
        else:
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)

    iam.create_role(RoleName=name, AssumeRolePolicyDocument=policies.to_json(statements["trust"]))
    for policy, given in statements.items():
        put(policy, given)
    return Identity(name, stack, statements, put, keys, flow)


def _session(answer: Mapping[str, str]) -> Keys:
    """Keys of an assumed role; STS says SessionToken, the metadata service Token."""
    return {
        "id": answer["AccessKeyId"],
        "secret": answer["SecretAccessKey"],
        "token": answer.get("SessionToken") or answer["Token"],
    }
