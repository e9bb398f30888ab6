"""Addresses of a function that nobody declares: whoever made one by hand opened another way to its code.

Looked for where callers could be let in by it: at the function itself and at the alias that callers use.
https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionUrlConfig.html
"""

from collections.abc import Mapping
from typing import Any

from pipeline.model.values import Properties
from pipeline.resources.base import Aws

OPEN = "NONE"


def foreign(aws: Aws, *wanted: Properties | None) -> dict[str | None, str]:
    """By qualifier, what each says in words; `wanted` is the function now and as it was released."""
    properties = wanted[0] or {}
    name, alias = str(properties["name"]), str(properties.get("alias") or "live")
    declared = any((each or {}).get("url") for each in wanted)
    among: tuple[str | None, ...] = (None,) if declared else (None, alias)
    found = aws.gather([lambda q=q: _address(aws, name, q) for q in among])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    return {q: _told(each, q) for q, each in zip(among, found, strict=True) if each}


def _address(aws: Aws, name: str, qualifier: str | None) -> Mapping[str, Any] | None:
    return aws.found("lambda", "GetFunctionUrlConfig", FunctionName=name, **_at(qualifier))


def _told(found: Mapping[str, Any], qualifier: str | None) -> str:
    who = "everybody" if found["AuthType"] == OPEN else "whoever IAM lets"
    return f"{who} may call {qualifier or 'the unqualified function'} at {found['FunctionUrl']}"


def remove(aws: Aws, name: str, qualifier: str | None) -> None:
    """Takes one address away; quiet when it is gone."""
    aws.found("lambda", "DeleteFunctionUrlConfig", FunctionName=name, **_at(qualifier))


def _at(qualifier: str | None) -> dict[str, str]:
    return {"Qualifier": qualifier} if qualifier else {}
