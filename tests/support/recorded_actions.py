"""Which IAM actions the product's calls ask for, recorded while tests run: by every process, joined at the end.

botocore tells of each call in this process, the fault proxy of those that come from processes of their own. The user
agent says for which command the product calls; what tests look up for themselves says nothing, and is not recorded.

The file holds what the whole suite records; of the role that deploys, what the one that plans does not ask for. A run
says what is new in it, and fails when the policies do not allow it; a run of the whole suite also says what it did not
record any more. ACCEPT=1 writes the file: anew after the whole suite, with what is new in it after a part.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from botocore import handlers

from tests.support.wire import Call, call_of

FILE = Path(__file__).parents[1] / "granting" / "whole_suite.json"
_NAME = FILE.relative_to(FILE.parents[2])
ABOUT = (
    "The IAM actions that the product asked for in the tests, by the role that has to have them. Written by ACCEPT=1 "
    "and a run of the whole suite, or added to by a run of a part of it; not by hand."
)
PLAN, DEPLOY = "plan", "deploy"
# Commands that jobs with the role that plans carry out; pipeline/intake/jobs.py says it of `run`.
_READING = {
    "cost", "doctor", "drift", "matrix", "package", "plan", "releases", "validate", "run: detect-drift", "run: ignore",
    "run: preview", "run: validate",
}  # fmt: skip
_OF_PEOPLE = {"bootstrap", "init", "local", "start", "status", "stop"}
_PURPOSE = re.compile(r"pipeline/\S+ \(([^)]+)\)")
_acting: ContextVar[str] = ContextVar("acting", default="")

Actions = Mapping[str, set[str]]
recorded: dict[str, set[str]] = {PLAN: set(), DEPLOY: set()}


@contextmanager
def acting(purpose: str) -> Iterator[None]:
    """What is called in here is called by the product, for this command, though no user agent says so."""
    before = _acting.set(purpose)
    try:
        yield
    finally:
        _acting.reset(before)


def note(call: Call, user_agent: str) -> None:
    """Records a call when it is one of the product's."""
    found = _PURPOSE.match(user_agent)
    purpose = found[1] if found else _acting.get()
    if purpose and purpose not in _OF_PEOPLE:
        recorded[PLAN if purpose in _READING else DEPLOY].add(call.iam_action)


def note_of_fake(service: str, operation: str) -> None:
    """Records a call that a fake answers before botocore sees it."""
    if _acting.get():
        note(call_of(service, operation), "")


def listen() -> None:
    """Has botocore tell of every call from now on, whoever's session it is."""
    handlers.BUILTIN_HANDLERS.append(("before-call", _told))


def _told(model: Any, params: Mapping[str, Any], **_: Any) -> None:
    call = Call(model.service_model.service_name, model.name, "", model.http.get("method", "POST"), "")
    note(call, str(params["headers"].get("User-Agent", "")))


class Recording:
    """The plugin: gathers what was recorded, and compares it with the file when the run ends."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._lacking = False  # a test that could not run, though it belongs to the suite
        self._told: list[str] = []

    @property
    def _is_worker(self) -> bool:
        return hasattr(self._config, "workerinput")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Takes what a process of pytest-xdist recorded; one that died leaves nothing."""
        told = getattr(node, "workeroutput", {}).get("actions")
        self._lacking |= told is None
        for role, actions in (told or {}).items():
            recorded[role].update(actions)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The embedded AWS may not be there, and then much is not called."""
        self._lacking |= report.failed or (report.skipped and "emulator" in report.keywords)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Compares."""
        if self._is_worker:
            self._config.workeroutput["actions"] = {role: sorted(found) for role, found in recorded.items()}  # type: ignore[attr-defined]  # xdist's
            return
        whole = is_whole(self._config) and not self._lacking
        if os.environ.get("ACCEPT"):
            FILE.write_text(rendered(accepted(held(), recorded, whole=whole)), encoding="utf-8")
            return
        if session.exitstatus == pytest.ExitCode.OK:
            new = lacking(held(), recorded)
            missing = not_allowed(recorded) if new else []
            self._told = [*new, *missing, *(superfluous(held(), recorded) if whole else ())]
            if missing:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Says what differs."""
        if self._told:
            terminalreporter.section("IAM actions of the suite")
            for line in self._told:
                terminalreporter.line(line)


def is_whole(config: pytest.Config) -> bool:
    """True when nothing was left out that calls AWS: no selection but of whole folders."""
    chosen: Callable[[str], Any] = config.getoption
    parts = [part.rstrip("/") for part in config.args]
    everything = parts in (["tests"], [str(FILE.parents[1])])
    return everything and not any(chosen(name) for name in ("keyword", "markexpr", "deselect", "lf", "collectonly"))


def held() -> dict[str, set[str]]:
    """What the file says."""
    document = json.loads(FILE.read_text(encoding="utf-8"))
    return {role: set(document[role]) for role in (PLAN, DEPLOY)}


def lacking(known: Actions, found: Actions) -> list[str]:
    """What the file lacks, a line for each role."""
    new = {PLAN: sorted(found[PLAN] - known[PLAN]), DEPLOY: sorted(found[DEPLOY] - known[DEPLOY] - known[PLAN])}
    return [
        f"{_NAME} lacks of the role {role}: {', '.join(one)}; ACCEPT=1 adds them" for role, one in new.items() if one
    ]


def not_allowed(found: Actions) -> list[str]:
    """What the policies lack, a line for each role."""
    from tests.granting.everything import allowed_to  # it imports the contract tests, which import this

    missing = {role: sorted(found[role] - allowed_to(role)) for role in (PLAN, DEPLOY)}
    where = "see pipeline/granting/rules.json"
    return [
        f"the policies of the role {role} do not allow: {', '.join(one)}; {where}"
        for role, one in missing.items()
        if one
    ]


def superfluous(known: Actions, found: Actions) -> list[str]:
    """What the file has and the whole suite did not record, a line for each role."""
    gone = {role: sorted(known[role] - found[role]) for role in (PLAN, DEPLOY)}
    about = "what nothing calls any more"
    return [
        f"{_NAME} has of the role {role} {about}: {', '.join(one)}; ACCEPT=1 removes them"
        for role, one in gone.items()
        if one
    ]


def accepted(known: Actions, found: Actions, *, whole: bool) -> dict[str, set[str]]:
    """What the file is to say after a run."""
    all_of_it = {role: set(found[role]) if whole else known[role] | found[role] for role in (PLAN, DEPLOY)}
    return {PLAN: all_of_it[PLAN], DEPLOY: all_of_it[DEPLOY] - all_of_it[PLAN]}


def rendered(actions: Actions) -> str:
    """The file's text."""
    return json.dumps({"about": ABOUT} | {role: sorted(found) for role, found in actions.items()}, indent=2) + "\n"
