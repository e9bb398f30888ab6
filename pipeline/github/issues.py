"""Issues that a run keeps: at most one is open for each marker, and what it says is edited.

https://docs.github.com/en/rest/issues/issues
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.github.repository import Comment, Repository


@dataclass(frozen=True)
class Text:
    """What an issue says, and whether it is still open then."""

    body: str
    open: bool


class Issues:
    """The issues of a repository that have our label and a marker in their text."""

    def __init__(self, repository: Repository, label: str) -> None:
        self._repository, self._label = repository, label
        self._path = f"/repos/{repository.name}/issues"

    def revise(self, marker: str, title: str, write: Callable[[str | None], Text]) -> bool:
        """Opens the issue, brings the open one up to date, or closes it with a last word; whether anything was changed.

        `write` gets the text that is there (None: no issue is open) and gives the new one. Other runs may write the
        same issue at the same time: of two that were opened at once the older one stays. To be done once more after a
        while then, as a comment is (`Repository.revise_comment`).
        """
        client = self._repository.client
        found = sorted(self._all(marker), key=lambda data: int(data["number"]))
        if not found:
            text = write(None)
            if not text.open:
                return False
            made = {"title": title, "body": f"{text.body}\n\n{marker}", "labels": [self._label]}
            client.create(self._path, made, lambda: self._find(marker))
            return True

        def edit(there: Mapping[str, Any]) -> Mapping[str, Any] | None:
            text = write(there.get("body") or "")
            wanted = {"title": title, "body": f"{text.body}\n\n{marker}", "state": "open" if text.open else "closed"}
            if not text.open:
                wanted["state_reason"] = "completed"
            return wanted if any(there.get(key) != value for key, value in wanted.items()) else None

        first, *doubles = found
        _, changed = client.rewrite(f"{self._path}/{first['number']}", edit)
        for double in doubles:
            done = {"state": "closed", "state_reason": "not_planned", "body": f"It goes on in #{first['number']}."}
            client.write("PATCH", f"{self._path}/{double['number']}", done)
        return changed or bool(doubles)

    def _find(self, marker: str) -> Any:
        """The open issue with the marker that our token wrote."""
        return next(self._all(marker), None)

    def _all(self, marker: str) -> Iterator[Any]:
        """The same, where there may be several; over all pages."""
        for data in self._repository.client.pages(self._path, state="open", labels=self._label):
            ours = self._repository.is_ours(Comment.of(data))
            if ours and marker in (data.get("body") or "") and not data.get("pull_request"):
                yield data
