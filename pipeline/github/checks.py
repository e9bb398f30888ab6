"""Check runs: a verdict on a commit, with findings at their lines.

https://docs.github.com/en/rest/checks/runs
"""

from collections.abc import Callable, Mapping, Sequence
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
    """What a check run says. `conclusion` is success, failure or neutral; `title` one line, `summary` Markdown.

    Without a conclusion it is not completed: somebody else has a part in it still.
    """

    name: str
    sha: str
    conclusion: str | None
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
        body = _new(check, run, annotations[:ANNOTATIONS])
        made = self._find(check, run)
        if made is None:
            made = self._client.create(f"{self._root}/check-runs", body, lambda: self._find(check, run))
        self._complete(check, made, annotations)

    def revise(self, name: str, sha: str, run: str, write: Callable[[str | None], Check]) -> bool:
        """The same where other jobs of the run may write the same check run at the same time; whether it was changed.

        `write` gets the summary that is there (None: there is no check run) and gives the new check. Of two that were
        made at once the newer one stays, as that is the one that GitHub looks at. To be done once more after a while,
        as a comment is (`Repository.revise_comment`).
        """
        path = f"{self._root}/commits/{sha}/check-runs"
        found = self._client.pages(path, "check_runs", check_name=name, filter="all")
        ours = sorted((each for each in found if each.get("external_id") == run), key=lambda each: int(each["id"]))
        if not ours:
            check = write(None)
            body = _new(check, run, ())
            made = self._client.create(f"{self._root}/check-runs", body, lambda: self._find(check, run))
            self._annotate(f"{self._root}/check-runs/{made['id']}", check, write)
            return True
        *doubles, newest = ours
        there = f"{self._root}/check-runs/{newest['id']}"
        shown, changed = self._client.rewrite(there, partial(_revised, write, ()))
        self._annotate(there, write(_summary(shown)), write)
        for double in doubles:
            self._client.rewrite(f"{self._root}/check-runs/{double['id']}", partial(_superseded, newest))
        return changed

    def _annotate(self, path: str, check: Check, write: Callable[[str | None], Check]) -> None:
        """Adds those annotations of the check that no other job has added."""
        wanted = [found for finding in check.findings if (found := annotation(finding, self._prefix))]
        there = [_essence(each) for each in self._client.pages(f"{path}/annotations")] if wanted else []
        missing = [each for each in wanted if _essence(each) not in there]
        for at in range(0, len(missing), ANNOTATIONS):
            some = missing[at : at + ANNOTATIONS]
            self._client.rewrite(path, partial(_revised, write, some))

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


def _new(check: Check, run: str, annotations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    body = {"name": check.name, "head_sha": check.sha, "external_id": run, **_state(check, annotations)}
    return {**body, "details_url": check.url} if check.url else body


def _state(check: Check, annotations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    verdict = {"status": "completed", "conclusion": check.conclusion} if check.conclusion else {"status": "in_progress"}
    return {**verdict, "output": _output(check, annotations)}


def _revised(
    write: Callable[[str | None], Check], annotations: Sequence[Mapping[str, Any]], there: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """What changes of a check run, as others have it by now; with `annotations` added."""
    check = write(_summary(there))
    body = _state(check, annotations)
    same = (there.get("conclusion"), _summary(there)) == (check.conclusion, body["output"]["summary"])
    return None if same and not annotations else body


def _superseded(newest: Mapping[str, Any], there: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The end of a check run that was made at the same time as `newest`."""
    if there.get("status") == "completed" and there.get("conclusion") == "skipped":
        return None
    output = {"title": "see the other check run of this name", "summary": str(newest.get("html_url") or "")}
    return {"status": "completed", "conclusion": "skipped", "output": output}


def _summary(run: Mapping[str, Any]) -> str:
    return str((run.get("output") or {}).get("summary") or "")


def _essence(annotation: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells one from others: its place and what it says."""
    return tuple(annotation.get(key) for key in ("path", "start_line", "annotation_level", "message"))


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
