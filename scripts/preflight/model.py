"""What preflight learns from each system, and the findings from it. The names of the fields are the keys of `--json`."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"
    UNKNOWN = "could not be checked"


@dataclass(frozen=True)
class Finding:
    """The result of a check in one sentence, and what to do about it; `todo` is empty if there is nothing to do.

    `details`: what the sentence has no room for; only `--json` shows it.
    """

    check: str
    state: State
    text: str
    todo: str = ""
    details: tuple[str, ...] = ()


class CheckError(Exception):
    """A check that has no answer: it could not be made, or (`state` is BROKEN) the system refused it."""

    def __init__(self, text: str, todo: str = "", state: State = State.UNKNOWN) -> None:
        super().__init__(text)
        self.text, self.todo, self.state = text, todo, state


@dataclass(frozen=True)
class Identity:
    """The caller's identity in AWS."""

    account: str
    arn: str


@dataclass(frozen=True)
class Refused:
    """Actions that the caller may not do, of one statement of the deployer's policy."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]


@dataclass(frozen=True)
class Quota:
    """A quota of the account. `limit` is None if it could not be read, which `why` explains.

    `for_a_while`: what is needed is needed only while `pulumi up` replaces VMs.
    """

    used: int = 0
    needed: int = 0
    for_a_while: bool = False
    limit: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Image:
    """The image that a VM would get today, and its instance type.

    `architecture`: of the image; None if it does not exist. `is_kept`: the VMs of the stack have it already. `newest`:
    the newest Ubuntu LTS image, if it could be looked up. `zones`: that offer the instance type.
    """

    id: str
    architecture: str | None
    is_kept: bool
    newest: str | None
    type_architectures: tuple[str, ...]
    zones: tuple[str, ...]


class Owned(StrEnum):
    """Who has the bucket of this name."""

    NOBODY = "nobody"
    THIS_STACK = "this stack"
    THIS_ACCOUNT = "this account"
    ANOTHER_ACCOUNT = "another account"


@dataclass(frozen=True)
class BucketAnswer:
    """S3's answer about the bucket's name. `region` is None if S3 did not say it."""

    owned: Owned
    region: str | None = None


@dataclass(frozen=True)
class Cluster:
    """The audit-log cluster. `bootstrap_servers`: host:port. `region` is None for a given endpoint."""

    bootstrap_servers: str
    region: str | None = None
    cloud: str | None = None


@dataclass(frozen=True)
class ApiKeys:
    """The API keys of the audit log's service account for the cluster, by id; `own`: how many are this stack's."""

    ids: tuple[str, ...]
    own: int


@dataclass(frozen=True)
class Topics:
    """The number of partitions of each topic in Kafka."""

    partitions: dict[str, int]


@dataclass(frozen=True)
class FleetTopics:
    """The topics with Connect's state that are there, by name: their partitions, and their policies, None if unknown."""

    partitions: dict[str, int]
    policies: dict[str, str | None]


@dataclass(frozen=True)
class Group:
    """The consumer group: its members as `client id on host`."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Account:
    """The Logz.io account of the token."""

    id: str


@dataclass(frozen=True)
class InTheWay:
    """A registration, not the stack's own, that reads objects of the stack. `exact`: it has a prefix of the stack."""

    id: int
    prefix: str
    exact: bool


@dataclass(frozen=True)
class Package:
    """The package that a VM would install today: `version` is the newest that fits, None if none does."""

    name: str
    version: str | None
    newest: str | None


@dataclass(frozen=True)
class RepositoryKey:
    """The fingerprints of the keys in the file, 40 hexadecimal digits each."""

    fingerprints: tuple[str, ...]


@dataclass(frozen=True)
class Archive:
    """The connector's zip. `size` in bytes, None if the server did not say it; `sha256` is None without a download."""

    size: int | None
    sha256: str | None
