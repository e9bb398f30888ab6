"""Carries out the changes of a plan: in parallel, each as soon as what it depends on is done.

Every change to AWS's resources goes through here. A change that breaks stops only what depends on it. Asked to stop,
the executor starts nothing more, gives calls in flight a moment to end, and says what is still open.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from pipeline.errors import AmbiguousOutcome, AwsError, ChangesFailed, Interrupted, PipelineError
from pipeline.model.plan import BACKUP, Action, Change
from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Outputs, Reference, Unknown, Value, is_known, resolve
from pipeline.planning.diff import diff
from pipeline.planning.graph import ordered
from pipeline.planning.planner import MARK
from pipeline.resources.base import Aws, ResourceType, Target

WORKERS = 32
# A stopped run must have ended within 7 s; what is in flight gets this much of it.
GRACE_SECONDS = 4.0
# How often one change looks at what its lost answers came to before it gives up.
_LOOKS = 3


class Record(Protocol):
    """What the executor tells the journal."""

    def begun(self, address: str, action: str) -> None:
        """A change is about to call AWS."""

    def ended(self, address: str, action: str, outputs: Mapping[str, Any]) -> None:
        """A change went through."""

    def failed(self, address: str, action: str, error: str) -> None:
        """A change did not go through."""


@dataclass(frozen=True)
class Progress:
    """One event for people: `state` is begun, ended or failed; `seconds` the time since it was begun."""

    change: Change
    state: str
    seconds: float = 0.0
    error: PipelineError | None = None


def silent(_progress: Progress) -> None:
    """Tells nobody."""


@dataclass
class Outcome:
    """What was reached: outputs by address, what went through, what did not, and what was never tried."""

    outputs: dict[str, Outputs] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    failures: list[tuple[str, PipelineError]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    interrupted: bool = False

    def raise_for_failures(self) -> None:
        """Interrupted or ChangesFailed when not everything went through."""
        if self.interrupted:
            raise Interrupted("stopped: what was reached is recorded", hint="run the same command again: it continues")
        if self.failures:
            raise ChangesFailed(self.failures, skipped=len(self.skipped))


@dataclass(frozen=True)
class Executor:
    """Carries out changes with the resource types' verbs."""

    aws: Aws
    types: Mapping[str, ResourceType]
    record: Record
    stopping: Callable[[], bool]
    monotonic: Callable[[], float]
    tell: Callable[[Progress], None] = silent

    def run(self, changes: Iterable[Change], outputs: Mapping[str, Outputs]) -> Outcome:
        """Carries out `changes`; `outputs` are those of resources that exist already.

        Never raises for a change that breaks: the outcome holds its error.
        """
        return _Walk(self, list(changes), outputs).finish()

    def carry_out(self, change: Change, outputs: Mapping[str, Outputs]) -> Outputs:
        """One change; its outputs."""
        kind = self.types[change.type]
        if change.action is Action.DELETE:
            assert change.observed is not None
            kind.delete(self.aws, change.observed)
            return {}
        assert change.desired is not None
        wanted = self._resolved(change.desired, outputs)
        if change.action is Action.RETIRE:
            kind.retire(self.aws, wanted)
            return outputs.get(change.address, {})
        if change.action is Action.CREATE:
            return self._create(kind, wanted)
        assert change.observed is not None
        if change.action is Action.UPDATE:
            observed, paths = change.observed, frozenset(f.path for f in change.fields)
            return self._settled(kind, wanted, lambda: self._update(kind, wanted, observed, paths))
        if kind.spec.replacement == "createFirst":
            made = self._create(kind, wanted)
            kind.delete(self.aws, change.observed)
            return made
        saved = kind.save(self.aws, change.observed)
        kind.delete(self.aws, change.observed)
        made = self._create(kind, wanted)
        return {**made, BACKUP: saved} if saved else made

    def begin(self, resource: Resource) -> None:
        """Makes a resource as far as its first call goes; one that is there already and ours is completed."""
        kind = self.types[resource.type]
        self._settled(kind, resource, lambda: kind.begin(self.aws, resource))

    def _resolved(self, resource: Resource, outputs: Mapping[str, Outputs]) -> Resource:
        def lookup(reference: Reference) -> Value:
            return outputs.get(reference.address, {}).get(reference.output, Unknown(str(reference)))

        properties = resolve(resource.properties, lookup)
        if not is_known(properties):
            raise PipelineError(f"{resource.address} needs an output that no resource has given")
        return Resource(resource.type, resource.name, properties, resource.depends_on, resource.source, resource.adopt)

    def _create(self, kind: ResourceType, resource: Resource) -> Outputs:
        return self._settled(kind, resource, lambda: kind.create(self.aws, resource))

    def _settled(self, kind: ResourceType, resource: Resource, act: Callable[[], Outputs]) -> Outputs:
        """`act`; when the answer to one of its calls was lost, or its resource is there: a look, and the rest of it."""
        for _ in range(_LOOKS):
            try:
                return act()
            except AwsError as error:
                if not (isinstance(error, AmbiguousOutcome) or says_it_exists(error)):
                    raise
                act = self._next_step(kind, resource, error)
        return act()

    def _next_step(self, kind: ResourceType, resource: Resource, error: AwsError) -> Callable[[], Outputs]:
        """What remains to be done after `error`, as AWS shows the resource now; `error` when it is not ours to do."""
        observed = kind.read(self.aws, [Target(resource, {})]).get(resource.address)
        if observed is None:
            if isinstance(error, AmbiguousOutcome):
                return lambda: kind.create(self.aws, resource)
            raise error
        ours = self.aws.scope.owns(observed.mark) or not observed.markable or resource.adopt or observed.unclaimed
        if not ours:
            raise error
        paths = {change.path for change in diff(kind.spec, resource.properties, observed.properties)}
        if observed.markable and observed.mark is None:
            paths.add(MARK)
        return lambda: self._update(kind, resource, observed, frozenset(paths))

    def _update(self, kind: ResourceType, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
        if MARK in paths:
            paths = (paths - {MARK}) | {"tags"}
        if not paths:
            return observed.outputs
        return {**observed.outputs, **kind.update(self.aws, resource, observed, paths)}


class _Walk:
    """One walk over the graph of changes, without barriers between levels."""

    def __init__(self, executor: Executor, changes: list[Change], outputs: Mapping[str, Outputs]) -> None:
        self.executor = executor
        self.changes = {change.address: change for change in changes}
        self.graph = _graph(changes)
        ordered(self.graph)
        self.outcome = Outcome(outputs=dict(outputs))
        self._waiting = {address: set(needs) for address, needs in self.graph.items()}
        self._running: dict[str, float] = {}
        self._events: SimpleQueue[tuple[str, Outputs | None, PipelineError | None]] = SimpleQueue()

    def finish(self) -> Outcome:
        # Threads of this pool are abandoned, not joined, when the run is asked to stop and a call hangs.
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="apply")
        try:
            self._start_ready(pool)
            stopped_at: float | None = None
            while self._running:
                if self.executor.stopping():
                    stopped_at = stopped_at or self.executor.monotonic()
                    if self.executor.monotonic() - stopped_at > GRACE_SECONDS:
                        break
                try:
                    address, outputs, error = self._events.get(timeout=0.1)
                except Empty:
                    continue
                self._settle(address, outputs, error)
                self._start_ready(pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        cut_short = self.executor.stopping() and bool(self._waiting or self._running)
        self.outcome.interrupted = self.outcome.interrupted or cut_short
        self.outcome.skipped = sorted({*self._waiting, *self._running})
        return self.outcome

    def _start_ready(self, pool: ThreadPoolExecutor) -> None:
        if self.executor.stopping():
            return
        ready = [address for address, needs in self._waiting.items() if not needs]
        for address in ready:
            del self._waiting[address]
            change = self.changes[address]
            self._running[address] = self.executor.monotonic()
            self.executor.record.begun(address, change.action)
            self.executor.tell(Progress(change, "begun"))
            pool.submit(self._work, change, dict(self.outcome.outputs))

    def _work(self, change: Change, outputs: Mapping[str, Outputs]) -> None:
        try:
            self._events.put((change.address, self.executor.carry_out(change, outputs), None))
        except PipelineError as error:
            self._events.put((change.address, None, error))
        except Exception as error:  # noqa: BLE001 - a bug in one type may not leave the others half done
            text = f"{type(error).__name__}: {error}"
            self._events.put((change.address, None, PipelineError(f"a bug in {change.address}'s type: {text}")))

    def _settle(self, address: str, outputs: Outputs | None, error: PipelineError | None) -> None:
        change = self.changes[address]
        seconds = self.executor.monotonic() - self._running.pop(address)
        if error is not None:
            self._settle_failure(change, error, seconds)
            return
        self.outcome.done.append(address)
        if change.action is Action.DELETE:
            self.outcome.outputs.pop(address, None)
        else:
            self.outcome.outputs[address] = outputs or {}
        self.executor.record.ended(address, change.action, outputs or {})
        self.executor.tell(Progress(change, "ended", seconds))
        for needs in self._waiting.values():
            needs.discard(address)

    def _settle_failure(self, change: Change, error: PipelineError, seconds: float) -> None:
        if isinstance(error, Interrupted):
            self.outcome.interrupted = True
            return
        doing = {
            "create": "creating",
            "update": "updating",
            "replace": "replacing",
            "delete": "deleting",
            "retire": "retiring",
        }
        place = str(change.desired.source) if change.desired and change.desired.source else None
        told = error.with_context(f"{doing[change.action.value]} {change.address}", place)
        self.outcome.failures.append((change.address, told))
        self.executor.record.failed(change.address, change.action, str(told))
        self.executor.tell(Progress(change, "failed", seconds, told))


def _graph(changes: list[Change]) -> dict[str, frozenset[str]]:
    """Creations after what they need; a deletion after everything that needs it, as it was declared."""
    deletes = {c.address for c in changes if c.action is Action.DELETE}
    needs: dict[str, set[str]] = {change.address: set() for change in changes}
    for change in changes:
        if change.desired is None:
            continue
        for other in needs.keys() & set(change.desired.dependencies):
            if change.address in deletes and other in deletes:
                needs[other].add(change.address)
            elif change.address not in deletes and other not in deletes:
                needs[change.address].add(other)
    return {address: frozenset(found) for address, found in needs.items()}


def says_it_exists(error: AwsError) -> bool:
    """True when a create was refused because the name is taken."""
    code = error.code
    return "AlreadyExists" in code or code in (
        "ResourceConflictException",
        "ResourceInUseException",
        "BucketAlreadyOwnedByYou",
        "ConflictException",
    )
