"""Problems that the caller can mend, with the HTTP status that says so."""

from __future__ import annotations

from collections.abc import Iterable


class Problem(Exception):
    """Base: what is wrong in one sentence, and per field where a field is to blame."""

    status = 400

    def __init__(self, message: str, errors: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.errors = [{"field": field, "message": text} for field, text in errors]

    def body(self) -> dict[str, object]:
        """What the caller is told."""
        return {"message": str(self), "errors": self.errors}


class Invalid(Problem):
    """The request cannot be understood; `errors` names the fields."""


class Forbidden(Problem):
    """The signed-in user may not do this."""

    status = 403


class NotFound(Problem):
    """There is no such item, or it belongs to somebody else: the answer does not tell which."""

    status = 404


class NotAllowed(Problem):
    """The path is right, the method is not."""

    status = 405
