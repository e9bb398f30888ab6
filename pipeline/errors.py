"""The exception tree and the diagnostic: everything that can go wrong, and the exit code it ends with.

    PipelineError                1  something broke; what was reached is recorded, and running again continues
    ├── AwsError                 1  AWS refused or did not answer a call
    │   └── AmbiguousOutcome     1  a call that may or may not have been carried out
    ├── ChangesFailed            1  some changes of a plan did not go through
    ├── GitHubError              1  GitHub refused or did not answer a request
    ├── BadInput                 2  usage, validation, unknown release: nothing was touched
    │   └── NoProject            2  no pipeline.yaml where one is looked for
    ├── TakenBack                5  a release failed once it served, and the one before serves again
    ├── Refused                  4  a guard said no: account, lock, protected data, stale plan, hold
    │   └── NothingUnderWay      4  there is no rollout to steer
    └── Interrupted            130  SIGINT or SIGTERM

This module imports nothing of the package: every other module may use it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, Self


@dataclass(frozen=True)
class Diagnostic:
    """One finding, with the place to look at and the next thing to do.

    `file` is a path relative to the project's root (POSIX separators); `line` and `column` count from 1;
    `message` says what is wrong and what is allowed, `hint` one thing to try.
    """

    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    address: str | None = None
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"

    @property
    def place(self) -> str:
        """`file:line:column`, as far as known; empty without a file."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}" if self.file else self.message
        return f"{text}; try: {self.hint}" if self.hint else text

    def sort_key(self) -> tuple[str, int, int, str]:
        """Orders findings by file, line, column, then text."""
        return (self.file or "", self.line or 0, self.column or 0, self.message)

    def to_json(self) -> dict[str, object]:
        """The shape that `validate --format json` prints."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "address": self.address,
            "message": self.message,
            "hint": self.hint,
        }

    def as_warning(self) -> Self:
        """The same finding as a warning."""
        return replace(self, severity="warning")


class PipelineError(Exception):
    """Base of everything that this package raises on purpose.

    The text says what was being done and, after a colon, the cause; `hint` is one thing to try. `about` is what the
    document of the error holds besides, such as what other regions have reached.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None, diagnostics: Iterable[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.hint = hint
        self.about: dict[str, object] = {}
        self.diagnostics = tuple(diagnostics)

    def with_context(self, doing: str, place: str | None = None) -> "PipelineError":
        """The same error, saying first what was being done and last where that is declared."""
        text = f"{doing}: {self}" + (f" ({place})" if place else "")
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__dict__)
        Exception.__init__(copy, text)
        return copy


class BadInput(PipelineError):
    """What was given cannot be right; `diagnostics` holds every finding. Nothing was touched."""

    exit_code = 2

    @classmethod
    def of(cls, diagnostics: Iterable[Diagnostic]) -> Self:
        """One error that carries all findings, sorted."""
        found = tuple(sorted(diagnostics, key=Diagnostic.sort_key))
        noun = "problem" if len(found) == 1 else "problems"
        return cls(f"{len(found)} {noun} in the input", diagnostics=found)


class NoProject(BadInput):
    """There is no pipeline.yaml where one is looked for."""


class Refused(PipelineError):
    """A guard said no: wrong account, lock held, protected deletion, plan not the reviewed one, hold."""

    exit_code = 4


class NothingUnderWay(Refused):
    """There is no rollout to steer."""


class TakenBack(PipelineError):
    """A release failed once it served; the one before serves again."""

    exit_code = 5


class Interrupted(PipelineError):
    """The run was asked to stop."""

    exit_code = 130

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = "run the same command again: it continues",
        diagnostics: Iterable[Diagnostic] = (),
    ) -> None:
        super().__init__(message, hint=hint, diagnostics=diagnostics)


@dataclass(frozen=True)
class FailedCall:
    """What is known of a call that AWS did not carry out."""

    service: str
    operation: str
    code: str
    message: str
    request_id: str | None = None
    attempts: int = 1
    seconds: float = 0.0
    status: int | None = None
    details: dict[str, object] = field(default_factory=dict)


class AwsError(PipelineError):
    """AWS refused or did not answer a call; `code` is the error code on the wire."""

    def __init__(self, call: FailedCall, *, hint: str | None = None) -> None:
        notes = [f"request {call.request_id}"] if call.request_id else []
        notes += [f"{call.attempts} attempts in {call.seconds:.1f} s"] if call.attempts > 1 else []
        noted = f" [{', '.join(notes)}]" if notes else ""
        super().__init__(f"{call.service}:{call.operation}: {call.code}: {call.message}{noted}", hint=hint)
        self.call = call

    @property
    def code(self) -> str:
        """The AWS error code, such as `ResourceNotFoundException`."""
        return self.call.code


class AmbiguousOutcome(AwsError):
    """A call that cannot be repeated blindly ended without a clear answer: look before trying again."""


class ChangesFailed(PipelineError):
    """Some changes of a plan did not go through; `failures` holds (address, error) of each."""

    def __init__(self, failures: Iterable[tuple[str, PipelineError]], *, skipped: int = 0) -> None:
        self.failures = tuple(failures)
        noun = "change" if len(self.failures) == 1 else "changes"
        waiting = f", {skipped} that depend on them not tried" if skipped else ""
        super().__init__(
            f"{len(self.failures)} {noun} did not go through{waiting}",
            hint="mend the cause and run the same command again: it continues from what was reached",
        )


class GitHubError(PipelineError):
    """GitHub refused or did not answer a request; `status` is that of its answer, None when there was none."""

    def __init__(self, message: str, *, status: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
