"""`pipeline run`: what CI calls. Reads the repository event, decides what it asks for, and carries that out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click

from pipeline.commands.delivering import DeployRequest, deploy
from pipeline.commands.drifting import detect_all
from pipeline.commands.options import common, workspace
from pipeline.commands.plan import plan
from pipeline.commands.resuming import render_resumed, resume
from pipeline.commands.rolling_back import rollback_to
from pipeline.commands.validate import validate
from pipeline.commands.workspace import Workspace
from pipeline.config.project import load_project
from pipeline.errors import BadInput, Refused
from pipeline.intake.events import RunFacts, read_event
from pipeline.intake.intents import decide
from pipeline.intake.words import PREVIOUS, Branches, one_of
from pipeline.model.intent import Intent, Kind
from pipeline.planning.planner import Consent
from pipeline.reporting.console import Console
from pipeline.reporting.deploy_text import render_deploy
from pipeline.reporting.rollback_text import render_rollback

EPILOG = """\b
Examples:
  pipeline run                              in a step of GitHub Actions
  GITHUB_EVENT_NAME=push GITHUB_EVENT_PATH=event.json pipeline run --explain
"""


@click.command(epilog=EPILOG)
@common(env=False)
@click.option("--explain", is_flag=True, help="Say what the event asks for and why; do nothing.")
def command(root: Path | None, env: str | None, form: str, local: bool, explain: bool) -> int:
    """Carry out what the repository event asks for: validate, plan, deploy, roll back or resume.

    The event is read from GITHUB_EVENT_NAME and the file that GITHUB_EVENT_PATH names. With --env, only the part of
    it that is for this environment.
    """
    space = workspace(root, env, form, local)
    intent = intended(space.environ, branches_of(space.root), env)
    if explain:
        space.console.result(intent.to_json(), explanation(intent))
        return 0
    console = Gathering.of_process(form)
    exit_code = carry_out(intent, partial(workspace, root, form=form, local=local, console=console), env)
    if form == "json":
        space.console.result({**intent.to_json(), "results": console.results}, "")
    return exit_code


def branches_of(root: Path) -> Branches:
    """Environment -> branch, as pipeline.yaml says."""
    return {name: settings.branch for name, settings in load_project(root).environments.items()}


def intended(environ: Mapping[str, str], branches: Branches, env: str | None) -> Intent:
    """What the event of this run asks for, of `env` alone where given. BadInput when there is no event to read."""
    if env is not None and env not in branches:
        raise BadInput(f"there is no environment {env}: allowed is {one_of(branches)}")
    intent = decide(read_event(*event_of(environ), RunFacts.of(environ)), branches)
    return intent if env is None else intent.only(env)


def event_of(environ: Mapping[str, str]) -> tuple[str, Mapping[str, object]]:
    """Name and payload of the event of this run. BadInput when there is none."""
    missing = [name for name in ("GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH") if not environ.get(name)]
    if missing:
        raise BadInput(
            f"reading the event: no {' and no '.join(missing)}, which GitHub Actions sets",
            hint="on a laptop GITHUB_EVENT_NAME=push GITHUB_EVENT_PATH=event.json pipeline run --explain, with a "
            "payload as in docs/events.md; without an event pipeline deploy --env NAME",
        )
    return environ["GITHUB_EVENT_NAME"], read_payload(Path(environ["GITHUB_EVENT_PATH"]))


def read_payload(path: Path) -> Mapping[str, object]:
    """The payload in the file that GitHub Actions wrote. BadInput when it is none."""
    try:
        payload = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"reading the event from {path} (GITHUB_EVENT_PATH): {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"reading the event from {path} (GITHUB_EVENT_PATH): not JSON: {error}") from error
    if not isinstance(payload, Mapping):
        raise BadInput(f"reading the event from {path} (GITHUB_EVENT_PATH): a JSON object is wanted")
    return payload


def explanation(intent: Intent) -> str:
    """An intent for people: one line that says what, and one that says why."""
    what = " ".join([intent.kind.value, *([", ".join(intent.environments)] if intent.environments else [])])
    what += f" to release {intent.target}" if intent.target else ""
    what += f" at {intent.sha[:12]}" if intent.sha and intent.kind is not Kind.IGNORE else ""
    return f"{what}\n  {intent.reason}"


@dataclass
class Gathering(Console):
    """A console that keeps the documents of several results, for the one document of `run`."""

    results: list[Mapping[str, Any]] = field(default_factory=list)

    def result(self, document: Mapping[str, Any], text: str) -> None:
        """Keeps the document; in text mode the text is shown."""
        self.results.append(document)
        if self.format == "text":
            super().result(document, text)


# The surroundings for one environment, or with None for all.
Surroundings = Callable[[str | None], Workspace]


def carry_out(intent: Intent, surroundings: Surroundings, env: str | None) -> int:
    """Does what `intent` says; the exit code. BadInput when it cannot be done by this version, or not as asked."""
    space = surroundings(env)
    if intent.mistake:
        raise BadInput(intent.reason)
    if intent.command not in (None, "help"):
        raise _impossible(intent, f"this version does not carry out commands of comments, such as /{intent.command}")
    space.console.say(explanation(intent))
    if intent.kind is Kind.IGNORE:
        return 0
    if intent.kind is Kind.VALIDATE:
        return validate(space)
    if intent.kind is Kind.DETECT_DRIFT:
        return detect_all(intent.environments, surroundings)
    act = _ACTS.get(intent.kind)
    if act is None:
        raise _impossible(intent, f"this version has no command for {intent.kind}")
    if intent.kind is Kind.DEPLOY:
        _check_checkout(intent, space)
    for name in intent.environments:
        act(surroundings(name), intent)
    return 0


def _preview(space: Workspace, _intent: Intent) -> None:
    plan(space, consent=Consent(), out=None, details=False)


def _deploy(space: Workspace, _intent: Intent) -> None:
    report = deploy(space, DeployRequest())
    space.console.result(report.to_json(), render_deploy(report, space.console.style))


def _rollback(space: Workspace, intent: Intent) -> None:
    report = rollback_to(space, intent.target or PREVIOUS)
    space.console.result(report.to_json(), render_rollback(report, space.console.style))


def _resume(space: Workspace, _intent: Intent) -> None:
    done = resume(space)
    space.console.result(done.to_json(), render_resumed(done, space.console.style))


# What is done for each environment of an intent.
_ACTS: Mapping[Kind, Callable[[Workspace, Intent], None]] = {
    Kind.PREVIEW: _preview,
    Kind.DEPLOY: _deploy,
    Kind.ROLLBACK: _rollback,
    Kind.RESUME: _resume,
}


def _check_checkout(intent: Intent, space: Workspace) -> None:
    """Refused when the files here are not those of the event: what would be deployed is not what was pushed."""
    if intent.sha and space.commit and intent.sha != space.commit:
        raise Refused(
            f"deploying {', '.join(intent.environments)}: the event is about commit {intent.sha[:12]}, but "
            f"{space.commit[:12]} is checked out",
            hint=f"git checkout {intent.sha}; to deploy this checkout by hand: pipeline deploy --env NAME",
        )


def _impossible(intent: Intent, why: str) -> BadInput:
    return BadInput(f"carrying out the event ({intent.reason}): {why}, so nothing was done")
