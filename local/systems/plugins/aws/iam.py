"""Users, roles, their inline policies, access keys and instance profiles."""

import json
from typing import Any
from urllib.parse import unquote

from local.systems.plugins.aws.connection import Connection, tag_changes, tag_list, tag_map, void
from local.systems.plugins.sources import terraform_aws, terraform_aws_5
from local.systems.plugins.stand_in import Created, Kind, Property
from local.systems.plugins.values import Plain

TIME = "%Y-%m-%dT%H:%M:%SZ"


def _text(document: Any) -> str:
    """A policy document as JSON text; boto3 returns some parsed and some URL-encoded."""
    return unquote(document) if isinstance(document, str) else json.dumps(document)


def _boundary(inputs: Plain) -> Any:
    """Arguments of a creation; empty without a boundary."""
    asked = inputs.get("permissionsBoundary")
    return {"PermissionsBoundary": asked} if asked else {}


def _create_user(aws: Connection, inputs: Plain) -> Created:
    aws.client("iam").create_user(
        UserName=inputs["name"],
        Path=inputs.get("path", "/"),
        Tags=tag_list(inputs.get("tags")),
        **_boundary(inputs),
    )
    return Created(inputs["name"])


def _read_user(aws: Connection, name: str, state: Plain) -> Plain:
    user = aws.client("iam").get_user(UserName=name)["User"]
    return {
        "id": name,
        "name": user["UserName"],
        "path": user["Path"],
        "arn": user["Arn"],
        "uniqueId": user["UserId"],
        # moto accepts a user's boundary but does not keep it: the state's value is taken.
        "permissionsBoundary": state.get("permissionsBoundary"),
        # Not a property of the user: what `destroy` does with keys that were made outside the stack.
        "forceDestroy": state.get("forceDestroy", False),
        "tags": tag_map(user.get("Tags")),
    }


def _update_user(aws: Connection, name: str, state: Plain, inputs: Plain) -> str:
    """A renamed user keeps its keys and policies, but the name is its id."""
    iam = aws.client("iam")
    renamed: Any = {"NewUserName": inputs["name"]} if inputs["name"] != name else {}
    iam.update_user(UserName=name, NewPath=inputs.get("path", "/"), **renamed)
    wanted, unwanted = tag_changes(state, inputs)
    iam.untag_user(UserName=inputs["name"], TagKeys=unwanted)
    iam.tag_user(UserName=inputs["name"], Tags=tag_list(wanted))
    return str(inputs["name"])


def _delete_user(aws: Connection, name: str, state: Plain) -> None:
    iam = aws.client("iam")
    if state.get("forceDestroy"):
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


def _create_user_policy(aws: Connection, inputs: Plain) -> Created:
    aws.client("iam").put_user_policy(
        UserName=inputs["user"], PolicyName=inputs["name"], PolicyDocument=_text(inputs["policy"])
    )
    return Created(f"{inputs['user']}:{inputs['name']}")


def _read_user_policy(aws: Connection, policy_id: str, _state: Plain) -> Plain:
    user, _, name = policy_id.partition(":")
    found = aws.client("iam").get_user_policy(UserName=user, PolicyName=name)
    return {"id": policy_id, "user": user, "name": name, "policy": _text(found["PolicyDocument"])}


def _delete_user_policy(aws: Connection, policy_id: str, _state: Plain) -> None:
    user, _, name = policy_id.partition(":")
    aws.client("iam").delete_user_policy(UserName=user, PolicyName=name)


def _create_access_key(aws: Connection, inputs: Plain) -> Created:
    iam = aws.client("iam")
    key = iam.create_access_key(UserName=inputs["user"])["AccessKey"]
    if inputs.get("status", "Active") != "Active":
        iam.update_access_key(
            UserName=inputs["user"], AccessKeyId=key["AccessKeyId"], Status=inputs["status"]
        )
    return Created(key["AccessKeyId"], {"secret": key["SecretAccessKey"]})


def _read_access_key(aws: Connection, key_id: str, state: Plain) -> Plain | None:
    iam = aws.client("iam")
    user = state.get("user") or iam.get_access_key_last_used(AccessKeyId=key_id)["UserName"]
    for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
        if key["AccessKeyId"] == key_id:
            return {
                "id": key_id,
                "user": user,
                "status": key["Status"],
                "createDate": key["CreateDate"].strftime(TIME),
                # AWS shows it once, when the key is created.
                "secret": state.get("secret"),
            }
    return None


def _update_access_key(aws: Connection, key_id: str, _state: Plain, inputs: Plain) -> None:
    aws.client("iam").update_access_key(
        UserName=inputs["user"], AccessKeyId=key_id, Status=inputs.get("status", "Active")
    )


def _delete_access_key(aws: Connection, key_id: str, state: Plain) -> None:
    aws.client("iam").delete_access_key(UserName=state["user"], AccessKeyId=key_id)


def _create_role(aws: Connection, inputs: Plain) -> Created:
    request: dict[str, Any] = {
        "RoleName": inputs["name"],
        "Path": inputs.get("path", "/"),
        "AssumeRolePolicyDocument": _text(inputs["assumeRolePolicy"]),
        "Tags": tag_list(inputs.get("tags")),
        "MaxSessionDuration": int(inputs.get("maxSessionDuration", 3600)),
        **_boundary(inputs),
    }
    if inputs.get("description"):
        request["Description"] = inputs["description"]
    aws.client("iam").create_role(**request)
    return Created(inputs["name"])


def _read_role(aws: Connection, name: str, _state: Plain) -> Plain:
    role = aws.client("iam").get_role(RoleName=name)["Role"]
    return {
        "id": name,
        "name": role["RoleName"],
        "path": role["Path"],
        "arn": role["Arn"],
        "uniqueId": role["RoleId"],
        "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "assumeRolePolicy": _text(role["AssumeRolePolicyDocument"]),
        "description": role.get("Description"),
        "maxSessionDuration": role.get("MaxSessionDuration"),
        "createDate": role["CreateDate"].strftime(TIME),
        "tags": tag_map(role.get("Tags")),
    }


def _update_role(aws: Connection, name: str, state: Plain, inputs: Plain) -> None:
    iam = aws.client("iam")
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=_text(inputs["assumeRolePolicy"]))
    iam.update_role(
        RoleName=name,
        Description=inputs.get("description", ""),
        MaxSessionDuration=int(inputs.get("maxSessionDuration", 3600)),
    )
    if inputs.get("permissionsBoundary"):
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=inputs["permissionsBoundary"])
    elif state.get("permissionsBoundary"):
        iam.delete_role_permissions_boundary(RoleName=name)
    wanted, unwanted = tag_changes(state, inputs)
    iam.untag_role(RoleName=name, TagKeys=unwanted)
    iam.tag_role(RoleName=name, Tags=tag_list(wanted))


def _delete_role(aws: Connection, name: str, _state: Plain) -> None:
    aws.client("iam").delete_role(RoleName=name)


def _create_role_policy(aws: Connection, inputs: Plain) -> Created:
    aws.client("iam").put_role_policy(
        RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=_text(inputs["policy"])
    )
    return Created(f"{inputs['role']}:{inputs['name']}")


def _read_role_policy(aws: Connection, policy_id: str, _state: Plain) -> Plain:
    role, _, name = policy_id.partition(":")
    found = aws.client("iam").get_role_policy(RoleName=role, PolicyName=name)
    return {"id": policy_id, "role": role, "name": name, "policy": _text(found["PolicyDocument"])}


def _delete_role_policy(aws: Connection, policy_id: str, _state: Plain) -> None:
    role, _, name = policy_id.partition(":")
    aws.client("iam").delete_role_policy(RoleName=role, PolicyName=name)


def _create_profile(aws: Connection, inputs: Plain) -> Created:
    iam = aws.client("iam")
    iam.create_instance_profile(
        InstanceProfileName=inputs["name"],
        Path=inputs.get("path", "/"),
        Tags=tag_list(inputs.get("tags")),
    )
    if inputs.get("role"):
        iam.add_role_to_instance_profile(InstanceProfileName=inputs["name"], RoleName=inputs["role"])
    return Created(inputs["name"])


def _read_profile(aws: Connection, name: str, _state: Plain) -> Plain:
    profile = aws.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    roles = profile["Roles"]
    return {
        "id": name,
        "name": name,
        "arn": profile["Arn"],
        "path": profile["Path"],
        "uniqueId": profile["InstanceProfileId"],
        "role": roles[0]["RoleName"] if roles else None,
        "tags": tag_map(profile.get("Tags")),
    }


def _update_profile(aws: Connection, name: str, state: Plain, inputs: Plain) -> None:
    iam = aws.client("iam")
    if state.get("role") != inputs.get("role"):
        _drop_role(aws, name)
        if inputs.get("role"):
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=inputs["role"])
    wanted, unwanted = tag_changes(state, inputs)
    iam.untag_instance_profile(InstanceProfileName=name, TagKeys=unwanted)
    iam.tag_instance_profile(InstanceProfileName=name, Tags=tag_list(wanted))


def _delete_profile(aws: Connection, name: str, _state: Plain) -> None:
    _drop_role(aws, name)
    aws.client("iam").delete_instance_profile(InstanceProfileName=name)


def _drop_role(aws: Connection, profile: str) -> None:
    iam = aws.client("iam")
    for role in iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role["RoleName"])


_NAME = Property(replaces=True)
_PATH = Property(replaces=True, default="/")
_POLICY = Property(required=True, document=True)
_OWNER = Property(required=True, replaces=True)

KINDS: dict[str, Kind[Connection]] = {
    "aws:iam/user:User": Kind(
        properties={
            "name": Property(),
            "path": Property(default="/"),
            "permissionsBoundary": Property(),
            "forceDestroy": Property(),
            "tags": Property(),
        },
        auto_name="name",
        outputs=("arn", "uniqueId", "tagsAll"),
        create=_create_user,
        read=_read_user,
        update=_update_user,
        delete=_delete_user,
        regional=False,
        source=terraform_aws("iam/user.go"),
    ),
    "aws:iam/userPolicy:UserPolicy": Kind(
        properties={"name": _NAME, "user": _OWNER, "policy": _POLICY},
        auto_name="name",
        create=_create_user_policy,
        read=_read_user_policy,
        # Putting an inline policy again changes it; its id stays.
        update=lambda aws, _id, _state, inputs: void(_create_user_policy(aws, inputs)),
        delete=_delete_user_policy,
        regional=False,
        source=terraform_aws("iam/user_policy.go"),
    ),
    "aws:iam/accessKey:AccessKey": Kind(
        properties={"user": _OWNER, "status": Property(default="Active")},
        outputs=("createDate", "secret"),
        secrets=frozenset({"secret"}),
        create=_create_access_key,
        read=_read_access_key,
        update=_update_access_key,
        delete=_delete_access_key,
        regional=False,
        source=terraform_aws_5("iam/access_key.go"),
    ),
    "aws:iam/role:Role": Kind(
        properties={
            "name": _NAME,
            "path": _PATH,
            "permissionsBoundary": Property(),
            "assumeRolePolicy": _POLICY,
            "description": Property(),
            "maxSessionDuration": Property(default=3600),
            "tags": Property(),
        },
        auto_name="name",
        outputs=("arn", "uniqueId", "createDate", "tagsAll"),
        create=_create_role,
        read=_read_role,
        update=_update_role,
        delete=_delete_role,
        regional=False,
        source=terraform_aws("iam/role.go"),
    ),
    "aws:iam/rolePolicy:RolePolicy": Kind(
        properties={"name": _NAME, "role": _OWNER, "policy": _POLICY},
        auto_name="name",
        create=_create_role_policy,
        read=_read_role_policy,
        # As for a user's policy.
        update=lambda aws, _id, _state, inputs: void(_create_role_policy(aws, inputs)),
        delete=_delete_role_policy,
        regional=False,
        source=terraform_aws("iam/role_policy.go"),
    ),
    "aws:iam/instanceProfile:InstanceProfile": Kind(
        properties={"name": _NAME, "path": _PATH, "role": Property(), "tags": Property()},
        auto_name="name",
        outputs=("arn", "uniqueId", "tagsAll"),
        create=_create_profile,
        read=_read_profile,
        update=_update_profile,
        delete=_delete_profile,
        regional=False,
        source=terraform_aws_5("iam/instance_profile.go"),
    ),
}
