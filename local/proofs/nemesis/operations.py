"""Operations that fail or are hard: replaced VMs, rotated secrets, failing boots, new partitions."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    NewPartitions,
)

from local.base.waiting import wait_until
from local.proofs.nemesis.fault import Injection
from local.proofs.nemesis.target import FaultError, Target
from local.stack.pulumi import PulumiError
from local.systems.kafka import users
from local.systems.kafka.client import TOPIC, client_config


def replace_vm(target: Target) -> None:
    target.replace_vm()


def rotate_kafka_secret(target: Target) -> None:
    began = time.time()
    key, _ = target.kafka_credentials()
    new = f"rotated-{time.time_ns()}"
    target.put_parameter("kafka", {"key": key, "secret": new})
    users.add(users.file(target.state), key, new)
    target.restart_broker()
    target.wait_for_journal("restarting the service: new credentials for kafka", began)


def rotate_s3_key(target: Target) -> None:
    began = time.time()
    iam = target.deployment.aws("iam")
    old = iam.list_access_keys(UserName=target.writer)["AccessKeyMetadata"]
    # The worst order: the old key dies before there is a new one.
    for key in old:
        iam.delete_access_key(UserName=target.writer, AccessKeyId=key["AccessKeyId"])
    time.sleep(10)
    new = iam.create_access_key(UserName=target.writer)["AccessKey"]
    pair = {"access_key_id": new["AccessKeyId"], "secret_access_key": new["SecretAccessKey"]}
    target.put_parameter("writer", pair)
    target.wait_for_journal("restarting the service: new credentials for writer", began)


def failing_downloads(target: Target) -> None:
    for kind in ("/pool/", "/archives/"):
        target.fail_packages(kind, 3)
    target.replace_vm()


def wrong_checksum(target: Target) -> Injection:
    former = target.instances()
    right = target.deployment.set("connector", "archiveSha256", "0" * 64)
    try:
        target.deployment.up(show=False)
    except PulumiError as error:
        refused = re.search(r"VM \d \(\S+\) did not come up: .*?\.", str(error))
    else:
        raise FaultError("`pulumi up` ended well, and the new VM's boot failed")
    if refused is None or not former <= target.instances():
        raise FaultError(
            f"`pulumi up` gave no reason, or a former VM is gone: {former}, {target.instances()}"
        )
    target.deployment.set("connector", "archiveSha256", right)
    target.deployment.up()
    return Injection(note=f"`pulumi up`: {refused[0]} The former VMs went on")


def unreadable_secrets(target: Target) -> Injection:
    iam = target.deployment.aws("iam")
    vm_role = next(
        str(role["RoleName"])
        for role in iam.list_roles()["Roles"]
        if "ec2.amazonaws.com" in str(role["AssumeRolePolicyDocument"])
    )
    denied = (
        '{"Version": "2012-10-17", "Statement":'
        ' [{"Effect": "Deny", "Action": "ssm:GetParameter", "Resource": "*"}]}'
    )
    iam.put_role_policy(RoleName=vm_role, PolicyName="not-yet", PolicyDocument=denied)
    former = target.instances()
    # It waits for the new VM.
    with ThreadPoolExecutor() as pool:
        replaced = pool.submit(target.replace_vm)
        try:

            def waits() -> bool:
                new = target.instances() - former
                return any("attempt 2" in line for vm in new for line in target.journal(0, vm))

            wait_until(waits, "the first start waits for its secrets")
        finally:
            iam.delete_role_policy(RoleName=vm_role, PolicyName="not-yet")
        replaced.result()
    return Injection(note="journal: parameter ..., attempt 1 of 30, 2 of 30, then RUNNING")


def add_partitions(target: Target) -> None:
    partitions = target.partitions + 2
    admin = AdminClient(client_config(target.state))
    for made in admin.create_partitions([NewPartitions(TOPIC, partitions)]).values():
        made.result()
    # At once: Logz.io never fetches what was archived before its registration.
    target.deployment.set("source", "partitions", {TOPIC: partitions})
    target.deployment.up()
