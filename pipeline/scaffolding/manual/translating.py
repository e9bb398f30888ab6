"""Calls of the AWS CLI as specs: roles, WebSocket APIs and buckets, which the manual declares nowhere else. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.resources.registry import registry
from pipeline.scaffolding.manual.folder import Folder
from pipeline.scaffolding.manual.notes import Carried
from pipeline.scaffolding.manual.shell import Call, assignments
from pipeline.scaffolding.manual.specs import Specs

Document = dict[str, Any]
_FUNCTION = re.compile(r":function:(.+?)/invocations")
# What follows from the specs without being called for.
_FOLLOWS = {
    ("apigateway", "create-deployment"), ("apigateway", "create-resource"), ("apigateway", "create-rest-api"),
    ("apigateway", "get-resources"), ("apigateway", "put-integration"), ("apigateway", "put-method"),
    ("apigatewayv2", "create-api"), ("apigatewayv2", "create-deployment"), ("apigatewayv2", "create-integration"),
    ("apigatewayv2", "create-route"), ("apigatewayv2", "create-stage"), ("iam", "create-role"),
    ("iam", "attach-role-policy"), ("iam", "put-role-policy"), ("lambda", "add-permission"),
    ("lambda", "publish-version"), ("lambda", "update-alias"), ("lambda", "update-function-code"), ("s3", "mb"),
    ("s3api", "create-bucket"), ("sts", "get-caller-identity"),
}  # fmt: skip


def routes(folder: Folder) -> dict[str, str]:
    """path -> function, as the scripts integrate them."""
    parts = {
        call.into: call.get("path-part") for call in folder.calls if call.operation == "create-resource" and call.into
    }
    found = {}
    for call in folder.calls:
        function = _FUNCTION.search(call.get("uri"))
        path = parts.get(call.get("resource-id").strip("${}"))
        if call.operation == "put-integration" and function and path:
            found[f"/{path}"] = function[1]
    return found


def translate(folder: Folder, specs: Specs, carried: Carried) -> None:
    """New spec files for what only scripts make, and a remark for everything that is not carried over."""
    _roles(folder, specs, carried)
    _websocket(folder, specs, carried)
    _buckets(folder, specs, carried)
    for call in folder.calls:
        if (call.service, call.operation) not in _FOLLOWS:
            _remark(call, specs, carried)


def _roles(folder: Folder, specs: Specs, carried: Carried) -> None:
    roles: dict[str, Document] = {}
    known = specs.names("roles")
    for call in folder.calls:
        name = call.get("role-name")
        if call.service != "iam" or not name or name in known:
            continue
        role = roles.setdefault(name, {"name": name})
        if call.operation == "create-role":
            role |= _document(call, "assume-role-policy-document", "trust", folder, carried)
        elif call.operation == "attach-role-policy":
            policy = call.get("policy-arn").removeprefix("arn:aws:iam::aws:policy/")
            role.setdefault("managed_policies", []).append(policy)
            if policy.endswith("FullAccess"):
                carried.changed(call.place, f"{policy} is carried over and allows far too much: plan warns of it")
        elif call.operation == "put-role-policy":
            found = _document(call, "policy-document", call.get("policy-name"), folder, carried)
            role.setdefault("policies", {}).update(found)
    if roles:
        _write(carried, "aws/iam/roles.yaml", "roles", list(roles.values()))


def _document(call: Call, option: str, key: str, folder: Folder, carried: Carried) -> Document:
    """A policy that a call names by its file: by its path from aws/iam/, where the specs of roles are."""
    path = call.get(option).removeprefix("file://")
    if path in folder.aws:
        carried.files[path] = folder.aws[path]
        return {
            key: path.removeprefix("aws/iam/") if path.startswith("aws/iam/") else f"../{path.removeprefix('aws/')}"
        }
    carried.left(call.place, f"{path or option} is not in the folder: write the document into aws/iam/roles.yaml")
    return {}


def _websocket(folder: Folder, specs: Specs, carried: Carried) -> None:
    """A WebSocket API with its routes; the manual's script decides function by route in a loop of variables."""
    if specs.names("websocket_api"):
        return
    for call in folder.calls:
        if call.operation == "create-api" and call.get("protocol-type") == "WEBSOCKET":
            pairs = _routes_of(folder.scripts[call.file])
            if pairs:
                api = {
                    "name": call.get("name"),
                    "routes": {key: f"${{SERVICE_NAME}}-{name}" for key, name in pairs.items()},
                }
                _write(carried, "aws/api-gateway/websocket-api.yaml", "websocket_api", api)
            else:
                carried.left(call.place, "a WebSocket API whose routes are not clear: declare websocket_api")


def _routes_of(script: str) -> dict[str, str]:
    found, key = {}, None
    for _, variable, value in assignments(script):
        if variable == "ROUTE_KEY":
            key = value
        elif variable == "FUNCTION" and key:
            found[key], key = value, None
    return found


def _buckets(folder: Folder, specs: Specs, carried: Carried) -> None:
    names = []
    known = specs.names("buckets")
    for call in folder.calls:
        script = folder.scripts[call.file].splitlines()[call.line - 1]
        made = re.search(r"s3://(\S+)", script) if (call.service, call.operation) == ("s3", "mb") else None
        name = made[1] if made else call.get("bucket") if call.operation == "create-bucket" else ""
        if name and name not in known:
            names.append({"name": name})
            carried.changed(call.place, f"bucket {name} is private, encrypted and versioned")
    if names:
        _write(carried, "aws/s3/buckets.yaml", "buckets", names)


def _write(carried: Carried, path: str, collection: str, value: Any) -> None:
    import yaml  # noqa: PLC0415 - only needed when there is something to write

    text = yaml.safe_dump({collection: value}, sort_keys=False, width=120, allow_unicode=True)
    carried.files[path] = f"# yaml-language-server: $schema=../../schemas/specs.json\n{text}"


def _remark(call: Call, specs: Specs, carried: Carried) -> None:
    special = _SPECIAL.get((call.service, call.operation))
    if special is not None:
        special(call, specs, carried)
        return
    service = {"s3api": "s3", "events": "events"}.get(call.service, call.service)
    kinds = [kind for kind in registry().values() if kind.name.partition(".")[0] == service]
    words = sorted(kind.spec.collections[0] for kind in kinds)
    hint = f"declare it: {', '.join(words)}" if words else "there is no resource type for it"
    carried.left(call.place, f"{call.name} is not carried over; {hint}")


def _table(call: Call, specs: Specs, carried: Carried) -> None:
    name = call.get("table-name")
    where = specs.names("tables").get(name)
    if where is None:
        carried.left(call.place, f"table {name} is in no spec: declare it below tables")
    elif call.get("global-secondary-indexes"):
        index = re.search(r"IndexName=([\w.-]+)", call.get("global-secondary-indexes"))
        carried.left(
            call.place, f"index {index[1] if index else ''} of {name} is only in the script: add it below {where}"
        )


def _function(call: Call, specs: Specs, carried: Carried) -> None:
    if call.get("function-name") not in specs.names("functions"):
        carried.left(call.place, f"function {call.get('function-name')} is in no spec: declare it below functions")


def _expiry(call: Call, specs: Specs, carried: Carried) -> None:
    if call.get("table-name") not in specs.names("tables"):
        carried.left(call.place, f"table {call.get('table-name')} is in no spec: declare it with ttl_attribute")


def _public(call: Call, _specs: Specs, carried: Carried) -> None:
    carried.left(
        call.place, "a public bucket, which AWS refuses by default: declare a distribution, which reads it in private"
    )


_SPECIAL: Mapping[tuple[str, str], Callable[[Call, Specs, Carried], None]] = {
    ("dynamodb", "create-table"): _table,
    ("dynamodb", "update-time-to-live"): _expiry,
    ("lambda", "create-function"): _function,
    ("s3", "website"): _public,
    ("s3api", "put-bucket-policy"): _public,
}
