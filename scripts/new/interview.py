"""Takes each answer from what is there, from a flag, from the environment or from the person, and checks it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import typer
from pydantic import TypeAdapter, ValidationError

from components.logzio import facts, redaction
from components.logzio.facts import TOKEN_VARIABLE
from components.settings.describe import annotation_at
from components.settings.sections import SECTIONS
from components.settings.types import Secret
from scripts.new.present import Present
from scripts.preflight.target import CLOUD_KEY, CLOUD_SECRET
from scripts.stack import secret_name

FLAGS: Mapping[str, str] = {
    "source.bootstrapServers": "--bootstrap-servers",
    "source.apiKey": "--api-key-id",
    "source.cluster": "--cluster",
    "source.environment": "--environment",
    "source.serviceAccount": "--service-account",
    "source.partitions": "--partitions",
    "aws:region": "--region",
    "archive.bucket": "--bucket",
    "logzio.region": "--logzio-region",
    "logzio.apiUrl": "--logzio-api-url",
    "alarms.email": "--email",
}
"""Setting -> the flag that answers it."""

SECRETS: Mapping[str, str] = {
    "source.apiSecret": "KAFKA_API_SECRET",
    "confluentcloud:cloudApiKey": CLOUD_KEY,
    "confluentcloud:cloudApiSecret": CLOUD_SECRET,
    "logzio.apiToken": TOKEN_VARIABLE,
}
"""Secret -> the environment variable that has it."""

Check = Callable[[Any], None]


class AnswerError(RuntimeError):
    """An answer is wrong, or a system refuses it; the message says what to give instead."""


def checked(setting: str, value: Any) -> Any:
    """The value in its final form, by the rules of the setting's type.

    Raises:
        ValueError: says what is wrong and what is accepted, without the value.
    """
    if setting == "aws:region":
        if value not in facts.BUCKET_REGIONS:
            raise ValueError(
                f"Logz.io reads no bucket of this region; accepted: {', '.join(facts.BUCKET_REGIONS)}"
            )
        return value
    section, _, name = setting.partition(".")
    annotation = annotation_at(SECTIONS[section], [name]) if name else Secret
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        # Never the error's own text: it shows the value.
        texts = [detail["msg"].removeprefix("Value error, ") for detail in error.errors(include_input=False)]
        raise ValueError("; ".join(dict.fromkeys(texts))) from None


@dataclass
class Interview:
    """The answers so far.

    Attributes:
        present: what is there already; it is never asked for.
        given: setting -> the value of its flag.
        may_ask: whether a person answers; otherwise a missing answer gets into `missing`.
        answers: settings to add to the stack file.
        secrets: secrets to encrypt into it.
        missing: flags and variables without which it cannot go on.
        left: what the person has to do afterwards.
    """

    present: Present
    given: Mapping[str, Any]
    may_ask: bool
    answers: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    missing: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Prints a line."""
        typer.echo(redaction.clean(text))

    def note(self, text: str) -> None:
        """Prints a line about something that could not be looked up, or is not used."""
        self.say(f"note: {text}")

    def has(self, *settings: str) -> bool:
        """Whether all of these settings are in the stack file."""
        return all(self.present.get(setting) is not None for setting in settings)

    def is_settled(self, setting: str) -> bool:
        """As `has`; says if the flag has another value, which is not used."""
        if self.has(setting) and self.given.get(setting) not in (None, self.present.get(setting)):
            self.note(
                f"{self.present.file.name} has {setting} already: {FLAGS[setting]} is not used, edit the file"
            )
        return self.has(setting)

    def text(self, setting: str) -> str | None:
        """A setting's value, from the stack file or just answered; None if it is not known."""
        return self.answers.get(setting) or self.present.readable(setting)

    def value(
        self,
        setting: str,
        question: str,
        *,
        suggested: str | None = None,
        parse: Callable[[str], Any] = str,
        check: Check | None = None,
    ) -> Any:
        """A setting's value; None if it is missing, or encrypted.

        Args:
            setting: `source.cluster`, a key of `FLAGS`.
            question: for the person.
            suggested: the default, which a run without questions takes.
            parse: of what the person types.
            check: a further check; raises ValueError.

        Raises:
            AnswerError: the value of the flag is wrong.
        """
        flag = self.given.get(setting)
        if self.is_settled(setting):
            return self.present.readable(setting)
        if flag is None and self.may_ask:
            answer = typer.prompt(
                question, default=suggested, value_proc=lambda typed: _typed(setting, parse, typed, check)
            )
        elif flag is None and suggested is None:
            self.missing.append(f"{FLAGS[setting]}: {question}")
            return None
        else:
            answer = self._accepted(setting, suggested if flag is None else flag, check)
        self.answers[setting] = answer
        return answer

    def _accepted(self, setting: str, value: Any, check: Check | None) -> Any:
        try:
            accepted = checked(setting, value)
            if check is not None:
                check(accepted)
        except ValueError as wrong:
            raise AnswerError(f"{FLAGS[setting]}: {wrong}") from None
        return accepted

    def secret(self, setting: str, question: str) -> str | None:
        """A secret; None if it is not at hand.

        Raises:
            AnswerError: the value in the environment is wrong.
        """
        variable = SECRETS[setting]
        stored = self.has(setting)
        found = self.present.environ.get(variable) or self.present.readable(setting)
        if not found and not stored and self.may_ask:
            found = typer.prompt(
                f"{question} (not shown; Enter leaves it out)",
                default="",
                show_default=False,
                hide_input=True,
                value_proc=lambda typed: _typed(setting, str, typed.strip(), None) if typed.strip() else "",
            )
        elif found:
            try:
                checked(setting, found)
            except ValueError as wrong:
                raise AnswerError(f"{variable}: {wrong}") from None
        if found:
            redaction.remember(found)
            if not stored:
                self.secrets[setting] = found
        elif not stored:
            self._without(setting)
        return found or None

    def _without(self, setting: str) -> None:
        if self.may_ask or self.present.no_pulumi is not None:
            self.left.append(set_command(setting, self.present.stack.name))
        else:
            self.missing.append(f"{SECRETS[setting]} in the environment")


def set_command(setting: str, stack: str) -> str:
    """The command by which a person sets a secret; `pulumi` asks for the value."""
    return f"pulumi config set --secret {' '.join(secret_name(setting))} --stack {stack}"


def _typed(setting: str, parse: Callable[[str], Any], typed: str, check: Check | None) -> Any:
    try:
        accepted = checked(setting, parse(typed.strip()))
        if check is not None:
            check(accepted)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from None
    # A secret's final form hides its text.
    return typed if setting in SECRETS else accepted


_STACK = re.compile(r"(?:[A-Za-z0-9._-]+/){0,2}[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


def stack_name(name: str) -> str:
    """The name of a stack, with its organisation or without.

    Raises:
        AnswerError: it is none.
    """
    if not _STACK.fullmatch(name):
        raise AnswerError("--stack: is not the name of a stack; accepted: up to 100 of A-Z a-z 0-9 . _ -")
    return name
