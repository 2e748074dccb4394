"""Carries a plan out on a local stack of its own, and shrinks a plan that failed."""

import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from confluent_kafka import KafkaException

from local.base import progress
from local.proofs.checker import promise, secret_search
from local.proofs.checker.checker import Checker
from local.proofs.checker.left_behind import left_behind
from local.proofs.checker.promise import Violation
from local.proofs.client import Feed, FeedError
from local.proofs.generator import load
from local.proofs.history import acknowledged
from local.proofs.history.history import History
from local.proofs.history.reader import Reader, reading
from local.proofs.nemesis.fault import Injection, SkippedError
from local.proofs.nemesis.target import Target, relayed
from local.proofs.soak.kinds import FIRST_COUNT, KINDS
from local.proofs.soak.plan import Operation, Plan, Step
from local.proofs.soak.report import Done, Quiet, Record
from local.proofs.soak.shrink import shrink
from local.proofs.soak.watch import SecretWatch
from local.stack import lifecycle
from local.stack.pulumi import PulumiError

# With the local stack's own 5 seconds, an hour would make twice as many objects to list.
_SETTINGS = {"connector": {"rotationSeconds": 10}, "archive": {"originalsRotationSeconds": 15}}

_STILL_SECONDS = 600.0
"""If nothing moves for so long at a quiet point, what is missing is lost. The watchdog's longest way takes less."""

_PROGRESS_SECONDS = 15.0
_ERROR_END = 2000


def record_file(folder: Path) -> Path:
    """The record of the last run."""
    return folder / "record.json"


def shrunk_file(folder: Path) -> Path:
    """The smallest plan that fails like the last run."""
    return folder / "shrunk.json"


def attempts_folder(folder: Path) -> Path:
    """The folder of the runs with smaller plans."""
    return folder / "attempts"


def stack_folder(folder: Path) -> Path:
    """The folder of the local stack; its logs stay there if a run failed."""
    return folder / "stack"


def soak(plan: Plan, folder: Path, *, shrink_minutes: float = 0.0) -> Record:
    """Carries the plan out; if it fails, looks for a smaller one for so many minutes.

    Raises:
        RuntimeError: the stack did not come up.
    """
    shrunk_file(folder).unlink(missing_ok=True)
    record = carry_out(plan, folder, record_file(folder))
    if record.exit_code != 0 and shrink_minutes > 0:
        shrunk = _shrunk(record, folder, shrink_minutes)
        shrunk.write(shrunk_file(folder))
        progress.say(f"the smallest plan that fails like it: {shrunk_file(folder)}")
    return record


def carry_out(plan: Plan, folder: Path, file: Path) -> Record:
    """Brings a stack up, carries the plan out and takes the stack down.

    The record in `file` has each operation and each quiet point as soon as it is over.

    Raises:
        RuntimeError: the stack did not come up.
    """
    state, record = stack_folder(folder), Record(plan)
    record.write(file)
    settings = {**_SETTINGS, "worker": {"count": FIRST_COUNT[plan.mode]}}
    with relayed(state, settings, prepared=True, mode=plan.mode) as target:
        history = History()
        with reading(target.deployment, history) as reader:
            _Run(record, target, history, reader, lambda: record.write(file)).carry_out()
    if record.exit_code == 0:
        # The logs are worth keeping only if something went wrong.
        lifecycle.end(state)
    return record


def _shrunk(record: Record, folder: Path, minutes: float) -> Plan:
    until = time.monotonic() + 60 * minutes
    plan, rules = record.plan, record.rules()
    attempts = attempts_folder(folder)
    last = max((done.step for done in record.done), default=-1)
    reached = [(number, operation) for number, operation in plan.operations() if number <= last]

    def fails(kept: Sequence[tuple[int, Operation]]) -> bool:
        shown = ", ".join(str(operation) for _, operation in kept)
        progress.say(f"- shrinking: does it fail with {shown or 'no operation'}?")
        # In a folder of its own: the logs of the run that failed stay.
        again = carry_out(plan.reduced(kept), attempts, record_file(attempts))
        progress.say(f"  {'yes' if again.rules() & rules else 'no'}")
        return bool(again.rules() & rules)

    return plan.reduced(shrink(reached, fails, lambda: time.monotonic() < until))


class _Run:
    """One run of a plan, over one history. `save` keeps the record; a run that is killed leaves what was kept."""

    def __init__(
        self, record: Record, target: Target, history: History, reader: Reader, save: Callable[[], None]
    ) -> None:
        self._record = record
        self._save = save
        self._saving = threading.Lock()
        self._target = target
        self._deployment = target.deployment
        self._reader = reader
        self._history = history
        self._checker = Checker(history)
        seed = record.plan.seed
        self._feed = Feed(target.state, load.uneven(seed), load.series(seed))
        self._sent: list[str] = []
        self._in_any_form: set[str] = set()
        self._watch = SecretWatch(target.deployment)
        self._began = time.time()

    def carry_out(self) -> None:
        self._feed.start()
        try:
            for number, step in enumerate(self._record.plan.steps):
                time.sleep(step.pause)
                if step.operations:
                    self._do(number, step)
                    self._keep_feeding()
                    self._reader.try_to_read()
                    # The history has millions of objects and loses none: the collector need not look at them again.
                    gc.freeze()
                elif not self._quiet():
                    return
        finally:
            self._stop_feed()
        self._record.left_behind = self._destroy()
        self._save()

    def _destroy(self) -> list[str]:
        """`pulumi destroy`; what it left, with its own failure first."""
        progress.say("- pulumi destroy ...")
        try:
            self._deployment.destroy()
        except PulumiError as error:
            return [str(error), *left_behind(self._deployment)]
        return left_behind(self._deployment)

    def _do(self, number: int, step: Step) -> None:
        """Carries out the operations of a step at once."""
        # What is replaced now may still be somewhere later.
        self._watch.secrets |= secret_search.secrets_of(self._deployment)
        with self._watch.watching(), ThreadPoolExecutor() as pool:
            list(pool.map(lambda operation: self._keep(self._carry_out(number, operation)), step.operations))

    def _keep_feeding(self) -> None:
        if not self._feed.is_running:
            self._stop_feed()
            self._feed.start()

    def _keep(self, done: Done) -> None:
        with self._saving:
            self._record.done.append(done)
            self._save()

    def _carry_out(self, number: int, operation: Operation) -> Done:
        kind = KINDS[operation.kind]
        began, error, injection = time.time(), None, Injection()
        progress.say(f"- {began - self._began:.0f} s: {operation}: {kind.text} ...")
        try:
            if kind.count is not None:
                self._target.set_count(kind.count)
            injection = kind.run(self._target, operation.choice) or injection
        except SkippedError as reason:
            injection = Injection(note=f"not run: {reason}")
        except Exception as problem:  # noqa: BLE001  # an operation that failed is a finding; the run goes on
            error = f"{type(problem).__name__}: {problem}"[-_ERROR_END:]
            self._target.heal_everything()
        if injection.silent:
            error = f"{injection.silent} records are neither named in the log nor kept: {injection.note}"
        self._sent += [event_id for event_id in injection.ids if event_id not in injection.altered]
        self._in_any_form |= {*injection.unindexable, *injection.altered}
        if kind.new_partitions:
            # The feed spreads over the partitions that it found at its start.
            self._stop_feed()
            self._feed.start()
        seconds = time.time() - began
        shown = f"FAILED: {error}" if error else injection.note or "done"
        progress.say(f"  {operation}: {seconds:.0f} s, {shown}")
        return Done(number, operation, began - self._began, seconds, injection.note, error)

    # --- quiet points

    def _quiet(self) -> bool:
        """Stops the load and compares all with the promise; whether it holds. The load goes on if it does."""
        self._stop_feed()
        began = time.time()
        progress.say(f"- {began - self._began:.0f} s: quiet point")
        self._settle()
        settled = time.time()
        violations = tuple(self._violations())
        self._record.quiet.append(
            Quiet(
                began - self._began,
                settled - began,
                len(self._feed.ids()),
                self._checker.duplicates(),
                violations,
            )
        )
        self._record.seconds = time.time() - self._began
        self._record.objects = len(self._history.objects)
        self._save()
        point = self._record.quiet[-1]
        progress.say(
            f"  settled after {point.seconds:.0f} s: {point.events:,} events, {point.duplicates:,} duplicates, "
            f"{len(violations)} violations; checked in {time.time() - settled:.0f} s"
        )
        for violation in violations:
            progress.say(f"  {violation.rule}: {violation.text}")
        if not violations:
            self._feed.start()
        return not violations

    def _violations(self) -> Iterator[Violation]:
        result = self._checker.result(
            acknowledged.read(self._target.state), in_any_form=frozenset(self._in_any_form)
        )
        self._record.flow = result.flow
        self._watch.secrets |= secret_search.secrets_of(self._deployment)
        yield from promise.of_events(result)
        yield from promise.of_registrations(promise.registrations(self._deployment), self._target.partitions)
        yield from promise.of_state(self._deployment)
        at_rest = secret_search.found_in(self._watch.secrets, secret_search.places(self._deployment))
        yield from promise.of_secrets(self._watch.found | at_rest)

    def _settle(self) -> None:
        """Reads until nothing is behind, or nothing has moved for a long time."""
        moved = reported = time.monotonic()
        before: tuple[int, ...] = ()
        while True:
            self._reader.try_to_read()
            behind = self._behind()
            now = time.monotonic()
            if behind != before:
                before, moved = behind, now
            if not any(behind) or now - moved > _STILL_SECONDS:
                return
            if now - reported > _PROGRESS_SECONDS:
                reported = now
                progress.say("  behind: {} in the bucket, {} originals, {} in Logz.io".format(*behind))
            time.sleep(2)

    def _behind(self) -> tuple[int, int, int]:
        """How many events, or records, each place lacks."""
        checker, indexed = self._checker, {*self._feed.ids(), *self._sent}
        shown = self._in_any_form
        return (
            len(checker.unarchived(indexed | shown)),
            checker.originals_behind(),
            len(checker.undelivered(indexed)) + len(checker.unshown(shown)),
        )

    def _stop_feed(self) -> None:
        try:
            self._feed.stop()
        except (FeedError, KafkaException) as error:
            # What Kafka did not accept is not on record: it counts nowhere.
            progress.say(f"  {error}")
