"""What a demonstration has shown, for people. Pure."""

from collections.abc import Mapping
from typing import Any

from pipeline.reporting.style import Style, seconds, table

_WHEN = {"before": "release 1 alone", "during": "release 2 beside it", "after": "afterwards"}


def render_demo(document: Mapping[str, Any], style: Style) -> str:
    """The document of `local demo` as text."""
    canary, good = document["canary"], document["as_expected"]
    what = {"promoted": "was promoted", "reverted": "was taken back"}.get(canary["outcome"], "waits")
    why = "" if good else ", though nothing is wrong with it" if document["fault"] == "none" else ", though it is bad"
    mark = style("✓", fg="green", bold=True) if good else style("✗", fg="red", bold=True)
    serving = f"release {document['release']} has all traffic in {document['environment']}"
    head = f"release {canary['release']} {what}{why}: {serving}"
    rows = [("", "requests", "failed", "took over 1 s")]
    for key, told in _WHEN.items():
        tally = document["requests"][key]
        rows.append((told, str(tally["sent"]), str(tally["failed"]), str(tally["slow"])))
    took = style.dim(f"({seconds(document['seconds'])})")
    return f"{mark} {style.bold(head)} {took}\n\n{table(rows, '  ')}"
