"""From declared items to the resources of one environment: rendered, validated, canonical, with what follows from them.

Reading aside (documents that specs name by path), this is pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from pipeline.config.attachments import Attachments
from pipeline.config.authoring import ADOPT, DEPENDS_ON, Checkers, identity, not_written
from pipeline.config.declarations import Declared
from pipeline.config.environments import EnvFile
from pipeline.config.explanation import Complaint
from pipeline.config.findings import Findings, Place
from pipeline.config.lifecycle import check_lifecycle
from pipeline.config.rendering import Link, PropertyPath, Renderer, unwrapped
from pipeline.config.validation import Checker, Placeholder
from pipeline.config.variables import Variables
from pipeline.model.resource import Resource, Source
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Reference, Secret, is_known, leaves
from pipeline.resources.base import Problem
from pipeline.resources.registry import Registry

# What a type may raise over the output of another resource where it needs the value itself.
_STUMBLED = (AttributeError, KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class Rendered:
    """One item in one environment. `resource` is None when something is wrong with it or not known.

    `draft` is the resource then, too, without the properties that are wrong: for checks of the others. It is None when
    nothing can be said. `address` is None when the name itself is not known. `references` are what the author wrote,
    with their places. `follows` are the resources that derive from this one.
    """

    type: str
    place: Place
    address: str | None
    resource: Resource | None = None
    draft: Resource | None = None
    links: Sequence[Link] = ()
    references: Sequence[tuple[Reference, Place]] = ()
    depends_on: Sequence[tuple[str, Place]] = ()
    follows: Sequence[Resource] = ()
    derived: bool = False


@dataclass
class Builder:
    """Renders the items of one environment."""

    env: EnvFile
    lacking: frozenset[str]
    registry: Registry
    checkers: Checkers
    attachments: Attachments
    today: date
    findings: Findings = field(default_factory=Findings)

    @property
    def scope(self) -> Scope | None:
        """Where the environment acts, when its file says so."""
        return self.env.environment.scope if self.env.environment else None

    def build(self, declared: Iterable[Declared]) -> list[Rendered]:
        """The declared resources, then those that follow from them and that nobody declared."""
        found = self._composed([self._render(item) for item in declared])
        known = {rendered.address for rendered in found}
        for parent in found:  # which grows: what follows may have followers of its own
            for resource in parent.follows:
                if resource.address not in known:
                    known.add(resource.address)
                    found.append(self._derived(resource, parent))
        return found

    def _render(self, item: Declared) -> Rendered:
        return _Item(self, item).rendered()

    def _composed(self, found: list[Rendered]) -> list[Rendered]:
        """The same with what types make of all that is declared (a dashboard of it, alarms on it)."""
        stack = tuple(item.resource for item in found if item.resource)
        return [self._compose(item, stack) for item in found]

    def _compose(self, item: Rendered, stack: Sequence[Resource]) -> Rendered:
        kind = self.registry[item.type]
        if item.resource is None or self.scope is None or not kind.composes:
            return item
        resource, follows = kind.compose(item.resource, stack, self.scope)
        for problem in kind.check(resource, self.scope):
            self.findings.error(problem.message, item.place, hint=problem.hint, address=item.address)
        return replace(item, resource=resource, draft=resource, follows=(*item.follows, *follows))

    def _derived(self, resource: Resource, parent: Rendered) -> Rendered:
        """A derived resource; its problems are shown where its parent is declared."""
        kind = self.registry[resource.type]
        name = {key: resource.properties[key] for key in identity(kind) if key in resource.properties}
        shape: Mapping[str, Any] = {"properties": {k: kind.spec.schema["properties"][k] for k in name}}
        messages = [c.message for c in Checker(shape, kind.name).complaints(name)]
        follows: list[Resource] = []
        if self.scope:
            try:
                messages += [problem.message for problem in kind.check(resource, self.scope)]
                follows = kind.derive(resource, self.scope)
            except _STUMBLED:
                if is_known(resource.properties):
                    raise
        for message in messages:
            text = f"{resource.address}, which follows from {parent.address}: {message}"
            self.findings.error(text, parent.place, address=resource.address)
        if resource.source is None:
            resource = replace(resource, source=Source(parent.place.file, parent.place.line, parent.place.column))
        return Rendered(resource.type, parent.place, resource.address, resource, follows=follows, derived=True)


class _Item:
    """One declared item on its way to a resource."""

    def __init__(self, builder: Builder, item: Declared) -> None:
        self.builder = builder
        self.findings = builder.findings
        self.kind = item.type
        self.node = item.node
        self.place = item.place
        self.checker = builder.checkers.of(item.type)
        self.variables = Variables(builder.env, builder.findings, builder.lacking)
        spec = item.type.spec
        self.renderer = Renderer(
            builder.findings, self.variables, builder.attachments, (*spec.sensitive, *spec.write_only)
        )
        self.address = self._address()
        self.renderer.address = self.address

    def _address(self) -> str | None:
        """The address, when all parts of the name are known."""
        parts = []
        quiet = Renderer(Findings(), Variables(self.builder.env, Findings(), self.builder.lacking))
        for key in identity(self.kind):
            entry = self.node.entries.get(key)
            part = quiet.text(entry.node) if entry else None
            if not part:
                return None
            parts.append(part)
        return f"{self.kind.name}/{':'.join(parts)}"

    def rendered(self) -> Rendered:
        """Renders, validates and completes the item."""
        value = self.renderer.render(self.node, self.checker.shape)
        depends_on, adopt = self._reserved(value)
        self._check_name(value)
        wrong = self._validate(value)
        draft, follows = None, None
        if not self.renderer.broken:
            draft, follows = self._resource(value, wrong, [address for address, _ in depends_on], adopt)
        return Rendered(
            type=self.kind.name,
            place=self.place,
            address=self.address,
            resource=None if follows is None else draft,
            draft=draft,
            links=self.renderer.links,
            references=self.variables.references,
            depends_on=depends_on,
            follows=follows or (),
        )

    def _reserved(self, value: dict[str, Any]) -> tuple[list[tuple[str, Place]], bool]:
        """Takes out `depends_on` and `adopt`, which every type has."""
        declared = self.checker.shape.keys
        found: list[tuple[str, Place]] = []
        if DEPENDS_ON in value and DEPENDS_ON not in declared:
            given = value.pop(DEPENDS_ON)
            for index, each in enumerate(given if isinstance(given, list) else [given]):
                at = self.renderer.place_of((DEPENDS_ON, index))
                if not isinstance(each, str):
                    self._error("depends_on takes addresses such as dynamodb.table/orders", at)
                elif not isinstance(each, Placeholder):
                    found.append((each, at))
        adopt = False
        if ADOPT in value and ADOPT not in declared:
            adopt = value.pop(ADOPT)
            if not isinstance(adopt, bool):
                self._error("adopt is true or false", self.renderer.place_of((ADOPT,)))
        return found, adopt is True

    def _check_name(self, value: Mapping[str, Any]) -> None:
        for key in identity(self.kind):
            name = value.get(key)
            if isinstance(name, Placeholder) and name.value is not None:
                place = self.renderer.place_of((key,))
                self._error(f"{key} must be known before deploying: it cannot be {name}", place)
            elif name == "" or (name is None and key not in self.checker.schema.get("required", ())):
                self._error(f"this {self.kind.name} has no {key}", self.place, hint=f"add {key}:")

    def _validate(self, value: dict[str, Any]) -> list[Complaint]:
        """What is wrong that later steps could stumble over; keys without meaning are told and taken out."""
        for key in not_written(self.kind) & value.keys():
            owner = "AWS gives it" if key in self.kind.spec.read_only else "the pipeline fills it in"
            self._error(f"{key} of {self.kind.name} cannot be set: {owner}", self.renderer.keys[key,], hint="remove it")
            del value[key]
        complaints = self.checker.complaints(value)
        for complaint in complaints:
            message = complaint.message + ("" if complaint.at_key else self.renderer.origin(complaint.path))
            self._error(message, self.renderer.place(complaint), hint=complaint.hint)
            if complaint.unknown:
                _drop(value, complaint.path)
        return [complaint for complaint in complaints if not complaint.unknown]

    def _resource(
        self, value: Mapping[str, Any], wrong: Sequence[Complaint], depends_on: list[str], adopt: bool
    ) -> tuple[Resource | None, list[Resource] | None]:
        """The resource without its properties that are wrong, and what follows from it; None when something is wrong.

        Rules of the type are judged when all values are of the right kind, so that nothing is told for want of one.
        """
        scope = self.builder.scope
        if self.address is None or scope is None:
            return None, None
        names = {str(path[0]) for path in (complaint.path or (complaint.missing,) for complaint in wrong)}
        mild = all(complaint.mild for complaint in wrong)
        sound = value if mild else {key: each for key, each in value.items() if key not in names}
        properties = unwrapped(self.checker.with_defaults(sound))
        name = self.address.partition("/")[2]
        try:
            canonical = self.kind.canonical(properties, scope)
            resource = Resource(self.kind.name, name, canonical, tuple(depends_on), self._source(), adopt)
            problems = self.kind.check(resource, scope) if mild else []
            follows = None if wrong or problems else self.kind.derive(resource, scope)
        except _STUMBLED:
            if not wrong and not self._is_explained(properties):
                raise
            return None, None
        for problem in problems:
            if not any(_overlap(problem.path, complaint.path) for complaint in wrong):
                self._problem(problem)
        draft = {key: each for key, each in canonical.items() if key not in names}
        resource = replace(resource, properties=draft) if names else resource
        check_lifecycle(resource, self.checker.shape, self.renderer, self.builder.today)
        return resource, follows

    def _is_explained(self, properties: Mapping[str, Any]) -> bool:
        """True when a type may have stumbled over an output or a secret where it needs the value itself.

        Without any of them it is a mistake in the type.
        """
        unknown = [str(leaf) for leaf in leaves(properties) if isinstance(leaf, (Expression, Secret))]
        if unknown and not self.renderer.unclear:
            self._error(
                f"a property of this {self.kind.name} must be known before deploying: it cannot be {unknown[0]}"
                + (" or another such value here" if len(unknown) > 1 else ""),
                self.place,
                hint="write the name or the value itself",
            )
        return bool(unknown)

    def _problem(self, problem: Problem) -> None:
        path: PropertyPath = tuple(problem.path)
        message = problem.message + self.renderer.origin(path)
        self._error(message, self.renderer.place_of(path), hint=problem.hint)

    def _source(self) -> Source:
        places = self.renderer.places
        paths = {path: (at.line, at.column) for path, at in places.items() if path and at.file == self.place.file}
        return Source(self.place.file, self.place.line, self.place.column, paths)

    def _error(self, message: str, place: Place, *, hint: str | None = None) -> None:
        self.findings.error(message, place, hint=hint, address=self.address)


def _overlap(one: PropertyPath, other: PropertyPath) -> bool:
    """True when the paths lead to the same value, or one to a part of the other's."""
    return all(mine == yours for mine, yours in zip(one, other, strict=False))


def _drop(value: Any, path: PropertyPath) -> None:
    """Takes out a key that is not known; it may be gone already."""
    for part in path[:-1]:
        value = value[part]
    value.pop(path[-1], None)
