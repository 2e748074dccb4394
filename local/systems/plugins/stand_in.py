"""What both stand-ins have in common: a provider that walks tables of resource types.

Inputs that a table does not know are refused. The state of a resource is what its `read` says plus what
cannot be read back (secrets); `diff` compares it with the new inputs, as the real plugins do.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pulumi.provider.experimental import provider as wire_types
from pulumi.provider.experimental.property_value import PropertyValue

from local.systems.plugins import values
from local.systems.plugins.sources import NotVerified, Source
from local.systems.plugins.values import UNKNOWN, Plain

Clients = TypeVar("Clients")


class RefusedError(RuntimeError):
    """The stand-in will not do what it was asked; the message is for the person who runs `pulumi`."""


@dataclass(frozen=True)
class Property:
    """How a property of a resource behaves; the real plugin's schema is the source.

    Attributes:
        required: without it the resource is refused.
        replaces: a change makes a new resource.
        replaces_if: when else a change does, in words; `Kind.replaces_with` decides.
        computed: where it is not given, the service decides; its decision is not a difference.
        document: JSON text, compared by what it says.
        unordered: a list whose order does not count.
        default: what its absence means.
        fields: of a map, or of the maps in a list; None where any key may stand (tags).
        source: where this was read, for the fields as well; None: where the rest of the resource type was.
    """

    required: bool = False
    replaces: bool = False
    replaces_if: str | None = None
    computed: bool = False
    document: bool = False
    unordered: bool = False
    default: Any = None
    fields: "Mapping[str, Property] | None" = None
    source: Source | NotVerified | None = None


@dataclass(frozen=True)
class Created:
    """The new resource's id, and outputs that `read` cannot get later."""

    id: str
    outputs: Plain = field(default_factory=dict)


@dataclass(frozen=True)
class Kind(Generic[Clients]):
    """A resource type. The functions get the service's clients first; properties are plain values.

    Attributes:
        create: (clients, inputs) -> Created.
        read: (clients, id, state) -> the whole state, None if the resource is gone; the state handed in is
            empty at an import.
        delete: (clients, id, state); a resource that is gone already is none of its concern.
        update: (clients, id, state, inputs) -> the id that the change gave it, None if it keeps its own. No function
            at all where every change replaces.
        replaces_with: (clients, state, inputs) -> which further properties replace when they change.
        auto_name: the property that gets a made-up name when none is given.
        outputs: what is known only after the creation.
        secrets: outputs that are always secret.
        regional: whether it is in a region; IAM is not.
        source: where the properties' behaviour was read.
    """

    properties: Mapping[str, Property]
    create: Callable[[Clients, Plain], Created]
    read: Callable[[Clients, str, Plain], Plain | None]
    delete: Callable[[Clients, str, Plain], None]
    update: Callable[[Clients, str, Plain, Plain], str | None] | None = None
    replaces_with: Callable[[Clients, Plain, Plain], set[str]] = lambda _clients, _state, _inputs: set()
    auto_name: str | None = None
    outputs: tuple[str, ...] = ()
    secrets: frozenset[str] = frozenset()
    regional: bool = True
    source: Source | NotVerified | None = None


class StandIn(wire_types.Provider, Generic[Clients]):
    """Serves resource types and functions from tables.

    Args:
        kinds: by type token.
        functions: by token: (clients, arguments) -> (result, names of its secret parts).
        settings: the keys that the provider's own configuration may have.
        connect: makes the clients from that configuration.
        is_gone: whether an error of a client says that the resource is not there.
        region: the region that the clients work in; None where the package has no regions.
    """

    def __init__(
        self,
        package: str,
        *,
        kinds: Mapping[str, Kind[Clients]],
        functions: Mapping[str, Callable[[Clients, Plain], tuple[Plain, set[str]]]],
        settings: frozenset[str],
        connect: Callable[[Plain], Clients],
        is_gone: Callable[[Exception], bool],
        region: Callable[[Clients], str] | None = None,
    ) -> None:
        self._package = package
        self._kinds = kinds
        self._functions = functions
        self._settings = settings
        self._connect = connect
        self._is_gone = is_gone
        self._region = region
        self._clients: Clients | None = None
        self._default_tags: dict[str, str] = {}

    async def get_schema(self, request: wire_types.GetSchemaRequest) -> wire_types.GetSchemaResponse:
        """The engine asks for it in passing; the tables are no schema."""
        del request
        return wire_types.GetSchemaResponse(schema="{}")

    async def check_config(self, request: wire_types.CheckRequest) -> wire_types.CheckResponse:
        """Refuses settings that the table does not know."""
        failures = [
            wire_types.CheckFailure(name, f"the stand-in of the {self._package} plugin has no such setting")
            for name in sorted(set(request.new_inputs) - self._settings)
        ]
        return wire_types.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def diff_config(self, request: wire_types.DiffRequest) -> wire_types.DiffResponse:
        """A new configuration is used from now on; it replaces nothing."""
        del request
        return wire_types.DiffResponse(changes=False)

    async def configure(self, request: wire_types.ConfigureRequest) -> wire_types.ConfigureResponse:
        """Connects with the configuration."""
        configuration = {name: values.document(value) for name, value in values.plain(request.args).items()}
        self._default_tags = dict((configuration.get("defaultTags") or {}).get("tags") or {})
        self._clients = await asyncio.to_thread(self._connect, configuration)
        return wire_types.ConfigureResponse(
            accept_secrets=True, accept_resources=True, supports_preview=True, accept_outputs=True
        )

    async def check(self, request: wire_types.CheckRequest) -> wire_types.CheckResponse:
        """Refuses what the table does not know, and makes up a name where one is needed."""
        kind = self._kind(request.type)
        given = values.plain(request.new_inputs)
        failures = _failures(kind.properties, given, request.type)
        inputs = {name: value for name, value in request.new_inputs.items() if value.value is not None}
        if kind.auto_name is not None and kind.auto_name not in given:
            kept = request.old_inputs.get(kind.auto_name)
            inputs[kind.auto_name] = kept or PropertyValue(_made_up(request.name, request.random_seed))
        return wire_types.CheckResponse(
            inputs=inputs,
            failures=[wire_types.CheckFailure(path, reason) for path, reason in failures],
        )

    async def diff(self, request: wire_types.DiffRequest) -> wire_types.DiffResponse:
        """Compares the state with the new inputs, property by property."""
        kind = self._kind(request.type)
        state, inputs = values.plain(request.old_state), values.plain(request.new_inputs)
        ignored = {path.partition(".")[0].partition("[")[0] for path in request.ignore_changes}
        changed = [
            name
            for name, prop in kind.properties.items()
            if name not in ignored and not same(prop, state.get(name), inputs.get(name))
        ]
        further: set[str] = set()
        if changed:
            further = await asyncio.to_thread(kind.replaces_with, self._connected(), state, inputs)
        replaces = [
            name
            for name in changed
            if kind.update is None
            or name in further
            or _replaces(kind.properties[name], state.get(name), inputs.get(name))
        ]
        if "tags" in kind.properties and not {"tags", "tagsAll"} & {*changed, *ignored}:
            merged = self._with_default_tags(kind, inputs).get("tags")
            if values.meaning(merged) != values.meaning(state.get("tagsAll")):
                changed.append("tagsAll")
        details = _details(kind, changed, replaces, state, inputs)
        region = self._region_of(kind)
        if region is not None and state.get("region") not in (None, region):
            changed.append("region")
            replaces.append("region")
            details["region"] = _detail(state["region"], region, replaces=True)
        return wire_types.DiffResponse(
            changes=bool(changed),
            diffs=changed,
            replaces=replaces,
            delete_before_replace=bool(replaces) and _would_collide(kind, request.name, state, inputs),
            detailed_diff=details,
        )

    async def create(self, request: wire_types.CreateRequest) -> wire_types.CreateResponse:
        """Creates, then reads back what was created."""
        kind = self._kind(request.type)
        inputs = values.plain(request.properties)
        secrets = values.secret_names(request.properties) | kind.secrets
        if request.preview:
            state = {**dict.fromkeys(kind.outputs, UNKNOWN), **_computed(kind), **inputs}
            return wire_types.CreateResponse(properties=values.wire(state, secrets))
        complete = self._with_default_tags(kind, inputs)
        created = await asyncio.to_thread(kind.create, self._connected(), complete)
        state = {**inputs, **created.outputs}
        found = await self._state(kind, created.id, state)
        if found is None:
            raise RefusedError(f"{request.name} was created as {created.id}, but cannot be found")
        return wire_types.CreateResponse(created.id, values.wire({**created.outputs, **found}, secrets))

    async def read(self, request: wire_types.ReadRequest) -> wire_types.ReadResponse:
        """What is really there; without an id if it is gone."""
        kind = self._kind(request.type)
        state, inputs = values.plain(request.properties), values.plain(request.inputs)
        secrets = values.secret_names(request.properties) | values.secret_names(request.inputs) | kind.secrets
        found = await self._state(kind, request.resource_id, state)
        if found is None:
            return wire_types.ReadResponse()
        return wire_types.ReadResponse(
            request.resource_id,
            values.wire(found, secrets),
            values.wire(_inputs_of(kind, found, inputs, imported=not state), secrets),
        )

    async def update(self, request: wire_types.UpdateRequest) -> wire_types.UpdateResponse:
        """Changes what can be changed in place, then reads back.

        Some changes give a resource a new id. The engine keeps the old one (pulumi/pulumi issue 3729), so that the next
        refresh finds nothing by it: with the real plugins, too (pulumi/pulumi-aws issues 1610 and 3911).
        """
        kind = self._kind(request.type)
        state, inputs = values.plain(request.olds), values.plain(request.news)
        secrets = values.secret_names(request.olds) | values.secret_names(request.news) | kind.secrets
        known = {name: value for name, value in state.items() if name not in kind.properties}
        if request.preview:
            kept = {
                name: state[name] for name, prop in kind.properties.items() if prop.computed and name in state
            }
            return wire_types.UpdateResponse(values.wire({**known, **kept, **inputs}, secrets))
        if kind.update is None:
            raise RefusedError(f"{request.type} cannot be changed in place")
        complete = self._with_default_tags(kind, inputs)
        changed = await asyncio.to_thread(
            kind.update, self._connected(), request.resource_id, state, complete
        )
        found = await self._state(kind, changed or request.resource_id, {**known, **inputs})
        if found is None:
            raise RefusedError(f"{request.name} ({request.resource_id}) is gone")
        return wire_types.UpdateResponse(values.wire(found, secrets))

    async def delete(self, request: wire_types.DeleteRequest) -> None:
        """Deletes; what is gone already is fine."""
        kind = self._kind(request.type)
        state = values.plain(request.properties)
        try:
            await asyncio.to_thread(kind.delete, self._connected(), request.resource_id, state)
        except Exception as error:
            if not self._is_gone(error):
                raise

    async def invoke(self, request: wire_types.InvokeRequest) -> wire_types.InvokeResponse:
        """Calls a function of the table."""
        function = self._functions.get(request.tok)
        if function is None:
            raise RefusedError(f"the stand-in of the {self._package} plugin has no function {request.tok}")
        result, secrets = await asyncio.to_thread(function, self._connected(), values.plain(request.args))
        return wire_types.InvokeResponse(values.wire(result, secrets))

    def _kind(self, qualified: str) -> Kind[Clients]:
        # The types of the component that a resource belongs to stand before its own.
        token = qualified.rpartition("$")[2]
        if token not in self._kinds:
            raise RefusedError(f"the stand-in of the {self._package} plugin has no resource type {token}")
        return self._kinds[token]

    def _connected(self) -> Clients:
        if self._clients is None:
            raise RefusedError(f"the stand-in of the {self._package} plugin is not configured yet")
        return self._clients

    def _region_of(self, kind: Kind[Clients]) -> str | None:
        return self._region(self._connected()) if self._region is not None and kind.regional else None

    def _with_default_tags(self, kind: Kind[Clients], inputs: Plain) -> Plain:
        if "tags" not in kind.properties or not self._default_tags or _overrides_default_tags(inputs):
            return inputs
        return {**inputs, "tags": {**self._default_tags, **(inputs.get("tags") or {})}}

    async def _state(self, kind: Kind[Clients], resource_id: str, before: Plain) -> Plain | None:
        """What is there, in the words of `before` where both mean the same."""
        try:
            found = await asyncio.to_thread(kind.read, self._connected(), resource_id, before)
        except Exception as error:
            if self._is_gone(error):
                return None
            raise
        if found is None:
            return None
        if "tags" in kind.properties:
            default = {} if _overrides_default_tags(before) else self._default_tags
            found = _split_tags(found, before.get("tags") or {}, default)
        region = self._region_of(kind)
        if region is not None:
            found = {"region": region, **found}
        for name, prop in kind.properties.items():
            given = before.get(name)
            if given is not None and same(prop, found.get(name), given):
                found[name] = given
        return {name: value for name, value in found.items() if value is not None}


def _overrides_default_tags(inputs: Plain) -> bool:
    """Whether an object wants none of the provider's default tags.

    Source: `ignoreProviderDefaultTags` in internal/service/s3/object.go of hashicorp/terraform-provider-aws (033c721).
    """
    override = inputs.get("overrideProvider") or {}
    return "defaultTags" in override and not (override["defaultTags"] or {}).get("tags")


def _split_tags(found: Plain, own: Mapping[str, str], default: Mapping[str, str]) -> Plain:
    """`tagsAll` are all tags, `tags` those that do not come from the provider's default ones."""
    tags = found.get("tags") or {}
    kept = {key: value for key, value in tags.items() if key in own or default.get(key) != value}
    return {**found, "tags": kept or None, "tagsAll": tags}


def same(prop: Property, state: Any, new: Any) -> bool:
    """Whether new inputs ask for nothing else than what is there."""
    if values.is_unknown(new):
        return False
    if new is None:
        return prop.computed or values.meaning(state) in (None, prop.default)
    if prop.fields is not None:
        compare = _same_set if prop.unordered and isinstance(new, list) else _same_fields
        return compare(prop.fields, state, new)
    if prop.document:
        return bool(values.document(state) == values.document(new))
    if state is None and prop.default is not None:
        state = prop.default
    if prop.unordered and isinstance(state, list) and isinstance(new, list):
        return sorted(state) == sorted(new)
    return bool(values.meaning(state) == values.meaning(new))


def _replaces(prop: Property, state: Any, new: Any) -> bool:
    """Whether a changed property replaces: by itself, or by one of its fields that changed."""
    if prop.replaces or not isinstance(new, Mapping) or prop.fields is None:
        return prop.replaces
    there = state or {}
    return any(
        inner.replaces and not same(inner, there.get(name), new.get(name))
        for name, inner in prop.fields.items()
    )


def _same_fields(fields: Mapping[str, Property], state: Any, new: Any) -> bool:
    if isinstance(new, list):
        there = state if isinstance(state, list) else []
        pairs = zip(there, new, strict=False)
        return len(there) == len(new) and all(_same_fields(fields, *pair) for pair in pairs)
    fields_there = state or {}
    return all(same(prop, fields_there.get(name), new.get(name)) for name, prop in fields.items())


def _same_set(fields: Mapping[str, Property], state: Any, new: list[Any]) -> bool:
    """Whether each of the new ones is there, in any order, and nothing else."""
    left = list(state) if isinstance(state, list) else []
    for one in new:
        there = next((other for other in left if _same_fields(fields, other, one)), None)
        if there is None:
            return False
        left.remove(there)
    return not left


def _failures(properties: Mapping[str, Property], given: Any, where: str) -> list[tuple[str, str]]:
    """Path and reason of everything that is not as the table says."""
    if not isinstance(given, Mapping):
        return []
    failures = [
        (name, f"the stand-in knows no such property of {where}") for name in given if name not in properties
    ]
    for name, prop in properties.items():
        if prop.required and name not in given:
            failures.append((name, f"is required for {where}"))
        if prop.fields is not None:
            parts = given.get(name)
            for part in parts if isinstance(parts, list) else [parts]:
                inner = _failures(prop.fields, part, f"{where}.{name}")
                failures.extend((f"{name}.{path}", reason) for path, reason in inner)
    return failures


def _made_up(name: str, seed: bytes) -> str:
    return f"{name}-{hashlib.sha256(name.encode() + seed).hexdigest()[:7]}"


def _would_collide(kind: Kind[Any], name: str, state: Plain, inputs: Plain) -> bool:
    """Whether a successor would have its predecessor's name: one that was given, not made up."""
    if kind.auto_name is None:
        return False
    old, new = state.get(kind.auto_name), inputs.get(kind.auto_name)
    made_up = isinstance(old, str) and len(old) == len(name) + 8 and old.startswith(f"{name}-")
    return old == new and not made_up


def _details(
    kind: Kind[Any], changed: list[str], replaces: list[str], state: Plain, inputs: Plain
) -> dict[str, wire_types.PropertyDiff]:
    """What changed by path, as the bridge tells it: `rootBlockDevice.volumeSize`, `rules[0].expiration.days`.

    `replaceOnChanges` of a program matches these paths (pulumi/pkg v3.258, resource/deploy/step_generator.go).
    """
    found = {}
    for name in changed:
        prop = kind.properties.get(name, Property())
        for path, old, new, nested_replaces in _changes(prop, name, state.get(name), inputs.get(name)):
            # A property that replaces does so whichever part of it changed; one that does by a part, by that part.
            whole = name in replaces and (kind.update is None or prop.replaces or prop.fields is None)
            found[path] = _detail(old, new, whole or nested_replaces)
    return found


def _changes(prop: Property, path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any, bool]]:
    """Path, old and new value of each part that differs, and whether that part replaces by itself."""
    if prop.fields is not None and isinstance(old, Mapping) and isinstance(new, Mapping):
        for name, inner in prop.fields.items():
            if not same(inner, old.get(name), new.get(name)):
                yield from _changes(inner, f"{path}.{name}", old.get(name), new.get(name))
    elif prop.fields is not None and isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            if not _same_fields(prop.fields, before, after):
                yield from _changes(prop, f"{path}[{index}]", before, after)
    else:
        yield path, old, new, prop.replaces


def _detail(old: Any, new: Any, replaces: bool) -> wire_types.PropertyDiff:
    kinds = wire_types.PropertyDiffKind
    if old is None:
        kind = kinds.ADD_REPLACE if replaces else kinds.ADD
    elif new is None:
        kind = kinds.DELETE_REPLACE if replaces else kinds.DELETE
    else:
        kind = kinds.UPDATE_REPLACE if replaces else kinds.UPDATE
    return wire_types.PropertyDiff(kind, input_diff=False)


def _computed(kind: Kind[Any]) -> Plain:
    return {name: UNKNOWN for name, prop in kind.properties.items() if prop.computed}


def _inputs_of(kind: Kind[Any], state: Plain, before: Plain, *, imported: bool) -> Plain:
    """The inputs that lead to `state`: those of before, and what else is there and not by default."""
    inputs = {}
    for name, prop in kind.properties.items():
        there = state.get(name)
        meant = values.meaning(there) not in (None, prop.default)
        if name in before or (meant and (imported or not prop.computed)):
            inputs[name] = there
    return {name: value for name, value in inputs.items() if value is not None}


def quiet() -> None:
    """gRPC logs each error of a servicer with its stack; the engine shows the error itself."""
    logging.getLogger("grpc").setLevel(logging.CRITICAL)
