"""Compares the registrations that a stack made with what Logz.io has (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from components.logzio import facts as logzio_facts
from components.logzio.model import Registered
from components.settings import Settings
from scripts.verification.model import RegistrationReport, State


@dataclass(frozen=True)
class Made:
    """A registration in the stack's state."""

    id: int
    prefix: str
    role_arn: str | None = None
    access_key: str | None = None
    created_at: datetime | None = None


def compare(
    settings: Settings, made: Iterable[Made], present: Sequence[Registered]
) -> tuple[RegistrationReport, ...]:
    """How the registration of each partition is."""
    known = {one.prefix: one for one in made}
    at_bucket = [one for one in present if one.bucket == settings.archive.bucket]
    return tuple(
        _compare(settings, prefix, known.get(prefix), at_bucket) for prefix in settings.partition_prefixes
    )


def reads(registration: Registered, bucket: str, prefix: str) -> bool:
    """Whether a registration reads the objects below a prefix."""
    return registration.active and registration.bucket == bucket and prefix.startswith(registration.prefix)


def _compare(
    settings: Settings, prefix: str, made: Made | None, at_bucket: Sequence[Registered]
) -> RegistrationReport:
    # A registration of a folder above reads the same objects: each event then comes twice.
    here = [one for one in at_bucket if prefix.startswith(one.prefix)]
    exact = [one for one in here if one.prefix == prefix]
    one = next((one for one in exact if made is not None and one.id == made.id), next(iter(exact), None))
    created_at = made.created_at if made is not None and one is not None and one.id == made.id else None
    if one is None:
        gone = f"registration {made.id} is gone" if made is not None else "it was never made"
        return RegistrationReport(prefix, State.MISSING, difference=gone)
    if not one.active:
        return RegistrationReport(prefix, State.INACTIVE, one.id, created_at)
    others = sorted(other.id for other in here if other.id != one.id and other.active)
    if others:
        also = f"also read by {', '.join(map(str, others))}"
        return RegistrationReport(prefix, State.DOUBLE, one.id, created_at, also)
    difference = _difference(settings, made, one)
    state = State.CHANGED if difference else State.FINE
    return RegistrationReport(prefix, state, one.id, created_at, difference)


def _difference(settings: Settings, made: Made | None, one: Registered) -> str:
    pairs: dict[str, tuple[object, object]] = {
        "logsType": (one.log_type, settings.logzio.log_type),
        "region": (one.region, logzio_facts.api_region(settings.region)),
        "addS3ObjectKeyAsLogField": (one.add_object_key, settings.logzio.add_object_key),
    }
    if made is not None:
        pairs["id"] = (one.id, made.id)
        if made.role_arn is not None:
            pairs["arn"] = (one.role_arn, made.role_arn)
        if made.access_key is not None:
            pairs["accessKey"] = (one.access_key, made.access_key)
    return ", ".join(
        # An access key's id is no secret, but shown nowhere else either.
        name if name == "accessKey" else f"{name} is {has}, not {wanted}"
        for name, (has, wanted) in pairs.items()
        if has != wanted
    )
