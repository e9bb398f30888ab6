"""Mapping templates and parameter mappings, evaluated. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from pipeline.local.plane.traffic.velocity import (
    Assignment,
    Expression,
    Literal,
    Loop,
    Node,
    Operation,
    Quoted,
    Reference,
    Several,
    Step,
    TemplateError,
    parse,
)

_OVERRIDE = "responseOverride"


@dataclass(frozen=True)
class Params:
    """What `$input.params()` knows; a name is looked for in the path, then the query, then the headers."""

    path: Mapping[str, str] = field(default_factory=dict)
    querystring: Mapping[str, str] = field(default_factory=dict)
    header: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: str) -> str | None:
        """None when there is no such parameter."""
        return self.path.get(name, self.querystring.get(name, self.header.get(name)))


@dataclass(frozen=True)
class Rendered:
    """The text, and the status and headers that the template has overridden."""

    text: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def render(
    template: str,
    *,
    context: Mapping[str, str],
    variables: Mapping[str, str] | None = None,
    params: Params | None = None,
    body: str = "",
) -> Rendered:
    """The template with everything filled in; what is not known becomes nothing. Raises TemplateError."""
    scope: dict[str, Any] = {
        "context": _nested(context),
        "stageVariables": dict(variables or {}),
        "input": _Input(params or Params(), body),
        "util": _Util(),
    }
    text = _Evaluation(scope).text(parse(template))
    override = scope["context"].get(_OVERRIDE, {})
    status = override.get("status")
    headers = {name: _shown(value) for name, value in override.get("header", {}).items()}
    return Rendered(text, int(status) if status is not None else None, headers)


def mapped(expression: str, lookup: Callable[[str], str | None]) -> str | None:
    """The value of a parameter mapping: a quoted text as it is, anything else looked up."""
    if len(expression) >= 2 and expression.startswith("'") and expression.endswith("'"):
        return expression[1:-1]
    return lookup(expression)


def _nested(flat: Mapping[str, str]) -> dict[str, Any]:
    """`identity.sourceIp` as a member of `identity`."""
    found: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, last = path.split(".")
        inner = found
        for part in parents:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return found


class _Input:
    """`$input`."""

    def __init__(self, params: Params, body: str) -> None:
        self._params = params
        self.body = body

    def params(self, name: str | None = None) -> Any:
        """One parameter, or all of them by their places."""
        if name is not None:
            return self._params.find(name)
        return {place: dict(getattr(self._params, place)) for place in ("path", "querystring", "header")}

    def path(self, expression: str) -> Any:
        """A part of the body, by the simple paths of JSONPath: `$.a.b[0]`."""
        value: Any = json.loads(self.body or "{}")
        for part in expression.removeprefix("$").replace("[", ".").replace("]", "").split("."):
            if part:
                value = _member(value, part.strip("'\""))
        return value

    def json(self, expression: str) -> str:
        """The same as JSON."""
        return json.dumps(self.path(expression), separators=(",", ":"))


class _Util:
    """`$util`."""

    escapeJavaScript = staticmethod(lambda text: json.dumps(str(text))[1:-1].replace("'", "\\'"))  # noqa: N815 - AWS's
    parseJson = staticmethod(json.loads)  # noqa: N815 - AWS's name
    urlEncode = staticmethod(lambda text: quote(str(text), safe=""))  # noqa: N815 - AWS's name
    urlDecode = staticmethod(lambda text: unquote(str(text)))  # noqa: N815 - AWS's name
    base64Encode = staticmethod(lambda text: base64.b64encode(str(text).encode()).decode())  # noqa: N815 - AWS's name
    base64Decode = staticmethod(lambda text: base64.b64decode(str(text)).decode())  # noqa: N815 - AWS's name


def _same(one: Any, other: Any) -> bool:
    """What is not there equals the empty text: `$input.params('x') == ""` is how templates ask."""
    return ("" if one is None else one) == ("" if other is None else other)


def _member(value: Any, name: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get(name)
    if isinstance(value, list) and str(name).lstrip("-").isdecimal():
        index = int(name)
        return value[index] if -len(value) <= index < len(value) else None
    return None


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


# Java's methods on texts, lists and maps, as far as templates use them.
_METHODS: Mapping[str, Callable[..., Any]] = {
    "contains": lambda value, other: other in value,
    "containsKey": lambda value, key: key in value,
    "endsWith": lambda value, end: str(value).endswith(end),
    "entrySet": lambda value: [{"key": key, "value": inner} for key, inner in value.items()],
    "equals": lambda value, other: value == other,
    "equalsIgnoreCase": lambda value, other: str(value).lower() == str(other).lower(),
    "get": _member,
    "isEmpty": lambda value: not value,
    "keySet": list,
    "length": len,
    "replace": lambda value, old, new: str(value).replace(old, new),
    "size": len,
    "split": lambda value, sign: str(value).split(sign),
    "startsWith": lambda value, start: str(value).startswith(start),
    "toLowerCase": lambda value: str(value).lower(),
    "toString": _shown,
    "toUpperCase": lambda value: str(value).upper(),
    "trim": lambda value: str(value).strip(),
}
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": _same,
    "!=": lambda one, other: not _same(one, other),
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


class _Evaluation:
    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope = scope

    def text(self, nodes: tuple[Node, ...]) -> str:
        return "".join(self._node(node) for node in nodes)

    def _node(self, node: Node) -> str:
        if isinstance(node, str):
            return node
        if isinstance(node, Reference):
            return _shown(self.value(node))
        if isinstance(node, Assignment):
            self._assign(node.target, self.value(node.value))
            return ""
        if isinstance(node, Loop):
            return self._loop(node)
        for condition, body in node.branches:
            if condition is None or self._holds(condition):
                return self.text(body)
        return ""

    def _loop(self, node: Loop) -> str:
        parts = []
        for item in self.value(node.items) or []:
            self.scope[node.name] = item
            parts.append(self.text(node.body))
        return "".join(parts)

    def _holds(self, condition: Expression) -> bool:
        value = self.value(condition)
        return value is not None and value is not False

    def _assign(self, target: Reference, value: Any) -> None:
        names = [target.name, *(step.name for step in target.steps)]
        inner = self.scope
        for name in names[:-1]:
            following = inner.setdefault(str(name), {})
            if not isinstance(following, dict):
                raise TemplateError(f"#set on {target.name}: {name} has no members")
            inner = following
        inner[str(names[-1])] = value

    def value(self, expression: Expression) -> Any:
        if isinstance(expression, Literal):
            return expression.value
        if isinstance(expression, Quoted):
            return self.text(expression.parts)
        if isinstance(expression, Several):
            return [self.value(item) for item in expression.items]
        if isinstance(expression, Operation):
            return self._operation(expression)
        value = self.scope.get(expression.name)
        for step in expression.steps:
            value = self._step(value, step)
        return value

    def _step(self, value: Any, step: Step) -> Any:
        if value is None:
            return None
        if step.name is None:
            return _member(value, self.value((step.arguments or ())[0]))
        own = isinstance(value, _Input | _Util) and not step.name.startswith("_")
        member = getattr(value, step.name, None) if own else None
        if step.arguments is None:
            return member if own else _member(value, step.name)
        function = member if own else _METHODS.get(step.name)
        if function is None:
            raise TemplateError(f"no method {step.name}")
        arguments = [self.value(argument) for argument in step.arguments]
        try:
            return function(*arguments) if own else function(value, *arguments)
        except (TypeError, ValueError, LookupError) as error:
            raise TemplateError(f"{step.name}: {error}") from None

    def _operation(self, expression: Operation) -> Any:
        operator, operands = expression.operator, expression.operands
        if operator == "not":
            return not self._holds(operands[0])
        if operator == "&&":
            return all(self._holds(one) for one in operands)
        if operator == "||":
            return any(self._holds(one) for one in operands)
        one, other = (self.value(operand) for operand in operands)
        try:
            if operator in _COMPARISONS:
                return _COMPARISONS[operator](one, other)
            if operator == "+":
                return one + other if isinstance(one, int | float) else _shown(one) + _shown(other)
            return one - other
        except TypeError as error:
            raise TemplateError(str(error)) from None
