"""Finds the checks and runs them side by side; one that breaks is reported and stops no other."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from pipeline.diagnosing import checks as package
from pipeline.diagnosing.finding import SEVERITIES, Check, Finding
from pipeline.diagnosing.patient import Patient
from pipeline.errors import AwsError, Interrupted, PipelineError


@dataclass(frozen=True)
class Result:
    """What one check came to."""

    check: Check
    findings: tuple[Finding, ...]

    @property
    def rank(self) -> int:
        """The worst comes first."""
        return min((SEVERITIES.index(finding.severity) for finding in self.findings), default=len(SEVERITIES))


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check of every module in `checks/`, by id."""
    found: list[Check] = []
    for module in pkgutil.iter_modules(package.__path__):
        found += importlib.import_module(f"{package.__name__}.{module.name}").CHECKS
    return tuple(sorted(found, key=lambda check: check.id))


def examine(patient: Patient, checks: Sequence[Check], tell: Callable[[Check], None]) -> list[Result]:
    """The results of `checks`, the worst first. `tell` hears of each that has ended."""

    def run(check: Check) -> Result:
        result = Result(check, _findings(patient, check))
        tell(check)
        return result

    results = patient.aws.gather([lambda check=check: run(check) for check in checks])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    return sorted(results, key=lambda result: (result.rank, result.check.id))


def _findings(patient: Patient, check: Check) -> tuple[Finding, ...]:
    try:
        return tuple(check.examine(patient))
    except Interrupted:
        raise
    except AwsError as error:
        call = f"{error.call.service}:{error.call.operation}"
        return (Finding(f"could not be looked at: {call} answered {error.code}", "unknown", (str(error),), error.hint),)
    except PipelineError as error:
        return (Finding("could not be looked at", "unknown", (str(error),), error.hint),)
    except Exception as error:  # noqa: BLE001 - a bug in one check may not hide what the others find
        return (
            Finding("could not be looked at: a bug in the check", "unknown", (f"{type(error).__name__}: {error}",)),
        )
