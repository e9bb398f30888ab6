"""`pipeline matrix`: the jobs that an event asks for, over services, environments and regions."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pipeline.commands.options import common
from pipeline.commands.run import branches_of, event_of, intended
from pipeline.commands.workspace import git
from pipeline.config.files import find_root
from pipeline.config.identity import read_identity
from pipeline.config.loaded import FILE
from pipeline.errors import BadInput
from pipeline.intake.jobs import ACCESS, MOST, Access, Job, affected, changes_of, check_one_target, matrix
from pipeline.intake.words import Branches
from pipeline.model.intent import Intent, Kind
from pipeline.reporting.console import Console

EPILOG = """\b
Examples:
  pipeline matrix                           in a step of GitHub Actions
  GITHUB_EVENT_NAME=push GITHUB_EVENT_PATH=event.json pipeline matrix
"""


@click.command(epilog=EPILOG)
@common(env=False)
def command(
    root: Path | None,
    env: str | None,
    form: str,
    local: bool,  # noqa: ARG001 - every command takes it; no AWS is asked here
) -> int:
    """Say which jobs the repository event asks for: a matrix for GitHub Actions, as JSON and into GITHUB_OUTPUT.

    A service is a pipeline.yaml: that of --root or of a directory above it, else every one below. Services that the
    event did not change have no jobs, where that can be told.
    """
    start = root if root is not None else Path.cwd()
    console = Console.of_process(form)
    found = jobs(start, env, os.environ, console)
    document = matrix(found)
    console.result(document, json.dumps(document, ensure_ascii=False))
    if path := os.environ.get("GITHUB_OUTPUT"):
        _write(Path(path), found)
    return 0


def jobs(start: Path, env: str | None, environ: Mapping[str, str], console: Console) -> list[Job]:
    """What there is to do. BadInput when nothing can be made of the event, or there are too many jobs."""
    top = Path(git(start, "rev-parse", "--show-toplevel") or start).resolve()
    services = {path.relative_to(top).as_posix(): path for path in _services(start, top)}
    branches = {root: branches_of(path) for root, path in services.items()}
    intents = _intents(branches, env, environ)
    for root in _untouched(top, intents, environ):
        console.say(f"{root}: unchanged")
        del intents[root]
    check_one_target(intents)
    event = event_of(environ)[0]
    found = [
        job for root, intent in intents.items() for job in _jobs_of(root, services[root], intent, branches[root], event)
    ]
    if len(found) > MOST:
        raise BadInput(f"the event asks for {len(found)} jobs, and a matrix holds {MOST}", hint="use --env or --root")
    for root, intent in intents.items():
        console.say(f"{root}: {intent.kind.value}: {intent.reason}")
    return found


def _services(start: Path, top: Path) -> list[Path]:
    """The roots of the services. What lies below a root belongs to it."""
    try:
        return [find_root(start).resolve()]
    except BadInput:
        listed = git(start, "ls-files", "--full-name", "--", FILE, f"*/{FILE}")
    roots: list[Path] = []
    for path in sorted((top / line for line in (listed or "").splitlines()), key=lambda path: (len(path.parts), path)):
        if not any(path.is_relative_to(root) for root in roots):
            roots.append(path.parent)
    if not roots:
        raise BadInput(
            f"looking for services: neither {start} nor a directory above it has a {FILE}, and none below it is in git",
            hint="name the directory of a service, or one above several, with --root",
        )
    return roots


def _intents(branches: Mapping[str, Branches], env: str | None, environ: Mapping[str, str]) -> dict[str, Intent]:
    """The intent for every service that the event can be about. BadInput when there is something wrong for all."""
    found: dict[str, Intent] = {}
    wrong: list[BadInput] = []
    for root, its_branches in branches.items():
        if env is not None and env not in its_branches and len(branches) > 1:
            continue
        try:
            intent = intended(environ, its_branches, env)
        except BadInput as error:
            wrong.append(error)
            continue
        if intent.mistake:
            wrong.append(BadInput(intent.reason))
        else:
            found[root] = intent
    if wrong and not found:
        raise wrong[0]
    if not found:
        raise BadInput(f"there is no environment {env} in any service")
    return found


def _untouched(top: Path, intents: Mapping[str, Intent], environ: Mapping[str, str]) -> list[str]:
    """The services that the event did not change, as far as that can be known."""
    range_ = changes_of(*event_of(environ))
    if range_ is None or len(intents) == 1:
        return []
    changed = git(top, "-c", "core.quotePath=false", "diff", "--name-only", "--no-renames", str(range_))
    # Nothing is what git also says of commits that a shallow checkout lacks.
    return sorted({*intents} - {*affected(intents, changed.splitlines())}) if changed else []


def _jobs_of(root: str, path: Path, intent: Intent, branches: Branches, event: str) -> Iterator[Job]:
    """The jobs of one service. What is scheduled also continues what waits, with credentials of its own for that."""
    access = ACCESS.get(intent.kind)
    if access is None or intent.command is not None:
        return
    if access is Access.NONE:
        yield Job(root, intent.kind.value, access)
        return
    for name in intent.environments:
        found = read_identity(path, name)
        job = Job(
            root, intent.kind.value, access, found.service, name, found.region, found.account or "",
            ref=_checked_out(intent, branches.get(name), event),
        )  # fmt: skip
        yield job
        if event == "schedule":
            yield replace(job, intent=Kind.RESUME.value, access=Access.WRITE, scheduled="resume")


def _checked_out(intent: Intent, branch: str | None, event: str) -> str:
    """What the job checks out; empty: what GitHub takes for the event."""
    if intent.kind in (Kind.DETECT_DRIFT, Kind.RESUME):
        return branch or ""
    # A plan that somebody asked for, such as in a comment, is of the commit that was named.
    return (intent.sha or "") if intent.kind is Kind.PREVIEW and event.endswith("_dispatch") else ""


def _write(path: Path, found: Iterable[Job]) -> None:
    """The matrix of all jobs, and one for each kind of credentials; empty where there is no such job.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-output-parameter
    """
    parts: dict[str, list[Job]] = {"matrix": list(found)}
    parts |= {access.value: [job for job in parts["matrix"] if job.access is access] for access in Access}
    with path.open("a", encoding="utf-8") as stream:
        for name, some in parts.items():
            stream.write(f"{name}={_compact(matrix(some)) if some else ''}\n")


def _compact(document: Any) -> str:
    """JSON in one line, whatever it holds."""
    return json.dumps(document, separators=(",", ":"))
