"""Asks the systems for what a new stack needs, with the questions of preflight. It changes nothing."""

import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from components.logzio import facts
from scripts.preflight import aws, logzio
from scripts.preflight.audit_log import AuditLog
from scripts.preflight.aws import Aws, code_of
from scripts.preflight.confluent_cloud import URL, ConfluentCloud
from scripts.preflight.kafka_client import KafkaClient
from scripts.preflight.model import Account, CheckError, Cluster, Identity, Owned, State
from scripts.verify import kafka

_CANDIDATES = 9
_LONGEST_NAME = 63

_IDS = {"cluster_id": "cluster", "environment_id": "environment", "service_account_id": "serviceAccount"}


def audit_log(described: str) -> dict[str, str]:
    """The settings in what `confluent audit-log describe -o json` prints: three ids, and the topic if it names one.

    Source of the names: confluentinc/cli, `internal/audit-log/command_describe.go` (4725b29), read on 2026-11-27.

    Raises:
        ValueError: it is something else.
    """
    try:
        found = json.loads(described)
    except ValueError:
        found = None
    if not isinstance(found, Mapping) or not all(isinstance(found.get(name), str) for name in _IDS):
        raise ValueError(
            "is not what `confluent audit-log describe -o json` prints; accepted: JSON with "
            f"{', '.join(_IDS)}"
        )
    topic = found.get("topic_name")
    return {
        **{f"source.{setting}": found[name] for name, setting in _IDS.items()},
        **({"topic": topic} if isinstance(topic, str) and topic else {}),
    }


def cluster(config: Mapping[str, Any], key: tuple[str, str], ids: tuple[str, str]) -> Cluster:
    """The audit-log cluster's endpoint and region; `ids`: of the cluster and of its environment.

    Raises:
        CheckError: Confluent Cloud does not answer, refuses the key, or has no such cluster.
    """
    endpoint = config.get("confluentcloud:endpoint")
    return ConfluentCloud(*key, url=endpoint if isinstance(endpoint, str) and endpoint else URL).cluster(*ids)


def partitions(
    servers: str, key: tuple[str, str], topics: Iterable[str], group: str, environ: Mapping[str, str]
) -> dict[str, int]:
    """The number of partitions of each topic, which the API key can read.

    Raises:
        CheckError: the cluster does not answer, refuses the key, or lacks a topic.
    """
    return AuditLog(KafkaClient(kafka.client_config(servers, *key, environ)), group).topics(topics).partitions


def caller(config: Mapping[str, Any], region: str | None) -> tuple[Aws, Identity]:
    """The session of AWS, and whose it is.

    Raises:
        CheckError: there are no credentials, they are refused, or AWS does not answer.
    """
    session = Aws.of(config, region)
    return session, aws.identity(session)


def bucket_owner(session: Aws, name: str, account: str) -> Owned:
    """Who has the bucket of this name.

    Raises:
        CheckError: S3 does not say it.
    """
    try:
        return aws.bucket(session, name, account, ()).owned
    except (BotoCoreError, ClientError) as error:
        raise CheckError(f"AWS: {code_of(error)}: {error}") from None


def free_bucket(session: Aws, stack: str, account: str) -> str | None:
    """A name that no bucket has; None if every candidate is taken.

    Raises:
        CheckError: S3 does not say it.
    """
    names = bucket_names(stack, account)
    return next((name for name in names if bucket_owner(session, name, account) is Owned.NOBODY), None)


def bucket_names(stack: str, account: str) -> list[str]:
    """Candidates for the name of the bucket: with the account's number, hardly anybody else has them."""
    part = re.sub(r"[^a-z0-9]+", "-", stack.lower()).strip("-")
    room = _LONGEST_NAME - len(f"ccloud-audit-log--{account}-{_CANDIDATES}")
    name = "-".join(filter(None, ("ccloud-audit-log", part[:room].strip("-"), account)))
    return [name, *(f"{name}-{number}" for number in range(2, _CANDIDATES + 1))]


def logzio_account(token: str, api_url: str) -> Account:
    """The account of the token, at one address.

    Raises:
        CheckError: the token is refused there, or Logz.io does not answer.
    """
    return logzio.account(logzio.client(api_url, token))


def logzio_region(token: str) -> tuple[str, Account]:
    """The region whose API accepts the token, and the account.

    A token is valid in its account's region only, so all regions are asked at once.

    Raises:
        CheckError: no region accepts it (BROKEN), or not every region answers.
    """

    def ask(region: str) -> Account | CheckError:
        try:
            return logzio_account(token, facts.api_url(region))
        except CheckError as error:
            return error

    with ThreadPoolExecutor(len(facts.ACCOUNT_REGIONS)) as pool:
        answers = dict(zip(facts.ACCOUNT_REGIONS, pool.map(ask, facts.ACCOUNT_REGIONS), strict=True))
    for region, answer in answers.items():
        if isinstance(answer, Account):
            return region, answer
    errors = [answer for answer in answers.values() if isinstance(answer, CheckError)]
    raise next((error for error in errors if error.state is not State.BROKEN), errors[0])
