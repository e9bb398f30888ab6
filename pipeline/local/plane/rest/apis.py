"""REST APIs themselves, their tags, and the account's settings."""

from copy import deepcopy
from typing import Any

from pipeline.local.plane.asgi import Answer
from pipeline.local.plane.refusal import Refusal, bad_request, not_found
from pipeline.local.plane.rest.model import Definition, Op, RestApi, Wire, new_id, page
from pipeline.local.plane.rest.patching import apply, boolean, segments, text

_LARGEST = 10_485_760
_TYPES = ("REGIONAL", "EDGE", "PRIVATE")
_OPTIONAL = ("description", "version", "apiKeySource", "policy", "securityPolicy", "endpointAccessMode")


def create(op: Op) -> Answer:
    """CreateRestApi."""
    body = op.body
    if not body.get("name"):
        raise bad_request("Name cannot be empty")
    source = body.get("cloneFrom")
    api = add_api(op, attributes_of(body, op.now), body.get("tags"))
    if source is not None:
        api.definition = Op(op.store, op.caller, op.request, {"api": source}, {}, op.now).api().definition.snapshot()
    api.definition.binary_media_types = list(body.get("binaryMediaTypes") or [])
    return Answer.of_json(api.wire(), 201)


def add_api(op: Op, attributes: Wire, tags: dict[str, str] | None) -> RestApi:
    """A new and empty API of the caller's."""
    api = RestApi(
        id=new_id(10),
        account=op.caller.account,
        region=op.caller.region,
        attributes=attributes,
        definition=Definition.empty(),
        tags=dict(tags) if tags else None,
    )
    op.store.apis[api.id] = api
    return api


def attributes_of(body: Wire, now: int) -> Wire:
    """What an API shows of itself, defaults filled in. Raises BadRequestException."""
    if body.get("description") == "":
        raise bad_request("Description cannot be an empty string")
    attributes: Wire = {"name": body["name"], "createdDate": now, "apiKeySource": "HEADER"}
    attributes |= {key: body[key] for key in _OPTIONAL if body.get(key) is not None}
    attributes["disableExecuteApiEndpoint"] = bool(body.get("disableExecuteApiEndpoint"))
    attributes["endpointConfiguration"] = endpoint(body.get("endpointConfiguration") or {})
    size = body.get("minimumCompressionSize")
    if size is not None:
        attributes["minimumCompressionSize"] = _compression(size)
    return attributes


def endpoint(given: Wire) -> Wire:
    """The endpoint configuration with its defaults. Raises BadRequestException."""
    types = given.get("types", ["EDGE"])
    if not types:
        raise bad_request("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.")
    if len(types) > 1:
        raise bad_request("Cannot create an api with multiple Endpoint Types.")
    if types[0] not in _TYPES:
        raise bad_request(f"Invalid EndpointTypes specified. Valid options are {','.join(_TYPES)}")
    private = types[0] == "PRIVATE"
    family = given.get("ipAddressType") or ("dualstack" if private else "ipv4")
    if private and family != "dualstack":
        raise bad_request("Only dualstack ipAddressType is supported for Private APIs.")
    shown: Wire = {"types": list(types), "ipAddressType": family}
    if given.get("vpcEndpointIds"):
        shown["vpcEndpointIds"] = list(given["vpcEndpointIds"])
    return shown


def get(op: Op) -> Answer:
    """GetRestApi."""
    return Answer.of_json(op.api().wire())


def get_all(op: Op) -> Answer:
    """GetRestApis, in the order of their creation."""
    return page(op, (api.wire() for api in op.store.of(op.caller)))


def delete(op: Op) -> Answer:
    """DeleteRestApi, with all that it holds."""
    del op.store.apis[op.api().id]
    return Answer(202)


def update(op: Op) -> Answer:
    """UpdateRestApi."""
    api = op.api()
    attributes, media_types = deepcopy(api.attributes), list(api.definition.binary_media_types)
    for patch in op.patches:
        parts = segments(str(patch.get("path", "")))
        if parts[0] == "binaryMediaTypes":
            media_types = _media_types(media_types, parts, patch)
        elif parts[0] == "endpointConfiguration":
            attributes["endpointConfiguration"] = _endpoint(attributes["endpointConfiguration"], parts, patch)
        else:
            _attribute(attributes, patch)
    api.attributes, api.definition.binary_media_types = attributes, media_types
    api.tags = api.tags or {}
    return Answer.of_json(api.wire())


def _attribute(attributes: Wire, patch: Wire) -> None:
    name = str(patch.get("path", "")).removeprefix("/")
    if name == "name" and not patch.get("value"):
        raise bad_request("Name cannot be empty")
    scalars = dict.fromkeys(("name", "description", "version", "policy", "apiKeySource", "securityPolicy"), text)
    converters: dict[str, Any] = {
        **scalars,
        "disableExecuteApiEndpoint": boolean,
        "minimumCompressionSize": _compression,
    }
    apply(attributes, [patch], scalars=converters)


def _compression(value: Any) -> int:
    size = str(value)
    if not size.isdecimal() or int(size) > _LARGEST:
        raise bad_request(f"Invalid minimum compression size, must be between 0 and {_LARGEST}")
    return int(size)


def _media_types(current: list[str], parts: list[str], patch: Wire) -> list[str]:
    if len(parts) != 2:
        raise bad_request(f"Invalid patch path {patch.get('path')}")
    operation, name = patch.get("op"), parts[1]
    if operation == "remove":
        return [kept for kept in current if kept != name]
    if operation == "replace":
        replacement = str(patch.get("value") or name)
        return [replacement if kept == name else kept for kept in current]
    return [*(kept for kept in current if kept != name), name]


def _endpoint(current: Wire, parts: list[str], patch: Wire) -> Wire:
    operation, value, kind = patch.get("op"), patch.get("value"), parts[1] if len(parts) > 1 else ""
    if kind == "types":
        if operation not in {"add", "remove", "replace"}:
            raise bad_request("Invalid patch operation specified. Must be 'add'|'remove'|'replace'")
        return endpoint({**current, "types": [str(value)], "ipAddressType": None})
    if kind == "ipAddressType":
        if operation != "replace":
            raise bad_request("Invalid patch operation specified. Must be one of: [replace]")
        if value not in {"ipv4", "dualstack"}:
            raise bad_request("ipAddressType must be either ipv4 or dualstack.")
        return endpoint({**current, "ipAddressType": value})
    if kind == "vpcEndpointIds":
        kept = [i for i in current.get("vpcEndpointIds", ()) if i != value]
        return endpoint({**current, "vpcEndpointIds": kept if operation == "remove" else [*kept, value]})
    raise bad_request(f"Invalid patch path {patch.get('path')}")


# Tags, of APIs and of their stages: arn:aws:apigateway:<region>::/restapis/<api>[/stages/<stage>]


def get_tags(op: Op) -> Answer:
    """GetTags."""
    return Answer.of_json({"tags": _tags(op)})


def tag(op: Op) -> Answer:
    """TagResource."""
    given: dict[str, str] = op.body.get("tags") or {}
    if any(key.lower().startswith("aws:") for key in given):
        raise bad_request("Invalid tag key: keys that start with aws: are reserved")
    merged = {**_tags(op), **given}
    if len(merged) > 50:
        raise Refusal(429, "LimitExceededException", "Tag quota exceeded: at most 50 tags on a resource")
    _put_tags(op, merged)
    return Answer(204)


def untag(op: Op) -> Answer:
    """UntagResource."""
    gone = op.request.query.get("tagKeys", [])
    _put_tags(op, {key: value for key, value in _tags(op).items() if key not in gone})
    return Answer(204)


def _tagged(op: Op) -> tuple[RestApi, Wire | None]:
    parts = op.params["arn"].partition("::/")[2].split("/")
    api = Op(op.store, op.caller, op.request, {"api": parts[1]}, {}, op.now).api()
    if len(parts) == 4 and parts[2] == "stages":
        return api, api.stage(parts[3])
    if len(parts) != 2:
        raise not_found("Invalid resource ARN specified")
    return api, None


def _tags(op: Op) -> dict[str, str]:
    api, stage = _tagged(op)
    return dict((api.tags if stage is None else stage.get("tags")) or {})


def _put_tags(op: Op, tags: dict[str, str]) -> None:
    api, stage = _tagged(op)
    if stage is None:
        api.tags = tags
    else:
        stage["tags"] = tags


def get_account(op: Op) -> Answer:
    """GetAccount."""
    return Answer.of_json(op.store.settings(op.caller))


def update_account(op: Op) -> Answer:
    """UpdateAccount: the role that API Gateway writes its logs with, one per account and region."""
    settings = deepcopy(op.store.settings(op.caller))
    for patch in op.patches:
        role = str(patch.get("value") or "")
        if patch.get("path") == "/cloudwatchRoleArn" and role and ":role/" not in role:
            raise bad_request("Invalid ARN specified in the request")
    features = [patch for patch in op.patches if str(patch.get("path", "")).startswith("/features")]
    apply(settings, [p for p in op.patches if p not in features], scalars={"cloudwatchRoleArn": text})
    if not settings.get("cloudwatchRoleArn"):
        settings.pop("cloudwatchRoleArn", None)
    op.store.accounts[op.caller.account, op.caller.region] = settings
    return Answer.of_json(settings)
