"""Whether what invokes a function names the alias that the function has. Pure."""

from collections.abc import Sequence

from pipeline.config.desired import Rendered
from pipeline.config.findings import Findings, Place

FUNCTION = "lambda.function"


def check_aliases(rendered: Sequence[Rendered], findings: Findings) -> None:
    """Looks at every resource with `function` and `alias`: schedules, event sources, and the permissions of APIs."""
    functions = {item.address: item.resource for item in rendered if item.type == FUNCTION}
    for item in rendered:
        named = item.resource.properties if item.resource else {}
        function = functions.get(f"{FUNCTION}/{named.get('function')}")
        if item.resource is None or function is None or "alias" not in named:
            continue
        has, source = function.properties["alias"], item.resource.source
        if named["alias"] != has:
            line, column = (source.paths if source else {}).get(("alias",), (item.place.line, item.place.column))
            findings.error(
                f"{function.address} has no alias {named['alias']}: its alias is {has}",
                Place(item.place.file, line, column),
                hint=f"write alias: {has} here, or alias: {named['alias']} there",
                address=item.address,
            )
