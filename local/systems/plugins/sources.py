"""Sources of a table's statements about a real plugin, or the note that a statement is not verified."""

from dataclasses import dataclass, replace
from datetime import date


@dataclass(frozen=True)
class Source:
    """A text that was read.

    Attributes:
        where: the file with its repository, or the page.
        version: the version of the text.
        read: the day on which it was read.
        older: the text is of an older major version than the one that the pinned plugin is built on.
    """

    where: str
    version: str
    read: date
    older: bool = False

    def __str__(self) -> str:
        return f"{self.where} ({self.version}; read {self.read})"


@dataclass(frozen=True)
class NotVerified:
    """A statement without a source that was read; `why` says what is missing."""

    why: str

    def __str__(self) -> str:
        return f"not verified: {self.why}"


READ = date(2026, 11, 26)

# Most texts were read without their commit. Their headers tell the age: "Copyright IBM Corp.
# 2014, 2026" came with a late 6.x, "Copyright (c) HashiCorp, Inc." with the SDK v2 of AWS is a 5.x of 2024 or 2025.
_V5 = "v5; the guide to v6 (website/docs/guides/version-6-upgrade.html.markdown, 367e037) changes none of it"


def terraform_aws(file: str, version: str = "text of 2026") -> Source:
    """A file of the provider that pulumi-aws 7 is built on (7.43.0 on v6.61.0, by its release notes)."""
    return Source(f"hashicorp/terraform-provider-aws internal/service/{file}", f"v6, {version}", READ)


def terraform_aws_5(file: str, commit: str | None = None) -> Source:
    """A file of the same provider in major version 5, where no text of version 6 was found."""
    version = f"{commit}, {_V5}" if commit else _V5
    return replace(terraform_aws(file), version=version, older=True)


def terraform_confluent(file: str, version: str = "v2, ae98919") -> Source:
    """A file of the provider that pulumi-confluentcloud 2 is built on."""
    return Source(f"confluentinc/terraform-provider-confluent internal/provider/{file}", version, READ)


def python_sdk(what: str) -> Source:
    """The documentation in the installed SDK."""
    return Source(f"pulumi_aws, documentation of {what}", "7.51.1", READ)
