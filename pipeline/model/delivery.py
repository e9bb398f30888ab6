"""How releases are delivered and kept: settings of pipeline.yaml as values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pipeline.model.values import Value


@dataclass(frozen=True)
class Retention:
    """For how long one can roll back: to the last `releases`, and to whatever served within the last `days`."""

    releases: int = 10
    days: int = 30


@dataclass(frozen=True)
class Check:
    """A smoke test: an event for the new version of `function`, or an HTTP request to `url`. One of them is None.

    What is expected: `status` (None: any that is no error), a text that the body `contains`, a value that it has as
    `json`; each only where it is not None. `timeout` in seconds; `place` is where it is declared.
    """

    function: str | None = None
    payload: Value = None
    url: Value = None
    method: str = "GET"
    headers: Mapping[str, Value] = field(default_factory=dict)
    body: Value = None
    status: int | None = None
    contains: str | None = None
    json: Value = None
    timeout: int = 30
    place: str = ""

    @property
    def title(self) -> str:
        """What it looks at, for people."""
        return f"function {self.function}" if self.function else f"{self.method} {self.url}"

    def to_json(self) -> dict[str, Any]:
        """As kept in a release, once everything in it is known."""
        return {key: value for key, value in self.__dict__.items() if value not in (None, {}, "")}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**data)


@dataclass(frozen=True)
class Tried:
    """What came of a check: `problem` is None when everything was as expected."""

    check: Check
    problem: str | None = None

    def __str__(self) -> str:
        return f"{self.check.title}: {self.problem or 'as expected'}"

    def to_json(self) -> dict[str, Any]:
        """As reported: `before` or `after` the release gets traffic."""
        when = "before" if self.check.function else "after"
        return {"check": self.check.title, "when": when, "passed": self.problem is None, "problem": self.problem}


def failures_of(tried: Iterable[Tried]) -> list[str]:
    """What is wrong, by check."""
    return [str(one) for one in tried if one.problem]
