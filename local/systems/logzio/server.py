"""The account API and the listener over HTTP, and the emulator's own controls under `/_emulator/`.

Controls (JSON):
- `GET /_emulator/state`: registrations (without secrets), refused objects, number of events, requests by call
  and status, the most requests that were under way at once, the faults that are not over.
- `/_faults`: see `local.systems.faults`; CALLS are the calls.
- `POST /_emulator/fetcher`: {"paused": true|false, "discards": true|false}, either or both.
"""

import json
import secrets
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from local.systems import faults
from local.systems.faults import Fault, Faults, Injected
from local.systems.logzio import listener, requests
from local.systems.logzio.aws import Aws, CredentialsError
from local.systems.logzio.fetcher import Fetcher
from local.systems.logzio.indexing import Indexer
from local.systems.logzio.requests import ApiError
from local.systems.logzio.search import SearchError, needed_texts, search, wanted_ids
from local.systems.logzio.store import Store

ACCOUNT = {"accountId": 100_001, "accountName": "local"}
CALLS = (
    *("whoami", "role-details", "list", "create", "get", "update", "delete"),
    *("search", "tokens", "plan", "listener"),
)
"""What a request can ask for, in the counts and in faults."""
STATUSES = (429, 500, 502, 503, 504)
"""Of errors that faults may ask for: 429 is plain text, 500 an error of the API, the rest a gateway's page."""
_NO_AWS_ACCOUNT = "000000000000"
_BUCKETS = "/v1/log-shipping/s3-buckets"
_ACCOUNTS = "/v1/account-management/time-based-accounts"


@dataclass(frozen=True)
class _Answer:
    status: int
    body: Any = None


class Emulator:
    """A running Logz.io. It listens once it is created; `serve` answers until `stop`.

    The token is in the file `state/logzio/token`; to rotate it, write another one there. Without `aws_endpoint`
    keys and roles are not tried and nothing is fetched.
    """

    def __init__(self, state: Path, aws_endpoint: str | None = None, *, port: int = 0) -> None:
        folder = state / "logzio"
        self._store = Store(folder / "store.sqlite")
        self._token_file = folder / "token"
        if not self._token_file.exists():
            self._token_file.touch(mode=0o600)
            self._token_file.write_text(secrets.token_hex(18))
        self.shipping_token = self._store.shipping_token()
        self.max_daily_gb = 5.0
        self._faults = Faults(
            {
                "calls": CALLS,
                "answer": ("error", "cut", "slow", "late", "unknown-field", "not-json"),
                "status": STATUSES,
                "code": _ERRORS,
                "effect": None,
                "delay": None,
                "retry_after": None,
            }
        )
        self._requests: dict[str, Counter[int]] = {}
        self._under_way, self._most_under_way = 0, 0
        self._lock = threading.Lock()
        self._aws: Aws | None = None
        self._fetcher: Fetcher | None = None
        self._indexer = Indexer(self._store)
        if aws_endpoint is not None:
            identity = state / "aws" / "logzio.json"
            self._aws = Aws.load(aws_endpoint, identity, self._store.external_id())
            self._fetcher = Fetcher(self._store, self._aws, self._indexer)
        self._server = make_server(
            "127.0.0.1", port, self._application(), threaded=True, request_handler=_Quiet
        )
        self.port: int = self._server.server_port

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        """The current API token."""
        return self._token_file.read_text().strip()

    def serve(self) -> None:
        """Answers and fetches, until `stop`."""
        if self._fetcher is not None:
            self._fetcher.start()
        self._server.serve_forever(poll_interval=0.05)
        self._server.server_close()
        if self._fetcher is not None:
            self._fetcher.stop()
        self._store.close()

    def stop(self) -> None:
        """Ends `serve`, which runs in another thread."""
        self._faults.clear()
        self._server.shutdown()

    def fail(self, **fault: Any) -> None:
        """Injects a fault, given by the fields of `faults.Fault`."""
        self._faults.inject(Fault(**fault))

    def clear_faults(self) -> None:
        """Ends all faults."""
        self._faults.clear()

    def state(self) -> dict[str, Any]:
        """The answer of `GET /_emulator/state`."""
        with self._lock:
            counts = {call: {str(k): n for k, n in by.items()} for call, by in self._requests.items()}
        return {
            "registrations": [
                {
                    **_shown(registration.id, registration.body),
                    "created_at": registration.created_at,
                    "last_key": registration.last_key,
                    "last_error": registration.last_error,
                }
                for registration in self._store.registrations()
            ],
            "refused": self._store.refused(),
            "events": self._store.event_count(),
            "requests": counts,
            "most_at_once": self._most_under_way,
            "faults": self._faults.current(),
        }

    def _application(self) -> Flask:
        app = Flask("logzio")
        # A connection that is cut on purpose is not an error for Flask's log.
        app.config["PROPAGATE_EXCEPTIONS"] = True
        for rule, methods, call, view in (
            ("/v2/whoami", "GET", "whoami", self._who_am_i),
            (f"{_BUCKETS}/aws-assume-role-details", "GET", "role-details", self._role_details),
            (_BUCKETS, "GET", "list", self._list),
            (_BUCKETS, "POST", "create", self._create),
            (f"{_BUCKETS}/<int:id_>", "GET", "get", self._get),
            (f"{_BUCKETS}/<int:id_>", "PUT", "update", self._update),
            (f"{_BUCKETS}/<int:id_>", "DELETE", "delete", self._delete),
            ("/v1/search", "POST", "search", self._search),
            ("/v1/log-shipping/tokens/search", "POST", "tokens", self._shipping_tokens),
            (f"{_ACCOUNTS}/detailed/<int:id_>", "GET", "plan", self._account),
        ):
            app.add_url_rule(rule, call, self._counted(call, view), methods=[methods])
        # In production the listener has a host and port of its own.
        app.add_url_rule("/", "listener", self._counted("listener", self._listen), methods=["POST"])
        app.add_url_rule("/_emulator/state", "state", self.state, methods=["GET"])
        app.add_url_rule(
            faults.PATH, "faults", lambda: self._faults.respond(request), methods=["GET", "POST", "DELETE"]
        )
        app.add_url_rule("/_emulator/fetcher", "fetcher", self._control_fetcher, methods=["POST"])
        app.register_error_handler(HTTPException, _unknown_endpoint)
        return app

    def _counted(self, call: str, view: Callable[..., _Answer]) -> Callable[..., Response]:
        def answer(**values: Any) -> Response:
            with self._lock:
                self._under_way += 1
                self._most_under_way = max(self._most_under_way, self._under_way)
            status = 0
            try:
                response = self._answered(call, lambda delay: view(shows_after=delay, **values))
                status = response.status_code
                return response
            finally:
                with self._lock:
                    self._under_way -= 1
                    self._requests.setdefault(call, Counter())[status] += 1

        return answer

    def _answered(self, call: str, act: Callable[[float], _Answer]) -> Response:
        """The answer to a request. In the counts, status 0 is a connection that was cut."""
        hit = self._faults.hit(call=call)
        # On a kept-alive connection, an unread body would be read as the next request.
        request.get_data()
        try:
            if call != "listener" and request.headers.get("X-API-TOKEN") != self.token:
                raise requests.bad_token()
            if hit is None:
                return _response(act(0.0))
            fault = hit.fault
            done = act(fault.delay if fault.answer == "late" else 0.0) if fault.takes_effect else None
        except ApiError as error:
            return _response(_Answer(error.status, error.body))
        return _faulty(hit, done)

    def _who_am_i(self, shows_after: float) -> _Answer:  # noqa: ARG002  # nothing is written
        return _Answer(200, ACCOUNT)

    def _role_details(self, shows_after: float) -> _Answer:  # noqa: ARG002  # nothing is written
        account = _NO_AWS_ACCOUNT if self._aws is None else self._aws.account_id
        return _Answer(200, {"logzioAWSAccountId": account, "assignedExternalId": self._store.external_id()})

    def _list(self, shows_after: float) -> _Answer:  # noqa: ARG002  # nothing is written
        return _Answer(200, [_shown(id_, body) for id_, body in self._store.shown().items()])

    def _create(self, shows_after: float) -> _Answer:
        body = self._accepted()
        made = self._store.create(body, shows_after=shows_after)
        return _Answer(201, _shown(made, body))

    def _get(self, id_: int, shows_after: float) -> _Answer:  # noqa: ARG002  # nothing is written
        body = self._store.shown().get(id_)
        if body is None:
            raise _no_bucket(id_)
        return _Answer(200, _shown(id_, body))

    def _update(self, id_: int, shows_after: float) -> _Answer:
        body = self._accepted()
        if not self._store.exists(id_):
            raise _no_bucket(id_)
        self._store.update(id_, body, shows_after=shows_after)
        return _Answer(200)

    def _delete(self, id_: int, shows_after: float) -> _Answer:
        if not self._store.exists(id_):
            raise _no_bucket(id_)
        self._store.delete(id_, shows_after=shows_after)
        return _Answer(200)

    def _accepted(self) -> dict[str, Any]:
        body = requests.parse(_json_body())
        if self._aws is not None:
            try:
                self._aws.check(body)
            except CredentialsError as error:
                raise _bad_credentials(str(error)) from None
        return body

    def _search(self, shows_after: float) -> _Answer:  # noqa: ARG002  # nothing is written
        if unknown := set(request.args) - {"dayOffset", "accountIds"}:
            raise requests.error(400, "search/INVALID_QUERY", f"unknown: {sorted(unknown)}")
        now = datetime.now(UTC)
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        begin = day - timedelta(days=1 + int(request.args.get("dayOffset", 0)))
        end = begin + timedelta(days=2)
        body = _json_body()
        try:
            ids = wanted_ids(body)
            # An event is indexed by its own time, which is before its arrival.
            known: Iterable[dict[str, Any]] = (
                self._store.events_since(begin.timestamp(), needed_texts(body))
                if ids is None
                else self._store.events_with(ids)
            )
            events = (event for event in known if begin <= datetime.fromisoformat(event["@timestamp"]) < end)
            return _Answer(200, search(events, body))
        except (SearchError, KeyError, TypeError, ValueError) as error:
            raise requests.error(400, "search/INVALID_QUERY", str(error)) from None

    def _shipping_tokens(self, shows_after: float) -> _Answer:  # noqa: ARG002  # nothing is written
        wanted = _json_body().get("filter", {}).get("enabled")
        if not isinstance(wanted, bool):
            raise requests.error(400, "log-shipping/INVALID_REQUEST", "filter.enabled must be true or false")
        token = {"name": "default", "id": 1, "token": self.shipping_token, "enabled": True}
        found = [token] if wanted else []
        page = {"pageNumber": 1, "pageSize": 25}
        return _Answer(200, {"total": len(found), "results": found, "pagination": page})

    def _account(self, id_: int, shows_after: float) -> _Answer:  # noqa: ARG002  # nothing is written
        if id_ != ACCOUNT["accountId"]:
            raise requests.error(404, "account/NOT_FOUND", f"no account with id {id_}")
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        usage = [{"date": int(midnight * 1000), "bytes": self._store.bytes_since(midnight)}]
        account = {**ACCOUNT, "accountToken": self.shipping_token, "isFlexible": False, "retentionDays": 7}
        return _Answer(
            200,
            {
                "account": {**account, "maxDailyGB": self.max_daily_gb, "softLimitGB": None},
                "dailyUsagesList": {"usage": usage},
            },
        )

    def _listen(self, shows_after: float) -> _Answer:  # noqa: ARG002  # it shows at once
        try:
            listener.check_token(request.args.get("token"), self.shipping_token)
            encoding = request.headers.get("Content-Encoding")
            taken = listener.take(request.get_data(), encoding, request.args.get("type"), self._indexer)
        except listener.RefusedError as refusal:
            raise ApiError(refusal.status, str(refusal)) from None
        self._store.add_sent(taken.events)
        return _Answer(*taken.answer)

    def _control_fetcher(self) -> Any:
        if self._fetcher is None:
            return {"error": "without an AWS there is no fetcher"}, 400
        given = request.get_json()
        self._fetcher.paused = bool(given.get("paused", self._fetcher.paused))
        self._fetcher.discards = bool(given.get("discards", self._fetcher.discards))
        return {"paused": self._fetcher.paused, "discards": self._fetcher.discards}


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_: Any, **__: Any) -> None:
        """`/_emulator/state` counts requests."""

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """A connection that was cut on purpose is not an error."""


def _json_body() -> Any:
    if request.mimetype != "application/json":
        raise requests.error(415, "endpoints/UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json")
    try:
        return json.loads(request.get_data())
    except ValueError:
        raise requests.error(400, "endpoints/MALFORMED_BODY", "the body is not JSON") from None


def _shown(id_: int, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": id_, **{name: body.get(name) for name in requests.SHOWN}}


def _no_bucket(id_: int) -> ApiError:
    return requests.error(404, "log-shipping/S3_BUCKET_NOT_FOUND", f"no S3 bucket with id {id_}")


def _bad_credentials(text: str) -> ApiError:
    # Logz.io documents no text for this.
    message = f"Failed to authenticate with AWS using the given credentials: {text}"
    return requests.error(400, "log-shipping/AWS_AUTHENTICATION_FAILED", message)


def _bad_bucket(text: str) -> ApiError:
    # Documented for CloudTrail, as "AWS failed to create cloudtrail bucket. Exception AWS bucket is empty: 403."
    return requests.error(
        400, "log-shipping/AWS_BUCKET_FAILED", f"AWS failed to create S3 bucket. Exception {text}."
    )


def _unknown_endpoint(error: HTTPException) -> Response:
    body = requests.error(error.code or 500, "endpoints/UNKNOWN_ENDPOINT", str(error.description)).body
    return _response(_Answer(error.code or 500, body))


def _response(answer: _Answer) -> Response:
    if isinstance(answer.body, str):
        return Response(answer.body, status=answer.status, mimetype="text/plain")
    text = "" if answer.body is None else json.dumps(answer.body)
    return Response(text, status=answer.status, mimetype="application/json")


def _faulty(hit: Injected, done: _Answer | None) -> Response:
    """The answer to a request that a fault hit. `done`: the right answer, None if it took no effect."""
    fault = hit.fault
    if fault.answer == "cut":
        _cut()
    if done is None or fault.answer == "error":
        return _error_response(fault)
    if fault.answer == "unknown-field":
        return _response(_Answer(done.status, _with_unknown_field(done.body)))
    if fault.answer == "not-json":
        return Response("<html>welcome</html>", status=done.status, mimetype="text/html")
    if fault.answer == "slow":
        hit.wait()
    return _response(done)


_ERRORS: Mapping[str, ApiError] = {
    # What an expired token gets.
    "expired-token": requests.bad_token(),
    # AWS does not know the key or role (yet).
    "credentials": _bad_credentials("InvalidClientTokenId: The security token included is invalid"),
    # The token is of an account in another region.
    "region": ApiError(
        403, {"message": "Account region us-east-1 differs from current server region eu-central-1"}
    ),
    # No object is under the prefix.
    "empty-prefix": _bad_bucket("AWS bucket is empty: 403"),
    # The bucket is in another region than the registration says.
    "bucket-region": _bad_bucket(
        "PermanentRedirect: The bucket you are attempting to access must be addressed using the specified endpoint."
    ),
    # S3 has no such bucket.
    "no-bucket": _bad_bucket("NoSuchBucket: The specified bucket does not exist"),
}
"""The errors that a fault may name as its `code`."""


def _error_response(fault: Fault) -> Response:
    if fault.code is not None:
        return _response(_Answer(_ERRORS[fault.code].status, _ERRORS[fault.code].body))
    status = fault.status or 500
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if status == 500:
        error = requests.error(500, "endpoints/INTERNAL_ERROR", "Internal Server Error")
        return _response(_Answer(status, error.body))
    if status == 429:
        return Response("Too Many Requests", status, headers, mimetype="text/plain")
    return Response(f"<html><h1>{status}</h1></html>", status, headers, mimetype="text/html")


def _with_unknown_field(body: Any) -> Any:
    if isinstance(body, list):
        return [_with_unknown_field(item) for item in body]
    return {**body, "introducedLater": {"a": 1}} if isinstance(body, dict) else body


def _cut() -> NoReturn:
    connection = request.environ["werkzeug.socket"]
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError
