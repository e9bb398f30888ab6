"""What a check finds, and what a check is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pipeline.errors import AwsError, PipelineError

if TYPE_CHECKING:
    from pipeline.diagnosing.patient import Patient

# What can be mended by itself: differences of the plan undone, or the lock of a dead run freed.
APPLY: Literal["apply"] = "apply"
FREE: Literal["free"] = "free"
Severity = Literal["error", "warning", "info", "unknown"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "unknown", "info")


@dataclass(frozen=True)
class Finding:
    """One thing that was found. `fix` is a command or an edit; `mends` what `doctor --fix` does about it, if anything.

    `evidence` are lines that show it: figures, log lines, expected and actual.
    """

    message: str
    severity: Severity = "error"
    evidence: tuple[str, ...] = ()
    fix: str | None = None
    address: str | None = None
    mends: Literal["apply", "free"] | None = None

    def to_json(self, check: "Check", docs: str) -> dict[str, Any]:
        """One entry of doctor's document; `docs` is where this check is described."""
        return {
            "id": check.id,
            "severity": self.severity,
            "address": self.address,
            "finding": self.message,
            "evidence": list(self.evidence),
            "fix": self.fix,
            "fixable": self.mends is not None,
            "docs": docs,
        }


@dataclass(frozen=True)
class Check:
    """One thing to look at. `examine` gives what is wrong; what it raises is reported and stops no other check."""

    id: str
    title: str
    examine: Callable[["Patient"], Iterable[Finding]]

    @property
    def docs(self) -> str:
        """Where it is described."""
        return f"docs/doctor.md#{self.id}"


def shut_out(error: PipelineError) -> Finding:
    """That AWS does not even say whose credentials these are.

    https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
    """
    if not isinstance(error, AwsError):
        what = "there are no credentials that could be used"
    elif error.call.status is None:
        what = "AWS cannot be reached"
    elif error.code.startswith(("Expired", "RequestExpired")):
        what = "the credentials have expired"
    else:
        what = "AWS does not take these credentials"
    return Finding(what, "error", (str(error),), error.hint or "sign in again")
