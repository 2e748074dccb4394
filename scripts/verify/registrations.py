"""Compares the registrations that a stack made with what Logz.io has (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from components.logzio import facts as logzio_facts
from components.logzio.model import Registered
from components.settings import Settings
from scripts.verify.model import RegistrationReport, RegistrationState


@dataclass(frozen=True)
class StackRegistration:
    """A registration in the stack's state."""

    id: int
    prefix: str
    role_arn: str | None = None
    access_key: str | None = None
    created_at: datetime | None = None


def compare(
    settings: Settings, made: Iterable[StackRegistration], present: Sequence[Registered]
) -> tuple[RegistrationReport, ...]:
    """The state of each partition's registration. `made`: those in the stack's state, `present`: those in Logz.io."""
    known = {registration.prefix: registration for registration in made}
    at_bucket = [registration for registration in present if registration.bucket == settings.archive.bucket]
    return tuple(
        _compare(settings, prefix, known.get(prefix), at_bucket) for prefix in settings.partition_prefixes
    )


def reads(registration: Registered, bucket: str, prefix: str) -> bool:
    """Whether a registration reads the objects below a prefix."""
    return registration.active and registration.bucket == bucket and prefix.startswith(registration.prefix)


def _compare(
    settings: Settings, prefix: str, made: StackRegistration | None, at_bucket: Sequence[Registered]
) -> RegistrationReport:
    # A registration of a folder above reads the same objects: each event then arrives twice.
    here = [registration for registration in at_bucket if prefix.startswith(registration.prefix)]
    exact = [registration for registration in here if registration.prefix == prefix]
    own = [registration for registration in exact if made is not None and registration.id == made.id]
    found = next(iter([*own, *exact]), None)
    created_at = made.created_at if made is not None and own else None
    if found is None:
        gone = f"registration {made.id} is gone" if made is not None else "it was never made"
        return RegistrationReport(prefix, RegistrationState.MISSING, difference=gone)
    if not found.active:
        return RegistrationReport(prefix, RegistrationState.INACTIVE, found.id, created_at)
    others = sorted(other.id for other in here if other.id != found.id and other.active)
    if others:
        also = f"also read by {', '.join(map(str, others))}"
        return RegistrationReport(prefix, RegistrationState.DOUBLE, found.id, created_at, also)
    difference = _difference(settings, made, found)
    state = RegistrationState.CHANGED if difference else RegistrationState.FINE
    return RegistrationReport(prefix, state, found.id, created_at, difference)


def _difference(settings: Settings, made: StackRegistration | None, found: Registered) -> str:
    pairs: dict[str, tuple[object, object]] = {
        "logsType": (found.log_type, settings.logzio.log_type),
        "region": (found.region, logzio_facts.api_region(settings.region)),
        "addS3ObjectKeyAsLogField": (found.add_object_key, settings.logzio.add_object_key),
    }
    if made is not None:
        pairs["id"] = (found.id, made.id)
        if made.role_arn is not None:
            pairs["arn"] = (found.role_arn, made.role_arn)
        if made.access_key is not None:
            pairs["accessKey"] = (found.access_key, made.access_key)
    return ", ".join(
        # The id of an access key is not a secret, but no other output shows it either.
        name if name == "accessKey" else f"{name} is {has}, not {wanted}"
        for name, (has, wanted) in pairs.items()
        if has != wanted
    )
