"""The questions, in their order. What cannot be looked up is asked for; what a system refuses is not kept."""

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from components.settings.sections import DEFAULT_TOPIC
from scripts.new import lookup
from scripts.new.interview import SECRETS, AnswerError, Interview, checked
from scripts.preflight.aws import Aws
from scripts.preflight.model import CheckError, Cluster, Identity, Owned, State
from scripts.stack import project_name
from scripts.verify import kafka

IDS = {
    "source.cluster": "Id of the audit-log cluster (lkc-...)",
    "source.environment": "Id of its environment (env-...)",
    "source.serviceAccount": "Id of the audit log's service account (sa-...)",
}
_DESCRIBE = "`confluent audit-log describe -o json`"
_CLOUD = ("confluentcloud:cloudApiKey", "confluentcloud:cloudApiSecret")


def source(interview: Interview, described: Path | None) -> Cluster | None:
    """The audit-log cluster and its topics' partitions. Returns the cluster as far as it is known.

    Args:
        interview: the answers so far.
        described: a file with what `confluent audit-log describe -o json` printed; `-` is standard input.

    Raises:
        AnswerError: a system refuses an answer.
    """
    if "source.bootstrapServers" in interview.given or interview.has("source.bootstrapServers"):
        found, key = _given_endpoint(interview)
    else:
        _ids(interview, described)
        found, key = _cluster(interview), None
    key = kafka.credentials_in(interview.present.environ) or key
    _partitions(interview, found, key)
    return found


def _given_endpoint(interview: Interview) -> tuple[Cluster | None, tuple[str, str] | None]:
    servers = interview.value("source.bootstrapServers", "Endpoint of the audit-log cluster (host:port)")
    given = interview.present.environ.get("KAFKA_API_KEY")
    key = interview.value("source.apiKey", "Id of the API key of the audit-log cluster", suggested=given)
    secret = interview.secret("source.apiSecret", "Secret of that API key")
    return (Cluster(servers) if servers else None), ((key, secret) if key and secret else None)


def _ids(interview: Interview, described: Path | None) -> None:
    found: dict[str, str] = {}
    if described is not None:
        found = _described(described)
    elif interview.may_ask and not any(
        setting in interview.given or interview.has(setting) for setting in IDS
    ):
        found = _pasted(interview)
    for setting, question in IDS.items():
        known = found.get(setting)
        if known is not None and setting not in interview.given and not interview.has(setting):
            interview.answers[setting] = _of_describe(setting, known)
        else:
            interview.value(setting, question)
    topic = found.get("topic", DEFAULT_TOPIC)
    if topic != DEFAULT_TOPIC and not interview.has("source.topics"):
        interview.answers["source.topics"] = [topic]


def _of_describe(setting: str, value: str) -> str:
    try:
        return str(checked(setting, value))
    except ValueError as wrong:
        raise AnswerError(f"{setting} of {_DESCRIBE}: {wrong}") from None


def _described(file: Path) -> dict[str, str]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
        found = lookup.audit_log(text)
    except OSError as error:
        raise AnswerError(f"--audit-log: {file} cannot be read: {error.strerror}") from None
    except ValueError as wrong:
        raise AnswerError(f"--audit-log: {wrong}") from None
    if str(file) == "-":
        _ask_the_terminal()
    return found


def _ask_the_terminal() -> None:
    """Standard input was a pipe and is at its end; the person is still at the terminal, if there is one."""
    try:
        sys.stdin = Path("/dev/tty").open()  # noqa: SIM115  # to the end of the process
    except OSError:
        return


def _pasted(interview: Interview) -> dict[str, str]:
    """What the person pastes, line by line up to the end of the JSON; nothing for an empty line."""
    interview.say(f"Paste what {_DESCRIBE} prints, or press Enter to give the ids one by one:")
    text = ""
    while True:
        line = str(typer.prompt("", prompt_suffix="", default="", show_default=False))
        text += f"{line}\n"
        if not text.strip():
            return {}
        try:
            return lookup.audit_log(text)
        except ValueError as wrong:
            # The last line of the JSON, or an empty one, ends what was pasted.
            if not line.strip() or line.rstrip().endswith("}"):
                interview.note(f"that {wrong}")
                return {}


def _cluster(interview: Interview) -> Cluster | None:
    key, secret = (
        interview.secret(_CLOUD[0], "Cloud API key of an OrganizationAdmin"),
        interview.secret(_CLOUD[1], "Secret of the Cloud API key"),
    )
    ids = interview.text("source.cluster"), interview.text("source.environment")
    if not (key and secret and ids[0] and ids[1]):
        return None
    try:
        found = lookup.cluster(interview.present.config, (key, secret), (ids[0], ids[1]))
    except CheckError as error:
        _refused(interview, error, (*_CLOUD, *IDS))
        return None
    interview.say(f"audit-log cluster: {found.bootstrap_servers}, in {found.region or 'an unknown region'}")
    return found


def _refused(interview: Interview, error: CheckError, settings: Sequence[str]) -> None:
    """Drops what a system refused, so that the next run asks for it again; else only a note."""
    todo = f"; {error.todo}" if error.todo else ""
    new = [setting for setting in settings if setting in interview.answers or setting in interview.secrets]
    if error.state is not State.BROKEN or not new:
        interview.note(f"{error.text}{todo}")
        return
    for setting in new:
        interview.answers.pop(setting, None)
        interview.secrets.pop(setting, None)
    named = ", ".join(SECRETS.get(setting, setting) for setting in new)
    raise AnswerError(f"{error.text}{todo} (not kept: {named})")


def _partitions(interview: Interview, found: Cluster | None, key: tuple[str, str] | None) -> None:
    if interview.has("source.partitions"):
        return
    flag = interview.given.get("source.partitions")
    topics = interview.answers.get("source.topics") or interview.present.get("source.topics")
    names = [str(topic) for topic in topics] if isinstance(topics, list) else [DEFAULT_TOPIC]
    known = _in_kafka(interview, found, key, names)
    for name, number in known.items():
        interview.say(f"{name} has {number} partitions")
        if flag not in (None, number):
            raise AnswerError(f"--partitions: {name} has {number} partitions; accepted: {number}")
    if known:
        interview.answers["source.partitions"] = known
        return
    show = f"`confluent kafka topic describe {names[0]} --environment env-... --cluster lkc-...` shows it"

    def parse(typed: str) -> dict[str, int]:
        return dict.fromkeys(names, _number(typed))

    if flag is not None:
        interview.answers["source.partitions"] = parse(str(flag))
    else:
        interview.value("source.partitions", f"Partitions of {', '.join(names)} ({show})", parse=parse)


def _number(typed: str) -> int:
    try:
        return int(typed)
    except ValueError:
        raise ValueError("is not a number; accepted: 1 to 1000") from None


def _in_kafka(
    interview: Interview, found: Cluster | None, key: tuple[str, str] | None, topics: Sequence[str]
) -> dict[str, int]:
    if found is None or key is None:
        return {}
    group = f"{project_name()}-{interview.present.stack.short_name}"
    try:
        return lookup.partitions(found.bootstrap_servers, key, topics, group, interview.present.environ)
    except CheckError as error:
        _refused(interview, error, ("source.bootstrapServers", "source.apiKey", "source.apiSecret"))
        return {}


def archive(interview: Interview, found: Cluster | None, *, adopts: bool) -> None:
    """The region, the account that the stack goes to, the bucket.

    Raises:
        AnswerError: the bucket belongs to somebody else, or is there already.
        typer.Abort: it is the wrong account.
    """
    suggested = found.region if found is not None else None
    region = interview.value(
        "aws:region",
        "AWS region of the bucket and of the VM (best the audit-log cluster's)",
        suggested=suggested,
    )
    session, who = _caller(interview, region)
    if interview.is_settled("archive.bucket"):
        return
    if session is None or who is None:
        interview.value("archive.bucket", "Name of the bucket, unique in all of S3")
        return
    if interview.may_ask and not typer.confirm("Is that the account that the stack goes to?", default=True):
        interview.note("choose another one (AWS_PROFILE, `aws sso login`, or aws:profile in the stack file)")
        raise typer.Abort

    def check(name: str) -> None:
        _check_bucket(interview, name, session, who, adopts=adopts)

    interview.value(
        "archive.bucket",
        "Name of the bucket, unique in all of S3",
        suggested=None if "archive.bucket" in interview.given else _free(interview, session, who),
        check=check,
    )


def _caller(interview: Interview, region: str | None) -> tuple[Aws | None, Identity | None]:
    try:
        session, who = lookup.caller(interview.present.config, region)
    except CheckError as error:
        interview.note(f"{error.text}; {error.todo}")
        return None, None
    interview.say(f"AWS account: {who.account} ({who.arn})")
    return session, who


def _free(interview: Interview, session: Aws, who: Identity) -> str | None:
    try:
        return lookup.free_bucket(session, interview.present.stack.short_name, who.account)
    except CheckError as error:
        interview.note(f"no name for the bucket could be looked up: {error.text}")
        return None


def _check_bucket(interview: Interview, name: str, session: Aws, who: Identity, *, adopts: bool) -> None:
    try:
        owner = lookup.bucket_owner(session, name, who.account)
    except CheckError as error:
        interview.note(f"whose bucket that is could not be looked up: {error.text}")
        return
    if owner is Owned.ANOTHER_ACCOUNT:
        raise ValueError("a bucket of this name belongs to somebody else; accepted: a free name")
    if owner is Owned.THIS_ACCOUNT:
        adopts = adopts or (
            interview.may_ask and typer.confirm("The account has this bucket already. Take it over?")
        )
        if not adopts:
            raise ValueError(
                "the account has this bucket already; accepted: a free name, or --adopt-existing"
            )
        interview.answers["archive.adoptExisting"] = True


def logzio(interview: Interview) -> None:
    """The API token, and from it the region and the account.

    Raises:
        AnswerError: Logz.io refuses the token.
    """
    token = interview.secret("logzio.apiToken", "API token of the Logz.io account")
    url = interview.text("logzio.apiUrl")
    if url is None and "logzio.apiUrl" in interview.given:
        url = interview.value("logzio.apiUrl", "URL of Logz.io's account API")
    suggested = None
    try:
        if token is not None and url is not None:
            interview.say(f"Logz.io: account {lookup.logzio_account(token, url).id}")
        elif token is not None:
            suggested, account = lookup.logzio_region(token)
            interview.say(f"Logz.io: account {account.id}, region {suggested}")
    except CheckError as error:
        _refused(interview, error, ("logzio.apiToken",))
    if url is None:
        interview.value(
            "logzio.region", "Region of the Logz.io account (us, au, ca, eu or uk)", suggested=suggested
        )


def alarms(interview: Interview) -> None:
    """The addresses that get the alarms' messages, if any.

    Raises:
        AnswerError: an address is wrong.
    """
    if interview.has("alarms.email") or interview.has("worker.alarmTopicArn"):
        return
    given = interview.given.get("alarms.email")
    if given is not None:
        interview.value("alarms.email", "")
    elif interview.may_ask:
        # No address is an answer, too: the next run does not ask again.
        interview.answers["alarms.email"] = typer.prompt(
            "Addresses that get a mail of an alarm, with commas between (Enter for none)",
            default="",
            show_default=False,
            value_proc=_addresses,
        )


def _addresses(typed: str) -> list[str]:
    addresses = [address.strip() for address in typed.split(",") if address.strip()]
    try:
        return list(checked("alarms.email", addresses))
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from None
