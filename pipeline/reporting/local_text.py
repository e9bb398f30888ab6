"""The embedded AWS, described. Pure."""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import Diagnostic
from pipeline.reporting.style import Style, table


def lost(deploy: str) -> Diagnostic:
    """That a new and empty embedded AWS has taken the place of one that died; `deploy` is what fills it."""
    return Diagnostic(
        f"the embedded AWS that ran here has ended without being stopped, {_WITH_IT}; this is a new and empty one",
        hint=f"{deploy}, which makes everything anew, as release 1",
        severity="warning",
    )


_WITH_IT = "and everything in it is gone: what was deployed, its data, its releases"


def render_local(document: Mapping[str, Any], style: Style) -> str:
    """The document of `local status` as text, with the variables that point the AWS CLI here."""
    if document.get("lost"):
        return f"the embedded AWS has ended without being stopped, {_WITH_IT}; try: pipeline local start"
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
