"""What is left to remove, the record of a release, and the report: what all commands that change AWS end with."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from pipeline.commands.planning import Situation
from pipeline.commands.probing import url_checks
from pipeline.commands.requesting import DeployRequest
from pipeline.commands.workspace import Workspace
from pipeline.model.plan import Action, Change
from pipeline.model.release import LedgerHead, Release
from pipeline.model.report import DeployReport, Pruned
from pipeline.model.values import Outputs
from pipeline.releasing.publisher import Published


def removals(workspace: Workspace, situation: Situation) -> list[Change]:
    """What waits until the new release serves, because the old one may need it: deletions, and the rest of updates."""
    changes = situation.plan.effective
    updates = [change for change in changes if change.action is Action.UPDATE]
    retiring = [c for c in updates if workspace.types[c.type].retires(field.path for field in c.fields)]
    deletions = [c for c in changes if c.action is Action.DELETE]
    return [*(replace(change, action=Action.RETIRE) for change in retiring), *deletions]


def new_release(
    workspace: Workspace,
    situation: Situation,
    outputs: Mapping[str, Outputs],
    served: Published,
    request: DeployRequest | None = None,
) -> Release:
    """The record of what serves now. Resources that were kept though no longer declared stay in it."""
    kept = [c.desired for c in situation.plan.changes if c.action is Action.RETAIN and c.desired is not None]
    desired = (*situation.desired, *kept)
    addresses = {resource.address for resource in desired}
    current, scope = situation.current, workspace.scope
    hold = current.hold if current is not None and request is not None and not request.clear_hold else None
    return Release(
        number=situation.head.next_number,
        service=scope.service,
        environment=scope.environment,
        region=scope.region,
        account=scope.account,
        commit=workspace.commit,
        created=workspace.clock.stamp(),
        actor=workspace.actor,
        run=workspace.run_id,
        run_url=workspace.run_url,
        desired=desired,
        desired_digest=situation.desired.digest,
        outputs={address: values for address, values in outputs.items() if address in addresses},
        functions=served.functions,
        apis=served.apis,
        plan={
            "digest": situation.plan.digest,
            "summary": situation.plan.summary_with(request.carried if request is not None else {}),
        },
        hold=hold,
        formers={a: before for a, before in (current.formers if current else {}).items() if a in addresses},
        promoted_from=request.promoted if request is not None else None,
        smoke=url_checks(workspace, outputs) if request is not None else (),
        hotfix=request is not None and request.hotfix,
    )


def record(workspace: Workspace, head: LedgerHead, release: Release, beside: Callable[[], Pruned] = Pruned) -> Pruned:
    """Makes `release` the current one, then writes its history copy; `beside` is done meanwhile.

    A run that died may have left the one before without its copy: that is written first, while it still can be known.
    """
    ledger = workspace.ledger
    if head.current is not None and head.unfinished:
        ledger.put_copy(head.current)
    ledger.put_current(release, head.current_etag)
    thunks: list[Callable[[], Pruned | None]] = [partial(ledger.put_copy, release), beside]
    return ledger.aws.gather(thunks)[1] or Pruned()


def report(workspace: Workspace, situation: Situation, release: Release | None, *, changed: bool) -> DeployReport:
    """What the user is told at the end."""
    recorded = release.outputs if release else {}
    outputs = {
        f"{address}.{name}": workspace.public(value)
        for address, values in recorded.items()
        for name, value in values.items()
    }
    return DeployReport(
        release=release.number if release else None,
        environment=workspace.environment.name,
        service=workspace.scope.service,
        commit=workspace.commit,
        plan=situation.plan,
        changed=changed,
        functions=release.functions if release else {},
        apis=release.apis if release else {},
        outputs=outputs,
        seconds=workspace.seconds,
        aws_calls=workspace.aws.total_calls,
        smoke=tuple(workspace.tried),
        kept=tuple(c.address for c in situation.plan.changes if c.action is Action.RETAIN),
    )
