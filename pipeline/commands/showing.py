"""The stage that shows visitors the static sites of a release, once the functions serve that their pages call."""

from collections.abc import Iterable, Mapping

from pipeline.commands.workspace import Workspace
from pipeline.model.report import Shown
from pipeline.model.resource import Resource
from pipeline.model.values import Outputs
from pipeline.releasing.sites import SITE, show_sites
from pipeline.reporting.style import counted


def show(
    workspace: Workspace,
    resources: Iterable[Resource],
    outputs: Mapping[str, Outputs],
    *,
    carried_on: bool = False,
    back: bool = False,
) -> Mapping[str, Shown]:
    """What changed for visitors, by address. `carried_on`: a run that died may have done a part of it.

    `back`: they are shown again what they saw before this run, so that caches have to be told of the same paths twice.
    """
    sites = [resource for resource in resources if resource.type == SITE]
    if not sites:
        return {}
    with workspace.stage("frontend") as told:
        run = f"{workspace.run_id}-back" if back else workspace.run_id
        shown = show_sites(workspace.aws, sites, outputs, run, carried_on=carried_on)
        told += [f"{address}: {counted(len(each.files), 'file')}" for address, each in shown.items()]
    return shown
