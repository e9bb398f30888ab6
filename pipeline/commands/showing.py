"""The stage that shows visitors the static sites of a release, once the functions serve that their pages call."""

from collections.abc import Iterable, Mapping

from pipeline.commands.workspace import Workspace
from pipeline.model.report import Shown
from pipeline.model.resource import Resource
from pipeline.model.values import Outputs
from pipeline.releasing.sites import SITE, show_sites
from pipeline.reporting.style import counted


def show(
    workspace: Workspace, resources: Iterable[Resource], outputs: Mapping[str, Outputs], *, carried_on: bool = False
) -> Mapping[str, Shown]:
    """What changed for visitors, by address. `carried_on`: a run that died may have done a part of it."""
    sites = [resource for resource in resources if resource.type == SITE]
    if not sites:
        return {}
    with workspace.stage("frontend") as told:
        shown = show_sites(workspace.aws, sites, outputs, workspace.run_id, carried_on=carried_on)
        told += [f"{address}: {counted(len(each.files), 'file')}" for address, each in shown.items()]
    return shown
