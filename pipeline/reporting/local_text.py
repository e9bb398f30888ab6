"""The embedded AWS, described. Pure."""

from typing import Any

from pipeline.local.supervisor import LocalAws
from pipeline.reporting.style import Style, table


def describe(running: LocalAws | None) -> dict[str, Any]:
    """As JSON: {"running": false}, or where it runs and how to talk to it."""
    if running is None:
        return {"running": False}
    return {
        "running": True,
        "endpoint": running.endpoint,
        "pid": running.pid,
        "account": running.account,
        "python": ".".join(str(part) for part in running.python),
        "log": str(running.log),
        "started": running.started,
        "environment": dict(running.environment()),
    }


def render(running: LocalAws | None, style: Style) -> str:
    """As text, with the variables that point the AWS CLI here."""
    if running is None:
        return "the embedded AWS does not run; try: pipeline local start"
    facts = [
        ("endpoint", running.endpoint),
        ("process", str(running.pid)),
        ("account", running.account),
        ("functions run in", f"Python {'.'.join(str(part) for part in running.python)}"),
        ("log", str(running.log)),
    ]
    exports = " ".join(f"{key}={value}" for key, value in running.environment().items())
    return f"{style.bold('the embedded AWS runs')}\n{table(facts, '  ')}\n  talk to it: {exports} aws ..."
