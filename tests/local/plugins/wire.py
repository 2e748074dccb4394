"""A plugin as the engine sees it: an executable that prints a port, and gRPC on that port."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # it ships no types
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from local.base import paths

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

Values = Mapping[str, Any]


def secret(value: Any) -> dict[str, Any]:
    """A value as the engine marks it."""
    return {SIGNATURE: SECRET, "value": value}


def opened(value: Any) -> Any:
    """A value without its mark, which it must have."""
    assert value[SIGNATURE] == SECRET
    return value["value"]


def executable(package: str) -> Path:
    """The plugin as the engine starts it."""
    return paths.ROOT / "local" / "systems" / "plugins" / "bin" / f"pulumi-resource-{package}"


def environment(**further: str) -> dict[str, str]:
    """A clean environment of a plugin, with the interpreter of this test."""
    return {
        "PATH": os.environ["PATH"],
        "CCLOUD_LOCAL_PYTHON": sys.executable,
        "CCLOUD_LOCAL_ROOT": str(paths.ROOT),
        **further,
    }


def _struct(values: Values) -> struct_pb2.Struct:
    return json_format.ParseDict(dict(values), struct_pb2.Struct())


def _dict(struct: struct_pb2.Struct) -> dict[str, Any]:
    return json_format.MessageToDict(struct)


class Plugin:
    """A running plugin. Values are JSON; secrets have the form of `secret()`."""

    def __init__(self, package: str, env: Mapping[str, str], **settings: str) -> None:
        self._process = subprocess.Popen(
            [str(executable(package)), "127.0.0.1:1"], env=dict(env), stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self._process.stdout.readline().strip()}")
        # mypy: the generated stub has no types
        self._stub: Any = provider_pb2_grpc.ResourceProviderStub(self._channel)
        configured = self._stub.Configure(
            provider_pb2.ConfigureRequest(args=_struct(settings), acceptSecrets=True, acceptResources=True)
        )
        assert configured.acceptSecrets
        assert configured.supportsPreview

    def stop(self) -> None:
        """Ends the plugin's process."""
        self._channel.close()
        self._process.terminate()
        self._process.wait()

    def check(
        self, token: str, news: Values, olds: Values | None = None, name: str = "x", seed: bytes = b"1"
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """The inputs to use, and the refused properties with their reasons."""
        answer = self._stub.Check(
            provider_pb2.CheckRequest(
                urn=_urn(token, name), olds=_struct(olds or {}), news=_struct(news), randomSeed=seed
            )
        )
        return _dict(answer.inputs), {failure.property: failure.reason for failure in answer.failures}

    def diff(self, token: str, key: str, state: Values, news: Values, name: str = "x", **more: Any) -> Any:
        """The gRPC answer: `changes`, `diffs`, `replaces`, `deleteBeforeReplace`."""
        return self._stub.Diff(
            provider_pb2.DiffRequest(
                id=key, urn=_urn(token, name), olds=_struct(state), news=_struct(news), **more
            )
        )

    def detailed_diff(self, token: str, key: str, state: Values, news: Values) -> dict[str, str]:
        """Path of each difference -> its kind (ADD, UPDATE_REPLACE ...)."""
        kinds = provider_pb2.PropertyDiff.Kind
        answer = self.diff(token, key, state, news)
        return {path: kinds.Name(found.kind) for path, found in answer.detailedDiff.items()}

    def create(
        self, token: str, inputs: Values, name: str = "x", *, preview: bool = False
    ) -> tuple[str, dict[str, Any]]:
        """Id and state."""
        answer = self._stub.Create(
            provider_pb2.CreateRequest(urn=_urn(token, name), properties=_struct(inputs), preview=preview)
        )
        return answer.id, _dict(answer.properties)

    def read(
        self, token: str, key: str, state: Values | None = None, inputs: Values | None = None
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Id ("" if it is gone), state and inputs."""
        answer = self._stub.Read(
            provider_pb2.ReadRequest(
                id=key, urn=_urn(token, "x"), properties=_struct(state or {}), inputs=_struct(inputs or {})
            )
        )
        return answer.id, _dict(answer.properties), _dict(answer.inputs)

    def update(self, token: str, key: str, state: Values, news: Values) -> dict[str, Any]:
        """The new state."""
        answer = self._stub.Update(
            provider_pb2.UpdateRequest(id=key, urn=_urn(token, "x"), olds=_struct(state), news=_struct(news))
        )
        return _dict(answer.properties)

    def delete(self, token: str, key: str, state: Values) -> None:
        """Deletes it."""
        self._stub.Delete(provider_pb2.DeleteRequest(id=key, urn=_urn(token, "x"), properties=_struct(state)))

    def invoke(self, token: str, arguments: Values) -> dict[str, Any]:
        """The function's result."""
        # `return` is a keyword of Python
        answer = self._stub.Invoke(provider_pb2.InvokeRequest(tok=token, args=_struct(arguments)))
        return _dict(getattr(answer, "return"))


def _urn(token: str, name: str) -> str:
    return f"urn:pulumi:dev::test::{token}::{name}"
