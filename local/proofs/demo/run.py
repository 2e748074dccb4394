"""The demo: the local stack comes up, events go through it, everything is compared, and the stack goes down again."""

import time
from datetime import UTC, datetime
from pathlib import Path

from local.base import paths, progress
from local.base.files import write_atomically
from local.base.waiting import wait_until
from local.proofs import client
from local.proofs.checker import following
from local.proofs.checker.checker import Result
from local.proofs.checker.left_behind import left_behind
from local.proofs.demo import html_page, report
from local.proofs.demo.report import Seconds
from local.proofs.history import reader
from local.stack import lifecycle
from local.stack.deployment import LocalDeployment, Mode
from local.stack.lifecycle import Timing
from report_page.page import render


def run(events: int, count: int = 1, mode: Mode = "standalone", state: Path = paths.STATE) -> int:
    """The whole demo, with `count` VMs that run in `mode`; returns the exit code of its report."""
    before, later = events // 2, events - events // 2
    deployment = lifecycle.up(
        state,
        {"worker": {"count": count}},
        mode=mode,
        before_up=lambda started: client.produce(started, before),
    )
    bucket = reader.bucket(deployment)
    with progress.step("the first objects arrive in the bucket"):
        wait_until(lambda: following.any_archived(bucket), "the first objects arrive in the bucket")
    client.produce(deployment, later)
    result = following.check(deployment)
    workers = len(deployment.outputs()["instanceIds"])
    verified = verify(deployment)
    requests = _writer_requests(deployment)
    left = down(deployment)
    lifecycle.end(state)
    final = report.from_result(
        result,
        workers=workers,
        s3_requests=requests,
        verify_exit_code=verified,
        left_behind=left,
        seconds=_seconds(lifecycle.read_timing(state), result),
    )
    final.write(report.report_file(state))
    final.print()
    page = report.page_file(state)
    write_atomically(page, render(html_page.page(final, datetime.now(UTC))))
    progress.say(f"the report as a page: {page}")
    return final.exit_code


def verify(deployment: LocalDeployment) -> int:
    """`make verify`: prints its screen, writes its page and returns its exit code."""
    progress.say("- make verify: what a person runs, without a look into Kafka's or Logz.io's store")
    done = deployment.script("verify", "--html", str(report.verify_page_file(deployment.state)))
    for line in (done.stdout + done.stderr).splitlines():
        progress.say(f"  {line}")
    return done.returncode


def down(deployment: LocalDeployment) -> list[str]:
    """`pulumi destroy`; returns what it left behind. The servers keep running."""
    progress.say("- pulumi destroy ...")
    deployment.destroy()
    return left_behind(deployment)


def _writer_requests(deployment: LocalDeployment) -> int:
    counted = report.s3_requests(deployment.aws_endpoint)
    return sum(requests for name, requests in counted.items() if "writer-" in name)


def _seconds(timing: Timing, result: Result) -> Seconds:
    def since_up(moment: float | None) -> float | None:
        return None if moment is None else moment - timing.up_began

    return Seconds(
        tools=timing.tools,
        up=timing.up,
        first_object=since_up(result.first_object_at),
        first_delivered=since_up(result.first_delivered_at),
        total=time.time() - timing.started,
    )
