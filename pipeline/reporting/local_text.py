"""The embedded AWS, described. Pure."""

from collections.abc import Mapping
from typing import Any

from pipeline.reporting.style import Style, table


def render_local(document: Mapping[str, Any], style: Style) -> str:
    """The document of `local status` as text, with the variables that point the AWS CLI here."""
    if not document["running"]:
        return "the embedded AWS does not run; try: pipeline local start"
    facts = [
        ("endpoint", document["endpoint"]),
        ("process", str(document["pid"])),
        ("account", document["account"]),
        ("functions run in", f"Python {document['python']}"),
        ("log", document["log"]),
    ]
    exports = " ".join(f"{key}={value}" for key, value in document["environment"].items())
    return f"{style.bold('the embedded AWS runs')}\n{table(facts, '  ')}\n  talk to it: {exports} aws ..."
