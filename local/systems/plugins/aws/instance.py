"""EC2 instances; the VM behind one is booted and switched off by the local stack's hypervisor."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from local.base.waiting import WaitError, wait_until
from local.systems.plugins.aws.connection import Connection, tag_list, tag_map
from local.systems.plugins.aws.network import arn, retag, tagged
from local.systems.plugins.sources import terraform_aws_5
from local.systems.plugins.stand_in import Created, Kind, Property, RefusedError
from local.systems.plugins.values import Plain

SWITCH_OFF_SECONDS = 900
METADATA = {
    "httpEndpoint": "HttpEndpoint",
    "httpTokens": "HttpTokens",
    "httpPutResponseHopLimit": "HttpPutResponseHopLimit",
    "instanceMetadataTags": "InstanceMetadataTags",
}
ROOT_VOLUME = {
    "deleteOnTermination": "DeleteOnTermination",
    "encrypted": "Encrypted",
    "kmsKeyId": "KmsKeyId",
    "volumeSize": "VolumeSize",
    "volumeType": "VolumeType",
}


def _create(aws: Connection, inputs: Plain) -> Created:
    ec2 = aws.client("ec2")
    request: dict[str, Any] = {
        "ImageId": inputs["ami"],
        "InstanceType": inputs["instanceType"],
        "MinCount": 1,
        "MaxCount": 1,
        "TagSpecifications": [
            *tagged("instance", inputs),
            *tagged("volume", {"tags": inputs.get("volumeTags")}),
        ],
    }
    if inputs.get("userData"):
        request["UserData"] = inputs["userData"]
    if inputs.get("iamInstanceProfile"):
        request["IamInstanceProfile"] = {"Name": inputs["iamInstanceProfile"]}
    if inputs.get("metadataOptions"):
        request["MetadataOptions"] = _their(METADATA, inputs["metadataOptions"])
    if inputs.get("maintenanceOptions"):
        request["MaintenanceOptions"] = {"AutoRecovery": inputs["maintenanceOptions"]["autoRecovery"]}
    if inputs.get("rootBlockDevice"):
        volume = {"DeleteOnTermination": True, **_their(ROOT_VOLUME, inputs["rootBlockDevice"])}
        request["BlockDeviceMappings"] = [{"DeviceName": _root_device(aws, inputs["ami"]), "Ebs": volume}]
    instance = ec2.run_instances(**request, **_place(inputs))["Instances"][0]
    ec2.get_waiter("instance_running").wait(
        InstanceIds=[instance["InstanceId"]], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return Created(instance["InstanceId"])


def _their(names: dict[str, str], given: Plain) -> dict[str, Any]:
    return {theirs: given[ours] for ours, theirs in names.items() if ours in given}


def _place(inputs: Plain) -> dict[str, Any]:
    """Subnet and security groups: on the network interface if it is to have a public address or not."""
    groups, subnet = inputs.get("vpcSecurityGroupIds") or [], inputs.get("subnetId")
    if "associatePublicIpAddress" not in inputs:
        return {
            **({"SubnetId": subnet} if subnet else {}),
            **({"SecurityGroupIds": groups} if groups else {}),
        }
    interface: dict[str, Any] = {
        "DeviceIndex": 0,
        "AssociatePublicIpAddress": inputs["associatePublicIpAddress"],
        "Groups": groups,
    }
    if subnet:
        interface["SubnetId"] = subnet
    return {"NetworkInterfaces": [interface]}


def _root_device(aws: Connection, image: str) -> str:
    images = aws.client("ec2").describe_images(ImageIds=[image])["Images"]
    return images[0].get("RootDeviceName", "/dev/sda1") if images else "/dev/sda1"


def _read(aws: Connection, instance_id: str, state: Plain) -> Plain | None:
    instance = _describe(aws, instance_id)
    if instance is None:
        return None
    user_data: Any = aws.client("ec2").describe_instance_attribute(
        InstanceId=instance_id, Attribute="userData"
    )["UserData"]
    volume = _root_volume(aws, instance)
    return {
        "id": instance_id,
        "arn": arn(aws, "instance", instance_id),
        "ami": instance["ImageId"],
        "instanceType": instance["InstanceType"],
        "instanceState": instance["State"]["Name"],
        "subnetId": instance.get("SubnetId"),
        "availabilityZone": instance["Placement"]["AvailabilityZone"],
        "vpcSecurityGroupIds": [group["GroupId"] for group in instance["SecurityGroups"]],
        "iamInstanceProfile": _profile(instance),
        "publicIp": instance.get("PublicIpAddress"),
        "publicDns": instance.get("PublicDnsName"),
        "privateIp": instance.get("PrivateIpAddress"),
        "privateDns": instance.get("PrivateDnsName"),
        "associatePublicIpAddress": bool(instance.get("PublicIpAddress")),
        "metadataOptions": {
            ours: instance["MetadataOptions"][theirs]
            for ours, theirs in METADATA.items()
            if theirs in instance.get("MetadataOptions", {})
        },
        "rootBlockDevice": volume and {**volume["device"], **_unread(state, volume["device"])},
        # moto has neither maintenance options nor the two below: what was asked for is believed.
        "maintenanceOptions": state.get("maintenanceOptions"),
        "userData": base64.b64decode(user_data.get("Value", "")).decode() or None,
        "userDataReplaceOnChange": state.get("userDataReplaceOnChange", False),
        "volumeTags": volume and state.get("volumeTags") and volume["tags"],
        "tags": tag_map(instance.get("Tags")),
    }


def _describe(aws: Connection, instance_id: str) -> Any:
    """The instance, None if it is gone or on its way."""
    reservations = aws.client("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"]
    instance: Any = reservations[0]["Instances"][0] if reservations else None
    ended = instance is None or instance["State"]["Name"] in ("shutting-down", "terminated")
    return None if ended else instance


def _profile(instance: Any) -> str | None:
    if "IamInstanceProfile" not in instance:
        return None
    return str(instance["IamInstanceProfile"]["Arn"]).rpartition("/")[2]


def _root_volume(aws: Connection, instance: Any) -> Plain | None:
    for mapping in instance.get("BlockDeviceMappings", []):
        if mapping["DeviceName"] == instance.get("RootDeviceName"):
            volume: Any = aws.client("ec2").describe_volumes(VolumeIds=[mapping["Ebs"]["VolumeId"]])
            found = volume["Volumes"][0]
            device = {ours: found[theirs] for ours, theirs in ROOT_VOLUME.items() if theirs in found}
            device["deleteOnTermination"] = mapping["Ebs"]["DeleteOnTermination"]
            return {"id": found["VolumeId"], "device": device, "tags": tag_map(found.get("Tags"))}
    return None


def _unread(state: Plain, device: Plain) -> Plain:
    """What was asked for of the root volume and does not come back from the API."""
    asked = state.get("rootBlockDevice") or {}
    return {name: value for name, value in asked.items() if name not in device}


def _update(aws: Connection, instance_id: str, state: Plain, inputs: Plain) -> None:
    ec2 = aws.client("ec2")
    retag(aws, instance_id, state, inputs)
    groups = inputs.get("vpcSecurityGroupIds")
    if groups and sorted(groups) != sorted(state.get("vpcSecurityGroupIds") or []):
        ec2.modify_instance_attribute(InstanceId=instance_id, Groups=groups)
    if inputs.get("metadataOptions"):
        options: Any = _their(METADATA, inputs["metadataOptions"])
        ec2.modify_instance_metadata_options(InstanceId=instance_id, **options)
    changed = {name for name, value in inputs.items() if value != state.get(name)}
    if "iamInstanceProfile" in changed:
        _exchange_profile(aws, instance_id, inputs["iamInstanceProfile"])
    _update_volume(aws, instance_id, state, inputs)
    stopped = [name for name in ("instanceType", "userData") if name in changed]
    if stopped:
        _update_stopped(aws, instance_id, inputs, stopped)


def _exchange_profile(aws: Connection, instance_id: str, profile: str) -> None:
    ec2 = aws.client("ec2")
    associations = ec2.describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [instance_id]}]
    )["IamInstanceProfileAssociations"]
    for association in associations:
        ec2.disassociate_iam_instance_profile(AssociationId=association["AssociationId"])
    ec2.associate_iam_instance_profile(InstanceId=instance_id, IamInstanceProfile={"Name": profile})


def _update_volume(aws: Connection, instance_id: str, state: Plain, inputs: Plain) -> None:
    """The root volume's tags, type and size; everything else of it replaces the instance."""
    ec2 = aws.client("ec2")
    volume = _root_volume(aws, _describe(aws, instance_id))
    if volume is None:
        return
    wanted, tagged_so_far = inputs.get("volumeTags") or {}, state.get("volumeTags") or {}
    unwanted = sorted(set(tagged_so_far) - set(wanted))
    if unwanted:
        ec2.delete_tags(Resources=[volume["id"]], Tags=[{"Key": key} for key in unwanted])
    if wanted:
        ec2.create_tags(Resources=[volume["id"]], Tags=tag_list(wanted))
    asked, there = inputs.get("rootBlockDevice") or {}, state.get("rootBlockDevice") or {}
    request: dict[str, Any] = {
        theirs: asked[ours]
        for ours, theirs in (("volumeSize", "Size"), ("volumeType", "VolumeType"))
        if ours in asked and asked[ours] != there.get(ours)
    }
    if request:
        ec2.modify_volume(VolumeId=volume["id"], **request)


def _update_stopped(aws: Connection, instance_id: str, inputs: Plain, changed: Sequence[str]) -> None:
    """What EC2 changes on a stopped instance only: the real plugin stops and starts it."""
    ec2 = aws.client("ec2")
    ec2.stop_instances(InstanceIds=[instance_id])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[instance_id], WaiterConfig={"Delay": 1})
    _wait_for_vm(aws, instance_id, "stopped", "gone")
    if "instanceType" in changed:
        ec2.modify_instance_attribute(InstanceId=instance_id, InstanceType={"Value": inputs["instanceType"]})
    if "userData" in changed:
        # boto3 encodes it as EC2 wants it; moto wants it encoded once more.
        value = base64.b64encode(inputs["userData"].encode())
        ec2.modify_instance_attribute(InstanceId=instance_id, UserData={"Value": value})
    ec2.start_instances(InstanceIds=[instance_id])


def _delete(aws: Connection, instance_id: str, _state: Plain) -> None:
    ec2 = aws.client("ec2")
    ec2.terminate_instances(InstanceIds=[instance_id])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance_id], WaiterConfig={"Delay": 1})
    _wait_for_vm(aws, instance_id, "gone")


def _wait_for_vm(aws: Connection, instance_id: str, *states: str) -> None:
    """moto is done at once; the VM takes the time that a VM takes."""
    if aws.hypervisor is None:
        return
    hypervisor = aws.hypervisor
    try:
        wait_until(
            lambda: _vm_state(hypervisor, instance_id) in states,
            f"the VM of {instance_id} is {' or '.join(states)}",
            seconds=SWITCH_OFF_SECONDS,
        )
    except WaitError as error:
        raise RefusedError(str(error)) from None


def _vm_state(hypervisor: str, instance_id: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{hypervisor}/instances/{instance_id}", timeout=300) as answer:
            return str(json.load(answer)["state"])
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return "gone"


def _replaces_with(aws: Connection, state: Plain, inputs: Plain) -> set[str]:
    """New user-data if it is to, and a type of another architecture: a root volume of one starts on no other."""
    replaces = {"userData"} if inputs.get("userDataReplaceOnChange") else set()
    before, after = state.get("instanceType"), inputs.get("instanceType")
    if before and before != after and not _share_architecture(aws, before, after):
        replaces.add("instanceType")
    return replaces


def _share_architecture(aws: Connection, *types: Any) -> bool:
    """As the real plugin, which takes types that it cannot look up for ones that do."""
    try:
        found = aws.client("ec2").describe_instance_types(InstanceTypes=list(types))["InstanceTypes"]
    except ClientError:
        return True
    return bool(set.intersection(*({*one["ProcessorInfo"]["SupportedArchitectures"]} for one in found)))


_GIVEN = Property(computed=True)

KINDS: dict[str, Kind[Connection]] = {
    "aws:ec2/instance:Instance": Kind(
        properties={
            "ami": Property(required=True, replaces=True),
            "instanceType": Property(required=True, replaces_if="if the types share no architecture"),
            "subnetId": Property(replaces=True, computed=True),
            "associatePublicIpAddress": Property(replaces=True, computed=True),
            "vpcSecurityGroupIds": Property(computed=True, unordered=True),
            "iamInstanceProfile": Property(computed=True),
            "metadataOptions": Property(
                computed=True,
                fields={**dict.fromkeys(METADATA, _GIVEN), "httpEndpoint": Property(default="enabled")},
            ),
            "rootBlockDevice": Property(
                computed=True,
                fields={
                    **dict.fromkeys(ROOT_VOLUME, _GIVEN),
                    "deleteOnTermination": Property(default=True),
                    "encrypted": Property(replaces=True, computed=True),
                    "kmsKeyId": Property(replaces=True, computed=True),
                },
            ),
            "maintenanceOptions": Property(computed=True, fields={"autoRecovery": _GIVEN}),
            "userData": Property(computed=True, replaces_if="if userDataReplaceOnChange"),
            "userDataReplaceOnChange": Property(),
            "tags": Property(),
            "volumeTags": Property(),
        },
        outputs=(
            "arn",
            "availabilityZone",
            "instanceState",
            "privateDns",
            "privateIp",
            "publicDns",
            "publicIp",
            "tagsAll",
        ),
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        replaces_with=_replaces_with,
        source=terraform_aws_5("ec2/ec2_instance.go", "01f4311"),
    ),
}
