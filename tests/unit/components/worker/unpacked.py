"""The files that the VM fetches."""

import base64
import io
import tarfile

from tests.unit.components.recorder import Recorder, Registration

OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"


def unpacked(bundle: bytes) -> dict[str, str]:
    """Path on the VM -> content."""
    with tarfile.open(fileobj=io.BytesIO(bundle)) as archive:
        members = archive.getmembers()
        contents = [archive.extractfile(member) for member in members]
        return {
            f"/{member.name}": content.read().decode()
            for member, content in zip(members, contents, strict=True)
            if content is not None
        }


def bundle_object(recorder: Recorder) -> Registration:
    """The object that holds the VM's files."""
    return recorder.one(OBJECT, "worker-files")


def on_the_vm(recorder: Recorder) -> dict[str, str]:
    """Path on the VM -> content, as the program puts it into the bucket."""
    return unpacked(base64.b64decode(bundle_object(recorder).inputs["contentBase64"]))
