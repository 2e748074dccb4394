"""What the stand-ins claim about the real plugins, and which of these claims nobody has verified.

`python -m local claims` lists what is not verified, `--all` every claim with its source.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.systems.plugins.aws.provider import KINDS as AWS
from local.systems.plugins.confluentcloud.provider import KINDS as CONFLUENT
from local.systems.plugins.sources import READ, NotVerified, Source, terraform_aws_5
from local.systems.plugins.stand_in import Kind, Property

KINDS: dict[str, Kind[Any]] = {**AWS, **CONFLUENT}


@dataclass(frozen=True)
class Claim:
    """One statement about one property (`about`: type token and path), or about all resources."""

    about: str
    statement: str
    source: Source | NotVerified | None

    def __str__(self) -> str:
        return f"{self.about}: {self.statement} [{self.source}]"


def _bridge(where: str) -> Source:
    return Source(f"pulumi/pulumi-terraform-bridge pkg/tfbridge/{where}", "v3, text of 2024 or later", READ)


def _issue(where: str) -> Source:
    return Source(f"https://github.com/{where}", "issue", READ)


_REGION = Source("hashicorp/terraform-provider-aws internal/provider/sdkv2/region.go", "v6, 0073593", READ)

GENERAL = (
    Claim(
        "regional resources",
        "another region than the state's replaces; a state without a region differs from none",
        _REGION,
    ),
    Claim(
        "tags",
        "the provider's default tags are merged in; an S3 object with overrideProvider gets none",
        terraform_aws_5("s3/object.go"),
    ),
    Claim(
        "names",
        "a successor with the same given name comes after its predecessor, one with a made-up name before",
        _bridge("schema.go, nameRequiresDeleteBeforeReplace"),
    ),
    Claim(
        "ids",
        "the engine keeps a resource's id when an update gives it another",
        _issue("pulumi/pulumi/issues/3729"),
    ),
    Claim(
        "names",
        "a made-up name is the resource's name, a hyphen and 7 hexadecimal digits, and is kept",
        NotVerified("read for one resource type of another service only (pulumi-aws provider/resources.go)"),
    ),
    Claim(
        "all properties",
        "false, an empty text, list or map mean the same as absence",
        NotVerified("the bridge's and the Terraform SDK's rules for zero values were not read"),
    ),
    Claim(
        "provider",
        "another configuration of the provider replaces nothing by itself",
        NotVerified("pulumi-aws provider/resources.go was read in version 3 only"),
    ),
)
"""Claims about every table, which stand_in.py implements."""


def claims() -> Iterator[Claim]:
    """Every claim of the tables, and of the code that uses them."""
    yield from GENERAL
    for token, kind in KINDS.items():
        yield from _of_table(kind, kind.properties, token, kind.source)


def _of_table(
    kind: Kind[Any],
    table: Mapping[str, Property],
    where: str,
    source: Source | NotVerified | None,
) -> Iterator[Claim]:
    for name, prop in table.items():
        own = prop.source or source
        yield Claim(f"{where}.{name}", _statement(kind, prop), own)
        if prop.fields is not None:
            yield from _of_table(kind, prop.fields, f"{where}.{name}", own)


def _statement(kind: Kind[Any], prop: Property) -> str:
    parts = ["replaces" if prop.replaces or kind.update is None else "in place"]
    if prop.replaces_if:
        parts.append(f"replaces {prop.replaces_if}")
    if prop.computed:
        parts.append("computed")
    if prop.default is not None:
        parts.append(f"default {prop.default!r}")
    if prop.unordered:
        parts.append("in any order")
    if prop.document:
        parts.append("compared as JSON")
    return ", ".join(parts)


def report() -> Iterator[str]:
    """The lines about claims that are not verified, or were read in an older major version only."""
    every = list(claims())
    open_ones = [claim for claim in every if not isinstance(claim.source, Source)]
    older = sorted(
        {
            claim.about.partition(".")[0]
            for claim in every
            if isinstance(claim.source, Source) and claim.source.older
        }
    )
    yield f"{len(every)} claims, {len(open_ones)} of them not verified:"
    yield from (f"  {claim}" for claim in open_ones)
    yield f"read in an older major version than the plugin's, {len(older)} resource types:"
    yield from (f"  {token}" for token in older)
