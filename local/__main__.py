"""`python -m local`: sets up, runs and proves the local stack."""

# Each command imports what it needs: `--help` must not wait seconds for the Pulumi SDK and Kafka's client.
# ruff: noqa: PLC0415

import secrets
import signal
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from local.base import paths, progress
from local.proofs.bench.parts import Part

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
demo = typer.Typer(no_args_is_help=True)
app.add_typer(demo, name="demo", help="The whole chain on this machine, at once (run) or step by step.")

EVENTS = 20000
CHAOS = paths.STATE / "chaos"
BENCH = paths.STATE / "bench"
SOAK = paths.STATE / "soak"
WORKERS = paths.STATE / "workers"
MEASURED = BENCH / "report.md"
PERFORMANCE = paths.ROOT / "docs" / "performance.md"


@app.command()
def setup() -> None:
    """Builds and caches everything that the local stack and its tests run on; each part once."""
    from components.settings import Connector
    from local.stack import setup as tools

    tools.prepare(Connector().version, prepared=True)


Modes = Annotated[Literal["standalone", "distributed"], typer.Option(help="worker.mode of the stack.")]


@demo.command()
def run(
    events: int = EVENTS,
    count: Annotated[int, typer.Option(help="VMs.")] = 1,
    mode: Modes = "standalone",
) -> None:
    """Up, feed, check, down; ends with a table, .local/demo/report.json and report.html beside it."""
    from local.proofs.demo import run as whole

    raise typer.Exit(whole.run(events, count, mode))


@demo.command()
def up(count: Annotated[int, typer.Option(help="VMs.")] = 1, mode: Modes = "standalone") -> None:
    """Starts the local stack, runs `pulumi up` and leaves it running."""
    from local.stack import lifecycle

    lifecycle.up(changed={"worker": {"count": count}}, mode=mode)
    progress.say(
        "The stack runs. `. .local/env.sh` points pulumi and AWS clients at it, and `make verify STACK=local`."
    )


@demo.command()
def feed(events: int = EVENTS) -> None:
    """Produces audit events."""
    from local.proofs import client
    from local.stack import lifecycle

    client.produce(lifecycle.attach(), events)


@demo.command()
def check() -> None:
    """Compares Kafka, the bucket and Logz.io, event by event."""
    from local.proofs.checker import following
    from local.stack import lifecycle

    raise typer.Exit(0 if following.check(lifecycle.attach()).ok else 1)


@demo.command()
def alarms() -> None:
    """Prints the alarms that would fire if what the VMs report now, or their silence, went on."""
    from local.proofs.nemesis.target import Target
    from local.stack import lifecycle

    progress.say(", ".join(sorted(Target(lifecycle.attach()).firing())) or "none")


@demo.command(context_settings={"ignore_unknown_options": True})
def shell(
    command: list[str],
    vm: Annotated[str | None, typer.Option(help="Its instance id, where there are several.")] = None,
) -> None:
    """Runs a command as root on a VM, as in `shell journalctl -eu s3-auditlog-sink`."""
    from local.proofs.nemesis.target import Target
    from local.stack import lifecycle
    from local.systems.vm import shell as shells

    stack = lifecycle.attach()
    done = shells.run(stack.state / "vm" / (vm or Target(stack).instance()), command)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    raise typer.Exit(done.returncode)


@demo.command()
def down() -> None:
    """`pulumi destroy`, then the end of every server."""
    from local.proofs.demo import run as whole
    from local.stack import lifecycle

    left = whole.down(lifecycle.attach())
    lifecycle.end(paths.STATE)
    for line in left:
        progress.say(f"left behind: {line}")
    raise typer.Exit(1 if left else 0)


@demo.command()
def clean() -> None:
    """Ends every server that a run left, without `pulumi destroy`."""
    from local.stack import lifecycle

    stacks = (SOAK / "stack", SOAK / "attempts" / "stack", *(BENCH / part for part in Part))
    for state in (paths.STATE, CHAOS, WORKERS, *stacks):
        lifecycle.end(state)


@app.command()
def chaos(
    only: Annotated[
        list[str] | None, typer.Option(metavar="FAULT", help="These faults, as in 1a 4c.")
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(metavar="[FAULT]...", help="Further ones.")] = None,
    *,
    short: Annotated[bool, typer.Option("--short", help="The quick faults, with shorter outages.")] = False,
    mode: Modes = "standalone",
    state: Annotated[Path, typer.Option(help="The stack's folder.", show_default=".local/chaos")] = CHAOS,
) -> None:
    """Injects faults while events flow and prints what they did; 0 if nothing was lost in any row."""
    from local.proofs.chaos import run as injected

    # The servers of the stack must not outlive it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        faults = injected.select([*(only or []), *(more or [])], short=short, mode=mode)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    report = injected.run(faults, state.resolve(), short=short, mode=mode)
    report.print()
    progress.say(f"the report as a page: {injected.page_file(state.resolve())}")
    raise typer.Exit(report.exit_code)


@app.command()
def chaos_page(reports: list[Path]) -> None:
    """Prints the page docs/chaos.md from the reports of runs."""
    from local.proofs.chaos.page import page

    sys.stdout.write(page(reports))


@app.command()
def soak(
    minutes: Annotated[float, typer.Option(min=1, help="How long, about.")] = 60,
    seed: Annotated[int | None, typer.Option(help="Of the plan and the load; drawn if left out.")] = None,
    mode: Modes = "standalone",
    replay: Annotated[
        Path | None, typer.Option(help="Carries out the plan in this file (record.json, shrunk.json).")
    ] = None,
    *,
    shrink_minutes: Annotated[
        float, typer.Option(min=0, help="After a failure, look for a smaller plan for so long.")
    ] = 0,
    folder: Annotated[Path, typer.Option(help="Of records and stack.", show_default=".local/soak")] = SOAK,
) -> None:
    """Draws faults and a person's operations while an uneven load flows; 0 if the promise held at every quiet point."""
    from local.proofs.soak import plan as plans
    from local.proofs.soak import run as soaking

    # The servers of the stack must not outlive it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        seed = secrets.randbelow(1_000_000) if seed is None else seed
        plan = plans.draw(seed, minutes, mode) if replay is None else plans.read(replay)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    progress.say(f"seed {plan.seed}, {len(plan.operations())} operations in {len(plan.steps)} steps")
    record = soaking.soak(plan, folder.resolve(), shrink_minutes=shrink_minutes)
    record.print()
    progress.say(f"the record, which `--replay` takes: {soaking.record_file(folder.resolve())}")
    raise typer.Exit(record.exit_code)


@app.command()
def workers(
    events: Annotated[int, typer.Option(min=12, help="Of the backlog, about.")] = 120_000,
    state: Annotated[Path, typer.Option(help="Its folder.", show_default=".local/workers")] = WORKERS,
) -> None:
    """Measures what more workers and more tasks are worth; ends with a table and .local/workers/report.json."""
    from local.proofs.bench.workers import run as measured

    # The servers must not outlive it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    measured.run(events, state.resolve()).print()


@app.command()
def bench(
    only: Annotated[
        list[Part] | None, typer.Option(help="This part; may be given several times. All of them without it.")
    ] = None,
    events: Annotated[
        int, typer.Option(min=1_000, max=600_000, help="Of the backlog of `sink`, about.")
    ] = 240_000,
    rounds: Annotated[int, typer.Option(min=1, help="The figures are medians of so many rounds.")] = 3,
    minutes: Annotated[
        float,
        typer.Option(min=0.1, help="For how long events flow with each rotation, for the delays of `stack`."),
    ] = 2.0,
    state: Annotated[Path, typer.Option(help="Its folder.", show_default=".local/bench")] = BENCH,
) -> None:
    """Measures the article's settings, the defaults, and each default turned off; ends with tables and a page."""
    from local.proofs.bench import run as measured

    # The servers must not outlive it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    report = measured.run(only or list(Part), events, rounds, minutes, state.resolve())
    sys.stdout.write(f"\n{report.markdown()}\n\n")
    progress.say(f"the report as a page: {measured.page_file(state.resolve())}")


@app.command()
def bench_page(
    report: Annotated[
        Path, typer.Argument(help="What `bench` wrote.", show_default=".local/bench/report.md")
    ] = MEASURED,
    page: Annotated[Path, typer.Option(help="The page.", show_default="docs/performance.md")] = PERFORMANCE,
) -> None:
    """Writes the tables of a run into docs/performance.md."""
    from report_page.markdown import replaced

    page.write_text(replaced(page.read_text(), {"bench": report.read_text().strip()}))


@app.command()
def claims(
    *, every: Annotated[bool, typer.Option("--all", help="Every claim with its source.")] = False
) -> None:
    """What the stand-ins of the Pulumi plugins claim, and what of it is not verified."""
    from local.systems.plugins import claims as stand_ins

    for line in map(str, stand_ins.claims()) if every else stand_ins.report():
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    try:
        app(prog_name="python -m local")
    except RuntimeError as problem:
        progress.say(f"error: {problem}")
        sys.exit(1)
