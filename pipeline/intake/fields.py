"""Reads the fields of a payload that are used, and remembers which of them are missing or of another kind."""

import re
from collections.abc import Mapping

from pipeline.errors import BadInput

# SHA-1 or SHA-256: https://git-scm.com/docs/hash-function-transition
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_sha(value: object) -> bool:
    """True for the full id of a commit that exists; a deleted ref has only zeros."""
    return isinstance(value, str) and _SHA.fullmatch(value) is not None and set(value) != {"0"}


class Fields:
    """Access to a payload by paths such as `pull_request.base.ref`.

    What is demanded and not there gets a placeholder, so that one error can name all of it: call `check` at the end.
    """

    def __init__(self, payload: Mapping[str, object]) -> None:
        self._payload = payload
        self._problems: list[str] = []

    def find(self, path: str) -> object:
        """Whatever is at `path`; None when there is nothing."""
        value: object = self._payload
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def text(self, path: str) -> str:
        """A text that has to be there."""
        value = self.find(path)
        return value if isinstance(value, str) and value else self._missing(path, "a text", value)

    def maybe_text(self, path: str) -> str | None:
        """A text, or None when there is none."""
        value = self.find(path)
        return value if isinstance(value, str) and value else None

    def number(self, path: str) -> int:
        """A positive whole number that has to be there."""
        found = self.maybe_number(path)
        if found is None:
            self._missing(path, "a positive number", self.find(path))
        return found or 0

    def maybe_number(self, path: str) -> int | None:
        """A positive whole number, or None when there is none."""
        value = self.find(path)
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

    def sha(self, path: str) -> str:
        """The id of a commit that has to be there."""
        value = self.find(path)
        return value if isinstance(value, str) and is_sha(value) else self._missing(path, "a commit id", value)

    def maybe_sha(self, path: str) -> str | None:
        """The id of a commit, or None when there is none."""
        value = self.find(path)
        return value if isinstance(value, str) and is_sha(value) else None

    def shas(self, path: str, key: str) -> tuple[str, ...]:
        """The ids of commits that the objects of a list have at `key`, as far as they have any."""
        value = self.find(path)
        found = [entry.get(key) for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
        return tuple(sha for sha in found if isinstance(sha, str) and is_sha(sha))

    def flag(self, path: str) -> bool:
        """True only when the payload says so: older recordings lack most flags."""
        return self.find(path) is True

    def nothing(self, path: str) -> bool:
        """True for the id that git writes where there is no commit: only zeros."""
        value = self.find(path)
        return isinstance(value, str) and set(value) == {"0"}

    def mapping(self, path: str) -> Mapping[str, object]:
        """An object; empty when it is null or missing, as for a workflow without inputs."""
        value = self.find(path)
        if isinstance(value, Mapping):
            return value
        if value is not None:
            self._missing(path, "an object", value)
        return {}

    def check(self, event: str) -> None:
        """BadInput that names everything that was demanded and not found."""
        if self._problems:
            raise BadInput(
                f"reading the {event} event: {', '.join(self._problems)}",
                hint="use the whole payload, as GitHub wrote it to the file that GITHUB_EVENT_PATH names",
            )

    def _missing(self, path: str, wanted: str, value: object) -> str:
        """Notes the problem; what it returns stands in for a text until `check`."""
        found = "is missing" if value is None else f"is not {wanted}"
        self._problems.append(f"{path} {found}")
        return ""
