"""What a check finds, and what a check is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

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

    def to_json(self, check: "Check", docs: str = "") -> dict[str, Any]:
        """One entry of doctor's document; `docs` is where the documentation lies."""
        return {
            "id": check.id,
            "severity": self.severity,
            "address": self.address,
            "finding": self.message,
            "evidence": list(self.evidence),
            "fix": self.fix,
            "fixable": self.mends is not None,
            "docs": f"{docs}{check.docs}",
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
