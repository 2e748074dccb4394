"""Describes in words what a setting accepts. The source is the annotation that also validates the setting."""

import types
import typing
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from components.settings.types import Checked


def accepted(annotation: Any) -> str:
    """What a setting of this type accepts, in words."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is None:
        simple = {str: "text", int: "whole number", bool: "`true`, `false`", SecretStr: "secret"}
        words = simple.get(annotation) or f"object with {', '.join(field_names(annotation))}"
    elif origin is Annotated:
        words = _accepted_with(arguments[0], arguments[1:])
    elif origin is Literal:
        words = ", ".join(f"`{argument}`" for argument in arguments)
    elif origin is tuple:
        words = f"list, each: {accepted(arguments[0])}"
    elif origin is dict:
        words = f"object, each value: {accepted(arguments[1])}"
    else:
        words = " or ".join(accepted(argument) for argument in arguments if argument is not types.NoneType)
    return words


def _accepted_with(annotation: Any, metadata: Iterable[Any]) -> str:
    text = accepted(annotation)
    for constraint in metadata:
        if isinstance(constraint, Checked) and annotation is not SecretStr:
            text = f"{text}: {constraint.accepted}"
        elif isinstance(constraint, FieldInfo) and constraint.metadata and annotation is int:
            least = next(bound.ge for bound in constraint.metadata if hasattr(bound, "ge"))
            most = next(bound.le for bound in constraint.metadata if hasattr(bound, "le"))
            text = f"{text}, {least} to {most}"
    return text


def annotation_at(model: type[BaseModel], location: Iterable[int | str]) -> Any:
    """The annotation of a setting in a section: ("endpoints", "s3") -> the annotation of `Endpoints.s3`.

    Raises:
        KeyError: there is no such setting.
    """
    annotation: Any = model
    for step in location:
        annotation = bare(annotation)
        arguments = typing.get_args(annotation)
        if arguments:
            annotation = arguments[-1] if typing.get_origin(annotation) is dict else arguments[0]
        else:
            hints = typing.get_type_hints(annotation, include_extras=True)
            name = {field.alias: name for name, field in annotation.model_fields.items()}.get(
                str(step), str(step)
            )
            annotation = hints[name]
    return annotation


def bare(annotation: Any) -> Any:
    """The type itself, without metadata and without `| None`."""
    while typing.get_origin(annotation) in (Annotated, typing.Union, types.UnionType):
        annotation = typing.get_args(annotation)[0]
    return annotation


def field_names(model: type[BaseModel]) -> list[str]:
    """The names of a section's settings, as the stack file has them."""
    return [field.alias or name for name, field in model.model_fields.items()]
