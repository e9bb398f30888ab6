"""Finds the checks and runs them side by side; one that breaks is reported and stops no other."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NoReturn

from pipeline.applying.aws_client import AwsClient
from pipeline.diagnosing import checks as package
from pipeline.diagnosing.finding import SEVERITIES, Check, Finding, shut_out
from pipeline.diagnosing.patient import Patient
from pipeline.errors import AwsError, Interrupted, PipelineError

CREDENTIALS = "credentials"  # the check of what all others that call AWS stand on


@dataclass(frozen=True)
class Hindrance:
    """Why a check could not look, and what to try. Checks that share a cause have the same one."""

    cause: str
    evidence: str = ""
    fix: str | None = None


_SAME = Hindrance(f"for the reason that {CREDENTIALS} gives")


@dataclass(frozen=True)
class Result:
    """What one check came to: what it found, or what hindered it."""

    check: Check
    findings: tuple[Finding, ...] = ()
    hindrance: Hindrance | None = None

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
    """The results of `checks`, the worst first. `tell` hears of each that has ended.

    Where AWS answers nothing at all, the check of the credentials says so, whatever was asked for; the others that
    call AWS are not tried: each would wait for itself, and come to the same.
    """
    error = patient.shut_out
    if error is not None:
        known = {check.id: check for check in (*all_checks(), *checks)}
        checks = [*checks, *(known[name] for name in (CREDENTIALS,) if known[name] not in checks)]
        patient = replace(patient, aws=_closed(patient.aws, error), examine=lambda: _refuse(error))

    def run(check: Check) -> Result:
        result = _result(patient, check, error)
        tell(check)
        return result

    results = patient.aws.gather([lambda check=check: run(check) for check in checks])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    return sorted(results, key=lambda result: (result.rank, result.check.id))


def unexamined(error: PipelineError, checks: Sequence[Check]) -> list[Result]:
    """The results of `checks` where not even the account is known, in which the environment would be looked for."""
    (credentials,) = (check for check in all_checks() if check.id == CREDENTIALS)
    others = [check for check in checks if check.id != CREDENTIALS]
    return [Result(credentials, (shut_out(error),)), *(Result(check, hindrance=_SAME) for check in others)]


def hindered(results: Iterable[Result]) -> dict[Hindrance, list[str]]:
    """What hindered checks -> their ids, that of most checks first."""
    found: dict[Hindrance, list[str]] = {}
    for result in results:
        if result.hindrance is not None:
            found.setdefault(result.hindrance, []).append(result.check.id)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[1])))


def _result(patient: Patient, check: Check, known: PipelineError | None) -> Result:
    try:
        return Result(check, tuple(check.examine(patient)))
    except Interrupted:
        raise
    except PipelineError as error:
        return Result(check, hindrance=_hindrance(error, known))
    except Exception as error:  # noqa: BLE001 - a bug in one check may not hide what the others find
        return Result(check, hindrance=Hindrance("a bug in the check", f"{type(error).__name__}: {error}"))


def _hindrance(error: PipelineError, known: PipelineError | None) -> Hindrance:
    if error is known:
        return _SAME
    if isinstance(error, AwsError):
        # Ids of requests, times and resources differ where the cause is one.
        call = f"{error.call.service}:{error.call.operation} answered {error.code}"
        return Hindrance(call, error.call.message, error.hint)
    return Hindrance(str(error), fix=error.hint)


def _closed(aws: AwsClient, error: PipelineError) -> AwsClient:
    """A way to AWS whose every call fails at once, with what is known already."""
    closed = AwsClient(_Closed(aws.region, error), aws.clock, stop=aws.stop)
    closed.scope = aws.scope
    return closed


class _Closed:
    """A transport that sends nothing."""

    def __init__(self, region: str, error: PipelineError) -> None:
        self.region = region
        self._error = error

    def prepare(self, *_request: object) -> None:
        """Nothing has to be made."""

    def send(self, *_request: object) -> dict[str, Any]:
        """Raises what is known."""
        raise self._error

    def pagination(self, *_operation: object) -> None:
        """No list has pages."""

    def endpoint(self, *_service: object) -> str:
        """Raises what is known."""
        raise self._error


def _refuse(error: PipelineError) -> NoReturn:
    raise error
