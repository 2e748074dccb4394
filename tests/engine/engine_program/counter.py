"""A module that remembers, and a dynamic provider that reads a secret setting."""

import json
from typing import Any

import pulumi
from pulumi.dynamic import (
    ConfigureRequest,
    CreateResult,
    DiffResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

_calls: list[int] = []


def runs() -> int:
    """How often this very module was asked."""
    _calls.append(1)
    return len(_calls)


class _Provider(ResourceProvider):
    _token: str

    def configure(self, req: ConfigureRequest) -> None:
        self._token = json.loads(req.config.require("engine-test:account"))["token"]

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult("1", {**props, "token_length": len(self._token)})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=_olds["bucket"] != _news["bucket"])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult({**_news, "token_length": len(self._token)})


class Registration(Resource):
    """Knows how long the token is."""

    token_length: pulumi.Output[int]

    def __init__(self, name: str, bucket: pulumi.Input[str]) -> None:
        super().__init__(_Provider(), name, {"bucket": bucket, "token_length": None})
