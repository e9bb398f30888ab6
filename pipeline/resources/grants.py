"""What policy documents grant, statement by statement, for the part of a plan that tells what access widens. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.model.access import Grant
from pipeline.model.values import Properties, Unknown, Value, plain, transform
from pipeline.resources import policies


def of_document(document: Any, *, principal: str | None = None, resource: str | None = None) -> Iterator[Grant]:
    """The grants of a document in canonical form.

    `principal` is whom the policy of an identity speaks of, `resource` what a trust policy speaks of.
    """
    for statement in policies.statements(_readable(document)):
        if not isinstance(statement, Mapping):
            continue
        condition = _condition(statement.get("Condition"))
        for who in [principal] if principal else _principals(statement):
            for action in _either(statement, "Action"):
                for target in [resource] if resource else _either(statement, "Resource"):
                    yield Grant(who, action, target, statement.get("Effect") == "Allow", condition)


def of_routes(kind: str, properties: Properties, routes: Value) -> Iterator[Grant]:
    """Everybody may use the routes of an API that ask for nothing: neither signature nor token nor key."""
    for key, entry in routes.items() if isinstance(routes, Mapping) else ():
        guarded = not isinstance(entry, Mapping) or entry.get("authorization") != "NONE"
        if not guarded and "function" in entry and not entry.get("api_key_required"):
            yield Grant("*", str(key), f"{kind}/{properties['name']}")


def text(value: Value) -> str:
    """A value as a grant shows it; what only applying can tell as the expression that it comes from."""
    return str(plain(_readable(value)))


def _readable(value: Value) -> Value:
    return transform(value, lambda leaf: leaf.expression if isinstance(leaf, Unknown) else leaf)


def _principals(statement: Mapping[str, Any]) -> Iterator[str]:
    for key, prefix in (("Principal", ""), ("NotPrincipal", "all but ")):
        found = statement.get(key)
        if isinstance(found, str):
            yield prefix + found
        elif isinstance(found, Mapping):
            for items in found.values():
                yield from (prefix + text(item) for item in _items(items))


def _either(statement: Mapping[str, Any], key: str) -> Iterator[str]:
    yield from (text(item) for item in _items(statement.get(key)))
    if (excluded := statement.get(f"Not{key}")) is not None:
        yield "all but " + ", ".join(text(item) for item in _items(excluded))


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, (list, tuple)) else () if value is None else (value,)


def _condition(found: Any) -> str:
    """`StringEquals aws:SourceAccount = 123456789012 and ...`, in an order of its own."""
    if not isinstance(found, Mapping):
        return ""
    tests = []
    for operator, keys in sorted(found.items()):
        for key, values in sorted(keys.items()) if isinstance(keys, Mapping) else ():
            wanted = " or ".join(sorted(text(value) for value in _items(values)))
            tests.append(f"{operator} {key} = {wanted}")
    return " and ".join(tests) or json.dumps(plain(found))
