"""Computes the plan: what must be done for the observed state to become the desired one. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.errors import Diagnostic
from pipeline.model.plan import Action, Change, FieldChange, Origin, Plan
from pipeline.model.resource import DesiredState, Mark, Observed, ObservedState, Resource
from pipeline.model.scope import Scope
from pipeline.model.type_spec import TypeSpec
from pipeline.model.values import Properties, Reference, Unknown, Value, canonical_json, plain, resolve
from pipeline.planning.access import GrantsOf, widened
from pipeline.planning.diff import diff
from pipeline.planning.graph import graph_of, ordered

# The path of the ownership mark in changes; no property may be called so.
MARK = "mark"
_SERVED = "live"  # the property that says whether callers get the newest version
# Properties that only hands can give a resource -> what that means, and how to keep it.
_BY_HAND = {
    "foreign_permissions": "somebody may call this function whom the specs do not name: a deploy takes that away; to "
    "keep it, declare it under permissions:",
    "foreign_urls": "this function answers at an address that the specs do not name: a deploy takes that away; to keep "
    "one for its alias, declare url:",
}


@dataclass(frozen=True)
class Consent:
    """What the user agreed to for this run.

    `include_data`: deleting and replacing what bears data. `adopt`: addresses to take over. `prune` False keeps
    everything that left the specs (a rollback never deletes). `home_first`: the home region is deployed before this
    one, so that what it makes may be missing yet.
    """

    include_data: bool = False
    adopt: frozenset[str] = frozenset()
    prune: bool = True
    home_first: bool = False


@dataclass(frozen=True)
class Question:
    """All that a plan depends on. `released` is what the last release declared, by address; empty before the first.

    `unfinished`: an earlier run may have made things that the ledger does not know of. `moved`: address -> the one that
    the last release had for it; `released` has the new one. `tried`: what runs that did not end, and a release that
    was taken back, declared otherwise than the last release; what they wrote is still there. `removed`: addresses that
    they may have deleted. `grants` tells what a resource grants, for the part
    of the plan about access; `yields` what of a resource that left the specs may go, where the declared ones stay.
    """

    scope: Scope
    desired: DesiredState
    observed: ObservedState
    specs: Mapping[str, TypeSpec]
    released: Mapping[str, Resource] = field(default_factory=dict)
    consent: Consent = Consent()
    commit: str | None = None
    warnings: tuple[Diagnostic, ...] = ()
    unfinished: bool = False
    moved: Mapping[str, str] = field(default_factory=dict)
    tried: Mapping[str, Sequence[Resource]] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    grants: GrantsOf = lambda _type, _properties: ()
    yields: Callable[[str, Observed, Sequence[Resource]], Observed] = lambda _type, observed, _declared: observed


def make_plan(question: Question) -> Plan:
    """The plan for `question`; the same question gives the same plan."""
    planner = _Planner(question)
    planner.walk_desired()
    planner.walk_removed()
    scope = question.scope
    return Plan(
        service=scope.service,
        environment=scope.environment,
        region=scope.region,
        account=scope.account,
        commit=question.commit,
        changes=tuple(planner.changes),
        unchanged=planner.unchanged,
        warnings=(*question.warnings, *planner.warnings),
        blockers=tuple(planner.blockers),
        access=widened(planner.changes, planner.wanted, question.grants),
    )


class _Planner:
    """One walk over the resources in the order of their dependencies."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.changes: list[Change] = []
        self.unchanged = 0
        self.warnings: list[Diagnostic] = []
        self.blockers: list[Diagnostic] = []
        self._pending: dict[str, Change] = {}

    def walk_desired(self) -> None:
        desired = self.question.desired.by_address
        for address in ordered(graph_of(desired.values())):
            change = self._change_for(desired[address])
            if change is None:
                self.unchanged += 1
            else:
                self._pending[address] = change
                self.changes.append(change)

    def walk_removed(self) -> None:
        wanted = self.question.desired.by_address
        gone = {a: r for a, r in self.question.released.items() if a not in wanted}
        for address in reversed(ordered(graph_of(gone.values()))):
            self.changes.append(self._removal(gone[address]))

    def lookup(self, reference: Reference) -> Value:
        """The output that `reference` names, or Unknown when this plan will change it."""
        change = self._pending.get(reference.address)
        observed = self.question.observed.get(reference.address)
        if observed is None or reference.output not in observed.outputs:
            return Unknown(str(reference))
        if change is not None:
            spec = self.question.specs[change.type]
            renewed = change.action is Action.UPDATE and spec.renews(reference.output, (f.path for f in change.fields))
            if renewed or change.action in (Action.CREATE, Action.REPLACE):
                return Unknown(str(reference))
        return observed.outputs[reference.output]

    def wanted(self, change: Change) -> Properties:
        """What the resource of a change is to be, as far as it is known."""
        resolved: Properties = resolve(change.desired.properties, self.lookup) if change.desired else {}
        return resolved

    def _cause(self, addresses: Iterable[str]) -> Origin:
        """Why the changes of `addresses` are made."""
        return _merged({self._pending[address].origin for address in addresses if address in self._pending})

    def _change_for(self, resource: Resource) -> Change | None:
        spec = self.question.specs[resource.type]
        observed = self.question.observed.get(resource.address)
        if resource.shared:
            if observed is None:
                self._await(resource)
            return None
        if spec.lookup is not None:
            if observed is None:
                self._block(
                    resource, f"there is none of this name in account {self.question.scope.account}", spec.lookup
                )
            return None
        released = self.question.released.get(resource.address)
        wanted = resolve(resource.properties, self.lookup)
        pair = (resource.properties, released.properties) if released else None
        if observed is None:
            fields = diff(spec, wanted, {}, None)
            origin, reason = self._absence(resource, released)
            return Change(resource.address, Action.CREATE, origin, fields, False, reason, resource, None)
        tried = [(resolve(t.properties, self.lookup), t.properties) for t in self._tried(resource.address)]
        differing = diff(spec, wanted, observed.properties, pair, self._cause, tried)
        fields = (*self._ownership(resource, observed), *(self._left(each) for each in differing))
        if observed.pending:
            self.warnings.append(Diagnostic(observed.pending, address=resource.address, severity="warning"))
        self._limited(resource, observed.limit, changing=bool(fields))
        if not fields:
            return None
        for text in (_BY_HAND[change.path] for change in fields if change.path in _BY_HAND):
            self.warnings.append(Diagnostic(text, address=resource.address, severity="warning"))
        if any(change.forces_replacement for change in fields):
            return self._replacement(resource, observed, fields)
        before = self.question.moved.get(resource.address)
        reason = f"moved from {before}" if before else ""
        return Change(
            resource.address, Action.UPDATE, _merged_origin(fields), fields, False, reason, resource, observed
        )

    def _tried(self, address: str) -> Sequence[Resource]:
        return self.question.tried.get(address, ())

    def _left(self, change: FieldChange) -> FieldChange:
        """An alias that a run did not get to move is no drift."""
        unmoved = self.question.unfinished and change.path == _SERVED
        return replace(change, origin=Origin.GIT) if unmoved else change

    def _absence(self, resource: Resource, released: Resource | None) -> tuple[Origin, str]:
        """Why something is not there, and that in words."""
        if released is None:
            return Origin.GIT, "is new"
        if resource.address in self.question.removed:
            return Origin.GIT, "was removed by a run that did not end"
        same = canonical_json(plain(resource.properties)) == canonical_json(plain(released.properties))
        return Origin.DRIFT if same else Origin.BOTH, "is gone from AWS"

    def _replacement(self, resource: Resource, observed: Observed, fields: tuple[FieldChange, ...]) -> Change:
        forcing = ", ".join(change.path for change in fields if change.forces_replacement)
        if self.question.specs[resource.type].data_bearing and not self.question.consent.include_data:
            self._block(
                resource,
                f"replacing it loses its data, and AWS cannot change {forcing} in place",
                "keep the old value, give the resource another name, or agree with --include-data",
            )
        reason = f"AWS cannot change {forcing} in place"
        origin = _merged_origin(fields)
        return Change(resource.address, Action.REPLACE, origin, fields, True, reason, resource, observed)

    def _ownership(self, resource: Resource, observed: Observed) -> tuple[FieldChange, ...]:
        """A field when the mark has to be written; a blocker when the resource is not ours to touch."""
        scope = self.question.scope
        if observed.mark is not None and scope.owns(observed.mark):
            return self._address_mark(resource, observed.mark)
        if observed.mark is not None:
            owner = f"{observed.mark.service}/{observed.mark.environment}"
            self._block(
                resource,
                f"it belongs to {owner}, and a resource has one owner",
                f"choose another name, or let {owner} give it up first",
            )
            return ()
        consent = resource.adopt or observed.unclaimed or resource.address in self.question.consent.adopt
        # What cannot carry a mark is ours when the ledger says so, or when a run died that may have made it.
        presumed = not observed.markable and self.question.unfinished
        if not consent and not presumed and resource.address not in self.question.released:
            self._block(
                resource,
                "it exists in AWS but was not made by this tool",
                f"look at it, then take it over with --adopt {resource.address}, or choose another name",
            )
        if not observed.markable:
            return ()
        after = f"{scope.service}/{scope.environment}"
        drifted = resource.address in self.question.released
        return (FieldChange(MARK, None, after, origin=Origin.DRIFT if drifted else Origin.GIT),)

    def _address_mark(self, resource: Resource, mark: Mark) -> tuple[FieldChange, ...]:
        """A field when the mark names another address than the one that the resource has."""
        if mark.address in ("", resource.address):
            return ()
        by_us = resource.address in self.question.moved or self._tried(mark.address)
        origin = Origin.GIT if by_us else Origin.DRIFT
        return (FieldChange(MARK, mark.address, resource.address, origin=origin),)

    def _removal(self, resource: Resource) -> Change:
        address, consent = resource.address, self.question.consent
        observed = self.question.observed.get(address)
        spec = self.question.specs.get(resource.type)
        if resource.shared:
            return Change(address, Action.FORGET, Origin.GIT, (), False, "the home region has it", resource, observed)
        if observed is None:
            return Change(address, Action.FORGET, Origin.GIT, (), False, "is gone from AWS already", resource, None)
        if spec is not None and spec.lookup is not None:
            return Change(address, Action.FORGET, Origin.GIT, (), False, "was only looked up", resource, observed)
        if observed.markable and observed.mark is not None and not self.question.scope.owns(observed.mark):
            return Change(address, Action.FORGET, Origin.GIT, (), False, "has another owner now", resource, observed)
        if not consent.prune:
            reason = "not part of this release; kept"
            return Change(address, Action.RETAIN, Origin.GIT, (), False, reason, resource, observed)
        if spec is None or (spec.data_bearing and not consent.include_data):
            reason = "no longer declared, kept because it holds data; --include-data deletes it"
            return Change(address, Action.RETAIN, Origin.GIT, (), False, reason, resource, observed)
        going = self.question.yields(resource.type, observed, self.question.desired.resources)
        return Change(address, Action.DELETE, Origin.GIT, (), True, "no longer declared", resource, going)

    def _limited(self, resource: Resource, limit: Diagnostic | None, *, changing: bool) -> None:
        """Says what AWS will not take, before anything is changed."""
        if limit is not None and limit.severity == "warning":
            self.warnings.append(replace(limit, address=resource.address))
        elif limit is not None and changing:
            self._block(resource, limit.message, limit.hint or "")

    def _await(self, resource: Resource) -> None:
        """What the home region makes is not there: in a plan for both it will be, once that region is deployed."""
        message, hint = "the home region makes it for all regions, and has not", "deploy the home region first"
        if not self.question.consent.home_first:
            self._block(resource, message, hint)

    def _block(self, resource: Resource, message: str, hint: str) -> None:
        source = resource.source
        self.blockers.append(
            Diagnostic(
                f"{resource.address}: {message}",
                file=source.file if source else None,
                line=source.line if source else None,
                address=resource.address,
                hint=hint,
            )
        )


def _merged_origin(fields: tuple[FieldChange, ...]) -> Origin:
    return _merged({change.origin for change in fields})


def _merged(origins: set[Origin]) -> Origin:
    if not origins:
        return Origin.GIT
    return origins.pop() if len(origins) == 1 else Origin.BOTH
