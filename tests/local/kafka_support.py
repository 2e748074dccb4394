"""Real servers for the tests of the broker, the connector and the package repository."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # it imports them, without __all__
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from local.base import paths, processes
from local.base.waiting import wait_until
from local.systems.faults import Fault, Faults
from local.systems.kafka import client

T = TypeVar("T")


def wait_for(what: str, look: Callable[[], T | None], seconds: float = 1800.0) -> T:
    """As `wait_until`, with a shorter poll, and with the patience that a busy machine asks for."""
    return wait_until(look, what, seconds=seconds, poll=0.1)


def start_broker(state: Path, port: int | None = None, relay_port: int | None = None) -> processes.Server:
    """A broker of its own on this state folder."""
    argv = [sys.executable, "-m", "local.systems.kafka", "--state", str(state)]
    if port is not None:
        argv += ["--port", str(port)]
    if relay_port is not None:
        argv += ["--relay-port", str(relay_port)]
    return processes.start(state, "kafka", argv, env=os.environ, cwd=paths.ROOT)


def create_topic(state: Path, name: str, partitions: int, config: Mapping[str, str] | None = None) -> None:
    """A topic that the broker knows."""
    admin = AdminClient(client.client_config(state))
    admin.create_topics([NewTopic(name, partitions, 1, config=dict(config or {}))])[name].result()
    # The controller has it; the broker learns of it a moment later.
    wait_for(f"topic {name}", lambda: name in admin.list_topics(timeout=120).topics)


def produce(
    state: Path,
    values: Iterable[bytes | None],
    *,
    topic: str = client.TOPIC,
    partition: int = 0,
    user: str = "local-admin",
) -> list[str]:
    """Writes records to one partition; returns the errors of those that were refused."""
    errors: list[str] = []
    producer = Producer({**client.client_config(state, user), "message.timeout.ms": 300_000})
    for value in values:
        producer.produce(
            topic,
            value,
            partition=partition,
            on_delivery=lambda error, _: errors.append(str(error)) if error else None,
        )
    producer.flush()
    return errors


@dataclass
class ObjectStore:
    """moto's S3 behind a listener that remembers each request and fails on demand."""

    url: str = ""
    requests: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    faults: Faults = field(default_factory=lambda: Faults({"request": None, "status": (403, 503)}))

    def fail(self, pattern: str, status: int, times: int) -> None:
        """Answers the next `times` requests whose `METHOD path?query` matches with `status`."""
        self.faults.inject(Fault(request=re.compile(pattern), status=status, times=times))

    def made(self, bucket: str) -> list[str]:
        """`METHOD path?query` of each request to a bucket so far."""
        return [f"{method} {path}" for method, path, _ in self.requests if path.startswith(f"/{bucket}")]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        pass


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """A fresh S3 on 127.0.0.1."""
    moto = DomainDispatcherApplication(create_backend_app)
    store = ObjectStore()

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        line = f"{request.method} {request.full_path.rstrip('?')}"
        store.requests.append((request.method, request.full_path.rstrip("?"), dict(request.headers)))
        hit = store.faults.hit(line=line)
        if hit is not None:
            request.get_data()
            status = hit.fault.status or 503
            return Response(_error_body(status), status, mimetype="application/xml")(environ, start_response)
        answer: Iterable[bytes] = moto(environ, start_response)
        return answer

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    store.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _error_body(status: int) -> str:
    code = {403: "AccessDenied", 503: "SlowDown"}[status]
    return f"<Error><Code>{code}</Code><Message>injected</Message></Error>"


def events(first: int, count: int) -> list[bytes]:
    """Small CloudEvents with the ids `first`, `first + 1`, ..."""
    return [
        json.dumps(
            {"id": number, "type": "io.confluent.kafka.server/authentication", "time": "2026-11-23T10:00:00Z"}
        ).encode()
        for number in range(first, first + count)
    ]
