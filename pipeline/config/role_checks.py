"""Whether the role that a function gets without naming one allows what AWS asks for before it takes the function. Pure.

Lambda looks at once whether the role may read an event source, deliver to where failures go, and make the network
interfaces of a VPC, and refuses the call otherwise. What a declared role allows is its author's to know.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-permissions.html
"""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pipeline.config.desired import Rendered
from pipeline.config.findings import Findings, Place
from pipeline.model.resource import Resource
from pipeline.model.values import Expression, Reference, Value, references_of
from pipeline.resources.grants import of_document

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
        if resource.type == FUNCTION:
            _check_logs(item, resource, resources, findings)
        if resource.type == SOURCE:
            _check_stream(item, resource, resources, findings)
            function = resources.get(f"{FUNCTION}/{resource.properties['function']}")
            if function is not None and _follows(function, made):
                _check_source(item, resource, function, findings)


def _follows(function: Resource, made: set[str | None]) -> bool:
    """True when nobody but the function itself says what its role allows."""
    roles = [reference.address for reference in references_of(function.properties.get("role"))]
    return bool(roles) and all(role in made for role in roles)


def _check_logs(
    item: Rendered, function: Resource, resources: Mapping[str | None, Resource], findings: Findings
) -> None:
    """Warns of a declared role that plainly may not write the function's logs: it would run, and nobody see what of."""
    for reference in references_of(function.properties.get("role")):
        role = resources.get(reference.address)
        if role is None or role.properties.get("managed_policies") or role.properties.get("elsewhere"):
            continue
        documents = (role.properties.get("policies") or {}).values()
        allowed = [
            grant for document in documents for grant in of_document(document, principal=role.name) if grant.allows
        ]
        group = f"log-group:/aws/lambda/{function.name}:"
        if not any(_writes(grant.action, grant.resource, group) for grant in allowed):
            message = f"{role.address} does not allow {function.name} to write its logs"
            hint = "allow logs:CreateLogStream and logs:PutLogEvents on its log group there, or name no role:"
            findings.warning(message, _place(item, function, "role"), hint=hint, address=function.address)


def _writes(action: str, resource: str, group: str) -> bool:
    """True when a grant may be about writing to a log group; also when only AWS knows what it is about."""
    if "all but" in f"{action} {resource}" or "${" in resource:
        return True
    pattern = resource.split(":", 5)[-1] if resource.startswith("arn:") else resource
    about = fnmatchcase(f"{group}log-stream:x", pattern) or fnmatchcase(group, f"{pattern.rstrip('*')}*")
    return about and fnmatchcase("logs:putlogevents", action.lower())


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
