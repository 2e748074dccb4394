"""The machine images that can be launched."""

import json
from pathlib import Path

UBUNTU_AMI = "ami-0a1b2c3d4e5f60718"
UBUNTU_ARM_AMI = "ami-0a1b2c3d4e5f60719"

_UBUNTU = {
    "ami_id": UBUNTU_AMI,
    "name": "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server",
    "description": "Canonical, Ubuntu, 24.04, amd64 noble image",
    "owner_id": "099720109477",
    "public": True,
    "virtualization_type": "hvm",
    "architecture": "x86_64",
    "state": "available",
    "platform": None,
    "image_type": "machine",
    "hypervisor": "xen",
    "root_device_name": "/dev/sda1",
    "root_device_type": "ebs",
    "sriov": "simple",
    "creation_date": "2026-11-01T00:00:00.000Z",
}


# It can be looked up and launched in moto, but no VM can boot it here.
_UBUNTU_ARM = {
    **_UBUNTU,
    "ami_id": UBUNTU_ARM_AMI,
    "name": "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server",
    "description": "Canonical, Ubuntu, 24.04, arm64 noble image",
    "architecture": "arm64",
}


def write(file: Path) -> None:
    """Writes the list in moto's form; moto reads the file that MOTO_AMIS_PATH names when it is imported."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([_UBUNTU, _UBUNTU_ARM]))
