"""Tells people outside of GitHub what somebody should look at. Nothing depends on it, and the addresses are secrets."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from pipeline import __version__
from pipeline.commands.runners import run_url_of
from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput, Diagnostic, PipelineError
from pipeline.reporting.console import Console
from pipeline.reporting.notice_text import Notice

# Whoever has one of these addresses can write there.
SLACK, OTHER = "PIPELINE_SLACK_WEBHOOK", "PIPELINE_WEBHOOK"
_ANSWERED = ("pull_request", "merge_group", "issue_comment")
_EVENTS = {1: "failed", 2: "failed", 4: "refused", 5: "reverted"}


def notify(space: Workspace, event: str, place: str, text: str) -> None:
    """Sends a notice to every address that the environment of the run has."""
    _notify(space.console, space.environ, event, place, text)


def notify_end(space: Workspace, place: str, exit_code: int, text: str) -> None:
    """A notice of a run that did not end well; one that somebody stopped needs none."""
    if (event := _EVENTS.get(exit_code)) is not None:
        notify(space, event, place, text)


@contextmanager
def notifying_before(console: Console, environ: Mapping[str, str]) -> Iterator[None]:
    """Tells of what fails before it is known which environment it is about: nothing is done then, and nobody knows.

    Who opened a pull request or gave a command is told there.
    """
    try:
        yield
    except BadInput as error:
        if environ.get("GITHUB_EVENT_NAME") not in _ANSWERED:
            _notify(console, environ, "failed", None, f"reading what is to be done: {error}")
        raise


def _notify(console: Console, environ: Mapping[str, str], event: str, place: str | None, text: str) -> None:
    notice = Notice(event, place, text, environ.get("GITHUB_REPOSITORY"), run_url_of(environ))
    bodies: Mapping[str, dict[str, Any]] = {SLACK: notice.for_slack(), OTHER: notice.to_json()}
    for variable, body in bodies.items():
        # A secret that was set from a file ends with a line's end.
        if url := environ.get(variable, "").strip():
            console.mask(url)
            _send(console, variable, url, body)


def _send(console: Console, variable: str, url: str, body: Mapping[str, Any]) -> None:
    try:
        post(url, body)
    except PipelineError as error:
        text = f"notifying {variable}: {error}; nothing else depends on it"
        console.warn(Diagnostic(text, severity="warning"))


def post(url: str, body: Mapping[str, Any], *, timeout: float = 5.0) -> None:
    """Sends a JSON document, once more where that failed. PipelineError, which never has the address in it."""
    headers = {"Content-Type": "application/json", "User-Agent": f"pipeline/{__version__}"}
    why = ""
    for _ in range(2):
        try:
            if not _is_safe(url):
                raise PipelineError("its address does not begin with https://")
            request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")  # noqa: S310 - checked above
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout):
                return
        except urllib.error.HTTPError as error:
            why = f"answered {error.code}"
            if error.code < 500:
                break
        except (ValueError, http.client.InvalidURL):
            # What these say holds the address; `from None`, for a traceback would show it, too.
            raise PipelineError("its address is not one that can be called") from None
        except (OSError, http.client.HTTPException) as error:
            why = f"did not answer ({type(error).__name__})"
    raise PipelineError(f"it {why}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nowhere: the document would be left behind, and the address could be shown to others."""

    def redirect_request(self, *_: Any) -> None:
        """Nothing: the answer is an error then."""


def _is_safe(url: str) -> bool:
    """True where nobody can read along. Raises ValueError for what is no address."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost"))
