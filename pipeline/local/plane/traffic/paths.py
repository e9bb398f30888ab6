"""Which resource of an API a request's path meets, and which address names which API. Pure.

A literal part goes before `{name}`, and `{name}` before the greedy `{name+}`.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pipeline.local.plane.rest.model import Resource

_PREFIX = "/_aws/execute-api/"
_HOST = ".execute-api."


@dataclass(frozen=True)
class Target:
    """What an address names: an API, a stage, and the path below it, still percent-encoded, starting with a slash."""

    api: str
    stage: str
    path: str


@dataclass(frozen=True)
class Match:
    """The resource that serves a path, and the values of its variables (decoded)."""

    resource: Resource
    variables: Mapping[str, str]


def target_of(host: str, raw_path: str) -> Target | None:
    """From `/_aws/execute-api/API/STAGE/...`, or from the host `API.execute-api....` and `/STAGE/...`; else None."""
    if raw_path.startswith(_PREFIX):
        api, _, rest = raw_path.removeprefix(_PREFIX).partition("/")
    elif _HOST in host:
        api, rest = host.partition(_HOST)[0], raw_path.removeprefix("/")
    else:
        return None
    stage, _, path = rest.partition("/")
    return Target(api, unquote(stage), f"/{path}")


def match(resources: Iterable[Resource], raw_path: str) -> Match | None:
    """The best match for a path; a trailing slash does not count."""
    given = [part for part in raw_path.strip("/").split("/") if part]
    best: tuple[tuple[int, ...], Match] | None = None
    for resource in resources:
        wanted = [part for part in resource.path.strip("/").split("/") if part]
        variables = _variables(wanted, given)
        if variables is None:
            continue
        rank = tuple(_rank(part) for part in wanted)
        if best is None or rank < best[0]:
            best = (rank, Match(resource, variables))
    return best[1] if best else None


def _rank(part: str) -> int:
    if not part.startswith("{"):
        return 0
    return 2 if part.endswith("+}") else 1


def _variables(wanted: list[str], given: list[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for index, part in enumerate(wanted):
        if part.endswith("+}") and index < len(given):
            found[part[1:-2]] = unquote("/".join(given[index:]))
            return found
        if index >= len(given):
            return None
        if part.startswith("{"):
            found[part[1:-1]] = unquote(given[index])
        elif part != unquote(given[index]):
            return None
    return found if len(wanted) == len(given) else None


def method_for(resource: Resource, verb: str) -> dict[str, Any] | None:
    """The method of exactly this verb, else ANY, else None."""
    return resource.methods.get(verb) or resource.methods.get("ANY")
