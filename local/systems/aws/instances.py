"""EC2's own view: its instances, and the credentials of their roles."""

import json
from collections.abc import Iterator
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from local.systems.aws.accounts import ACCOUNT
from local.systems.aws.policy import Access, Decision, decide

CREDENTIAL_SECONDS = 6 * 3600


class NoCredentialsError(LookupError):
    """The instance has no profile, or its role does not trust EC2."""


def install() -> None:
    """Makes an instance's termination delete its network interface, as EC2 does by default; moto keeps it."""
    terminate = Instance.terminate

    def terminate_with_interfaces(instance: Any) -> Any:
        for interface in instance.nics.values():
            interface.delete_on_termination = True
        return terminate(instance)

    Instance.terminate = terminate_with_interfaces  # type: ignore[assignment,method-assign]  # moto patched


def describe() -> list[dict[str, Any]]:
    """Every instance of every region, under the keys of `_description`; user_data is base64."""
    return [_description(region, instance) for region, instance in _instances()]


def credentials(instance_id: str) -> dict[str, str]:
    """Credentials of the instance's role, in the metadata service's form.

    EC2 assumes the role as the service principal ec2.amazonaws.com, in a session named after the instance.

    Raises:
        NoCredentialsError: there is no such instance, or no role that trusts EC2.
    """
    for region, instance in _instances():
        if instance.id == instance_id:
            return _assume(region, instance)
    raise NoCredentialsError(f"no instance {instance_id}")


def _instances() -> Iterator[tuple[str, Any]]:
    for region, backend in list(ec2_backends[ACCOUNT].items()):
        for reservation in list(backend.reservations.values()):
            for instance in list(reservation.instances):
                yield region, instance


def _description(region: str, instance: Any) -> dict[str, Any]:
    profile = _profile(instance)
    role = _role(profile)
    subnet = instance.nics[0].subnet
    return {
        "id": instance.id,
        "region": region,
        "account": ACCOUNT,
        "state": instance._state.name,
        "type": instance.instance_type,
        "image": instance.image_id,
        "user_data": "" if instance.user_data is None else instance.user_data.as_bytes().decode(),
        "profile_arn": None if profile is None else profile.arn,
        "role": None if role is None else role.name,
        "address": instance.private_ip,
        "zone": subnet.availability_zone,
        "vpc": subnet.vpc_id,
        "vpc_blocks": _blocks(instance.ec2_backend.vpcs.get(subnet.vpc_id)),
        "incoming": _rules(instance, "ingress_rules"),
        "outgoing": _rules(instance, "egress_rules"),
    }


def _blocks(vpc: Any) -> list[str]:
    """A VPC's IPv4 address blocks; none once it is deleted, while EC2 still shows its instances."""
    return [] if vpc is None else [block["cidr_block"] for block in vpc.cidr_block_association_set]


def _rules(instance: Any, direction: str) -> list[dict[str, Any]]:
    """What the instance's security groups allow: {"protocol", "ports": [first, last] or None, "peers": [IPv4 blocks]}.

    A group in a rule stands for the private addresses of its instances.
    """
    return [
        {
            "protocol": rule.ip_protocol,
            "ports": None if rule.from_port in (None, -1) else [rule.from_port, rule.to_port],
            "peers": _peers(instance.ec2_backend, rule),
        }
        for group in instance.nics[0].group_set
        for rule in getattr(group, direction)
    ]


def _peers(backend: Any, rule: Any) -> list[str]:
    if not rule.source_group:
        return [rule.cidr_ipv4] if rule.cidr_ipv4 else []
    return [
        f"{other.private_ip}/32"
        for reservation in list(backend.reservations.values())
        for other in list(reservation.instances)
        if other._state.name not in ("shutting-down", "terminated")
        and any(group.id == rule.source_group.get("GroupId") for group in other.nics[0].group_set)
    ]


def _profile(instance: Any) -> Any:
    associations = instance.ec2_backend.iam_instance_profile_associations.values()
    return next(
        (known.iam_instance_profile for known in associations if known.instance.id == instance.id), None
    )


def _role(profile: Any) -> Any:
    return None if profile is None or not profile.roles else profile.roles[0]


def _assume(region: str, instance: Any) -> dict[str, str]:
    role = _role(_profile(instance))
    if role is None or role.name not in {known.name for known in iam_backends[ACCOUNT]["aws"].roles.values()}:
        raise NoCredentialsError(f"{instance.id} has no instance profile with a role")
    access = Access("sts:AssumeRole", role.arn, {})
    trust = json.loads(role.assume_role_policy_document)
    if decide([trust], access, _is_ec2) is not Decision.ALLOW:
        raise NoCredentialsError(f"role {role.name} does not trust ec2.amazonaws.com")
    session = sts_backends[ACCOUNT]["aws"].assume_role(
        region_name=region,
        role_session_name=instance.id,
        role_arn=role.arn,
        policy="",
        duration=CREDENTIAL_SECONDS,
        external_id="",
    )
    return {
        "Code": "Success",
        "LastUpdated": session.access_key.create_date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Type": "AWS-HMAC",
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "Token": session.session_token,
        "Expiration": session.expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _is_ec2(element: Any) -> bool:
    services = element.get("Service", []) if isinstance(element, dict) else []
    return "ec2.amazonaws.com" in ([services] if isinstance(services, str) else services)
