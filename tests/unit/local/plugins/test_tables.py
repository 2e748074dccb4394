"""The tables against the SDKs: the stand-ins must not have what the real plugins lack."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

import pytest
from pulumi import _types  # how the SDK itself translates names; no public module says it

from local.systems.plugins.aws.functions import FUNCTIONS as AWS_FUNCTIONS
from local.systems.plugins.aws.provider import KINDS as AWS_KINDS
from local.systems.plugins.confluentcloud.functions import FUNCTIONS as CONFLUENT_FUNCTIONS
from local.systems.plugins.confluentcloud.provider import KINDS as CONFLUENT_KINDS
from local.systems.plugins.stand_in import Kind, Property
from tests.unit.components.recorder import Recorder
from tests.unit.components.test_program import KMS_KEY_ARN, program

KINDS: dict[str, Kind[Any]] = {**AWS_KINDS, **CONFLUENT_KINDS}
FUNCTIONS: dict[str, Any] = {**AWS_FUNCTIONS, **CONFLUENT_FUNCTIONS}


def _module(token: str) -> Any:
    package, module, _ = token.split(":")
    group = module.partition("/")[0]
    return importlib.import_module(f"pulumi_{package}" + ("" if group == "index" else f".{group}"))


def _resource(token: str) -> Any:
    return getattr(_module(token), token.rpartition(":")[2])


def _args(resource: Any) -> Any:
    """Named with Init where a nested argument has the plain name."""
    module, name = inspect.getmodule(resource), resource.__name__
    return getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _unknown(table: Mapping[str, Property], args: Any, where: str) -> Iterator[str]:
    """Properties that the table has and the SDK lacks, in nested fields too."""
    real = _types.input_type_types(args)
    for name, prop in table.items():
        if name not in real:
            yield f"{where}.{name}"
        elif prop.fields is not None:
            yield from _unknown(prop.fields, _nested(real[name]), f"{where}.{name}")


def _nested(annotation: Any) -> Any:
    """The class of a nested argument, or of the elements of a list of such."""
    if isinstance(annotation, type):
        return annotation
    return next(found for part in get_args(annotation) if (found := _nested(part)) is not None)


@pytest.mark.parametrize("token", KINDS)
def test_the_sdk_has_every_property_of_a_table(token: str) -> None:
    assert list(_unknown(KINDS[token].properties, _args(_resource(token)), token)) == []


PROGRAMS: dict[str, Callable[[], Recorder]] = {
    "an endpoint": program,
    "ids, and keys for Logz.io": lambda: program(by_ids=True, logzio={"authentication": "keys"}),
    "a lock, and a key of its own": lambda: program(
        archive={"bucket": "locked", "objectLockDays": 30, "kmsKeyArn": KMS_KEY_ARN},
        worker={"alarmTopicArn": "arn:aws:sns:us-west-2:111122223333:alarms"},
    ),
    "mail of alarms": lambda: program(alarms={"email": ["on-call@example.com"]}),
    "a Connect cluster": lambda: program(
        worker={"mode": "distributed", "count": 2},
        fleet={"cluster": "lkc-own12", "environment": "env-own12"},
    ),
    "a role that writes": lambda: program(writer={"identity": "role"}),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_tables_have_every_property_that_the_program_sets(name: str) -> None:
    """Else only the tests on the real engine would notice: the recorder takes every property."""
    real = [
        made for made in PROGRAMS[name]().registrations if made.type.startswith(("aws:", "confluentcloud:"))
    ]
    missing = {
        f"{made.type}.{given}"
        for made in real
        for given in made.inputs
        if made.type not in KINDS or given not in KINDS[made.type].properties
    }

    assert real
    assert missing == set()


@pytest.mark.parametrize("token", KINDS)
def test_a_table_requires_what_the_sdk_requires(token: str) -> None:
    args = _args(_resource(token))
    parameters = inspect.signature(args.__init__).parameters
    names = _types.input_type_py_to_pulumi_names(args)
    required = {
        names[name]
        for name, parameter in parameters.items()
        if name in names and parameter.default is inspect.Parameter.empty
    }

    assert required <= {name for name, prop in KINDS[token].properties.items() if prop.required}


@pytest.mark.parametrize("token", AWS_KINDS)
def test_a_resource_is_regional_where_the_sdk_takes_a_region(token: str) -> None:
    assert AWS_KINDS[token].regional == ("region" in _types.input_type_types(_args(_resource(token))))


@pytest.mark.parametrize("token", KINDS)
def test_the_sdk_has_every_output_of_a_table(token: str) -> None:
    resource = _resource(token)

    assert [name for name in KINDS[token].outputs if not hasattr(resource, _snake(name))] == []


@pytest.mark.parametrize("token", KINDS)
def test_the_sdk_registers_the_resource_under_the_token(token: str) -> None:
    module = inspect.getmodule(_resource(token))

    assert module is not None
    assert f"'{token}'" in inspect.getsource(module)


@pytest.mark.parametrize("token", FUNCTIONS)
def test_the_sdk_calls_the_function_by_the_token(token: str) -> None:
    function = getattr(_module(token), _snake(token.rpartition(":")[2]))

    assert f"'{token}'" in inspect.getsource(function)


def test_a_generated_name_is_a_property_of_the_table() -> None:
    named = {token: kind.auto_name for token, kind in KINDS.items() if kind.auto_name is not None}

    assert {token for token, name in named.items() if name not in KINDS[token].properties} == set()
