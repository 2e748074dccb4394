"""A registration as the program wants it, and as Logz.io has it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from components.logzio import facts

ALL_REGIONS = frozenset(facts.api_region(region) for region in facts.BUCKET_REGIONS)
"""The API's own names of the regions, US_EAST_1 etc."""


@dataclass(frozen=True)
class Registration:
    """What Logz.io is asked to fetch: the objects under `prefix` of `bucket`, as events of type `log_type`.

    `region` in the API's form (US_WEST_2). Logz.io reads with the role `role_arn`, or with the key.
    """

    bucket: str
    region: str
    log_type: str
    prefix: str = ""
    active: bool = True
    add_object_key: bool = False
    role_arn: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)

    def request(self) -> dict[str, Any]:
        """The body of POST and PUT: always everything, as the API does not say what it makes of a gap."""
        body = {
            "bucket": self.bucket,
            "prefix": self.prefix,
            "region": self.region,
            "logsType": self.log_type,
            "active": self.active,
            "addS3ObjectKeyAsLogField": self.add_object_key,
        }
        if self.role_arn is not None:
            return {**body, "arn": self.role_arn}
        return {**body, "accessKey": self.access_key, "secretKey": self.secret_key}


@dataclass(frozen=True)
class Registered:
    """A registration as Logz.io shows it. The secret key is never shown, or dropped if it ever is.

    Only a registration in a listing may lack `region` or `log_type`: see `parse_listed`.
    """

    id: int
    bucket: str
    region: str | None
    log_type: str | None
    prefix: str = ""
    active: bool = True
    add_object_key: bool = False
    role_arn: str | None = None
    access_key: str | None = None
    is_new: bool = field(default=False, compare=False)
    """Whether this process made it, so that the time of its creation is known. The API does not show that time."""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> "Registered":
        """From an answer of the API; fields that are not known here are ignored.

        Raises:
            KeyError, TypeError, ValueError: it is no registration.
        """
        found = cls.parse_listed(raw)
        if found is None or not found.is_complete:
            raise KeyError("bucket, region or logsType")
        return found

    @classmethod
    def parse_listed(cls, raw: Mapping[str, Any]) -> "Registered | None":
        """From a listing, which holds what other people and products registered, too; None without a bucket.

        Such an entry may lack what the API description requires: that must not stop this stack.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is no registration.
        """
        if not raw.get("bucket"):
            return None
        region, log_type = raw.get("region"), raw.get("logsType")
        return cls(
            id=int(raw["id"]),
            bucket=str(raw["bucket"]),
            region=facts.api_region(str(region)) if region else None,
            log_type=str(log_type) if log_type else None,
            prefix=raw.get("prefix") or "",
            active=_default(raw.get("active"), default=True),
            add_object_key=_default(raw.get("addS3ObjectKeyAsLogField"), default=False),
            role_arn=raw.get("arn") or None,
            access_key=raw.get("accessKey") or None,
        )

    @property
    def is_complete(self) -> bool:
        """Whether it has everything that each registration of this project has."""
        return self.region is not None and self.log_type is not None

    def is_at_place_of(self, wanted: Registration) -> bool:
        """Whether it fetches the same objects."""
        return (self.bucket, self.prefix) == (wanted.bucket, wanted.prefix)

    def is_owned_by(self, wanted: Registration) -> bool:
        """Whether it was made for the same place with the same identity, which belongs to this stack alone."""
        mine = (wanted.region, wanted.log_type, wanted.role_arn, wanted.access_key)
        return self.is_at_place_of(wanted) and mine == (
            self.region,
            self.log_type,
            self.role_arn,
            self.access_key,
        )

    def shows(self, wanted: Registration) -> bool:
        """Whether everything that can be seen is as wanted."""
        return self.is_owned_by(wanted) and (self.active, self.add_object_key) == (
            wanted.active,
            wanted.add_object_key,
        )


@dataclass(frozen=True)
class Plan:
    """What an account may index. The figures are None where they do not apply to the account's plan.

    `max_daily_gb`: GB per calendar day. `retention_days`: how long an event stays searchable.
    `used_today`: bytes of today.
    """

    max_daily_gb: float | None
    retention_days: int | None
    used_today: int | None

    @classmethod
    def parse(cls, raw: Mapping[str, Any], today: date) -> "Plan":
        """From the detailed view of an account. That view holds a token too, which is left there.

        Raises:
            KeyError, TypeError, ValueError: it is no such view.
        """
        account = raw["account"]
        most = account.get("maxDailyGB")
        if most is None:
            most = account.get("softLimitGB")
        days = account.get("retentionDays")
        usage = (raw.get("dailyUsagesList") or {}).get("usage")
        return cls(
            max_daily_gb=None if most is None else float(most),
            retention_days=None if days is None else int(days),
            used_today=None if usage is None else _bytes_of(today, usage),
        )


@dataclass(frozen=True)
class Failures:
    """Events that Logz.io could not index by their fields, or cut. `total`: of the whole account.

    `seen`: the fields of some of them that help to find the cause.
    """

    total: int
    seen: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class RoleDetails:
    """Whom a role must trust: Logz.io's AWS account, on behalf of this Logz.io account (`external_id`)."""

    aws_account_id: str
    external_id: str


def _bytes_of(day: date, usage: Iterable[Mapping[str, Any]]) -> int:
    """Dates are milliseconds since the epoch."""
    return sum(
        int(usage_of_day["bytes"])
        for usage_of_day in usage
        if datetime.fromtimestamp(int(usage_of_day["date"]) / 1000, UTC).date() == day
    )


def _default(value: Any, *, default: bool) -> bool:
    return default if value is None else bool(value)
