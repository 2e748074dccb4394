"""Keys of KMS and their aliases."""

import json
from typing import Any

from local.systems.plugins.aws.connection import Connection, tag_changes, void
from local.systems.plugins.sources import terraform_aws, terraform_aws_5
from local.systems.plugins.stand_in import Created, Kind, Property
from local.systems.plugins.values import Plain

POLICY = "default"
"""The name of the only policy that a key has (KMS API reference, PutKeyPolicy)."""


def _create_key(aws: Connection, inputs: Plain) -> Created:
    kms = aws.client("kms")
    optional = {"policy": "Policy", "description": "Description"}
    request: dict[str, Any] = {theirs: inputs[ours] for ours, theirs in optional.items() if ours in inputs}
    key = kms.create_key(**request, Tags=_tag_list(inputs.get("tags")))["KeyMetadata"]["KeyId"]
    if inputs.get("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=key)
    return Created(key)


def _read_key(aws: Connection, key_id: str, state: Plain) -> Plain | None:
    kms = aws.client("kms")
    found = kms.describe_key(KeyId=key_id)["KeyMetadata"]
    if found["KeyState"] == "PendingDeletion":
        return None
    return {
        "id": key_id,
        "keyId": key_id,
        "arn": found["Arn"],
        "description": found["Description"],
        "enableKeyRotation": kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"],
        "policy": json.dumps(json.loads(kms.get_key_policy(KeyId=key_id, PolicyName=POLICY)["Policy"])),
        # Not in AWS at all: what `destroy` does.
        "deletionWindowInDays": state.get("deletionWindowInDays"),
        "tags": {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key_id)["Tags"]},
    }


def _update_key(aws: Connection, key_id: str, state: Plain, inputs: Plain) -> None:
    kms = aws.client("kms")
    if inputs.get("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=key_id)
    else:
        kms.disable_key_rotation(KeyId=key_id)
    if "description" in inputs:
        kms.update_key_description(KeyId=key_id, Description=inputs["description"])
    if "policy" in inputs:
        kms.put_key_policy(KeyId=key_id, PolicyName=POLICY, Policy=inputs["policy"])
    wanted, unwanted = tag_changes(state, inputs)
    kms.untag_resource(KeyId=key_id, TagKeys=unwanted)
    kms.tag_resource(KeyId=key_id, Tags=_tag_list(wanted))


def _delete_key(aws: Connection, key_id: str, state: Plain) -> None:
    """KMS deletes no key at once: 30 days later by default, 7 at least."""
    kms = aws.client("kms")
    if kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] != "PendingDeletion":
        kms.schedule_key_deletion(
            KeyId=key_id, PendingWindowInDays=int(state.get("deletionWindowInDays") or 30)
        )


def _create_alias(aws: Connection, inputs: Plain) -> Created:
    aws.client("kms").create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    return Created(inputs["name"])


def _read_alias(aws: Connection, name: str, _state: Plain) -> Plain | None:
    for page in aws.client("kms").get_paginator("list_aliases").paginate():
        for alias in page["Aliases"]:
            if alias["AliasName"] == name:
                arn, target = alias["AliasArn"], alias["TargetKeyId"]
                return {
                    "id": name,
                    "name": name,
                    "arn": arn,
                    "targetKeyId": target,
                    "targetKeyArn": f"{arn.partition(':alias/')[0]}:key/{target}",
                }
    return None


def _update_alias(aws: Connection, name: str, _state: Plain, inputs: Plain) -> None:
    aws.client("kms").update_alias(AliasName=name, TargetKeyId=inputs["targetKeyId"])


KINDS: dict[str, Kind[Connection]] = {
    "aws:kms/key:Key": Kind(
        properties={
            "description": Property(computed=True),
            "policy": Property(document=True, computed=True),
            "enableKeyRotation": Property(default=False),
            "deletionWindowInDays": Property(),
            "tags": Property(),
        },
        outputs=("arn", "keyId", "tagsAll"),
        create=_create_key,
        read=_read_key,
        update=_update_key,
        delete=_delete_key,
        source=terraform_aws("kms/key.go"),
    ),
    "aws:kms/alias:Alias": Kind(
        properties={
            "name": Property(replaces=True, computed=True),
            "targetKeyId": Property(required=True),
        },
        outputs=("arn", "targetKeyArn"),
        create=_create_alias,
        read=_read_alias,
        update=_update_alias,
        delete=lambda aws, name, _state: void(aws.client("kms").delete_alias(AliasName=name)),
        source=terraform_aws_5("kms/alias.go"),
    ),
}


def _tag_list(tags: dict[str, str] | None) -> list[Any]:
    return [{"TagKey": key, "TagValue": value} for key, value in (tags or {}).items()]
