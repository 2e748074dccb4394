"""`python -m local.proofs.demo`: the whole chain on this machine, at once (`run`) or stage by stage."""

import sys

import typer

from local.base import paths, progress
from local.proofs.demo import stages
from local.stack import deployment

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def run(events: int = 20000) -> None:
    """Up, feed, check, down; ends with a table and .local/demo/report.json."""
    raise typer.Exit(stages.run(events))


@app.command()
def up() -> None:
    """Starts the local stack, runs `pulumi up` and leaves it running."""
    running = stages.up()
    stages.boot(running)
    progress.say("The stack runs. `. .local/env.sh` points pulumi and AWS clients at it.")


@app.command()
def feed(events: int = 20000) -> None:
    """Produces audit events."""
    stages.produce(stages.attach(), events)


@app.command()
def check() -> None:
    """Compares Kafka, the bucket and Logz.io, event by event."""
    raise typer.Exit(0 if stages.verify(stages.attach()).ok else 1)


@app.command()
def down() -> None:
    """`pulumi destroy`, then the end of every server."""
    left = stages.down(stages.attach())
    deployment.end(paths.STATE)
    for line in left:
        progress.say(f"left behind: {line}")
    raise typer.Exit(1 if left else 0)


@app.command()
def clean() -> None:
    """Ends every server that a run left, without `pulumi destroy`."""
    for state in (paths.STATE, paths.STATE / "chaos"):
        deployment.end(state)


if __name__ == "__main__":
    try:
        app()
    except RuntimeError as problem:
        progress.say(f"error: {problem}")
        sys.exit(1)
