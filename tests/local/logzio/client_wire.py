"""The dynamic providers as the engine uses them: a separate process, over gRPC."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]  # Pulumi brings it, without types
from pulumi.dynamic import ResourceProvider
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from local.base.paths import ROOT

SETTING = "ccloud-logexporter:logzio"


class Wire:
    """A provider over its wire, with properties in the form that the engine sends and receives."""

    def __init__(self, stub: Any, provider: ResourceProvider) -> None:
        self.stub = stub
        self._pickled: str = serialize_provider(provider)

    def configure(self, *, token: str | None) -> None:
        """Passes the project's settings, as the engine does once per process."""
        setting = json.dumps({"region": "us", **({"apiToken": token} if token else {})})
        request = provider_pb2.ConfigureRequest(args=_struct({SETTING: setting}))
        assert self.stub.Configure(request).acceptSecrets is False

    def check(self, news: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """The checked inputs, and the errors by property."""
        answer = self.stub.Check(provider_pb2.CheckRequest(olds=_struct({}), news=self._props(news)))
        return _plain(answer.inputs), {failure.property: failure.reason for failure in answer.failures}

    def diff(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Any:
        """The DiffResponse."""
        request = provider_pb2.DiffRequest(id="1", olds=self._props(olds), news=self._props(news))
        return self.stub.Diff(request)

    def create(self, props: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Id and outputs."""
        answer = self.stub.Create(provider_pb2.CreateRequest(properties=self._props(props)))
        return answer.id, _plain(answer.properties)

    def read(self, id_: str, props: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Id (empty: gone) and outputs."""
        answer = self.stub.Read(provider_pb2.ReadRequest(id=id_, properties=self._props(props)))
        return answer.id, _plain(answer.properties)

    def update(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """The new outputs."""
        request = provider_pb2.UpdateRequest(id=id_, olds=self._props(olds), news=self._props(news))
        return _plain(self.stub.Update(request).properties)

    def delete(self, id_: str, props: Mapping[str, Any]) -> None:
        """Deletes."""
        self.stub.Delete(provider_pb2.DeleteRequest(id=id_, properties=self._props(props)))

    def _props(self, props: Mapping[str, Any]) -> Any:
        return _struct({**props, "__provider": self._pickled})


def _struct(props: Mapping[str, Any]) -> Any:
    return asyncio.run(rpc.serialize_properties(dict(props), {}))


def _plain(struct: Any) -> dict[str, Any]:
    props: dict[str, Any] = rpc.deserialize_properties(struct, keep_unknowns=True)
    props.pop("__provider", None)
    return props


@contextmanager
def spawned(
    provider: ResourceProvider, **environment: str
) -> Iterator[tuple[Wire, "subprocess.Popen[bytes]"]]:
    """The provider in a process of its own, and the process; its stderr is a pipe."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOGZIO_")}
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic"],
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Wire(provider_pb2_grpc.ResourceProviderStub(channel), provider), process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
