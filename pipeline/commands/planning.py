"""The stages that plan, deploy and destroy share: read the world, compute the plan."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from threading import Thread
from typing import Any

from pipeline.applying.observer import Seen, observe, observe_ahead
from pipeline.applying.secrets import values_of, with_secrets
from pipeline.commands.unrecorded import left_by, ours
from pipeline.commands.workspace import Workspace
from pipeline.errors import Diagnostic, PipelineError
from pipeline.model.plan import Plan
from pipeline.model.release import LedgerHead, Release
from pipeline.model.resource import DesiredState, ObservedState, Resource
from pipeline.model.rollout import Outcome
from pipeline.model.shift import Rollout
from pipeline.planning.planner import Consent, Question, make_plan
from pipeline.planning.safety import check_account
from pipeline.releasing import hold, moving
from pipeline.releasing.rollouts import Rollouts
from pipeline.resources.base import Problem


@dataclass(frozen=True)
class Situation:
    """What was wanted and what was found, at one moment. `head` is older than `observed`.

    `current` is the release of `head`, under the addresses that its resources have in `desired`.
    """

    desired: DesiredState
    observed: ObservedState
    head: LedgerHead
    plan: Plan
    current: Release | None


# What packaging adds to resources; until then the last release's stands in for it.
_PACKAGED = ("code", "files", "etags")


class Reading:
    """The ledger's head and the account, read in the background while the code is packaged.

    While AWS answers these, the way to the services that will be asked next is made ready. With `ahead`, what is
    declared is looked for in AWS as soon as the account is known to be the right one; `survey` makes use of that.
    `thorough`: nothing is spared then.
    """

    def __init__(self, workspace: Workspace, *, ahead: bool = False, thorough: bool = False) -> None:
        self._thorough = thorough
        self._result: Future[tuple[LedgerHead | PipelineError, str]] = Future()
        self._rollouts = Rollouts(workspace.ledger)
        self._unread: PipelineError | None = None
        self._environment = workspace.environment
        declared = workspace.loaded.desired[self._environment.name] if workspace.needs_specs else ()
        # An address begins with the name of its service. The first two are what is asked for here.
        self._services = dict.fromkeys(["s3", "sts", *(resource.type.partition(".")[0] for resource in declared)])
        self._declared = DesiredState(tuple(declared)) if ahead else None
        # Made here and not in the thread: the main thread asks for them, too.
        self._aws, self._ledger = workspace.aws, workspace.ledger
        self.aws = self._aws.reading_once()
        self._home = workspace.home_of(self.aws)
        self._types = partial(getattr, workspace, "types")
        self._seen: Future[Seen | None] = Future()
        Thread(target=self._work, name="reading", daemon=True).start()

    def _work(self) -> None:
        try:
            self._aws.workers.submit(partial(self._aws.open, self._services))
            thunks: list[Callable[[], Any]] = [self._head, self._account, self._rollout]
            head, account, *_ = self._aws.gather(thunks)
            self._result.set_result((head, account))
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            self._result.set_exception(error)
        try:
            self._seen.set_result(self._look_ahead() if self._declared is not None else None)
        except BaseException:  # noqa: BLE001 - whoever needs what could not be read asks again, and is told
            self._seen.set_result(None)

    def _look_ahead(self) -> Seen:
        """What AWS has, as far as is known what will be wanted. Raises what `survey` will raise, too."""
        assert self._declared is not None
        head = self.head()
        released = head.current.resources if head.current else {}
        likely = DesiredState(tuple(_as_packaged(resource, released) for resource in self._declared))
        wanted = with_secrets(self.aws, likely)
        thorough = self._thorough or head.unfinished
        return observe_ahead(self.aws, self._types(), wanted, head.current, thorough=thorough, home=self._home)

    def _head(self) -> LedgerHead | PipelineError:
        """The head, or why it cannot be read: in the wrong account it cannot, and then that is what to tell."""
        try:
            return self._ledger.head()
        except PipelineError as error:
            return error

    def _rollout(self) -> None:
        """Reads the rollout; as with the head, what hinders that is told once the account is known."""
        try:
            self._rollouts.look()
        except PipelineError as error:
            self._unread = error

    def _account(self) -> str:
        return str(self._aws.call("sts", "GetCallerIdentity")["Account"])

    def seen(self) -> Seen | None:
        """What was read ahead."""
        return self._seen.result()

    def rollouts(self) -> Rollouts:
        """The rollout, as the ledger had it."""
        self.head()
        if self._unread is not None:
            raise self._unread
        return self._rollouts

    def head(self) -> LedgerHead:
        """The head, once the account is known to be the environment's; Refused when it is another."""
        head, account = self._result.result()
        check_account(self._environment.account, account, self._environment.name)
        if isinstance(head, PipelineError):
            raise head
        rollout = self._rollouts.known
        return with_left(replace(head, taken=rollout.release.number), rollout) if rollout is not None else head


def with_left(head: LedgerHead, rollout: Rollout) -> LedgerHead:
    """The head that also says what `rollout` and those before it have made in vain."""
    current = head.current
    declared = current.resources if current else {}
    remains = rollout.remains(current.number) if current else ()
    return replace(head, left=tuple(resource for resource in remains if resource.address not in declared))


def _as_packaged(resource: Resource, released: Mapping[str, Resource]) -> Resource:
    before = released.get(resource.address)
    if before is None:
        return resource
    added = {name: before.properties[name] for name in _PACKAGED if name in before.properties}
    return replace(resource, properties={**added, **resource.properties})


def survey(
    workspace: Workspace,
    desired: DesiredState,
    head: LedgerHead,
    consent: Consent,
    *,
    thorough: bool = False,
    reading: Reading | None = None,
) -> Situation:
    """Reads AWS and computes the plan. What `reading` has read ahead is not read again."""
    aws, types = reading.aws if reading else workspace.aws.reading_once(), workspace.types
    desired = with_secrets(aws, desired)
    for value in values_of(desired):
        workspace.console.mask(value)
    moved = workspace.loaded.moved.get(workspace.environment.name, {}) if workspace.needs_specs else {}
    moves = moving.moves_of(head.current, desired, moved)
    current = moving.readdressed(head.current, moves) if head.current else None
    released = current.resources if current else {}
    unrecorded = left_by(workspace, head)
    left = unrecorded.beside((*released, *desired.by_address))
    seen = reading.seen() if reading else None
    home = workspace.home_of(aws)
    known = DesiredState((*desired, *left.values()))
    observed = observe(aws, types, known, current, thorough=thorough or head.unfinished, seen=seen, home=home)
    plan = make_plan(
        Question(
            scope=workspace.scope,
            desired=desired,
            observed=observed,
            specs=types.specs,
            released=released | ours(workspace, left, observed, made=left),
            consent=consent,
            commit=workspace.commit,
            warnings=(*hold.warnings_of(head.current), *warnings_of(workspace, desired)),
            unfinished=head.unfinished,
            moved={new: old for old, new in moves.items()},
            tried=_with_taken_back(unrecorded.tried, reading, head),
            removed=unrecorded.removed,
            grants=types.grants(workspace.scope),
            yields=types.yields,
        )
    )
    plan = replace(plan, blockers=(*plan.blockers, *moving.collisions(head.current, desired, moved)))
    if workspace.needs_specs:
        strategy = workspace.loaded.project.rollout_for(workspace.environment.name)
        if strategy.steps:
            from pipeline.planning.outlook import traffic_of  # noqa: PLC0415 - the way of a rollout alone

            first = head.current is None or head.current.destroyed
            plan = replace(plan, traffic=traffic_of(plan, desired, strategy, first=first))
    return Situation(desired, observed, head, plan, current)


Tried = Mapping[str, tuple[Resource, ...]]


def _with_taken_back(tried: Tried, reading: Reading | None, head: LedgerHead) -> Tried:
    """The same with what the release declared that was taken back since the one that serves."""
    last = reading.rollouts().known if reading else None
    number = head.current.number if head.current else 0
    if last is None or last.base != number or last.status.outcome is not Outcome.REVERTED:
        return tried
    return {**tried, **{a: (*tried.get(a, ()), each) for a, each in last.release.resources.items()}}


def warnings_of(workspace: Workspace, desired: DesiredState) -> list[Diagnostic]:
    """What the types want a reader of the plan to know, after what validation found."""
    found = list(workspace.warnings)
    for resource in (each for each in desired if not each.shared):
        problems = workspace.types[resource.type].warn(resource, workspace.scope)
        found += [_warning(resource, problem) for problem in problems]
    return found


def _warning(resource: Resource, problem: Problem) -> Diagnostic:
    source = resource.source
    return Diagnostic(
        problem.message,
        file=source.file if source else None,
        line=source.line if source else None,
        address=resource.address,
        hint=problem.hint,
        severity="warning",
    )
