"""Quotas of EC2 and S3: moto answers only those of VPC.

Source: AWS General Reference, "Amazon EC2 endpoints and quotas" and "Amazon S3 endpoints and quotas": the defaults.
"""

from typing import Any

from moto.servicequotas.models import ServiceQuotasBackend

_VALUES = {("ec2", "L-1216C47A"): 5.0, ("s3", "L-DC2B2D3D"): 10_000.0}


def install() -> None:
    """Adds the quotas to moto's."""
    backend: Any = ServiceQuotasBackend
    get_service_quota = backend.get_service_quota

    def get(self: Any, service_code: str, quota_code: str) -> dict[str, Any]:
        value = _VALUES.get((service_code, quota_code))
        if value is None:
            found: dict[str, Any] = get_service_quota(self, service_code, quota_code)
            return found
        return {"ServiceCode": service_code, "QuotaCode": quota_code, "Value": value}

    backend.get_service_quota = get
