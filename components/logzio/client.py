"""The parts of Logz.io's account API that register S3 buckets, find events and tell what an account may do.

No Pulumi in here.

Source of methods, paths and fields: the API description (log-shipping/s3-buckets, search) and the official Terraform
client; of the waiting: that client reads again after each write because answers lag behind writes.
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
"""A new role or key is known everywhere in AWS within two minutes, as a rule within ten seconds."""

SHOWS_SECONDS = 30.0
"""How long a change may take to show."""

LOST_SECONDS = 10.0
"""How long a registration is looked for whose answer was lost."""

POSTS = 4
"""How often a registration is posted whose answers are lost."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class LogzioClient:
    """Registrations of one Logz.io account. Safe to share between threads."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._account_id: str | None = None

    def account_id(self) -> str:
        """The account that the token belongs to; asked once.

        This call needs nothing but a good token at the right address, so its errors speak of those only.
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
        """All registrations of the account; those of other people may lack their region or log type."""
        listed = self._read(REGISTRATIONS, lambda raw: [Registered.parse_listed(one) for one in raw])
        return [one for one in listed if one is not None]

    def get(self, id_: int) -> Registered | None:
        """One registration; None if there is none (or none yet)."""
        try:
            return self._read(_path(id_), Registered.parse)
        except LogzioError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            raise

    def read(self, id_: int, account_id: str | None) -> Registered | None:
        """One registration that was made in the account `account_id`; None if it is gone from there.

        Raises:
            LogzioError: also if it is not found because the token is of another account.
        """
        found = self.get(id_)
        if found is None:
            self._check_account(id_, account_id)
        return found

    def create(self, wanted: Registration, *, adopt: bool) -> Registered:
        """Makes a registration, or takes over the one that is there.

        One with this stack's own role or key is from an attempt that was cut off: it is taken over. Another
        one of the same bucket and prefix is taken over with `adopt` only. `is_new` tells which it was.

        Raises:
            LogzioError: it could not be made; nothing of it is left, unless its message says so.
        """
        redaction.remember(wanted.access_key, wanted.secret_key)
        self.account_id()
        before = self.registrations()
        present = [one for one in before if one.is_at_place_of(wanted)]
        if present:
            return self._take_over(present, wanted, adopt=adopt)
        made = self._shown(self._post(wanted, {one.id for one in before}), wanted)
        return replace(made, is_new=True)

    def update(self, id_: int, wanted: Registration) -> Registered:
        """Replaces all fields, then reads until they show.

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
        """Deletes a registration; it is fine if it is gone from the account `account_id` already.

        Raises:
            LogzioError: it may still be there, also because the token is of another account.
        """
        try:
            self._remove(id_)
        except LogzioError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            self._check_account(id_, account_id)
            return
        # Whoever makes one for the same prefix next must not meet this one in a listing that lags behind.
        self._look_quietly(lambda: self.get(id_), lambda found: found is None)

    def has_event(self, field: str, value: str) -> bool:
        """Whether an event of today or yesterday (UTC) has this value, such as an id, in a field.

        One that Logz.io holds without having indexed its fields does not count.
        """
        quoted = re.sub(r'(["\\])', r"\\\1", value)
        query = {"query_string": {"query": f'{field}:"{quoted}"', "allow_leading_wildcard": False}}
        # A copy that was not indexed may stand before one that was.
        return self._search({"size": 100, "query": query}, 0, _has_indexed)

    def present(self, field: str, values: Sequence[str], *, day_offset: int = 0) -> set[str]:
        """Which of these values events of two days (UTC) have in a field; 1,000 values at most.

        The two days are today and yesterday, or `day_offset` days before these (parameter of that name of the API).
        """
        answer = self._search(search.of_values(field, values), day_offset, search.values_in)
        return answer & set(values)

    def failures(self, *, day_offset: int = 0) -> Failures:
        """Events of the same two days that the account's index refused, or took cut."""
        return self._search(search.of_failures(), day_offset, search.failures_in)

    def shipping_token(self) -> str:
        """An enabled log shipping token of the account. It is remembered as a secret.

        Source: API description, "Retrieve log shipping tokens". An account has one enabled token at least.

        Raises:
            LogzioError: among others of kind INVALID, there is none.
        """
        body = {"filter": {"enabled": True}, "pagination": {"pageNumber": 1, "pageSize": 25}}
        tokens = self._parsed(
            "POST",
            f"{SHIPPING_TOKENS}/search",
            lambda raw: [str(one["token"]) for one in raw["results"] if one["enabled"]],
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
        """Daily quota, its use today and the retention of the account; None if the token may not ask.

        Source: API description, "Retrieve detailed account information by account ID", which answers to a token
        of the main account only.
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
        """Posts until there is one answer, or one registration more than the `known` ids."""
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
        if not all(one.is_complete for one in new):
            # It may be the one that was just posted: whoever skipped it would post it again.
            raise LogzioError(
                Kind.ANSWER, f"GET {REGISTRATIONS}", "a new registration lacks its region or log type"
            )
        return sorted((one for one in new if one.is_owned_by(wanted)), key=lambda one: one.id)

    def _remove_others(self, made: Registered, wanted: Registration, known: Collection[int]) -> None:
        """What a lost attempt, or a command that was cut off, made after all, later than it was looked for."""
        try:
            for one in self._new(wanted, known):
                if one.id != made.id:
                    self._remove(one.id)
        except LogzioError as error:
            # The registration itself is made, and must not be lost sight of.
            _log.warning("%s A second registration of %s may be there", error, wanted.prefix)

    def _remove(self, id_: int) -> None:
        self._transport.call("DELETE", _path(id_), reads=False)

    def _take_over(self, present: list[Registered], wanted: Registration, *, adopt: bool) -> Registered:
        own = sorted((one for one in present if one.is_owned_by(wanted)), key=lambda one: one.id)
        foreign = [one for one in present if one not in own]
        if foreign and (not adopt or len(present) > 1):
            raise _conflict(present, wanted, adopt=adopt)
        kept = (own or foreign)[0]
        for one in own[1:]:
            self._remove(one.id)
        return kept if kept.shows(wanted) else self.update(kept.id, wanted)

    def _shown(self, made: Registered, wanted: Registration) -> Registered:
        """Waits until reading finds it: a refresh right after `up` must not take it for deleted."""
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
                f"it was made in account {account_id}, the token is of account {present}",
            )

    def _while_aws_learns(self, call: Callable[[], _T]) -> _T:
        """Calls again while AWS does not know a new role or key yet."""
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
        """Reads until `is_there`, at most for some seconds; returns what was read last."""
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
        """Looks after a call that has succeeded: whatever goes wrong now does not undo it."""
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
            # Not chained, not shown: it could hold anything.
            raise LogzioError(
                Kind.ANSWER, f"{method} {path}", "the answer lacks what it must hold", effect_unknown=True
            ) from None


def _has_indexed(answer: Any) -> bool:
    return any(facts.failure(hit["_source"]) is None for hit in answer["hits"]["hits"])


def _path(id_: int) -> str:
    return f"{REGISTRATIONS}/{id_}"


def _effect_is_unknown(error: BaseException) -> bool:
    return isinstance(error, LogzioError) and error.effect_unknown


def _growing(seconds: float) -> Iterator[float]:
    """Waits of 0.5, 1, 2, 4, 4 ... seconds that make up `seconds` in all."""
    wait = 0.5
    while seconds > 0:
        yield min(wait, seconds)
        seconds -= wait
        wait = min(4.0, 2 * wait)


def _conflict(present: list[Registered], wanted: Registration, *, adopt: bool) -> LogzioError:
    ids = ", ".join(str(one.id) for one in present)
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
