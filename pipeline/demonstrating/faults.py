"""Ways in which a release can be bad, done to a checkout that is thrown away afterwards.

A handler is broken without a look into it: code at the end of its module takes its place and calls it. An API is broken
where its specs name a path.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.errors import BadInput
from pipeline.model.resource import Resource

FUNCTION, PROVISIONED = "lambda.function", "lambda.provisioned_concurrency"
REST_API, HTTP_API = "apigateway.rest_api", "apigatewayv2.http_api"
_SLOW_SECONDS = 1.5
_PLAIN = re.compile(r"/[^{}$]*")

_WRAPPER = """

# Broken on purpose, to see it taken back.
import random as _random
import time as _time

_whole = {name}


def {name}(event, context):
    if {when}:
        {what}
    return _whole(event, context)
"""
_ALWAYS, _HALF = "True", "_random.random() < 0.5"
_RAISE = 'raise RuntimeError("broken on purpose")'


class Fault(StrEnum):
    """What is wrong with a release."""

    ERRORS = "errors"
    SLOW = "slow"
    ROUTE = "route"
    ANSWERS = "answers"
    DEFINITION = "definition"
    NONE = "none"

    @property
    def takes_history(self) -> bool:
        """True when it shows in the figures of the API alone, which are compared with those of the minutes before."""
        return self in (Fault.ANSWERS, Fault.DEFINITION)


@dataclass(frozen=True)
class Route:
    """What anybody may ask with GET: `path` of the API `api`, whose address is an output, answered by `function`."""

    api: str
    path: str
    function: str

    def __str__(self) -> str:
        return f"GET {self.path}"


def routes_of(desired: Iterable[Resource]) -> list[Route]:
    """The routes that need neither a key, a token nor a parameter; those that share their traffic come first."""
    resources = tuple(desired)
    apis = [resource for resource in resources if resource.type in (REST_API, HTTP_API)]
    provisioned = {str(r.properties.get("function")) for r in resources if r.type == PROVISIONED}
    found = [route for api in sorted(apis, key=lambda a: a.type != REST_API) for route in _open(api)]
    return sorted(found, key=lambda route: route.function in provisioned)


def _open(api: Resource) -> Iterator[Route]:
    endpoints: Mapping[str, Any] = api.properties["endpoints"]
    for key, entry in endpoints.items():
        method, _, path = key.partition(" ")
        is_open = entry.get("authorization") == "NONE" and not entry.get("api_key_required")
        if method in ("GET", "ANY") and is_open and "function" in entry and _PLAIN.fullmatch(path):
            yield Route(api.address, path, str(entry["function"]))


@dataclass(frozen=True)
class Break:
    """One change of a checkout: `text` in place of what `path` holds; `told` says what it does, for people."""

    path: Path
    text: str
    told: str

    def carry_out(self) -> None:
        """Writes it."""
        self.path.write_text(self.text, encoding="utf-8")


def breaking(root: Path, code: str, desired: Iterable[Resource], fault: Fault, route: Route) -> Break:
    """How to break the checkout at `root`, whose code is in `code`, at `route`. BadInput when that cannot be done."""
    resources = {resource.address: resource for resource in desired}
    if fault is Fault.DEFINITION:
        return _moved(root, resources[route.api], route)
    function = resources[f"{FUNCTION}/{route.function}"]
    module, _, name = str(function.properties["handler"]).rpartition(".")
    path = _module(root / code, module)
    text = path.read_text(encoding="utf-8")
    if fault is Fault.NONE:
        return Break(path, f"{text}\n# Another release, no worse.\n", f"a comment more in {path.relative_to(root)}")
    when, what, told = _broken(fault, route)
    return Break(path, text + _WRAPPER.format(name=name, when=when, what=what), f"{route.function} {told}")


def _broken(fault: Fault, route: Route) -> tuple[str, str, str]:
    """When the handler misbehaves, what it does then, and both in words."""
    if fault is Fault.SLOW:
        return _ALWAYS, f"_time.sleep({_SLOW_SECONDS})", f"takes {_SLOW_SECONDS} s longer"
    if fault is Fault.ANSWERS:
        return _ALWAYS, 'return {"statusCode": 500, "body": "broken on purpose"}', "answers 500"
    if fault is Fault.ROUTE:
        asked = "f\"{event.get('httpMethod')} {event.get('resource')}\""
        return f'"GET {route.path}" in (event.get("routeKey"), {asked})', _RAISE, f"fails at {route}, and nowhere else"
    return _HALF, _RAISE, "fails at half of its requests"


def _module(code: Path, module: str) -> Path:
    base = code / module.replace(".", "/")
    for path in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
        if path.is_file():
            return path
    raise BadInput(f"breaking {module}: its source is not in {code.name}", hint="another --fault, such as definition")


def _moved(root: Path, api: Resource, route: Route) -> Break:
    """The API knows the path by another name, so that who asks for the old one is refused."""
    if api.type != REST_API:
        raise BadInput(
            f"breaking the definition of {api.address}: AWS has canaries for the definitions of REST APIs alone",
            hint="another --fault, such as errors",
        )
    assert api.source is not None
    path = root / api.source.file
    named = re.compile(rf"(\bpath[\"']?:\s*[\"']?){re.escape(route.path)}(?=[\"'\s,}}]|$)", re.MULTILINE)
    text, count = named.subn(rf"\g<1>{route.path.rstrip('/')}/moved", path.read_text(encoding="utf-8"))
    if not count:
        raise BadInput(f"breaking {route}: {api.source.file} does not name this path literally")
    return Break(path, text, f"{api.name} knows {route.path} no more")
