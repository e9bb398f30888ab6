"""Whether what the `access` of functions names within other resources is there: indexes, streams, aliases. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.config.desired import Rendered
from pipeline.config.findings import Findings, Place, did_you_mean, one_of
from pipeline.model.resource import Resource

FUNCTION, TABLE, API = "lambda.function", "dynamodb.table", "apigatewayv2.api"
Finding = tuple[str, str, str]  # the key, what is wrong with it, what to try


def check_access(rendered: Sequence[Rendered], environment: str, findings: Findings) -> None:
    """Every entry of every function. Names of resources themselves are links, which are checked elsewhere."""
    known = {item.address: item.resource for item in rendered if item.resource}
    for item in rendered:
        function = item.resource
        if function is None or function.type != FUNCTION:
            continue
        places = function.source.paths if function.source else {}
        for number, entry in enumerate(function.properties.get("access") or ()):
            for key, message, hint in (*_of_table(entry, known), *_of_pointer(entry, known, environment)):
                here = (item.place.line, item.place.column)
                line, column = places.get(("access", number, key), places.get(("access", number), here))
                findings.error(message, Place(item.place.file, line, column), hint=hint, address=function.address)


def _of_table(entry: Mapping[str, Any], known: Mapping[str | None, Resource]) -> Iterator[Finding]:
    table = known.get(f"{TABLE}/{entry.get('table')}")
    if table and "index" in entry:
        names = [one["name"] for key in ("indexes", "local_indexes") for one in table.properties.get(key) or ()]
        if entry["index"] not in names:
            near = did_you_mean(str(entry["index"]), names)
            yield "index", f"{table.address} has no index {entry['index']}{near}", one_of(names)
    streaming = known.get(f"{TABLE}/{entry.get('stream')}")
    if streaming and not streaming.properties.get("stream"):
        yield "stream", f"{streaming.address} has no stream", "write stream: true there"


def _of_pointer(entry: Mapping[str, Any], known: Mapping[str | None, Resource], environment: str) -> Iterator[Finding]:
    for key, kind, named, usual in (
        ("function", FUNCTION, "alias", "live"),
        ("websocket_api", API, "stage", environment),
    ):
        target = known.get(f"{kind}/{entry.get(key)}")
        wanted, has = entry.get(named) or usual, target and target.properties.get(named)
        if target and wanted != has:
            yield named, f"{target.address} has no {named} {wanted}: its {named} is {has}", f"write {named}: {has}"
