"""The WSGI application: moto behind a gate that counts requests, injects faults and answers for EC2 itself.

Its own endpoints, in addition to the AWS APIs:

- `GET /_local/s3-requests`: {"<user or role>": {"<S3 operation>": n}}
- `GET /_local/metric-data?since=<epoch seconds>`: what was put into CloudWatch, see `local.systems.aws.metric_data`
- `/_faults`: see `local.systems.faults`; the calls are S3's operations (`UploadPart`), and only S3
  requests fail or are slow
- `GET /_local/instances`, `POST /_local/instances/<id>/credentials` (Authorization: Bearer <token of
  ec2.json>): what a hypervisor gets from EC2
"""

import datetime
import json
import secrets
import signal
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.exceptions import Forbidden, HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from local.base import processes
from local.systems import faults
from local.systems.aws import (
    accounts,
    authorization,
    instances,
    keys,
    metric_data,
    object_lock,
    object_versions,
    quotas,
    simulation,
)
from local.systems.aws.authorization import caller_of
from local.systems.aws.traffic import Traffic
from local.systems.faults import Faults, Injected

SKEW = datetime.timedelta(minutes=15)
"""AWS refuses a request whose time is further off than this."""

_CODES = {403: "AccessDenied", 404: "NoSuchBucket", 500: "InternalError", 503: "SlowDown"}
"""S3's error code of a fault that names none."""


def serve(folder: Path, ready_file: Path) -> None:
    """Serves on a free loopback port until SIGTERM or SIGINT."""
    application = Application(accounts.bootstrap(folder))
    authorization.install()
    instances.install()
    keys.install()
    object_lock.install()
    object_versions.install()
    quotas.install()
    simulation.install()
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
    for signum in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for serve_forever(), which runs in this thread.
        signal.signal(signum, lambda *_: threading.Thread(target=server.shutdown).start())
    processes.write_ready(ready_file, {"port": server.server_port})
    server.serve_forever()


class _Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher, which lists the folders of its package for each request: half a millisecond of CPU."""

    def __init__(self, create_app: Callable[[Any], Any]) -> None:
        super().__init__(create_app)
        self._backends: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._backends:
            self._backends[host] = super().get_backend_for_host(host)
        return self._backends[host]


class Application:
    """One moto server's application."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._traffic = Traffic()
        self._faults = Faults(
            {
                "caller": None,
                "calls": None,
                "status": None,
                "code": None,
                "delay": None,
                "answer": ("error", "hang", "slow"),
            }
        )
        self._moto = _Dispatcher(create_backend_app)
        self._own = Map(
            [
                Rule("/_local/s3-requests", endpoint=self._requests, methods=["GET"]),
                Rule("/_local/metric-data", endpoint=self._metric_data, methods=["GET"]),
                Rule("/_local/instances", endpoint=self._instances, methods=["GET"]),
                Rule(
                    "/_local/instances/<instance>/credentials", endpoint=self._credentials, methods=["POST"]
                ),
            ]
        )

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answers one request."""
        # With these, a client could choose its account, or switch the enforcement off.
        environ.pop("HTTP_X_MOTO_ACCOUNT_ID", None)
        path = environ.get("PATH_INFO", "")
        if path == faults.PATH:
            return self._faults.respond(Request(environ))(environ, start_response)
        if path.startswith("/_local/"):
            return self._answer(environ)(environ, start_response)
        if path.startswith(("/moto-api", "/latest/")):
            return NotFound()(environ, start_response)
        refusal = self._gate(environ)
        answer: Iterable[bytes] = (refusal or self._moto)(environ, start_response)
        return answer

    def _gate(self, environ: dict[str, Any]) -> Response | None:
        if _is_skewed(environ.get("HTTP_X_AMZ_DATE")):
            text = "The difference between the request time and the current time is too large."
            return _s3_error(403, "RequestTimeTooSkewed", text)
        access_key, service = _credential(environ.get("HTTP_AUTHORIZATION", ""))
        if service != "s3":
            return None
        caller = caller_of(access_key)
        name, operation = "" if caller is None else caller.name, _operation(environ)
        self._traffic.count(name, operation)
        hit = self._faults.hit(caller=name, call=operation)
        if hit is not None and hit.fault.answer == "slow":
            hit.wait()
            return None
        return None if hit is None else _fail(hit, environ)

    def _answer(self, environ: dict[str, Any]) -> Response | HTTPException:
        request = Request(environ)
        try:
            endpoint, values = self._own.bind_to_environ(environ).match()
            return Response(json.dumps(endpoint(request, **values)), mimetype="application/json")
        except HTTPException as error:
            return error

    def _requests(self, _: Request) -> Any:
        return self._traffic.requests()

    def _metric_data(self, request: Request) -> Any:
        return metric_data.read(since=float(request.args["since"]))

    def _instances(self, request: Request) -> Any:
        self._check_token(request)
        return instances.describe()

    def _credentials(self, request: Request, instance: str) -> Any:
        self._check_token(request)
        try:
            return instances.credentials(instance)
        except instances.NoCredentialsError as error:
            raise NotFound(str(error)) from error

    def _check_token(self, request: Request) -> None:
        given = request.headers.get("Authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            raise Forbidden("this endpoint needs the token of ec2.json")


def _credential(authorization: str) -> tuple[str, str]:
    """Access key id and service of an AWS4 signature; empty strings if there is none."""
    scope = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return (scope[0], scope[3]) if len(scope) == 5 else ("", "")


def _operation(environ: dict[str, Any]) -> str:
    try:
        matched = get_service_router("s3").match(Request(environ, populate_request=False))
    except (NotFound, MethodNotAllowed):
        return "Unknown"
    return str(matched[0].name)


def _is_skewed(stamp: str | None) -> bool:
    if stamp is None:
        return False
    try:
        sent = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    except ValueError:
        return True
    return abs(datetime.datetime.now(datetime.UTC) - sent) > SKEW


def _fail(injected: Injected, environ: dict[str, Any]) -> Response:
    _drain(environ)
    if injected.fault.answer == "hang":
        injected.hang()
        return _s3_error(503, "SlowDown", "The request hung.")
    status = injected.fault.status or 500
    return _s3_error(status, injected.fault.code or _CODES.get(status, "InternalError"), "An injected fault.")


def _drain(environ: dict[str, Any]) -> None:
    """Reads the body: a client that is still sending would see a broken pipe instead of the answer."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))


def _s3_error(status: int, code: str, message: str) -> Response:
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'
    return Response(body, status=status, mimetype="application/xml")
