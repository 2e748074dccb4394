"""The parts of Logz.io's account API that register S3 buckets, find events and show what an account may do.

Without Pulumi.

Source of methods, paths and fields: the API description (log-shipping/s3-buckets, search) and the official Terraform
client. That client is also the source of the waits: it reads again after each write, because answers lag behind writes.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import tenacity

from components.logzio import facts, redaction, search
from components.logzio.errors import Kind, LogzioError
from components.logzio.model import Failures, Plan, Registered, Registration, RoleDetails
from components.logzio.transport import Transport

REGISTRATIONS = "/v1/log-shipping/s3-buckets"
ROLE_DETAILS = f"{REGISTRATIONS}/aws-assume-role-details"
WHO_AM_I = "/v2/whoami"
SEARCH = "/v1/search"
SHIPPING_TOKENS = "/v1/log-shipping/tokens"
ACCOUNTS = "/v1/account-management/time-based-accounts"

PROPAGATION_SECONDS = 120.0
"""Within this time a new role or key takes effect everywhere in AWS; usually within ten seconds."""

SHOWS_SECONDS = 30.0
"""How long Logz.io may take to show a change."""

LOST_SECONDS = 10.0
"""How long the client looks for a registration whose answer was lost."""

POSTS = 4
"""How often the client posts a registration whose answers are lost."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class LogzioClient:
    """A Logz.io account. Safe to share between threads."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._account_id: str | None = None

    def account_id(self) -> str:
        """The account that the token belongs to; the client asks once.

        This call needs only a valid token at the right address, so its errors are about those only.
        """
        if self._account_id is None:
            self._account_id = str(self._read(WHO_AM_I, lambda raw: raw["accountId"]))
        return self._account_id

    def role_details(self) -> RoleDetails:
        """Whom a role must trust so that Logz.io can read with it."""
        return self._read(
            ROLE_DETAILS,
            lambda raw: RoleDetails(str(raw["logzioAWSAccountId"]), str(raw["assignedExternalId"])),
        )

    def registrations(self) -> list[Registered]:
        """All registrations of the account; other people's may lack their region or log type."""
        listed = self._read(REGISTRATIONS, lambda raw: [Registered.parse_listed(entry) for entry in raw])
        return [registration for registration in listed if registration is not None]

    def get(self, id_: int) -> Registered | None:
        """A registration; None if it does not exist, or does not show yet."""
        try:
            return self._read(_path(id_), Registered.parse)
        except LogzioError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            raise

    def read(self, id_: int, account_id: str | None) -> Registered | None:
        """A registration that was made in the account `account_id`; None if it is gone from there.

        Raises:
            LogzioError: among others, the token belongs to another account.
        """
        found = self.get(id_)
        if found is None:
            self._check_account(id_, account_id)
        return found

    def create(self, wanted: Registration, *, adopt: bool) -> Registered:
        """Makes a registration, or takes over an existing one.

        An existing registration with this stack's own role or key is from an interrupted attempt: it is taken over.
        Any other registration of the same bucket and prefix is taken over only with `adopt`. `is_new` of the result is
        true if it was made.

        Raises:
            LogzioError: it could not be made; nothing is left in Logz.io, unless the message says so.
        """
        redaction.remember(wanted.access_key, wanted.secret_key)
        self.account_id()
        before = self.registrations()
        present = [registration for registration in before if registration.is_at_place_of(wanted)]
        if present:
            return self._take_over(present, wanted, adopt=adopt)
        made = self._shown(self._post(wanted, {registration.id for registration in before}), wanted)
        return replace(made, is_new=True)

    def update(self, id_: int, wanted: Registration) -> Registered:
        """Replaces all fields, then waits until Logz.io shows them.

        Raises:
            LogzioError: among others of kind NOT_FOUND and NOT_VISIBLE.
        """
        redaction.remember(wanted.access_key, wanted.secret_key)
        try:
            self._while_aws_learns(
                lambda: self._transport.call("PUT", _path(id_), wanted.request(), reads=False)
            )
        except LogzioError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            raise LogzioError(
                Kind.NOT_FOUND,
                error.call,
                f"registration {id_} is gone: somebody deleted it",
                status=error.status,
                request_id=error.request_id,
                hint="run `pulumi refresh` so that Pulumi knows, then `pulumi up` to make it again",
            ) from None
        seen = self._look(
            lambda: self.get(id_), lambda found: bool(found and found.shows(wanted)), SHOWS_SECONDS
        )
        if seen is None or not seen.shows(wanted):
            raise LogzioError(
                Kind.NOT_VISIBLE, f"PUT {_path(id_)}", f"registration {id_} still shows its former fields"
            )
        return seen

    def delete(self, id_: int, account_id: str | None) -> None:
        """Deletes a registration; succeeds if it is already gone from the account `account_id`.

        Raises:
            LogzioError: it may still exist; among others, the token belongs to another account.
        """
        try:
            self._remove(id_)
        except LogzioError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            self._check_account(id_, account_id)
            return
        # A new registration of the same prefix must not find this one in a listing that lags behind.
        self._look_quietly(lambda: self.get(id_), lambda found: found is None)

    def has_event(self, field: str, value: str) -> bool:
        """Whether an event of today or yesterday (UTC) has this value, such as an id, in a field.

        An event whose fields Logz.io did not index does not count.
        """
        quoted = re.sub(r'(["\\])', r"\\\1", value)
        query = {"query_string": {"query": f'{field}:"{quoted}"', "allow_leading_wildcard": False}}
        # Several: a copy that was not indexed may come before an indexed copy.
        return self._search({"size": 100, "query": query}, 0, _has_indexed)

    def present(self, field: str, values: Sequence[str], *, day_offset: int = 0) -> set[str]:
        """The values among these, at most 1,000, that events of two days (UTC) have in a field.

        The two days are today and yesterday, or `day_offset` days earlier (the API's parameter `dayOffset`).
        """
        answer = self._search(search.of_values(field, values), day_offset, search.values_in)
        return answer & set(values)

    def failures(self, *, day_offset: int = 0) -> Failures:
        """Events of the same two days that the account's index refused or truncated."""
        return self._search(search.of_failures(), day_offset, search.failures_in)

    def shipping_token(self) -> str:
        """An enabled log shipping token of the account. `redaction` remembers it as a secret.

        Source: API description, "Retrieve log shipping tokens". An account has at least one enabled token.

        Raises:
            LogzioError: among others of kind INVALID: no token is enabled.
        """
        body = {"filter": {"enabled": True}, "pagination": {"pageNumber": 1, "pageSize": 25}}
        tokens = self._parsed(
            "POST",
            f"{SHIPPING_TOKENS}/search",
            lambda raw: [str(token["token"]) for token in raw["results"] if token["enabled"]],
            body,
            asks=True,
        )
        redaction.remember(*tokens)
        if not tokens:
            raise LogzioError(
                Kind.INVALID,
                f"POST {SHIPPING_TOKENS}/search",
                "the account has no enabled log shipping token",
                hint="enable one in Logz.io (Settings > Tools > Manage tokens > Data shipping tokens)",
            )
        return tokens[0]

    def plan(self) -> Plan | None:
        """Daily quota, its use today and the retention of the account; None if the token has no right to them.

        Source: API description, "Retrieve detailed account information by account ID", which accepts only a token of
        the main account.
        """
        today = datetime.now(UTC).date()
        try:
            return self._read(f"{ACCOUNTS}/detailed/{self.account_id()}", lambda raw: Plan.parse(raw, today))
        except LogzioError as error:
            if error.kind in (Kind.AUTHENTICATION, Kind.NOT_FOUND, Kind.INVALID):
                return None
            raise

    def _search(self, body: dict[str, Any], day_offset: int, parse: Callable[[Any], _T]) -> _T:
        params = {"dayOffset": day_offset} if day_offset else None
        return self._parsed("POST", SEARCH, parse, body, params=params, asks=True)

    def _post(self, wanted: Registration, known: Collection[int]) -> Registered:
        """Posts until there is an answer, or a registration beyond the `known` ids."""
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_effect_is_unknown),
            stop=tenacity.stop_after_attempt(POSTS),
            reraise=True,
        )
        made = attempts(self._post_once, wanted, known)
        self._remove_others(made, wanted, known)
        return made

    def _post_once(self, wanted: Registration, known: Collection[int]) -> Registered:
        try:
            return self._while_aws_learns(
                lambda: self._parsed("POST", REGISTRATIONS, Registered.parse, wanted.request())
            )
        except LogzioError as error:
            if not error.effect_unknown:
                raise
            _log.info("%s; looking whether it was made", error)
            found = self._found_after(error, wanted, known)
            if not found:
                raise
            return found[0]

    def _found_after(
        self, lost: LogzioError, wanted: Registration, known: Collection[int]
    ) -> list[Registered]:
        try:
            return self._look(lambda: self._new(wanted, known), bool, LOST_SECONDS)
        except LogzioError as error:
            raise LogzioError(
                error.kind,
                error.call,
                f"{error.message}. Before that: {lost.message}",
                status=error.status,
                request_id=error.request_id,
                hint=f"{error.hint}. The registration may have been made: the next `pulumi up` takes it over",
            ) from None

    def _new(self, wanted: Registration, known: Collection[int]) -> list[Registered]:
        new = [
            registration
            for registration in self.registrations()
            if registration.is_at_place_of(wanted) and registration.id not in known
        ]
        if not all(registration.is_complete for registration in new):
            # It may be the posted registration: if it were skipped, it would be posted again.
            raise LogzioError(
                Kind.ANSWER, f"GET {REGISTRATIONS}", "a new registration lacks its region or log type"
            )
        return _owned(new, wanted)

    def _remove_others(self, made: Registered, wanted: Registration, known: Collection[int]) -> None:
        """Deletes what a lost attempt or an interrupted command made after the client had stopped looking for it."""
        try:
            for registration in self._new(wanted, known):
                if registration.id != made.id:
                    self._remove(registration.id)
        except LogzioError as error:
            # The registration itself is made, and its id must get into the state.
            _log.warning("%s A second registration of %s may be there", error, wanted.prefix)

    def _remove(self, id_: int) -> None:
        self._transport.call("DELETE", _path(id_), reads=False)

    def _take_over(self, present: list[Registered], wanted: Registration, *, adopt: bool) -> Registered:
        own = _owned(present, wanted)
        foreign = [registration for registration in present if registration not in own]
        if foreign and (not adopt or len(present) > 1):
            raise _conflict(present, wanted, adopt=adopt)
        kept = (own or foreign)[0]
        for duplicate in own[1:]:
            self._remove(duplicate.id)
        return kept if kept.shows(wanted) else self.update(kept.id, wanted)

    def _shown(self, made: Registered, wanted: Registration) -> Registered:
        """Waits until a read finds it: a refresh right after `up` must not conclude that it was deleted."""
        seen = self._look_quietly(
            lambda: self.get(made.id), lambda found: bool(found and found.shows(wanted))
        )
        return seen or made

    def _check_account(self, id_: int, account_id: str | None) -> None:
        present = self.account_id()
        if account_id is not None and account_id != present:
            raise LogzioError(
                Kind.OTHER_ACCOUNT,
                f"registration {id_}",
                f"it was made in account {account_id}, the token belongs to account {present}",
            )

    def _while_aws_learns(self, call: Callable[[], _T]) -> _T:
        """Repeats the call while a new role or key has not taken effect in AWS."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, LogzioError) and error.kind is Kind.AWS_CREDENTIALS
            ),
            wait=tenacity.wait_exponential(multiplier=2, max=15) + tenacity.wait_random(0, 1),
            stop=lambda state: state.idle_for + state.upcoming_sleep > PROPAGATION_SECONDS,
            sleep=self._transport.sleep,
            reraise=True,
        )
        return retrying(call)

    def _look(self, read: Callable[[], _T], is_there: Callable[[_T], bool], seconds: float) -> _T:
        """Reads until `is_there`, for `seconds` at most; returns the last result."""
        seen = read()
        for wait in _growing(seconds):
            if is_there(seen):
                break
            self._transport.sleep(wait)
            seen = read()
        return seen

    def _look_quietly(
        self, read: Callable[[], Registered | None], is_there: Callable[[Registered | None], bool]
    ) -> Registered | None:
        """Reads after a successful call: an error now does not undo that call, so it is only logged."""
        try:
            return self._look(read, is_there, SHOWS_SECONDS)
        except LogzioError as error:
            _log.warning("%s", error)
            return None

    def _read(self, path: str, parse: Callable[[Any], _T]) -> _T:
        return self._parsed("GET", path, parse)

    def _parsed(
        self,
        method: str,
        path: str,
        parse: Callable[[Any], _T],
        body: dict[str, Any] | None = None,
        *,
        params: Mapping[str, int] | None = None,
        asks: bool = False,
    ) -> _T:
        raw = self._transport.call(method, path, body, params=params, asks=asks)
        try:
            return parse(raw)
        except (KeyError, TypeError, ValueError, AttributeError):
            # Neither chained nor shown: the answer may contain anything.
            raise LogzioError(
                Kind.ANSWER, f"{method} {path}", "the answer lacks what it must hold", effect_unknown=True
            ) from None


def _has_indexed(answer: Any) -> bool:
    return any(facts.failure(hit["_source"]) is None for hit in answer["hits"]["hits"])


def _path(id_: int) -> str:
    return f"{REGISTRATIONS}/{id_}"


def _owned(registrations: Sequence[Registered], wanted: Registration) -> list[Registered]:
    """This stack's own registrations, the oldest first."""
    own = (registration for registration in registrations if registration.is_owned_by(wanted))
    return sorted(own, key=lambda registration: registration.id)


def _effect_is_unknown(error: BaseException) -> bool:
    return isinstance(error, LogzioError) and error.effect_unknown


def _growing(seconds: float) -> Iterator[float]:
    """Waits of 0.5, 1, 2, 4, 4 ... seconds, `seconds` in total."""
    wait = 0.5
    while seconds > 0:
        yield min(wait, seconds)
        seconds -= wait
        wait = min(4.0, 2 * wait)


def _conflict(present: list[Registered], wanted: Registration, *, adopt: bool) -> LogzioError:
    ids = ", ".join(str(registration.id) for registration in present)
    if len(present) > 1:
        advice = "delete all but one of them in Logz.io"
    else:
        advice = "delete it in Logz.io, or set ccloud-logexporter:logzio.adoptExisting to take it over"
    return LogzioError(
        Kind.CONFLICT,
        f"registration of s3://{wanted.bucket}/{wanted.prefix}",
        f"there {'are' if len(present) > 1 else 'is'} already: {ids}",
        hint=f"{Kind.CONFLICT.value}: {advice}"
        + (" (adoptExisting takes over one, not several)" if adopt else ""),
    )
