"""The ownership mark in a text, for what carries no tags: a description or a comment that begins with it. Pure.

pipeline:<service>/<environment> <the author's text>
"""

import re

from pipeline.model.resource import Mark
from pipeline.model.scope import Scope

_MARKED = re.compile(r"pipeline:(?P<service>[^/\s]+)/(?P<environment>\S+)(?: (?P<text>.*))?", re.DOTALL)


def marked(scope: Scope, text: str) -> str:
    """The text behind the mark of a scope."""
    return f"pipeline:{scope.service}/{scope.environment} {text}".rstrip()


def split(text: str | None, address: str) -> tuple[str, Mark | None]:
    """The author's text and the mark in front of it."""
    found = _MARKED.fullmatch(text or "")
    if found is None:
        return text or "", None
    return found["text"] or "", Mark(found["service"], found["environment"], address)
