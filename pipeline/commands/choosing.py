"""Which release a rollback is to bring back, and what it would do: reads the ledger and AWS, changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pipeline.commands.delivering import journal_of_unfinished
from pipeline.commands.planning import Reading
from pipeline.commands.steering import abort
from pipeline.commands.underway import Underway, underway
from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput, Refused
from pipeline.model.release import LedgerHead, Release
from pipeline.model.report import RollbackPlan
from pipeline.model.resource import DesiredState
from pipeline.releasing import restoring
from pipeline.releasing.outlook import Outlook, asked_of, look, possible


@dataclass(frozen=True)
class Rollback:
    """A rollback as it is about to be carried out: release `number` is to restore `outlook.target`.

    `current` is what the ledger says serves now, `origin` what is rolled back: the same, unless this ends a rollback
    that died after it was recorded. `begun` is the journal of a rollback that this one ends.
    `underway` is a rollout that has to be taken back first, `taken_back` the commit of one that was.
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
    taken_back: str | None = None

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
        finished = same and not self.head.unfinished and self.underway is None
        return finished and not any(point.moves or point.anew for point in self.outlook.points)


def plan_rollback(workspace: Workspace, asked: str) -> Rollback:
    """Chooses the release and looks whether it can serve. BadInput when there is no such release, Refused when not."""
    with workspace.stage("plan"):
        reading = Reading(workspace)
        head, found = reading.head(), underway(reading)
        current = head.current
        if current is None:
            raise BadInput(f"rolling back {workspace.environment.name}: nothing was released there yet")
        # The way to what is asked next is made ready while the ledger answers: that takes as long as an answer.
        ready = workspace.aws.workers.submit(partial(workspace.aws.open, asked_of(current, workspace.types)))
        unfinished = journal_of_unfinished(workspace, head)
        begun = unfinished if unfinished and unfinished.get("kind") == "rollback" else None
        # While a release is being rolled out, what was before it is the one that still serves beside it.
        beside = asked == restoring.PREVIOUS and found is not None
        target = current if beside else _chosen(workspace, current, asked, begun)
        if begun and begun["target"] != target.number:
            begun = None
        if current.destroyed:
            raise Refused(f"rolling back {workspace.environment.name}: it was destroyed", hint="deploy it instead")
        workspace.aws.workers.wait_for(ready)
        outlook = look(workspace.ledger, workspace.aws, workspace.types, target)
        if outlook.obstacles:
            text = f"rolling {workspace.environment.name} back to release {target.number}: it cannot serve any more"
            raise Refused(text, hint=_alternatives(workspace, current), diagnostics=outlook.obstacles)
    desired = restoring.composed(target, current, workspace.types.specs)
    recorded = begun is not None and current.number == begun["release"]
    number = current.number if recorded else current.number + 1
    origin = (workspace.ledger.find(begun["from"]) if recorded and begun else None) or current
    return Rollback(asked, head, current, origin, outlook, desired, number, begun, found)


def without_rollout(workspace: Workspace, rollback: Rollback) -> Rollback:
    """The same rollback once the release that was being rolled out has no traffic any more."""
    if rollback.underway is None:
        return rollback
    name = rollback.underway.rollout.release.number
    workspace.console.say(f"taking release {name} back, which is being rolled out")
    abort(workspace, rollback.underway, f"rolling back to release {rollback.target.number}")
    commit = rollback.underway.rollout.release.commit
    return replace(plan_rollback(workspace, str(rollback.target.number)), taken_back=commit)


def _chosen(workspace: Workspace, current: Release, asked: str, begun: Mapping[str, Any] | None) -> Release:
    if asked == restoring.PREVIOUS:
        if begun is not None and begun.get("asked") == asked:
            # The run that died may have changed what is previous.
            asked = str(begun["target"])
        elif current.restores is not None and current.run_url is not None and current.run_url == workspace.run_url:
            # The same run of the workflow once more: it asked for this rollback, not for another one.
            asked = str(current.restores)
    try:
        return restoring.select(workspace.ledger, current, asked)
    except BadInput as error:
        error.hint = _alternatives(workspace, current)
        raise


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
    return RollbackPlan(
        environment=workspace.environment.name,
        release=rollback.number,
        origin=rollback.origin,
        target=rollback.target,
        moves=tuple(
            {
                "address": point.resource.address,
                "from": point.before,
                "to": None if point.anew else point.after,
                "anew": point.anew,
            }
            for point in rollback.outlook.points
        ),
        sites=tuple(
            {"address": address, "files": files} for address, files in restoring.sites(rollback.target, rollback.origin)
        ),
        not_reverted=tuple(entry.to_json() for entry in kept),
    )
