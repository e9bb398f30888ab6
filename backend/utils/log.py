"""One JSON line per event on stdout, from where Lambda takes it to CloudWatch Logs.

Only named fields are written, never a request's body or headers; a field named like a secret is masked.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
SECRET = re.compile(r"(^|_)(token|secret|password|authorization|cookie|credentials?|api_?key)$", re.IGNORECASE)


def info(message: str, **fields: Any) -> None:
    """Something that happened as it should."""
    _write("INFO", message, fields)


def warning(message: str, **fields: Any) -> None:
    """Something that the service could answer in spite of."""
    _write("WARNING", message, fields)


def error(message: str, **fields: Any) -> None:
    """Something that nobody foresaw."""
    _write("ERROR", message, fields)


def _write(level: str, message: str, fields: dict[str, Any]) -> None:
    least = LEVELS.get(os.environ.get("LOG_LEVEL", "INFO").upper(), LEVELS["INFO"])
    if LEVELS[level] < least:
        return
    shown = {name: "***" if SECRET.search(name) else value for name, value in fields.items()}
    # Lambda sets the trace id anew for every invocation: it ties the lines of one request together.
    trace = {"trace": os.environ["_X_AMZN_TRACE_ID"]} if "_X_AMZN_TRACE_ID" in os.environ else {}
    line = {"level": level, "message": message, **shown, **trace}
    sys.stdout.write(json.dumps(line, default=str) + "\n")
