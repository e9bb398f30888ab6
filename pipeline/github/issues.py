"""Issues that a run keeps: at most one is open for each marker, and what it says is edited.

https://docs.github.com/en/rest/issues/issues
"""

from typing import Any

from pipeline.github.repository import Comment, Repository


class Issues:
    """The issues of a repository that have our label and a marker in their text."""

    def __init__(self, repository: Repository, label: str) -> None:
        self._repository, self._label = repository, label
        self._path = f"/repos/{repository.name}/issues"

    def put(self, marker: str, title: str, body: str) -> None:
        """Opens the issue, or brings the open one up to date."""
        found = self._find(marker)
        text = f"{body}\n\n{marker}"
        if found is not None:
            self._repository.client.write("PATCH", f"{self._path}/{found['number']}", {"title": title, "body": text})
            return
        made = {"title": title, "body": text, "labels": [self._label]}
        self._repository.client.create(self._path, made, lambda: self._find(marker))

    def close(self, marker: str, body: str) -> None:
        """Closes the issue with a last word, where one is open."""
        if (found := self._find(marker)) is not None:
            done = {"state": "closed", "state_reason": "completed", "body": f"{body}\n\n{marker}"}
            self._repository.client.write("PATCH", f"{self._path}/{found['number']}", done)

    def _find(self, marker: str) -> Any:
        """The open issue with the marker that our token wrote, over all pages."""
        for data in self._repository.client.pages(self._path, state="open", labels=self._label):
            ours = self._repository.is_ours(Comment.of(data))
            if ours and marker in (data.get("body") or "") and not data.get("pull_request"):
                return data
        return None
