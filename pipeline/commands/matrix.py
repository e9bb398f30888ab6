"""`pipeline matrix`: the jobs that an event asks for, over services, environments and regions."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pipeline.commands.asking import branches_of, event_of
from pipeline.commands.notifying import notifying_before
from pipeline.commands.options import common
from pipeline.commands.services import concerned, services_of, top_of
from pipeline.config.identity import read_identity
from pipeline.errors import BadInput
from pipeline.intake.jobs import ACCESS, MOST, Access, Job, check_one_target, matrix
from pipeline.intake.words import Branches
from pipeline.model.intent import Intent, Kind
from pipeline.reporting.console import Console

# What a pull request leaves is said by a job of its own; a plan for the other branch says it, too.
CONCLUDE = "conclude"
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

    The services are those that pipeline.yaml lists, or the one that it is of: that of --root or of a directory above;
    else every one below. Services that the event did not change have no jobs, where that can be told.
    """
    start = root if root is not None else Path.cwd()
    console = Console.of_process(form)
    with notifying_before(console, os.environ):
        found = jobs(start, env, os.environ, console)
    document = matrix(found)
    console.result(document, json.dumps(document, ensure_ascii=False))
    if path := os.environ.get("GITHUB_OUTPUT"):
        _write(Path(path), found)
    return 0


def jobs(start: Path, env: str | None, environ: Mapping[str, str], console: Console) -> list[Job]:
    """What there is to do. BadInput when nothing can be made of the event, or there are too many jobs."""
    top = top_of(start)
    services = services_of(start, top)
    branches = {root: branches_of(path) for root, path in services.items()}
    intents = concerned(top, branches, env, environ, console)
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


def _jobs_of(root: str, path: Path, intent: Intent, branches: Branches, event: str) -> Iterator[Job]:
    """The jobs of one service. What is scheduled also continues what waits, with credentials of its own for that."""
    if intent.left and intent.kind is not Kind.PREVIEW:
        yield Job(root, CONCLUDE, Access.TELL)
    access = ACCESS.get(intent.kind)
    if access is None or intent.command is not None:
        return
    if access is Access.NONE:
        yield Job(root, intent.kind.value, access)
        return
    for name in intent.environments:
        found = read_identity(path, name)
        for region in found.regions:
            job = Job(
                root, intent.kind.value, access, found.service, name, region, found.account or "",
                ref=_checked_out(intent, branches.get(name), event), regions=found.regions,
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

    Those that go after the home region was changed are in `later` instead of `write`.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-output-parameter
    """
    parts: dict[str, list[Job]] = {"matrix": list(found)}
    parts |= {
        access.value: [job for job in parts["matrix"] if job.access is access and not job.after] for access in Access
    }
    parts["later"] = [job for job in parts["matrix"] if job.after]
    with path.open("a", encoding="utf-8") as stream:
        for name, some in parts.items():
            stream.write(f"{name}={_compact(matrix(some)) if some else ''}\n")


def _compact(document: Any) -> str:
    """JSON in one line, whatever it holds."""
    return json.dumps(document, separators=(",", ":"))
