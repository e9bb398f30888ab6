"""Which release a rollback is to bring back, and what it would do: reads the ledger and AWS, changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pipeline.applying.parallel import Task
from pipeline.commands.advising import options_of
from pipeline.commands.delivering import journal_of_unfinished
from pipeline.commands.planning import Reading
from pipeline.commands.steering import abort
from pipeline.commands.underway import Underway, underway
from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput, Refused
from pipeline.model.release import LedgerHead, Release
from pipeline.model.report import RollbackPlan
from pipeline.model.resource import DesiredState
from pipeline.model.shift import Rollout, Way
from pipeline.releasing import moving, restoring
from pipeline.releasing.outlook import Outlook, asked_of, look, possible

# How something serves that the ledger does not say serves.
TAKEN_BACK = "which was being rolled out"
HALF_DONE = "which a run left half done"


@dataclass(frozen=True)
class Rollback:
    """A rollback as it is about to be carried out: release `number` is to restore `outlook.target`.

    `current` is what the ledger says serves now, `origin` what is rolled back: the same, unless something else had
    begun to serve beside it, and then `how` says so in words; or unless this ends a rollback that died after it was
    recorded. `begun` is the journal of a rollback that this one ends, `underway` a rollout to be taken back first.
    """

    asked: str
    head: LedgerHead
    current: Release
    origin: Release
    outlook: Outlook
    desired: DesiredState
    number: int
    begun: Mapping[str, Any] | None = None
    underway: Underway | None = None
    how: str = ""

    @property
    def target(self) -> Release:
        """What is to serve again."""
        return self.outlook.target

    @property
    def recorded(self) -> bool:
        """True when a run that died had got as far as to record the release."""
        return self.current.number == self.number

    @property
    def done(self) -> bool:
        """True when the ledger and every pointer say so already."""
        same = self.target.number in (self.current.number, self.current.restores)
        finished = same and not self.head.unfinished and not self.how
        return finished and not any(point.moves or point.anew for point in self.outlook.points)


def plan_rollback(workspace: Workspace, asked: str) -> Rollback:
    """Chooses the release and looks whether it can serve. BadInput when there is no such release, Refused when not."""
    with workspace.stage("plan"):
        found = _found(workspace)
        target = _chosen(workspace, found, asked)
        if found.current.destroyed:
            raise Refused(f"rolling back {workspace.environment.name}: it was destroyed", hint="deploy it instead")
        target = moving.renamed(target, moving.moves_back(target, found.current))
        workspace.aws.workers.wait_for(found.ready)
        outlook = look(workspace.ledger, workspace.aws, workspace.types, target)
        if outlook.obstacles:
            text = f"rolling {workspace.environment.name} back to release {target.number}: it cannot serve any more"
            raise Refused(text, hint=_alternatives(workspace, found.current), diagnostics=outlook.obstacles)
    desired = restoring.composed(target, found.current, workspace.types.specs)
    begun = found.begun if found.begun and found.begun["target"] == target.number else None
    origin, how = _origin(workspace, found, begun, target)
    number = int(begun["release"]) if begun else found.head.next_number + (origin.number == found.head.next_number)
    return Rollback(asked, found.head, found.current, origin, outlook, desired, number, begun, found.underway, how)


@dataclass(frozen=True)
class _Found:
    """What the ledger says before anything is chosen. `unfinished` is the journal of a run that did not end well."""

    head: LedgerHead
    current: Release
    rollout: Rollout | None
    underway: Underway | None
    unfinished: Mapping[str, Any] | None
    ready: Task[None]

    @property
    def begun(self) -> Mapping[str, Any] | None:
        """The journal of a rollback that did not end."""
        return self.unfinished if self.unfinished and self.unfinished.get("kind") == "rollback" else None

    @property
    def half_done(self) -> Mapping[str, Any] | None:
        """The journal of a deploy that did not end."""
        return self.unfinished if self.unfinished and self.unfinished.get("kind") == "deploy" else None

    @property
    def beside(self) -> Rollout | None:
        """What is being rolled out, or was until a rollback took it back that is no release yet."""
        open_or_left = self.underway or (self.rollout and self.rollout.leads_back(self.current.number))
        return self.rollout if open_or_left else None


def _found(workspace: Workspace) -> _Found:
    reading = Reading(workspace)
    head, rollout = reading.head(), reading.rollouts().known
    if head.current is None:
        raise BadInput(f"rolling back {workspace.environment.name}: nothing was released there yet")
    # The way to what is asked next is made ready while the ledger answers: that takes as long as an answer.
    ready = workspace.aws.workers.submit(partial(workspace.aws.open, asked_of(head.current, workspace.types)))
    return _Found(head, head.current, rollout, underway(reading), journal_of_unfinished(workspace, head), ready)


def _origin(
    workspace: Workspace, found: _Found, begun: Mapping[str, Any] | None, target: Release
) -> tuple[Release, str]:
    """What is rolled back, and in words how it came to serve when it is not what the ledger says serves."""
    if begun is not None:
        return _origin_of(workspace, found, begun)
    if found.beside is not None:
        how = f"which is being rolled out, at {found.beside.status.weight:g} %" if found.underway else TAKEN_BACK
        return found.beside.release, how
    if found.half_done is not None and target.number == found.current.number:
        then = {"commit": found.half_done.get("commit"), "created": found.half_done.get("started")}
        return _unrecorded(found.current, found.head.next_number, then), HALF_DONE
    return found.current, ""


def _origin_of(workspace: Workspace, found: _Found, begun: Mapping[str, Any]) -> tuple[Release, str]:
    """The same of a rollback that did not end: its journal says it, once the ledger says that it serves."""
    then = begun.get("origin") or {}
    how = str(then.get("how") or "")
    if not how and found.current.number != begun["release"]:
        return found.current, ""
    return workspace.ledger.history(begun["from"]) or _unrecorded(found.current, begun["from"], then), how


def _unrecorded(current: Release, number: int, then: Mapping[str, Any]) -> Release:
    """A release that the ledger has no record of, as far as it is known."""
    created = str(then.get("created") or current.created)
    return replace(current, number=number, commit=then.get("commit"), created=created, restores=None, hold=None)


def without_rollout(workspace: Workspace, rollback: Rollback) -> Rollback:
    """The same rollback once the release that was being rolled out has no traffic any more.

    What it is taken back for is recorded with that: whoever comes next, should this run die, knows where it was going.
    """
    if rollback.underway is None:
        return rollback
    name = rollback.underway.rollout.release.number
    workspace.console.say(f"taking release {name} back, which is being rolled out")
    target = rollback.target.number
    wanted = {
        "target": target, "asked": rollback.asked, "actor": workspace.actor, "at": workspace.clock.stamp(),
    }  # fmt: skip
    abort(workspace, rollback.underway, f"rolling back to release {target}", rollback=wanted)
    return replace(plan_rollback(workspace, str(target)), asked=rollback.asked)


def _chosen(workspace: Workspace, found: _Found, asked: str) -> Release:
    current, begun = found.current, found.begun
    if asked == restoring.PREVIOUS:
        if begun is not None and begun.get("asked") == asked:
            # The run that died may have changed what is previous.
            asked = str(begun["target"])
        elif found.beside is not None or (found.half_done is not None and _is_mixed(workspace, current)):
            # What was before it is the one that still serves beside it.
            return current
        elif current.restores is not None and current.run_url is not None and current.run_url == workspace.run_url:
            # The same run of the workflow once more: it asked for this rollback, not for another one.
            asked = str(current.restores)
    try:
        return restoring.select(workspace.ledger, current, asked)
    except BadInput as error:
        error.hint = _alternatives(workspace, current)
        raise


def _is_mixed(workspace: Workspace, current: Release) -> bool:
    """True when a run that did not end has moved pointers away from what the ledger says serves."""
    outlook = look(workspace.ledger, workspace.aws, workspace.types, current)
    return any(point.moves for point in outlook.points)


def _alternatives(workspace: Workspace, current: Release) -> str:
    """The releases that one can roll back to, in words."""
    found = possible(workspace.ledger, workspace.aws, workspace.types, current)
    if not found:
        return "there is no release to roll back to; deploy the commit that is wanted"
    names = [f"{r.number} ({r.created[:16].replace('T', ' ')}, commit {(r.commit or '-')[:7]})" for r in found]
    return f"a release that can serve again: {', '.join(names)}"


def plan_of(workspace: Workspace, rollback: Rollback) -> RollbackPlan:
    """The plan as people and machines see it."""
    kept = restoring.not_reverted(rollback.target, rollback.origin, workspace.types.specs)
    shifts = rollback.underway.rollout.shifts if rollback.underway else ()
    shared = {shift.address for shift in shifts if shift.moves and shift.way is not Way.PROMOTION}
    return RollbackPlan(
        environment=workspace.environment.name,
        release=rollback.number,
        origin=rollback.origin,
        target=rollback.target,
        how=rollback.how,
        command=options_of(workspace),
        moves=tuple(
            {
                "address": point.resource.address,
                "from": point.before,
                "to": None if point.anew else point.after,
                "anew": point.anew,
                "shared": point.shares or point.resource.address in shared,
            }
            for point in rollback.outlook.points
        ),
        sites=tuple(
            {"address": address, "files": files}
            for address, files in restoring.sites(rollback.target, rollback.current)
        ),
        not_reverted=tuple(entry.to_json() for entry in kept),
    )
