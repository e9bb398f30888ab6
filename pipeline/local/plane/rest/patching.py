"""Patch operations (RFC 6902 as API Gateway understands it) on scalars and maps of a wire object. Pure.

https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.local.plane.refusal import bad_request
from pipeline.local.plane.rest.model import Wire

Convert = Callable[[Any], Any]


def text(value: Any) -> str:
    """A string as it is."""
    return "" if value is None else str(value)


def boolean(value: Any) -> bool:
    """`true` in any case; everything else is false, as AWS takes it."""
    return str(value).lower() == "true"


def number(value: Any) -> int:
    """A whole number. Raises BadRequestException."""
    try:
        return int(str(value))
    except ValueError:
        raise bad_request(f"Invalid value for patch operation: {value}") from None


def segments(path: str) -> list[str]:
    """The parts of a JSON pointer, unescaped."""
    return [part.replace("~1", "/").replace("~0", "~") for part in path.removeprefix("/").split("/")]


def apply(
    target: Wire,
    operations: Sequence[Mapping[str, Any]],
    *,
    scalars: Mapping[str, Convert],
    maps: Mapping[str, Convert] | None = None,
) -> None:
    """Carries the operations out on `target`: `/name` for scalars, `/name/key` for the entries of maps.

    Raises BadRequestException for a path or an operation that does not fit; the target may then be half changed, so
    callers pass a copy.
    """
    known_maps = maps or {}
    for operation in operations:
        op, path = str(operation.get("op")), str(operation.get("path", ""))
        parts = segments(path)
        if len(parts) == 1 and parts[0] in scalars:
            _scalar(target, parts[0], op, operation.get("value"), scalars[parts[0]])
        elif len(parts) == 2 and parts[0] in known_maps:
            _entry(target, parts, op, operation.get("value"), known_maps[parts[0]])
        else:
            raise bad_request(f"Invalid patch path {path}")


def _scalar(target: Wire, name: str, op: str, value: Any, convert: Convert) -> None:
    if op != "replace":
        raise bad_request("Invalid patch operation specified. Must be one of: [replace]")
    if value in {None, ""} and convert is not boolean:
        target.pop(name, None)
    else:
        target[name] = convert(value)


def _entry(target: Wire, parts: list[str], op: str, value: Any, convert: Convert) -> None:
    name, key = parts
    entries: Wire = dict(target.get(name) or {})
    if op == "remove":
        if key not in entries:
            raise bad_request(f"Invalid patch path /{name}/{key}")
        del entries[key]
    elif op in {"add", "replace"}:
        entries[key] = convert(value)
    else:
        raise bad_request("Invalid patch operation specified. Must be 'add'|'remove'|'replace'")
    if entries:
        target[name] = entries
    else:
        target.pop(name, None)
