"""Every claim of the stand-ins has a source, or is listed as not verified."""

import subprocess
import sys

from local.base import paths
from local.systems.plugins import claims
from local.systems.plugins.sources import NotVerified, Source
from local.systems.plugins.stand_in import Property

LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration.rules"

NOT_VERIFIED = {
    "all properties",
    "names",
    "provider",
    f"{LIFECYCLE}.expiration.days",
    f"{LIFECYCLE}.expiration.expiredObjectDeleteMarker",
    f"{LIFECYCLE}.filter.and.objectSizeGreaterThan",
    f"{LIFECYCLE}.filter.and.prefix",
    f"{LIFECYCLE}.filter.prefix",
}
"""Add a claim here only if no source of it can be found."""


def test_every_claim_has_a_source_or_says_that_it_is_not_verified() -> None:
    unsourced = [claim.about for claim in claims.claims() if claim.source is None]

    assert unsourced == []


def test_every_property_makes_a_claim() -> None:
    def paths_of(table: object, where: str) -> set[str]:
        assert isinstance(table, dict)
        found = set()
        for name, prop in table.items():
            assert isinstance(prop, Property)
            found |= {f"{where}.{name}", *paths_of(dict(prop.fields or {}), f"{where}.{name}")}
        return found

    expected = {
        path for token, kind in claims.KINDS.items() for path in paths_of(dict(kind.properties), token)
    }

    assert expected <= {claim.about for claim in claims.claims()}


def test_a_source_names_a_file_or_page_and_its_version() -> None:
    for claim in claims.claims():
        if isinstance(claim.source, Source):
            assert "/" in claim.source.where or claim.source.where.startswith("pulumi_aws"), claim
            assert claim.source.version, claim


def test_the_claims_that_are_not_verified_are_known() -> None:
    unverified = [claim for claim in claims.claims() if isinstance(claim.source, NotVerified)]

    assert {claim.about for claim in unverified} == NOT_VERIFIED
    assert len(unverified) == len(NOT_VERIFIED)


def test_a_claim_agrees_with_its_table() -> None:
    statements = {claim.about: claim.statement for claim in claims.claims()}
    instance = "aws:ec2/instance:Instance"

    assert statements[f"{instance}.iamInstanceProfile"] == "in place, computed"
    assert statements[f"{instance}.volumeTags"] == "in place"
    assert statements[f"{instance}.instanceType"] == "in place, replaces if the types share no architecture"
    assert statements[f"{instance}.rootBlockDevice.encrypted"] == "replaces, computed"
    assert statements["aws:iam/user:User.name"] == "in place"
    assert statements["aws:iam/role:Role.path"] == "replaces, default '/'"
    assert statements["aws:ec2/vpcEndpoint:VpcEndpoint.routeTableIds"] == "in place, computed, in any order"
    assert statements["aws:iam/rolePolicy:RolePolicy.policy"] == "in place, compared as JSON"


def _printed(*options: str) -> list[str]:
    command = [sys.executable, "-m", "local", "claims", *options]
    done = subprocess.run(command, cwd=paths.ROOT, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_the_command_lists_claims_not_verified_and_claims_of_an_older_version() -> None:
    every, lines = list(claims.claims()), _printed()
    older = {claim.about.partition(".")[0] for claim in every if getattr(claim.source, "older", False)}

    assert lines[0] == f"{len(every)} claims, {len(NOT_VERIFIED)} of them not verified:"
    assert {line.strip().split(": ")[0] for line in lines if "[not verified: " in line} == NOT_VERIFIED
    assert {line.strip() for line in lines[2 + len(NOT_VERIFIED) :]} == {*older}
    assert "aws:iam/user:User" not in older


def test_the_command_lists_every_claim_with_its_source() -> None:
    lines = _printed("--all")

    assert lines == [str(claim) for claim in claims.claims()]
    assert any(
        line.startswith("aws:iam/user:User.name: in place [hashicorp/terraform-provider-aws")
        for line in lines
    )
