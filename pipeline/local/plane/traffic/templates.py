"""The part of mapping templates that gateways are configured with in practice: variables, no directives. Pure.

Understood: `$context.x`, `$stageVariables.x`, `$input.params('x')`, `$input.body`, `$input.json('$')`, each also as
`${...}` where the language allows it. `#set` and the other directives of the template language are left as they are.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

import re
from collections.abc import Callable, Mapping

_VARIABLE = re.compile(
    r"\$(?P<brace>\{)?(?:(?P<space>context|stageVariables)\.(?P<name>[A-Za-z0-9_.]*[A-Za-z0-9_])"
    r"|input\.params\('(?P<param>[^']*)'\)|(?P<body>input\.body|input\.json\('\$'\)))(?(brace)\})"
)


def render(
    template: str, *, context: Mapping[str, str], variables: Mapping[str, str], params: Mapping[str, str], body: str
) -> str:
    """The template with its variables filled in; unknown ones become nothing, as on AWS."""

    def value(found: re.Match[str]) -> str:
        if found["param"] is not None:
            return params.get(found["param"], "")
        if found["body"] is not None:
            return body
        known = context if found["space"] == "context" else variables
        return known.get(found["name"], "")

    return _VARIABLE.sub(value, template)


def mapped(expression: str, lookup: Callable[[str], str | None]) -> str | None:
    """The value of a parameter mapping: a quoted text as it is, anything else looked up."""
    if len(expression) >= 2 and expression.startswith("'") and expression.endswith("'"):
        return expression[1:-1]
    return lookup(expression)
