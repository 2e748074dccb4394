"""Makes the stack file of a new stack: `python -m scripts.new --stack prod`.

It asks only for what is missing, adds it to the file, encrypts the secrets by `pulumi`, and ends with preflight. Run it
again after an interruption. Exit codes: those of preflight; 1 also if an answer is refused or it was interrupted, 2 also
if an answer is missing or something is left to do. (`make` itself exits with 2 whenever a command fails.)
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from components.logzio import redaction
from components.settings import SettingsError
from scripts.new import steps, text
from scripts.new.interview import SECRETS, AnswerError, Interview, set_command, stack_name
from scripts.new.present import ChangedError, Present
from scripts.new.text import FormError
from scripts.preflight import output
from scripts.preflight.collect import Asker, collect
from scripts.preflight.evaluate import evaluate, exit_code
from scripts.preflight.target import Target, TargetError
from scripts.stack import PulumiError

REFUSED, LEFT = 1, 2


def main(
    stack: Annotated[str, typer.Option(help="Name of the stack: Pulumi.<stack>.yaml is made or added to.")],
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: take flags, environment, look-ups.")
    ] = False,
    audit_log: Annotated[
        Path | None,
        typer.Option(
            help="File with what `confluent audit-log describe -o json` printed; - is standard input."
        ),
    ] = None,
    cluster: Annotated[str | None, typer.Option(help="Id of the audit-log cluster, lkc-...")] = None,
    environment: Annotated[str | None, typer.Option(help="Id of its environment, env-...")] = None,
    service_account: Annotated[
        str | None, typer.Option(help="Id of the audit log's service account, sa-...")
    ] = None,
    bootstrap_servers: Annotated[
        str | None,
        typer.Option(help="Endpoint with an API key that exists already, instead of the three ids."),
    ] = None,
    api_key_id: Annotated[str | None, typer.Option(help="Id of that API key (KAFKA_API_KEY).")] = None,
    partitions: Annotated[
        int | None, typer.Option(help="Partitions of the topic in Kafka.", min=1, max=1000)
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region of the bucket and of the VM.")] = None,
    bucket: Annotated[str | None, typer.Option(help="Name of the bucket; a free one if left out.")] = None,
    adopt_existing: Annotated[
        bool, typer.Option("--adopt-existing", help="Take over the bucket, if the account has it already.")
    ] = False,
    logzio_region: Annotated[str | None, typer.Option(help="Region of the Logz.io account.")] = None,
    logzio_api_url: Annotated[
        str | None, typer.Option(help="URL of Logz.io's account API, if it is not the region's own.")
    ] = None,
    email: Annotated[
        list[str] | None, typer.Option(help="Address that gets a mail of an alarm; may be repeated.")
    ] = None,
) -> None:
    """Asks for what a new stack needs, writes Pulumi.<stack>.yaml, and checks it."""
    redaction.install()
    given = {
        "source.cluster": cluster,
        "source.environment": environment,
        "source.serviceAccount": service_account,
        "source.bootstrapServers": bootstrap_servers,
        "source.apiKey": api_key_id,
        "source.partitions": partitions,
        "aws:region": region,
        "archive.bucket": bucket,
        "logzio.region": logzio_region,
        "logzio.apiUrl": logzio_api_url,
        "alarms.email": email or None,
    }
    known = {setting: value for setting, value in given.items() if value is not None}
    try:
        present = Present.read(stack_name(stack), os.environ)
        interview = Interview(present, known, may_ask=not yes)
        _say_what_is_there(interview)
        _ask(interview, audit_log, adopts=adopt_existing)
        _store(interview)
        code = _preflight(present.stack.name, {**os.environ, **_environment(interview)})
    except (AnswerError, SettingsError, FormError, ChangedError, TargetError) as problem:
        typer.echo(f"error: {redaction.clean(str(problem))}", err=True)
        raise typer.Exit(REFUSED) from None
    _say_what_is_left(interview, code)
    raise typer.Exit(code or (LEFT if interview.left else 0))


def _say_what_is_there(interview: Interview) -> None:
    present = interview.present
    if present.text is not None:
        interview.say(f"{present.file.name} is there: only what it lacks is asked for")
    if present.no_pulumi is not None:
        interview.note(f"no secret can be stored: {present.no_pulumi}")


def _ask(interview: Interview, described: Path | None, *, adopts: bool) -> None:
    """All questions. What was answered before an interruption or a refusal is stored.

    Raises:
        AnswerError: an answer is wrong.
        typer.Exit: it was interrupted, or an answer is missing.
    """
    try:
        found = steps.source(interview, described)
        steps.archive(interview, found, adopts=adopts)
        steps.logzio(interview)
        steps.alarms(interview)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("", err=True)
        if interview.answers or interview.secrets:
            _store(interview)
        stack = interview.present.stack.name
        typer.echo(f"interrupted; `make new STACK={stack}` asks for the rest", err=True)
        raise typer.Exit(REFUSED) from None
    except AnswerError:
        if interview.may_ask and (interview.answers or interview.secrets):
            _store(interview)
        raise
    if interview.missing:
        lines = "".join(f"\n  {line}" for line in interview.missing)
        typer.echo(redaction.clean(f"error: answers are missing, nothing was written; give{lines}"), err=True)
        raise typer.Exit(LEFT)


def _store(interview: Interview) -> None:
    """Adds the answers to the file, then the secrets by `pulumi`; what fails there is left to the person."""
    present = interview.present
    if interview.answers:
        before = present.text if present.text is not None else text.header(present.stack.short_name)
        present.write(text.added(before, interview.answers))
        what = "written" if present.text is None else f"has in addition {', '.join(interview.answers)}"
        interview.say(f"{present.file.name}: {what}")
    elif not interview.secrets and present.text is not None:
        interview.say(f"{present.file.name}: there is nothing to add")
    _store_secrets(interview)


def _store_secrets(interview: Interview) -> None:
    present, waiting = interview.present, list(interview.secrets)
    is_initialised = present.is_initialised
    try:
        if not is_initialised and present.no_pulumi is None:
            present.stack.init()
            is_initialised = True
            interview.say(f"stack {present.stack.name}: made in Pulumi's backend")
        while waiting and present.no_pulumi is None:
            present.stack.set_secret(waiting[0], interview.secrets[waiting[0]])
            interview.say(f"{present.file.name}: {waiting.pop(0)} is stored, encrypted")
    except PulumiError as error:
        interview.note(str(error))
    init = [] if is_initialised else [f"pulumi stack init {present.stack.name}"]
    interview.left[:0] = [*init, *(set_command(setting, present.stack.name) for setting in waiting)]


def _environment(interview: Interview) -> Mapping[str, str]:
    """The secrets as preflight looks for them: the stack may not have them."""
    found = {SECRETS[setting]: secret for setting, secret in interview.secrets.items()}
    key = interview.text("source.apiKey")
    return {**found, **({"KAFKA_API_KEY": key} if key and "source.apiSecret" in interview.secrets else {})}


def _preflight(stack: str, environ: Mapping[str, Any]) -> int:
    typer.echo("")
    report = collect(Asker(Target.read(stack, environ)))
    findings = evaluate(report)
    output.show(report, findings, Console(highlight=False))
    return exit_code(findings)


def _say_what_is_left(interview: Interview, code: int) -> None:
    name = interview.present.stack.name
    if interview.left:
        interview.say("left to do:")
        for line in [*interview.left, f"make preflight STACK={name}"]:
            interview.say(f"  {line}")
    elif code == 0:
        interview.say(f"next: `make cost STACK={name}`, then `pulumi up --stack {name}`")
    else:
        interview.say(f"next: what preflight says, then `make preflight STACK={name}`")


if __name__ == "__main__":
    typer.run(main)
