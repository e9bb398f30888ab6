"""Follows a list operation from page to page by botocore's own pagination rules."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from pipeline.errors import PipelineError

# (token in the answer, parameter of the next call) of operations that botocore has no rules for.
_USUAL = (
    ("NextToken", "NextToken"),
    ("nextToken", "nextToken"),
    ("NextMarker", "Marker"),
    ("position", "position"),
)


def follow(
    call: Callable[[dict[str, Any]], Mapping[str, Any]], key: str, rules: Mapping[str, Any] | None
) -> Iterator[Any]:
    """Every item under `key` (dotted) of every page; `call` takes the parameters that lead to a page.

    Raises PipelineError when an answer leads back to its own page.
    """
    more: dict[str, Any] = {}
    while True:
        answer = call(more)
        yield from _items(answer, key)
        following = _next(answer, rules)
        if not following:
            return
        if following == more:
            raise PipelineError(f"listing {key}: the answer leads to the same page again ({following})")
        more = following


def _items(answer: Mapping[str, Any], key: str) -> list[Any]:
    value: Any = answer
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return list(value or ())


def _next(answer: Mapping[str, Any], rules: Mapping[str, Any] | None) -> dict[str, Any]:
    if rules is None:
        return next(({into: answer[token]} for token, into in _USUAL if answer.get(token)), {})
    if "more_results" in rules and not _look_up(rules["more_results"], answer):
        return {}
    tokens = zip(_listed(rules["input_token"]), _listed(rules["output_token"]), strict=True)
    found = {into: _look_up(expression, answer) for into, expression in tokens}
    return {into: value for into, value in found.items() if value not in (None, "", [])}


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _look_up(expression: str, answer: Mapping[str, Any]) -> Any:
    if expression.isidentifier():
        return answer.get(expression)
    # Comes with botocore, whose rules are written in it; few of them need it.
    return import_module("jmespath").search(expression, answer)
