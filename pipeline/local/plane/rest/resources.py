"""Resources: the tree of paths of an API."""

import re

from pipeline.local.plane.asgi import Answer
from pipeline.local.plane.refusal import Refusal, bad_request, conflict
from pipeline.local.plane.rest.model import Definition, Op, Resource, new_id, page

_LIMIT = 300
_PART = re.compile(r"\{[a-zA-Z0-9._:-]+\+?\}|[a-zA-Z0-9._\-:~%$!&'()*+,;=@]+")


def get_all(op: Op) -> Answer:
    """GetResources, in the order of their paths."""
    resources = op.api().definition.by_path().values()
    return page(op, (resource.wire(embed=op.embeds("methods")) for resource in resources))


def get(op: Op) -> Answer:
    """GetResource."""
    return Answer.of_json(op.api().definition.resource(op.params["resource"]).wire(embed=op.embeds("methods")))


def create(op: Op) -> Answer:
    """CreateResource."""
    definition = op.api().definition
    resource = add(definition, definition.resource(op.params["resource"]), str(op.body.get("pathPart", "")))
    return Answer.of_json(resource.wire(embed=False), 201)


def add(definition: Definition, parent: Resource, part: str, resource_id: str | None = None) -> Resource:
    """A new resource below `parent`. Raises BadRequest-, Conflict- or LimitExceededException."""
    _check_part(definition, parent, part)
    if len(definition.resources) >= _LIMIT:
        raise Refusal(429, "LimitExceededException", f"Maximum number of resources ({_LIMIT}) exceeded")
    resource = Resource(resource_id or new_id(), parent.id, part, join(parent.path, part))
    definition.resources[resource.id] = resource
    return resource


def join(path: str, part: str) -> str:
    """The path of a child."""
    return f"{path.rstrip('/')}/{part}"


def _check_part(definition: Definition, parent: Resource, part: str, moving: str | None = None) -> None:
    if not _PART.fullmatch(part):
        raise bad_request(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the "
            "beginning and the end."
        )
    if parent.path_part.endswith("+}"):
        raise bad_request(f"Cannot create a child of a resource with a greedy path variable: {parent.path_part}")
    for sibling in definition.children(parent.id):
        if sibling.id == moving:
            continue
        if sibling.path_part == part:
            raise conflict(f"Another resource with the same parent already has this name: {part}")
        if part.startswith("{") and sibling.path_part.startswith("{"):
            raise bad_request(
                f"A sibling ({sibling.path_part}) of this resource already has a variable path part "
                "-- only one is allowed"
            )


def delete(op: Op) -> Answer:
    """DeleteResource, with all below it."""
    definition = op.api().definition
    resource = definition.resource(op.params["resource"])
    if resource.parent_id is None:
        raise bad_request("Root resource cannot be deleted")
    _remove(definition, resource)
    return Answer(202)


def _remove(definition: Definition, resource: Resource) -> None:
    for child in definition.children(resource.id):
        _remove(definition, child)
    del definition.resources[resource.id]


def update(op: Op) -> Answer:
    """UpdateResource: another name, or another parent."""
    definition = op.api().definition
    resource = definition.resource(op.params["resource"])
    for patch in op.patches:
        path, value = str(patch.get("path")), str(patch.get("value"))
        if patch.get("op") != "replace":
            raise bad_request(
                f"Invalid patch path  '{path}' specified for op '{patch.get('op')}'. Please choose supported operations"
            )
        if path not in {"/parentId", "/pathPart"}:
            raise bad_request(
                f"Invalid patch path  '{path}' specified for op 'replace'. Must be one of: [/parentId, /pathPart]"
            )
        if resource.parent_id is None:
            raise bad_request(f"Root resource cannot update its {path.removeprefix('/')}.")
        if path == "/parentId":
            _move(definition, resource, value)
        else:
            _check_part(definition, definition.resource(resource.parent_id), value, moving=resource.id)
            resource.path_part = value
    _repath(definition, definition.root)
    return Answer.of_json(resource.wire(embed=False))


def _move(definition: Definition, resource: Resource, parent_id: str) -> None:
    above: str | None = definition.resource(parent_id).id
    while above is not None:
        if above == resource.id:
            raise bad_request("Resources cannot be cyclical.")
        above = definition.resources[above].parent_id
    _check_part(definition, definition.resource(parent_id), resource.path_part, moving=resource.id)
    resource.parent_id = parent_id


def _repath(definition: Definition, resource: Resource) -> None:
    for child in definition.children(resource.id):
        child.path = join(resource.path, child.path_part)
        _repath(definition, child)
