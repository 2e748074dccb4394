"""Reads a stack file for a command. What is wrong with the file ends the command with a message and exit code 1."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from components.settings import Settings, SettingsError, load_stack_file, stack_file
from scripts.stack import project_name


def read(file: Path, left_out: str) -> Settings:
    """The settings, with placeholders for secrets.

    `left_out`: what becomes of settings that only an environment of Pulumi ESC has, for the note about them.

    Raises:
        typer.Exit: the file cannot be read; the reason is printed.
    """
    with errors_shown(file):
        settings = load_stack_file(file, project_name())
        imported = stack_file.imports(file)
    if imported:
        typer.echo(f"note: what only {', '.join(imported)} sets (environment:) {left_out}", err=True)
    return settings


@contextmanager
def errors_shown(file: Path) -> Iterator[None]:
    """Prints an error about the stack file and raises typer.Exit."""
    try:
        yield
    except FileNotFoundError:
        typer.echo(f"error: there is no {file.name} in {file.parent}", err=True)
        raise typer.Exit(1) from None
    except (SettingsError, ValueError) as problem:
        typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(1) from None
