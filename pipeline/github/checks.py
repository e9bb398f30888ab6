"""Check runs: a verdict on a commit, with findings at their lines.

https://docs.github.com/en/rest/checks/runs
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipeline.errors import Diagnostic
from pipeline.github.client import Ambiguous, Client

# Of one request; those of later requests are added to what is there.
ANNOTATIONS = 50
TEXT_LIMIT = 65_535
_MESSAGE_LIMIT = 4_096


@dataclass(frozen=True)
class Check:
    """What a check run says. `conclusion` is success, failure or neutral; `title` one line, `summary` Markdown."""

    name: str
    sha: str
    conclusion: str
    title: str
    summary: str
    findings: tuple[Diagnostic, ...] = ()
    url: str | None = None


class Checks:
    """The check runs of a repository. `prefix` leads from its root to the project's."""

    def __init__(self, client: Client, repository: str, prefix: str = "") -> None:
        self._client, self._prefix = client, prefix
        self._root = f"/repos/{repository}"

    def put(self, check: Check, run: str) -> None:
        """Makes the check run, or completes the one that this run (`run`, kept as its external id) made."""
        annotations = [found for finding in check.findings if (found := annotation(finding, self._prefix))]
        body = {
            "name": check.name,
            "head_sha": check.sha,
            "external_id": run,
            "status": "completed",
            "conclusion": check.conclusion,
            "output": _output(check, annotations[:ANNOTATIONS]),
        }
        if check.url:
            body["details_url"] = check.url
        made = self._find(check, run)
        if made is None:
            made = self._client.create(f"{self._root}/check-runs", body, lambda: self._find(check, run))
        self._complete(check, made, annotations)

    def _find(self, check: Check, run: str) -> Any:
        path = f"{self._root}/commits/{check.sha}/check-runs"
        for found in self._client.pages(path, "check_runs", check_name=check.name, filter="latest"):
            if found.get("external_id") == run:
                return found
        return None

    def _complete(self, check: Check, made: Mapping[str, Any], annotations: Sequence[Mapping[str, Any]]) -> None:
        """Adds the annotations that are not there yet; the count tells which, also when an answer was lost."""
        path = f"{self._root}/check-runs/{made['id']}"
        there = _count(made)
        while there < len(annotations):
            body = {"output": _output(check, annotations[there : there + ANNOTATIONS])}
            before = there
            try:
                there = _count(self._client.once("PATCH", path, body, partial(self._grown, path, before)))
            except Ambiguous:
                return
            if there <= before:
                return

    def _grown(self, path: str, before: int) -> Any:
        found = self._client.get(path)
        return found if _count(found) > before else None


def _count(run: Mapping[str, Any]) -> int:
    return int((run.get("output") or {}).get("annotations_count") or 0)


def _output(check: Check, annotations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"title": check.title, "summary": check.summary[:TEXT_LIMIT], "annotations": list(annotations)}


def annotation(finding: Diagnostic, prefix: str = "") -> dict[str, Any] | None:
    """A finding as GitHub takes it; None when it has no line to be shown at."""
    if finding.file is None or finding.line is None:
        return None
    text = f"{finding.message}\ntry: {finding.hint}" if finding.hint else finding.message
    level = "failure" if finding.severity == "error" else "warning"
    found: dict[str, Any] = {
        "path": f"{prefix}{finding.file}",
        "start_line": finding.line,
        "end_line": finding.line,
        "annotation_level": level,
        "message": text[:_MESSAGE_LIMIT],
    }
    if finding.column is not None:
        found |= {"start_column": finding.column, "end_column": finding.column}
    return found
