"""What a request to AWS says: the members of its operation's input, taken off the wire by botocore's models."""

import io
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.etree import ElementTree as ET

from botocore.parsers import RpcV2CBORParser

from tests.support.wire import Call, Request, model_of

Members = dict[str, Any]


def members(call: Call, request: Request) -> Members:
    """The input of a call by the model's names; members that hold a document stay text or bytes."""
    model = model_of(call.service).operation_model(call.operation)
    shape = model.input_shape
    if shape is None:
        return {}
    found: Members
    if call.protocol == "query":
        given = {name: values[0] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
        found = _of_query(shape, given, "") or {}
    elif call.protocol == "smithy-rpc-v2-cbor":
        found = _of_json(shape, RpcV2CBORParser().parse_data_item(io.BytesIO(request.body)))
    elif call.protocol == "json":
        found = _of_json(shape, json.loads(request.body or b"{}"))
    else:
        found = _of_rest(call, shape, _uri(model.http["requestUri"], request.path), request)
    return found


def _of_rest(call: Call, shape: Any, uri: Mapping[str, str], request: Request) -> Members:
    found: Members = {}
    query, headers = request.query, request.headers
    for name, member in shape.members.items():
        place, key = member.serialization.get("location"), member.serialization.get("name", name)
        if place == "uri" and key in uri:
            found[name] = uri[key]
        elif place == "querystring" and key in query:
            found[name] = query[key]
        elif place == "header" and key.lower() in headers:
            found[name] = headers[key.lower()]
    return found | _of_body(call, shape, request.body)


def _of_body(call: Call, shape: Any, body: bytes) -> Members:
    payload = shape.serialization.get("payload")
    if payload is None:
        unplaced = {name for name, member in shape.members.items() if "location" not in member.serialization}
        given = _read(call, shape, body) if unplaced and body else {}
        return {name: value for name, value in given.items() if name in unplaced}
    if shape.members[payload].type_name != "structure" or not body:
        return {payload: body} if body else {}
    return {payload: _read(call, shape.members[payload], body)}


def _read(call: Call, shape: Any, body: bytes) -> Any:
    if call.protocol == "rest-xml":
        return _of_xml(shape, ET.fromstring(body))
    return _of_json(shape, json.loads(body))


def _uri(template: str, path: str) -> dict[str, str]:
    parts = re.split(r"(\{[^}]+\})", template.partition("?")[0].rstrip("/"))
    pattern = "".join(_label(part) if part.startswith("{") else re.escape(part) for part in parts)
    found = re.fullmatch(pattern + "/?", path)
    names = [part.strip("{}+") for part in parts if part.startswith("{")]
    return {name: unquote(value) for name, value in zip(names, found.groups() if found else (), strict=False)}


def _label(part: str) -> str:
    return "(.+)" if part.endswith("+}") else "([^/]+)"


def _of_json(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        named = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        return {named[key][0]: _of_json(named[key][1], one) for key, one in value.items() if key in named}
    if shape.type_name == "list" and isinstance(value, list):
        return [_of_json(shape.member, one) for one in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: _of_json(shape.value, one) for key, one in value.items()}
    return value


def _of_xml(shape: Any, element: ET.Element) -> Any:
    if shape.type_name == "structure":
        found = {}
        for name, member in shape.members.items():
            key = member.serialization.get("name", name)
            same = [child for child in element if child.tag.rpartition("}")[2] == key]
            if same and member.serialization.get("flattened"):
                found[name] = [_of_xml(member.member, child) for child in same]
            elif same:
                found[name] = _of_xml(member, same[0])
        return found
    if shape.type_name == "list":
        return [_of_xml(shape.member, child) for child in element]
    return element.text or ""


def _of_query(shape: Any, given: Mapping[str, str], at: str) -> Any:
    """The value at a dotted name; None when nothing of it is given."""
    if shape.type_name == "structure":
        start = f"{at}." if at else ""
        found = {
            name: _of_query(member, given, start + member.serialization.get("name", name))
            for name, member in shape.members.items()
        }
        return {name: value for name, value in found.items() if value is not None} or None
    if shape.type_name == "list":
        return _listed(shape.member, given, f"{at}.{shape.member.serialization.get('name', 'member')}")
    if shape.type_name == "map":
        entries = _listed(_Entry(shape), given, f"{at}.entry")
        return {one["key"]: one["value"] for one in entries} if entries else None
    return given.get(at)


def _listed(member: Any, given: Mapping[str, str], at: str) -> list[Any] | None:
    found: list[Any] = []
    while (one := _of_query(member, given, f"{at}.{len(found) + 1}")) is not None:
        found.append(one)
    return found or None


class _Entry:
    """An entry of a map as a structure."""

    type_name = "structure"

    def __init__(self, shape: Any) -> None:
        self.members = {"key": shape.key, "value": shape.value}
