"""The parts of S3 Object Lock that moto lacks: for multipart uploads, and for a bucket that has objects.

Source: AWS's guide to Object Lock ("default retention", the checksum that each part needs, "Enable Object Lock on an
existing S3 bucket").
"""

from typing import Any

from moto.s3.exceptions import InvalidBucketState, MissingUploadObjectWithObjectLockHeaders
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response


def install() -> None:
    """Gives a completed upload the bucket's default retention, refuses a part without a checksum, locks any bucket."""
    s3_backend: Any = S3Backend
    s3_response: Any = S3Response
    complete, upload_part = s3_backend.complete_multipart_upload, s3_response.upload_part

    def complete_with_retention(backend: Any, bucket_name: str, *arguments: Any, **named: Any) -> Any:
        key = complete(backend, bucket_name, *arguments, **named)
        bucket = backend.get_bucket(bucket_name)
        if key is not None and bucket.has_default_lock:
            key.lock_mode, key.lock_until = bucket.default_lock_mode, bucket.default_retention()
        return key

    def upload_part_with_checksum(response: Any) -> Any:
        bucket = response.backend.get_bucket(response.bucket_name)
        if bucket.has_default_lock and not _has_checksum(response.headers):
            raise MissingUploadObjectWithObjectLockHeaders
        return upload_part(response)

    s3_backend.complete_multipart_upload = complete_with_retention
    s3_backend.put_object_lock_configuration = _lock
    s3_response.upload_part = upload_part_with_checksum


def _lock(backend: Any, bucket_name: str, lock_enabled: bool, *retention: Any) -> None:
    """moto's own function requires an empty bucket. `retention`: mode, days, years."""
    bucket = backend.get_bucket(bucket_name)
    if not bucket.is_versioned:
        raise InvalidBucketState(
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
        )
    bucket.object_lock_enabled = bucket.object_lock_enabled or lock_enabled
    bucket.default_lock_mode, bucket.default_lock_days, bucket.default_lock_years = retention


def _has_checksum(headers: Any) -> bool:
    return any(
        name.lower() in ("content-md5", "x-amz-trailer") or name.lower().startswith("x-amz-checksum-")
        for name in dict(headers)
    )
