"""Parameters of Systems Manager.

Source of what replaces, what is computed and when the key is named: terraform-provider-aws,
internal/service/ssm/parameter.go (read on 2026-11-26).
"""

from typing import Any

from local.systems.plugins.aws.connection import Connection, tag_changes, tag_list, tag_map, void
from local.systems.plugins.sources import terraform_aws_5
from local.systems.plugins.stand_in import Created, Kind, Property
from local.systems.plugins.values import Plain


def _create(aws: Connection, inputs: Plain) -> Created:
    aws.client("ssm").put_parameter(**_request(inputs), Tags=tag_list(inputs.get("tags")))
    return Created(inputs["name"])


def _request(inputs: Plain) -> dict[str, Any]:
    request: dict[str, Any] = {
        "Name": inputs["name"],
        "Type": inputs["type"],
        "Value": inputs["value"],
        "Description": inputs.get("description", ""),
    }
    if inputs.get("keyId"):
        request["KeyId"] = inputs["keyId"]
    if inputs.get("tier"):
        request["Tier"] = inputs["tier"]
    return request


def _read(aws: Connection, name: str, _state: Plain) -> Plain | None:
    ssm = aws.client("ssm")
    parameter = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    described: Any = ssm.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}]
    )["Parameters"]
    if not described:
        return None
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    return {
        "id": name,
        "name": name,
        "arn": parameter["ARN"],
        "type": parameter["Type"],
        "value": parameter["Value"],
        "version": parameter["Version"],
        "dataType": parameter["DataType"],
        "description": described[0].get("Description"),
        "keyId": described[0].get("KeyId"),
        "tier": described[0].get("Tier", "Standard"),
        "tags": tag_map(tags),
    }


def _update(aws: Connection, name: str, state: Plain, inputs: Plain) -> None:
    ssm = aws.client("ssm")
    if any(
        inputs.get(key, state.get(key)) != state.get(key) for key in ("type", "value", "keyId", "tier")
    ) or (inputs.get("description") != state.get("description")):
        request = _request(inputs)
        if inputs.get("keyId") == state.get("keyId"):
            # As the real one: what Parameter Store does then is its own matter.
            request.pop("KeyId", None)
        ssm.put_parameter(**request, Overwrite=True)
    wanted, unwanted = tag_changes(state, inputs)
    if unwanted:
        ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId=name, TagKeys=unwanted)
    if wanted:
        ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=tag_list(wanted))


def _replaces_with(_aws: Connection, state: Plain, inputs: Plain) -> set[str]:
    """A parameter becomes an advanced one in place, and a standard one never again."""
    return {"tier"} if (state.get("tier"), inputs.get("tier")) == ("Advanced", "Standard") else set()


KINDS: dict[str, Kind[Connection]] = {
    "aws:ssm/parameter:Parameter": Kind(
        properties={
            "name": Property(replaces=True),
            "type": Property(required=True),
            "value": Property(required=True, computed=True),
            "description": Property(),
            "keyId": Property(computed=True),
            "tier": Property(computed=True, replaces_if="from Advanced to Standard"),
            "tags": Property(),
        },
        auto_name="name",
        outputs=("arn", "version", "dataType", "tagsAll"),
        secrets=frozenset({"value"}),
        create=_create,
        read=_read,
        update=_update,
        delete=lambda aws, name, _state: void(aws.client("ssm").delete_parameter(Name=name)),
        replaces_with=_replaces_with,
        source=terraform_aws_5("ssm/parameter.go"),
    ),
}
