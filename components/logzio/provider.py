"""The dynamic providers: thin adapters between Pulumi and the client.

Pulumi keeps a provider in the state as a pickled reference to its class by this module's path, so an instance has no
content, and the path must stay importable (see `components.logzio.provider`). The API token comes through `configure`
and stays in this process.
"""

import functools
import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, ParamSpec, TypeVar

import grpc  # type: ignore[import-untyped]  # Pulumi brings it, without types
import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from components.logzio import facts, redaction
from components.logzio.client import LogzioClient
from components.logzio.facts import TOKEN_VARIABLE
from components.logzio.model import ALL_REGIONS, Registered, Registration
from components.logzio.transport import Transport
from components.loopback import LOOPBACK

SETTING = "ccloud-logexporter:logzio"

# A change of the first means other objects, or another account at Logz.io; the others are changed in place.
REPLACING = ("base_url", "bucket", "prefix", "region")
IN_PLACE = ("log_type", "active", "add_object_key", "role_arn", "access_key", "secret_key")
_DEFAULTS: Mapping[str, Any] = {
    "prefix": "",
    "active": True,
    "add_object_key": False,
    "adopt_existing": False,
}
_REQUIRED = ("base_url", "bucket", "region", "log_type")

_P = ParamSpec("_P")
_R = TypeVar("_R")


class ProviderError(Exception):
    """The error that the engine shows. Its text is clean, and it is not chained to an error that may not be."""


def _clean_errors(method: Callable[_P, _R]) -> Callable[_P, _R]:
    """Every error, also one of a bug here, leaves the process as clean text."""

    @functools.wraps(method)
    def call(*arguments: _P.args, **keywords: _P.kwargs) -> _R:
        try:
            return method(*arguments, **keywords)
        except Exception as error:  # noqa: BLE001  # every error must be cleaned
            raise ProviderError(redaction.clean(str(error) or type(error).__name__)) from None

    return call


class _LogzioProvider(ResourceProvider):
    # The pickled reference contains no secret.
    serialize_as_secret_always = False
    _token: str | None = None

    @_clean_errors
    def configure(self, req: ConfigureRequest) -> None:
        redaction.install()
        # gRPC would log each refusal with a traceback, in addition to the message that the engine shows.
        logging.getLogger("grpc._server").addFilter(_is_no_provider_error)
        settings = json.loads(req.config.get(SETTING) or "{}")
        self._token = os.environ.get(TOKEN_VARIABLE) or settings.get("apiToken")
        redaction.remember(self._token, settings.get("apiToken"))

    def _client(self, props: Mapping[str, Any]) -> LogzioClient:
        if not self._token:
            raise ProviderError(
                f"no Logz.io API token: set {TOKEN_VARIABLE}, or {SETTING}.apiToken as a secret "
                "(`pulumi config set --secret --path`)"
            )
        return _client(str(props["base_url"]), self._token)


class RegistrationProvider(_LogzioProvider):
    """An S3 registration. Inputs: see REPLACING and IN_PLACE, and `adopt_existing`.

    Outputs: the inputs as Logz.io shows them (the secret key as given), `account_id`, and `created_at` (ISO 8601, UTC),
    which is missing if the registration was taken over, or made before this output existed.
    """

    # Address and id of what this run of `pulumi` goes on to use. If `up` fails after a replacement, the former
    # registration waits in the state to be deleted. The next `up`, with the settings of before, takes it over. Then the
    # engine has it deleted, as the state holds its id twice.
    _in_use: ClassVar[set[tuple[str, str]]] = set()
    # The places that the program names in this run. A refresh compares every registration, also one that is to be
    # deleted; only the program has its inputs checked.
    _wanted: ClassVar[set[tuple[str | None, ...]]] = set()

    @_clean_errors
    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Normalises the inputs and reports all problems at once; inputs that are still unknown pass."""
        redaction.remember(_known(news, "secret_key"), _known(news, "access_key"))
        inputs = _normalised(news)
        self._wanted.add(_place(inputs))
        return CheckResult(inputs, [CheckFailure(name, text) for name, text in _problems(inputs)])

    @_clean_errors
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compares the old inputs with the new ones; neither contain the token."""
        olds, news = _normalised(_olds), _normalised(_news)
        changed = [name for name in (*REPLACING, *IN_PLACE) if olds.get(name) != news.get(name)]
        # An unknown value may turn out to be the same.
        replaces = [name for name in changed if name in REPLACING and not _is_unknown(news.get(name))]
        moved = "bucket" in replaces or "prefix" in replaces
        if moved:
            _warn_of_unread(olds, news)
        if not replaces and _place(news) in self._wanted:
            self._in_use.add((str(news["base_url"]), _id))
        # Two registrations of the same place would deliver every event twice, so the old one is deleted first.
        # Registrations of different places can exist at the same time.
        return DiffResult(
            changes=bool(changed), replaces=replaces, delete_before_replace=bool(replaces) and not moved
        )

    @_clean_errors
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Makes the registration or takes it over; its id is Logz.io's."""
        client = self._client(props)
        began = datetime.now(UTC)
        made = client.create(_wanted(props), adopt=bool(props.get("adopt_existing")))
        # Logz.io never reads older objects. The time before the request is the safe choice.
        created_at = began.isoformat(timespec="seconds") if made.is_new else None
        self._in_use.add((str(props["base_url"]), str(made.id)))
        return CreateResult(str(made.id), _outputs(props, made, client.account_id(), created_at))

    @_clean_errors
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What Logz.io has now; an empty id if the registration is gone."""
        redaction.remember(props.get("secret_key"), props.get("access_key"))
        found = self._client(props).read(int(id_), props.get("account_id"))
        if found is None:
            return ReadResult("", {})
        return ReadResult(id_, _outputs(props, found, props.get("account_id"), props.get("created_at")))

    @_clean_errors
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Sends the whole registration and waits until Logz.io shows it."""
        shown = self._client(_news).update(int(_id), _wanted(_news))
        return UpdateResult(_outputs(_news, shown, _olds.get("account_id"), _olds.get("created_at")))

    @_clean_errors
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Deletes the registration; succeeds if it is already gone, and if this run goes on to use it."""
        redaction.remember(_props.get("secret_key"), _props.get("access_key"))
        if (str(_props["base_url"]), _id) in self._in_use:
            return
        self._client(_props).delete(int(_id), _props.get("account_id"))


class AccountProvider(_LogzioProvider):
    """Facts about a Logz.io account. Input: `base_url`. It makes and deletes nothing.

    Outputs: `account_id`, and for the role that Logz.io reads with `aws_account_id` and `external_id`.
    """

    @_clean_errors
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """A change of the address needs a new request."""
        return DiffResult(changes=_olds.get("base_url") != _news.get("base_url"))

    @_clean_errors
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Asks for the first time."""
        outputs = self._ask(props)
        return CreateResult(outputs["account_id"], outputs)

    @_clean_errors
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Asks again."""
        return ReadResult(id_, self._ask(props))

    @_clean_errors
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Asks the other address."""
        return UpdateResult(self._ask(_news))

    def _ask(self, props: Mapping[str, Any]) -> dict[str, Any]:
        client = self._client(props)
        account_id = client.account_id()
        details = client.role_details()
        return {
            "base_url": props["base_url"],
            "account_id": account_id,
            "aws_account_id": details.aws_account_id,
            "external_id": details.external_id,
        }


@functools.lru_cache
def _client(base_url: str, token: str) -> LogzioClient:
    return LogzioClient(Transport(base_url, token, check_wanted=_check_wanted))


def _check_wanted() -> None:
    """Stops requests after the command was interrupted: they must not run at the same time as the next command.

    After an interrupt the main thread has ended, but Python still waits for the threads of gRPC.
    """
    if not threading.main_thread().is_alive():
        raise ProviderError("interrupted")
    if len(sys.argv) < 2:
        return
    host, _, port = _engine_address().rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        raise ProviderError("the Pulumi engine is gone") from None


def _is_no_provider_error(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], ProviderError))


def _known(props: Mapping[str, Any], name: str) -> str | None:
    value = props.get(name)
    return None if value is None or _is_unknown(value) else str(value)


def _place(props: Mapping[str, Any]) -> tuple[str | None, ...]:
    """Where a registration is; None for what a preview does not know."""
    return tuple(_known(props, name) for name in ("base_url", "bucket", "prefix"))


def _is_unknown(value: Any) -> bool:
    """Whether a preview does not know the value yet. Over the wire it is an object of the SDK, a new one each time."""
    return isinstance(value, pulumi.output.Unknown) or value == rpc.UNKNOWN


def _normalised(props: Mapping[str, Any]) -> dict[str, Any]:
    """The same form for equal inputs: absent, null and empty; us-west-2 and US_WEST_2."""
    given = {name: value for name, value in props.items() if value not in (None, "")}
    region = _known(given, "region")
    return {
        **_DEFAULTS,
        **given,
        **({"region": facts.api_region(region)} if region else {}),
        **({"base_url": given["base_url"].rstrip("/")} if _known(given, "base_url") else {}),
    }


def _problems(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name of an input -> what is wrong with it, as pairs; an unknown input has no problem."""
    problems = [(name, "is required") for name in _REQUIRED if name not in inputs]
    region, log_type = _known(inputs, "region"), _known(inputs, "log_type")
    if region and region not in ALL_REGIONS:
        accepted = ", ".join(facts.BUCKET_REGIONS)
        problems.append(
            (
                "region",
                f"Logz.io reads no buckets in {facts.aws_region(region)}; it does in {accepted}",
            )
        )
    if log_type and any(character.isspace() for character in log_type):
        problems.append(("log_type", "must not contain spaces"))
    return problems + _address_problems(_known(inputs, "base_url")) + _authentication_problems(inputs)


def _address_problems(base_url: str | None) -> list[tuple[str, str]]:
    if base_url is None or base_url.startswith("https://"):
        return []
    # http:// is for an emulator on this machine: anywhere else somebody could read the token on the wire.
    host = base_url.removeprefix("http://").partition("/")[0].rpartition(":")[0].strip("[]")
    if base_url.startswith("http://") and host in LOOPBACK:
        return []
    return [("base_url", "must begin with https://")]


def _authentication_problems(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    role, access, secret = (name in inputs for name in ("role_arn", "access_key", "secret_key"))
    if role and (access or secret):
        return [("role_arn", "give either a role or a key, not both")]
    if not role and not (access or secret):
        return [("role_arn", "give a role, or access_key and secret_key")]
    if access != secret:
        return [("access_key" if secret else "secret_key", "is required: a key has two parts")]
    return []


def _wanted(props: Mapping[str, Any]) -> Registration:
    inputs = _normalised(props)
    return Registration(
        bucket=inputs["bucket"],
        region=inputs["region"],
        log_type=inputs["log_type"],
        prefix=inputs["prefix"],
        active=bool(inputs["active"]),
        add_object_key=bool(inputs["add_object_key"]),
        role_arn=inputs.get("role_arn"),
        access_key=inputs.get("access_key"),
        secret_key=inputs.get("secret_key"),
    )


def _outputs(
    props: Mapping[str, Any], shown: Registered, account_id: str | None, created_at: str | None
) -> dict[str, Any]:
    """The outputs for the state, as Logz.io shows them, so that a refresh detects every drift."""
    seen = {
        "base_url": props["base_url"],
        "bucket": shown.bucket,
        "prefix": shown.prefix,
        "region": shown.region,
        "log_type": shown.log_type,
        "active": shown.active,
        "add_object_key": shown.add_object_key,
        "adopt_existing": bool(props.get("adopt_existing")),
        "role_arn": shown.role_arn,
        "access_key": shown.access_key,
        # Logz.io never shows it, so the state keeps the given one.
        "secret_key": props.get("secret_key"),
        "account_id": account_id,
        "created_at": created_at,
    }
    return {name: value for name, value in seen.items() if value is not None}


_said: set[str] = set()
_said_lock = threading.Lock()


def _warn_of_unread(olds: Mapping[str, Any], news: Mapping[str, Any]) -> None:
    old, new = _directory(olds), _directory(news)
    _warn(
        f"Logz.io will read {new} instead of {old}: objects under {old} that it has not fetched when the change "
        "is made stay unread there. Stop the worker and wait for the last events before such a change."
    )


def _directory(props: Mapping[str, Any]) -> str:
    """The topics directory of a registration: its prefix without topic and partition."""
    if _is_unknown(props["bucket"]) or _is_unknown(props["prefix"]):
        return "a place not known yet"
    directories = str(props["prefix"]).strip("/").split("/")[:-2]
    return "/".join(["s3:/", props["bucket"], *directories, ""])


def _warn(text: str) -> None:
    """Warns in the output of `pulumi`, once per command: many registrations share a directory.

    A dynamic provider has no logger, so this calls the engine directly.
    """
    with _said_lock:
        if text in _said:
            return
        _said.add(text)
    request = engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=redaction.clean(text))
    try:
        with grpc.insecure_channel(_engine_address()) as channel:
            engine_pb2_grpc.EngineStub(channel).Log(request)
    except (grpc.RpcError, LookupError):
        # If the engine does not answer, the warning is printed. It must not cause a failure.
        print(request.message, file=sys.stderr)  # noqa: T201  # the engine shows what a plugin prints


def _engine_address() -> str:
    """host:port. Pulumi passes it to every plugin as the last argument, after its flags for logging and tracing."""
    return sys.argv[-1]
