"""Live AWS against the last release and against git: what is compared, and what a plan would not say. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from pipeline.errors import Diagnostic
from pipeline.model.plan import Change, Origin, Plan
from pipeline.model.release import LedgerHead, Release
from pipeline.model.resource import DesiredState, Resource
from pipeline.model.type_spec import TypeSpec
from pipeline.model.values import plain
from pipeline.planning.diff import diff

# What packaging fills in: the digests of archives and of a site's files.
_PACKAGED = {"lambda.function": ("code",), "lambda.layer": ("code",), "s3.site": ("files", "etags")}


def with_released_code(desired: DesiredState, released: Mapping[str, Resource]) -> DesiredState:
    """`desired` with the code that was released, where there is one: what git has of it only a build could tell."""

    def filled(resource: Resource) -> Resource:
        before = released.get(resource.address)
        names = _PACKAGED.get(resource.type, ()) if before is not None else ()
        code = {name: before.properties[name] for name in names if before and name in before.properties}
        return replace(resource, properties={**resource.properties, **code}) if code else resource

    return DesiredState(tuple(filled(resource) for resource in desired))


def drifted(plan: Plan) -> tuple[Change, ...]:
    """The changes that undo what happened outside of git."""
    return tuple(change for change in plan.changes if change.origin is not Origin.GIT)


def remarks(desired: DesiredState, head: LedgerHead, plan: Plan, specs: Mapping[str, TypeSpec]) -> list[Diagnostic]:
    """What a reader of a drift report has to know beside the differences."""
    return [*_open_run(head), *_overtaken(desired, head.current, plan, specs)]


def overlooked(plan: Plan, spared: Collection[str]) -> list[Diagnostic]:
    """That a deploy may not see what has drifted; `spared`: the addresses of which it does not read all."""
    if not any(change.address in spared for change in drifted(plan)):
        return []
    text = "a deploy of so many resources spares some of these reads: with --thorough it undoes all that is found here"
    return [Diagnostic(text, severity="warning", hint="pipeline deploy --thorough")]


def _open_run(head: LedgerHead) -> Iterator[Diagnostic]:
    if head.lock is not None and head.unfinished:
        how = "has not ended" if head.lock.held else "did not end well"
        text = f"run {head.lock.run} of {head.lock.actor or 'unknown'} {how}: what it meant to change is no drift"
        yield Diagnostic(text, severity="warning", hint="if it died: pipeline resume")


def _overtaken(
    desired: DesiredState, release: Release | None, plan: Plan, specs: Mapping[str, TypeSpec]
) -> Iterator[Diagnostic]:
    """What git has changed since the release, and AWS has as git says: somebody, or a run that died, was faster."""
    if release is None:
        return
    different = {change.address: {field.path for field in change.fields} for change in plan.changes}
    released = release.resources
    for resource in desired:
        before = released.get(resource.address)
        if before is None or resource.shared:
            continue
        edited = diff(specs[resource.type], plain(resource.properties), plain(before.properties))
        found = [field.path for field in edited if field.path not in different.get(resource.address, ())]
        if found:
            text = f"{', '.join(found)}: in AWS as declared here, though release {release.number} declared otherwise"
            yield Diagnostic(text, address=resource.address, severity="warning")
