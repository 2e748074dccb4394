"""The files that a user-data brings to the VM."""

import base64
import io
import tarfile

import yaml


def unpacked(user_data: str) -> dict[str, str]:
    """Path on the VM -> content."""
    (packed,) = yaml.safe_load(user_data)["write_files"]
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(packed["content"]))) as archive:
        members = archive.getmembers()
        contents = [archive.extractfile(member) for member in members]
        return {
            f"/{member.name}": content.read().decode()
            for member, content in zip(members, contents, strict=True)
            if content is not None
        }
