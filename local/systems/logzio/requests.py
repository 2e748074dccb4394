"""What the API description says of a registration's request, and of errors.

Source: Logz.io's public API description (Swagger 2.0), S3BucketRequest; the official Terraform client, which
sends either a key or a role and never both.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from components.logzio.facts import BUCKET_REGIONS, api_region

REGIONS = tuple(api_region(region) for region in BUCKET_REGIONS)
FIELDS: Mapping[str, type] = {
    "accessKey": str,
    "secretKey": str,
    "arn": str,
    "bucket": str,
    "prefix": str,
    "active": bool,
    "addS3ObjectKeyAsLogField": bool,
    "region": str,
    "logsType": str,
}
REQUIRED = ("bucket", "region", "logsType")
DEFAULTS: Mapping[str, Any] = {"prefix": "", "active": True, "addS3ObjectKeyAsLogField": False}
SHOWN = ("accessKey", "logsType", "bucket", "prefix", "active", "region", "arn", "addS3ObjectKeyAsLogField")
"""Fields of an answer; what was not given is null. The secret key is never shown."""


class ApiError(Exception):
    """An answer other than 2xx."""

    def __init__(self, status: int, body: Mapping[str, Any] | str) -> None:
        self.status = status
        self.body = body
        super().__init__(f"{status}")


def error(status: int, code: str, message: str) -> ApiError:
    """An error in the form that most of the API uses."""
    return ApiError(
        status, {"errorCode": code, "message": message, "requestId": str(uuid.uuid4()), "parameters": {}}
    )


def bad_token() -> ApiError:
    """What a wrong or expired token gets."""
    return ApiError(403, {"code": 403, "message": "Insufficient privileges"})


def parse(raw: Any) -> dict[str, Any]:
    """The registration that a request body describes, with the defaults filled in.

    Raises:
        ApiError: 400, it is not of the form that the description gives.
    """
    if not isinstance(raw, dict):
        raise _invalid("the body must be a JSON object")
    if unknown := sorted(raw.keys() - FIELDS.keys()):
        raise _invalid(f"unknown fields: {', '.join(unknown)}")
    for name, value in raw.items():
        if not isinstance(value, FIELDS[name]):
            raise _invalid(f"{name} must be a {FIELDS[name].__name__}")
    if missing := [name for name in REQUIRED if not raw.get(name)]:
        raise _invalid(f"missing fields: {', '.join(missing)}")
    if raw["region"] not in REGIONS:
        raise _invalid(f"region must be one of {', '.join(REGIONS)}")
    if any(character.isspace() for character in raw["logsType"]):
        raise _invalid("logsType can't contain spaces")
    _check_authentication(raw)
    return {**DEFAULTS, **raw}


def _check_authentication(raw: Mapping[str, Any]) -> None:
    has_key = bool(raw.get("accessKey")) and bool(raw.get("secretKey"))
    has_half = bool(raw.get("accessKey")) != bool(raw.get("secretKey"))
    if has_half or has_key == bool(raw.get("arn")):
        raise _invalid("either accessKey and secretKey, or arn must be given")


def _invalid(message: str) -> ApiError:
    return error(400, "log-shipping/INVALID_REQUEST", message)
