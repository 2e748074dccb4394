"""The image that the VM boots from, by the architecture of its instance type.

Every run asks, so that a preview shows what does not fit. Every question goes to the provider of the resource that asks
(`opts`): it may use another account or region than the default provider.
"""

from collections.abc import Mapping
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.settings import SettingsError, problem

Architecture = Literal["x86_64", "arm64"]

PUBLIC_PARAMETERS = "/aws/service/canonical/ubuntu/server/"
"""Beginning of the names of Canonical's public parameters."""

# The newest image of this release, by EC2's name of the architecture.
_UBUNTU_LTS = PUBLIC_PARAMETERS + "24.04/stable/current/{}/hvm/ebs-gp3/ami-id"
UBUNTU_LTS_PARAMETERS: Mapping[Architecture, str] = {
    "x86_64": _UBUNTU_LTS.format("amd64"),
    "arm64": _UBUNTU_LTS.format("arm64"),
}


def architecture_of(instance_type: str, opts: pulumi.InvokeOptions) -> Architecture:
    """The architecture of an instance type.

    Raises:
        SettingsError: it is neither of the two.
    """
    supported = aws.ec2.get_instance_type(instance_type=instance_type, opts=opts).supported_architectures
    if "x86_64" in supported:
        return "x86_64"
    if "arm64" in supported:
        return "arm64"
    raise SettingsError(
        [
            problem(
                "worker.instanceType",
                f"{instance_type} runs {', '.join(supported)} only",
                "a type for x86_64 or arm64",
            )
        ]
    )


def require_fitting_image(
    ami: str, instance_type: str, architecture: Architecture, opts: pulumi.InvokeOptions
) -> None:
    """Compares the architecture of an image with that of the instance type.

    Raises:
        SettingsError: they differ.
    """
    by_id = aws.ec2.GetAmiFilterArgs(name="image-id", values=[ami])
    image = aws.ec2.get_ami(filters=[by_id], opts=opts)
    if image.architecture != architecture:
        raise SettingsError(
            [
                problem(
                    "worker.ami",
                    f"is for {image.architecture}, and {instance_type} is {architecture}",
                    f"an image for {architecture}, or leave it out",
                )
            ]
        )


def default_image(architecture: Architecture, opts: pulumi.InvokeOptions) -> str:
    """The id of the newest Ubuntu LTS image in the region."""
    return str(aws.ssm.get_parameter(name=UBUNTU_LTS_PARAMETERS[architecture], opts=opts).value)
