"""Evaluates the answers: findings on what would fail at `pulumi up`, and what to do about each (pure)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from components.settings import NAMESPACE, Settings, SettingsError, platforms, require_region, warnings
from scripts.preflight.collect import Report
from scripts.preflight.confluent_cloud import KEYS_PER_OWNER
from scripts.preflight.model import (
    Account,
    ApiKeys,
    Archive,
    BucketAnswer,
    CheckError,
    Cluster,
    Finding,
    FleetTopics,
    Group,
    Identity,
    Image,
    InTheWay,
    Owned,
    Package,
    Quota,
    Refused,
    RepositoryKey,
    State,
    Topics,
)
from scripts.preflight.target import Target

_NAMED = 8
"""Refused actions and registrations that are named on the screen; `--json` has all actions."""

OK, WARNING, BROKEN, UNKNOWN = State.OK, State.WARNING, State.BROKEN, State.UNKNOWN


def evaluate(report: Report) -> list[Finding]:
    """All findings, in the order of the checks."""
    found = [*_settings(report.target, report.day)]
    for check, answer in report.answers.items():
        if isinstance(answer, CheckError):
            found.append(Finding(check, answer.state, answer.text, answer.todo))
        else:
            found += JUDGES[check](report.target, answer)
    return found


def exit_code(findings: Iterable[Finding]) -> int:
    """0: nothing is broken; 1: something is; 2: something could not be checked, and nothing else is broken."""
    states = {finding.state for finding in findings}
    if BROKEN in states:
        return 1
    return 2 if UNKNOWN in states else 0


def _settings(target: Target, today: date) -> Iterator[Finding]:
    if target.settings is None:
        for line in target.problems:
            yield Finding("settings", BROKEN, line, f"correct it in Pulumi.{target.stack}.yaml")
        return
    if target.no_secrets is None:
        yield Finding("settings", OK, "valid")
    else:
        yield Finding(
            "settings",
            UNKNOWN,
            f"valid as far as the stack file shows them; its secrets are unknown: {target.no_secrets}",
            f"`pulumi stack init {target.stack}`, or give the passphrase of the stack",
        )
    support = _support(target.settings, today, is_new=not target.running.has_vm)
    yield support
    for line in warnings(target.settings, today):
        # The warning about the platform has its own check.
        if support.state is OK or not line.startswith(f"{NAMESPACE}:worker.platformVersion"):
            yield Finding("settings", WARNING, line, "see docs/settings.md")


def _support(settings: Settings, today: date, *, is_new: bool) -> Finding:
    line = settings.worker.platform_version
    warning = platforms.warning(line, today)
    todo = f"set worker.platformVersion: {platforms.NEWEST} (with its worker.javaVersion)"
    if platforms.has_ended(line, today) and is_new and not settings.worker.allow_unsupported_platform:
        return Finding("support", BROKEN, f"Confluent Platform {warning}", todo)
    if warning is not None:
        return Finding("support", WARNING, f"Confluent Platform {warning}", todo)
    return Finding(
        "support", OK, f"Confluent Platform {line}, until about {platforms.PLATFORMS[line].standard_end}"
    )


def _identity(target: Target, who: Identity) -> Iterator[Finding]:
    stacks = target.running.account
    if stacks is not None and stacks != who.account:
        yield Finding(
            "AWS identity",
            BROKEN,
            f"the stack is in account {stacks}, and {who.arn} belongs to {who.account}",
            "use credentials of the stack's account (AWS_PROFILE, or aws:profile)",
        )
        return
    yield Finding("AWS identity", OK, f"account {who.account}, {who.arn}")


def _permissions(target: Target, refusals: tuple[Refused, ...]) -> Iterator[Finding]:
    actions = sorted({action for refusal in refusals for action in refusal.actions})
    if not actions:
        yield Finding("AWS permissions", OK, "everything that up and destroy need is allowed")
        return
    named = ", ".join(actions[:_NAMED])
    more = f" and {len(actions) - _NAMED} more" if len(actions) > _NAMED else ""
    yield Finding(
        "AWS permissions",
        BROKEN,
        f"{len(actions)} actions are refused: {named}{more}",
        f"`make render STACK={target.stack}` writes deployer-policy.json and deployer-worker-policy.json",
        tuple(actions),
    )


def _quotas(_target: Target, quotas: Mapping[str, Quota]) -> Iterator[Finding]:
    fine, unread = [], []
    for name, quota in quotas.items():
        if quota.limit is None:
            unread.append(f"{name}: {quota.why}")
        elif quota.used + quota.needed > quota.limit:
            yield Finding(
                "AWS quotas",
                WARNING if quota.for_a_while else BROKEN,
                f"{name}: {quota.used} of {quota.limit:g} are used, {quota.needed} more are needed"
                + (" while `pulumi up` replaces the VMs" if quota.for_a_while else ""),
                "ask for more in Service Quotas of the AWS console, or remove what nobody uses",
            )
        else:
            fine.append(f"{name}: {quota.used} of {quota.limit:g}")
    if unread:
        yield Finding(
            "AWS quotas",
            UNKNOWN,
            "; ".join(unread),
            "look at Service Quotas in the AWS console; allow servicequotas:GetServiceQuota",
        )
    if fine:
        yield Finding("AWS quotas", OK, "; ".join(fine))


def _image(target: Target, image: Image) -> Iterator[Finding]:
    settings = _known(target)
    instance_type, ami = settings.worker.instance_type, settings.worker.ami
    newest = f"; the newest Ubuntu 24.04 today is {image.newest}" if image.newest else ""
    if not image.zones:
        yield Finding(
            "image",
            BROKEN,
            f"no availability zone of {settings.region} has {instance_type}",
            "set worker.instanceType to one that `aws ec2 describe-instance-type-offerings` lists",
        )
    elif image.architecture is None:
        yield Finding(
            "image",
            BROKEN,
            f"{settings.region} has no image {image.id}"
            + (", which the stack keeps" if image.is_kept else ""),
            f"set worker.ami to an image of this region{newest}"
            if image.is_kept
            else "leave worker.ami out, or set it to an image of this region",
        )
    elif image.architecture not in image.type_architectures:
        yield Finding(
            "image",
            BROKEN,
            f"{image.id} is for {image.architecture}, and {instance_type} for {', '.join(image.type_architectures)}",
            "leave worker.ami out, or set it to an image for the instance type",
        )
    else:
        which = "given" if ami else "kept" if image.is_kept else "the newest Ubuntu 24.04 today"
        later = newest if image.id != image.newest else ""
        yield Finding(
            "image", OK, f"{image.id} ({which}{later}) for {instance_type}, in {', '.join(image.zones)}"
        )


def _bucket(target: Target, answer: BucketAnswer) -> Iterator[Finding]:
    settings = _known(target)
    name, adopts = settings.archive.bucket, settings.archive.adopt_existing
    is_elsewhere = answer.region is not None and answer.region != settings.region
    if answer.owned is Owned.NOBODY:
        if adopts:
            yield Finding(
                "bucket",
                BROKEN,
                f"archive.adoptExisting is set, and there is no bucket {name}",
                "remove archive.adoptExisting, or correct archive.bucket",
            )
        else:
            yield Finding("bucket", OK, f"{name} is free")
    elif answer.owned is Owned.ANOTHER_ACCOUNT:
        yield Finding(
            "bucket",
            BROKEN,
            f"{name} belongs to another account, or S3 refuses to say whose it is",
            "choose another archive.bucket: its name must be unique in all of S3",
        )
    elif is_elsewhere:
        yield Finding(
            "bucket",
            BROKEN,
            f"{name} is in {answer.region}, and aws:region is {settings.region}",
            "choose another archive.bucket, or a stack in the bucket's region",
        )
    elif answer.owned is Owned.THIS_STACK or adopts:
        whose = "the stack's own" if answer.owned is Owned.THIS_STACK else "there, and will be taken over"
        yield Finding("bucket", OK, f"{name} is {whose}")
    else:
        yield Finding(
            "bucket",
            BROKEN,
            f"{name} exists in this account already",
            "set archive.adoptExisting: true to take it over, or choose another archive.bucket",
        )


def _cluster(target: Target, cluster: Cluster) -> Iterator[Finding]:
    settings = _known(target)
    place = f" in {cluster.cloud} {cluster.region}" if cluster.region else ""
    if cluster.region is not None:
        try:
            require_region(
                cluster.region, settings.region, allow_other_region=settings.archive.allow_other_region
            )
        except SettingsError as error:
            yield Finding("audit-log cluster", BROKEN, error.problems[0], "set aws:region to the cluster's")
            return
    whence = place or ", as the settings say"
    yield Finding("audit-log cluster", OK, f"{cluster.bootstrap_servers}{whence}")


def _api_keys(target: Target, keys: ApiKeys | None) -> Iterator[Finding]:
    if keys is None:
        yield Finding("API keys", OK, "given in the settings; the program makes none")
        return
    source = _known(target).source
    needed = max(0, len(source.key_generations) - keys.own)
    free = KEYS_PER_OWNER - len(keys.ids)
    used = f"{len(keys.ids)} of {KEYS_PER_OWNER} API keys of {source.service_account} exist"
    listing = f"`confluent api-key list --resource {source.cluster}`"
    if needed > free:
        yield Finding(
            "API keys",
            BROKEN,
            f"{used} ({', '.join(keys.ids)}), and the program needs {needed} more",
            f"look at them with {listing}; `confluent api-key delete <id>` the one that nobody uses",
        )
    elif free - needed < 1 and keys.own <= 1:
        yield Finding(
            "API keys",
            WARNING,
            f"{used}: none would be left for `make rotate`",
            f"look at them with {listing}",
        )
    else:
        yield Finding("API keys", OK, used)


def _topics(target: Target, topics: Topics) -> Iterator[Finding]:
    for topic, present in topics.partitions.items():
        wanted = _known(target).source.partitions[topic]
        write = (
            f"pulumi config set --stack {target.stack} --path "
            f"'{NAMESPACE}:source.partitions[\"{topic}\"]' {present}"
        )
        if wanted == present:
            yield Finding("topics", OK, f"{topic} can be read, and has {present} partitions")
        elif wanted < present:
            yield Finding(
                "topics",
                BROKEN,
                f"{topic} has {present} partitions, and source.partitions says {wanted}: Logz.io would never get the "
                "events of the others",
                write,
            )
        else:
            yield Finding(
                "topics",
                WARNING,
                f"{topic} has {present} partitions, and source.partitions says {wanted}: some registrations would "
                "read nothing",
                write,
            )


def _groups(target: Target, groups: tuple[Group, ...]) -> Iterator[Finding]:
    taken = [group for group in groups if group.members and not target.running.has_vm]
    for group in taken:
        yield Finding(
            "consumer groups",
            BROKEN,
            f"{group.name} has members already: {', '.join(group.members)}. Each would take partitions from the other",
            "stop them, or set another source.consumerGroup",
        )
    if not taken:
        members = sum(len(group.members) for group in groups)
        present = f"{members} members, as the stack runs" if members else "nobody is in them"
        yield Finding("consumer groups", OK, f"{', '.join(group.name for group in groups)}: {present}")


def _account(_target: Target, account: Account) -> Iterator[Finding]:
    yield Finding("Logz.io", OK, f"the token is of account {account.id}, in this region")


def _in_the_way(target: Target, found: tuple[InTheWay, ...]) -> Iterator[Finding]:
    adopts = _known(target).logzio.adopt_existing
    in_the_way = [registration for registration in found if not (registration.exact and adopts)]
    if not in_the_way:
        taken = f"{len(found)} will be taken over" if found else "none is in the way"
        yield Finding("registrations", OK, taken)
        return
    named = ", ".join(
        f"{registration.id} ({registration.prefix or 'the whole bucket'})"
        for registration in in_the_way[:_NAMED]
    )
    only_exact = all(registration.exact for registration in in_the_way)
    yield Finding(
        "registrations",
        BROKEN,
        f"{len(in_the_way)} read the same objects already: {named}. Each event would arrive twice",
        ("set logzio.adoptExisting: true to take them over, or " if only_exact else "")
        + "delete them in Logz.io (Send your data > AWS > S3 bucket)",
    )


def _package(target: Target, package: Package) -> Iterator[Finding]:
    worker = _known(target).worker
    if package.version is None:
        newest = f"; the newest is {package.newest}" if package.newest else ""
        wanted = f"{package.name} {worker.package_version}" if worker.package_version else package.name
        yield Finding(
            "package",
            BROKEN,
            f"the repository of {worker.platform_version} has no {wanted}{newest}",
            "correct worker.packageVersion, or leave it out" if package.newest else "correct worker.package",
        )
        return
    pinned = "as worker.packageVersion says" if worker.package_version else "the newest today"
    later = f", and {package.newest} is there" if package.newest != package.version else ""
    yield Finding("package", OK, f"{package.name} {package.version}, {pinned}{later}")


def _repository_key(target: Target, key: RepositoryKey) -> Iterator[Finding]:
    wanted = _known(target).worker.repository_key_fingerprint
    if set(wanted) & set(key.fingerprints):
        yield Finding("repository key", OK, f"{', '.join(key.fingerprints)}, as the settings say")
        return
    yield Finding(
        "repository key",
        BROKEN,
        f"the file has {', '.join(key.fingerprints)}, and worker.repositoryKeyFingerprint {', '.join(wanted)}",
        "ask the owner of the repository for the fingerprint by another way before you change the setting",
    )


def _archive(target: Target, archive: Archive) -> Iterator[Finding]:
    connector = _known(target).connector
    size = f"{archive.size / 1e6:,.1f} MB" if archive.size else "of unknown size"
    if archive.sha256 is None:
        unchecked = "; `DOWNLOAD=1` compares its SHA-256" if connector.archive_sha256 else ""
        yield Finding("connector", OK, f"version {connector.version} is there ({size}){unchecked}")
    elif connector.archive_sha256 is None:
        yield Finding(
            "connector",
            WARNING,
            f"SHA-256 {archive.sha256} ({size}); connector.archiveSha256 is not set",
            "compare it with Confluent's, then set connector.archiveSha256",
        )
    elif archive.sha256 != connector.archive_sha256:
        yield Finding(
            "connector",
            BROKEN,
            f"the zip has SHA-256 {archive.sha256}, and connector.archiveSha256 is {connector.archive_sha256}",
            "do not install it before you know why: compare with Confluent's, then correct the setting",
        )
    else:
        yield Finding(
            "connector", OK, f"version {connector.version} has the SHA-256 of the settings ({size})"
        )


def _known(target: Target) -> Settings:
    """The settings, which every check with an answer had."""
    assert target.settings is not None  # noqa: S101  # Asker gives no answer without them
    return target.settings


def _fleet(target: Target, found: Cluster | FleetTopics | None) -> Iterator[Finding]:
    check = "Connect's cluster"
    if found is None:
        yield Finding(check, OK, "none: worker.mode is standalone")
    elif isinstance(found, Cluster):
        yield Finding(check, OK, f"{_known(target).fleet.cluster} at {found.bootstrap_servers}")
    else:
        yield from _fleet_topics(check, found)


def _fleet_topics(check: str, found: FleetTopics) -> Iterator[Finding]:
    wrong = {name: policy for name, policy in found.policies.items() if policy not in ("compact", None)}
    several = {
        name: number for name, number in found.partitions.items() if name.endswith("-configs") and number > 1
    }
    for name, policy in wrong.items():
        yield Finding(
            check,
            BROKEN,
            f"topic {name} has cleanup.policy={policy}, and Connect refuses it",
            f"`confluent kafka topic update {name} --config cleanup.policy=compact`",
        )
    for name, number in several.items():
        yield Finding(
            check,
            BROKEN,
            f"topic {name} has {number} partitions, and Connect needs 1",
            "delete it, or set fleet.name",
        )
    if not wrong and not several:
        there = (
            f"has {', '.join(found.partitions)}"
            if found.partitions
            else "has no topics yet: Connect makes them"
        )
        yield Finding(check, OK, f"it takes the key, and {there}")


JUDGES: Mapping[str, Callable[[Target, Any], Iterable[Finding]]] = {
    "AWS identity": _identity,
    "AWS permissions": _permissions,
    "AWS quotas": _quotas,
    "image": _image,
    "bucket": _bucket,
    "audit-log cluster": _cluster,
    "API keys": _api_keys,
    "topics": _topics,
    "consumer groups": _groups,
    "Connect's cluster": _fleet,
    "Logz.io": _account,
    "registrations": _in_the_way,
    "package": _package,
    "repository key": _repository_key,
    "connector": _archive,
}
"""Check -> its findings from an answer."""
