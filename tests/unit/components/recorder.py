"""Runs Pulumi code against mocks and records every registration for the assertions of tests.

An assertion inside `apply` can silently never run; a recorded input cannot.
"""

import asyncio
import gc
import logging
import re
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks, resource, rpc, set_all_config
from pulumi.runtime.proto import source_pb2

PROJECT = "ccloud-logexporter"
STACK = "test"
PROGRAM = Path(__file__).resolve().parents[3] / "__main__.py"

_STATUS = re.compile(r".*/vm-(\d)-status")
_SIGNATURE = rpc._special_sig_key
_SECRET = rpc._special_secret_sig


@dataclass(frozen=True)
class Registration:
    """One registered resource: wire names (camelCase) for inputs, secrets unwrapped but remembered."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: Mapping[str, Any]
    secret_inputs: frozenset[str]
    secret_outputs: frozenset[str]
    dependencies: frozenset[str]
    retain_on_delete: bool
    delete_before_replace: bool
    import_id: str
    ignore_changes: tuple[str, ...]
    replace_on_changes: tuple[str, ...]
    protect: bool
    aliases: tuple[str, ...]


@dataclass
class Recorder:
    """What a program registered (siblings in any order), looked up and exported."""

    registrations: list[Registration] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)
    invokes: list[pulumi.runtime.MockCallArgs] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def of_type(self, type_: str) -> list[Registration]:
        """All registrations of a type token."""
        return [registration for registration in self.registrations if registration.type == type_]

    def one(self, type_: str, name: str | None = None) -> Registration:
        """The only registration of the type (and name)."""
        found = [registration for registration in self.of_type(type_) if name in (None, registration.name)]
        assert len(found) == 1, (
            f"{len(found)} of {type_} {name or ''}: {[registration.name for registration in found]}"
        )
        return found[0]

    def needs(self, registration: Registration) -> set[str]:
        """The URNs of everything that is made before a registration, transitively.

        A child comes after its parent, and so after what the parent depends on: the engine creates and deletes
        in that order.
        """
        by_urn = {registration.urn: registration for registration in self.registrations}
        seen: set[str] = set()
        waiting = [*registration.dependencies, registration.parent]
        while waiting:
            urn = waiting.pop()
            if urn in by_urn and urn not in seen:
                seen.add(urn)
                waiting.extend([*by_urn[urn].dependencies, by_urn[urn].parent])
        return seen


class _Answers(pulumi.runtime.Mocks):
    def __init__(self, invokes: Mapping[str, Mapping[str, Any]], recorder: "Recorder") -> None:
        self._invokes = invokes
        self._recorder = recorder

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        made_up = {"arn": f"arn:aws:test:::{args.name}", "name": args.name, "id": f"{args.name}-id"}
        outputs = {**made_up, **_OUTPUTS.get(args.typ, {}), **args.inputs, **OVERRIDES.get(args.typ, {})}
        return (f"{args.name}-id" if args.custom else None), outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        self._recorder.invokes.append(args)
        answer = self._invokes[args.token]
        status = _STATUS.fullmatch(str(args.args.get("name")))
        if status is not None:
            # Every VM runs at once.
            answer = {
                "value": f"worker{'' if status[1] == '1' else f'-{status[1]}'}-id RUNNING 2026-01-02T03:04:05Z"
            }
        if args.token == "aws:ec2/getSubnet:getSubnet":
            answer = {**answer, "id": args.args["id"]}
        refused = answer.get(REFUSED)
        return ({}, [("", str(refused))]) if refused else (dict(answer), [])


_OUTPUTS: dict[str, dict[str, Any]] = {
    "aws:iam/accessKey:AccessKey": {"secret": "made-access-key-secret"},
    "aws:kms/key:Key": {"arn": "arn:aws:kms:us-west-2:111122223333:key/made", "keyId": "made"},
    "confluentcloud:index/apiKey:ApiKey": {"secret": "made-api-key-secret"},
    "confluentcloud:index/serviceAccount:ServiceAccount": {"apiVersion": "iam/v2", "kind": "ServiceAccount"},
    "pulumi-python:dynamic/logexporter:FleetCertificate": {
        "archive": "made-archive",
        "password": "made-password",
        "not_after": "2036-01-02T03:04:05+00:00",
    },
}

OVERRIDES: dict[str, dict[str, Any]] = {}
"""Outputs in which AWS differs from the inputs, by type."""

REFUSED = "refused"
"""Key of a result that makes the invoke fail; its value is the reason."""

INVOKES: Mapping[str, Mapping[str, Any]] = {
    # A new stack.
    "pulumi:pulumi:readStackOutputs": {"outputs": {}},
    "aws:ssm/getParameter:getParameter": {"value": "ami-0abcdef0123456789"},
    "aws:index/getCallerIdentity:getCallerIdentity": {
        "accountId": "111122223333",
        "arn": "arn:aws:sts::111122223333:assumed-role/deployer/session",
        "id": "111122223333",
        "userId": "AROAEXAMPLE:session",
    },
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": {
        "locations": ["us-west-2b", "us-west-2-lax-1a", "us-west-2a"]
    },
    "aws:ec2/getInstanceType:getInstanceType": {"supportedArchitectures": ["x86_64"]},
    "aws:ec2/getAmi:getAmi": {"architecture": "x86_64"},
    "aws:ec2/getSubnet:getSubnet": {
        "id": "subnet-given",
        "vpcId": "vpc-given",
        "availabilityZone": "us-west-2a",
        "ipv6Native": False,
        "mapPublicIpOnLaunch": False,
    },
    "aws:ec2/getRouteTables:getRouteTables": {"ids": ["rtb-given"]},
    "aws:ec2/getRouteTable:getRouteTable": {
        "routes": [
            {"cidrBlock": "10.0.0.0/16", "gatewayId": "local"},
            {"cidrBlock": "0.0.0.0/0", "gatewayId": "", "natGatewayId": "nat-1"},
        ]
    },
    "confluentcloud:index/getKafkaCluster:getKafkaCluster": {
        "id": "lkc-abc12",
        "bootstrapEndpoint": "SASL_SSL://pkc-1.us-west-2.aws.confluent.cloud:9092",
        "region": "us-west-2",
        "cloud": "AWS",
        "apiVersion": "cmk/v2",
        "kind": "Cluster",
        "restEndpoint": "https://pkc-1.us-west-2.aws.confluent.cloud:443",
        "rbacCrn": "crn://confluent.cloud/organization=1111/environment=env-abc12/cloud-cluster=lkc-own12",
    },
}


class _Monitor(mocks.MockMonitor):
    def __init__(self, answers: _Answers, recorder: Recorder) -> None:
        super().__init__(answers)
        self._recorder = recorder

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  # the name of the RPC
        if request.type != "pulumi:pulumi:Stack":
            self._recorder.registrations.append(_registration(self, request))
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the SDK has no types here


class _Warnings(logging.Handler):
    def __init__(self, recorder: Recorder) -> None:
        super().__init__(logging.WARNING)
        self._recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        self._recorder.warnings.append(record.getMessage())


def _registration(monitor: mocks.MockMonitor, request: Any) -> Registration:
    wire = json_format.MessageToDict(request.object)
    return Registration(
        type=request.type,
        name=request.name,
        urn=monitor.make_urn(request.parent, request.type, request.name),
        parent=request.parent,
        inputs={name: _plain(value) for name, value in wire.items()},
        secret_inputs=frozenset(name for name, value in wire.items() if _is_secret(value)),
        secret_outputs=frozenset(request.additionalSecretOutputs),
        dependencies=frozenset(request.dependencies),
        retain_on_delete=request.retainOnDelete,
        delete_before_replace=request.deleteBeforeReplace,
        import_id=request.importId,
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        protect=request.protect,
        aliases=tuple(alias.spec.name for alias in request.aliases),
    )


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and value.get(_SIGNATURE) == _SECRET


def _plain(value: Any) -> Any:
    if _is_secret(value):
        return _plain(value["value"])
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def record(
    make: Callable[[], object],
    invokes: Mapping[str, Mapping[str, Any]] = INVOKES,
    project: str = PROJECT,
    stack: str = STACK,
) -> Recorder:
    """Runs `make` as a Pulumi program, to its end, and returns what it registered.

    Raises whatever the program raises.
    """
    # The SDK uses the thread's current loop, which asyncio.run of an earlier test has removed.
    asyncio.set_event_loop(asyncio.new_event_loop())
    recorder = Recorder()
    answers = _Answers(invokes, recorder)
    logger = logging.Logger("pulumi")
    logger.addHandler(_Warnings(recorder))
    pulumi.runtime.set_mocks(
        answers,
        project=project,
        stack=stack,
        preview=False,
        logger=logger,
        monitor=_Monitor(answers, recorder),
    )

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # the SDK has no types here
    def program() -> None:
        make()

    # Each registration says which frames made it. Here most are pytest's, and they are an eighth of the time.
    with mock.patch.object(resource, "_get_stack_trace", source_pb2.StackTrace):
        program()
    return recorder


def record_program(
    config: Mapping[str, str],
    invokes: Mapping[str, Mapping[str, Any]] = INVOKES,
    project: str = PROJECT,
    stack: str = STACK,
) -> Recorder:
    """Runs the project's own program with the configuration (`namespace:key` -> JSON or text)."""
    exports: dict[str, Any] = {}

    def program() -> None:
        # The program switches the garbage collector off, but this process runs it hundreds of times.
        with mock.patch.object(pulumi, "export", exports.__setitem__), mock.patch.object(gc, "disable"):
            runpy.run_path(str(PROGRAM), run_name="__main__")

    set_all_config(dict(config))
    recorder = record(program, invokes, project, stack)
    recorder.exports = exports
    return recorder
