"""Whether the role that a function gets without naming one allows what AWS asks for before it takes the function. Pure.

Lambda looks at once whether the role may read an event source, deliver to where failures go, and make the network
interfaces of a VPC, and refuses the call otherwise. What a declared role allows is its author's to know.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-permissions.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.config.desired import Rendered
from pipeline.config.findings import Findings, Place
from pipeline.model.resource import Resource
from pipeline.model.values import Expression, Reference, Value, references_of

FUNCTION, ROLE, SOURCE = "lambda.function", "iam.role", "lambda.event_source_mapping"
# The type, or the service in an ARN, that an event source or destination is of -> what `access` calls it.
_READING = {"sqs": ("queue", "consume"), "dynamodb": ("stream", "read")}
_DELIVERING = {"sqs": ("queue", "send"), "sns": ("topic", "publish")}


def check_roles(rendered: Sequence[Rendered], findings: Findings) -> None:
    """Every function whose role follows from it, and every event source."""
    resources = {item.address: item.resource for item in rendered if item.resource}
    made = {item.address for item in rendered if item.derived}
    for item in rendered:
        resource = item.resource
        if resource is None or item.derived:
            continue
        if resource.type == FUNCTION and _shares(resource, made):
            _check_shared(item, resource, findings)
        if resource.type == SOURCE:
            _check_stream(item, resource, resources, findings)
            function = resources.get(f"{FUNCTION}/{resource.properties['function']}")
            if function is not None and (function.properties.get("access") or _shares(function, made)):
                _check_source(item, resource, function, findings)


def _shares(function: Resource, made: set[str | None]) -> bool:
    """True when its role is the one that all functions share that say nothing, and nobody declares that."""
    roles = [reference.address for reference in references_of(function.properties.get("role"))]
    return not function.properties.get("access") and bool(roles) and all(role in made for role in roles)


def _check_shared(item: Rendered, function: Resource, findings: Findings) -> None:
    properties, events = function.properties, function.properties.get("async") or {}
    needs = (
        ("vpc", properties.get("vpc"), "be in a VPC"),
        ("dead_letter", properties.get("dead_letter"), "send to its dead-letter queue"),
        ("async", events.get("on_success") or events.get("on_failure"), "deliver to its destinations"),
    )
    for key, value, what in needs:
        if value:
            message = f"{function.name} may not {what} with the role that functions without access: share"
            hint = "say access:, for a role of its own that allows this, too; or name a role:"
            findings.error(message, _place(item, function, key), hint=hint, address=function.address)


def _check_stream(
    item: Rendered, source: Resource, resources: Mapping[str | None, Resource], findings: Findings
) -> None:
    for reference in references_of(source.properties["source"]):
        table = resources.get(reference.address)
        if table is not None and reference.output == "stream_arn" and not table.properties.get("stream"):
            message, hint = f"{table.address} has no stream", "write stream: true there"
            findings.error(message, _place(item, source, "source"), hint=hint, address=source.address)


def _check_source(item: Rendered, source: Resource, function: Resource, findings: Findings) -> None:
    access: Sequence[Mapping[str, Any]] = function.properties.get("access") or ()
    for key, kinds in (("source", _READING), ("on_failure", _DELIVERING)):
        for service, name in _named(source.properties.get(key)):
            kind, level = kinds.get(service, ("", ""))
            if kind and not any(_allows(entry, kind, name, level) for entry in access):
                message = f"{function.name} has no leave to {level} {kind} {name}, and Lambda refuses {key} without"
                hint = f"add {{{kind}: {name}, allow: {level}}} to its access"
                findings.error(message, _place(item, source, key), hint=hint, address=source.address)


def _named(value: Value) -> Iterator[tuple[str, str]]:
    """Service and name of what an ARN, or a reference to one, is about."""
    if isinstance(value, Expression) and len(value.parts) == 1 and isinstance(value.parts[0], Reference):
        kind, _, name = value.parts[0].address.partition("/")
        yield kind.partition(".")[0], name
    elif isinstance(value, str) and value.count(":") >= 5:
        yield value.split(":")[2], value if "/stream/" in value else value.split(":", 5)[5]


def _allows(entry: Mapping[str, Any], kind: str, name: str, level: str) -> bool:
    """True when it may; also when operations or actions are written out, whose author knows what they do."""
    if "actions" in entry:
        return True
    allowed = entry.get("allow") or ()
    words = [allowed] if isinstance(allowed, str) else allowed
    return name in str(entry.get(kind) or "") and any(word == level or not word.islower() for word in words)


def _place(item: Rendered, resource: Resource, key: str) -> Place:
    places = resource.source.paths if resource.source else {}
    line, column = places.get((key,), (item.place.line, item.place.column))
    return Place(item.place.file, line, column)
