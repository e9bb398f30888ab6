"""`pipeline run`: what CI calls. Reads the repository event, decides what it asks for, and carries that out."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from pipeline.commands.carrying_out import carry_out, explanation
from pipeline.commands.options import common, workspace
from pipeline.commands.regions import Gathering, chosen
from pipeline.commands.reverting import open_revert
from pipeline.commands.workspace import Workspace
from pipeline.config.project import load_project
from pipeline.errors import BadInput
from pipeline.intake.events import RunFacts, read_event
from pipeline.intake.intents import decide
from pipeline.intake.words import Branches, one_of
from pipeline.model.intent import Intent

EPILOG = """\b
Examples:
  pipeline run                              in a step of GitHub Actions
  GITHUB_EVENT_NAME=push GITHUB_EVENT_PATH=event.json pipeline run --explain
"""


@click.command(epilog=EPILOG)
@common(env=False)
@click.option(
    "--scheduled",
    type=click.Choice(["drift", "resume"]),
    default="drift",
    show_default=True,
    help="What a schedule is for: comparing, or continuing what waits.",
)
@click.option("--region", metavar="NAME", help="Only this region of the environment. [default: all]")
@click.option(
    "--revert",
    type=click.IntRange(min=1),
    metavar="PULL",
    help="After a rollback: open the pull request that reverts this one, and nothing else.",
)
@click.option("--explain", is_flag=True, help="Say what the event asks for and why; do nothing.")
def command(
    root: Path | None, env: str | None, form: str, local: bool, scheduled: str, region: str | None,
    revert: int | None, explain: bool,
) -> int:  # fmt: skip
    """Carry out what the repository event asks for: validate, plan, deploy, roll back or resume.

    The event is read from GITHUB_EVENT_NAME and the file that GITHUB_EVENT_PATH names. With --env, only the part of
    it that is for this environment.
    """
    space = workspace(root, env, form, local)
    if revert is not None:
        return open_revert(space, revert)
    intent = intended(space.environ, branches_of(space.root), env, resuming=scheduled == "resume")
    if explain:
        space.console.result(intent.to_json(), explanation(intent))
        return 0
    console = Gathering.of_process(form)

    def surroundings(name: str | None) -> Workspace:
        found = workspace(root, name, form, local, console, purpose=f"run: {intent.kind}")
        return chosen(found, region) if region is not None and name is not None else found

    exit_code = carry_out(intent, surroundings, env)
    if form == "json":
        space.console.result({**intent.to_json(), "results": console.results}, "")
    return exit_code


def branches_of(root: Path) -> Branches:
    """Environment -> branch, as pipeline.yaml says."""
    return {name: settings.branch for name, settings in load_project(root).environments.items()}


def intended(environ: Mapping[str, str], branches: Branches, env: str | None, *, resuming: bool = False) -> Intent:
    """What the event of this run asks for, of `env` alone where given. BadInput when there is no event to read.

    `resuming`: when that is a schedule, it is for continuing what waits.
    """
    if env is not None and env not in branches:
        raise BadInput(f"there is no environment {env}: allowed is {one_of(branches)}")
    facts = replace(RunFacts.of(environ), resuming=resuming)
    intent = decide(read_event(*event_of(environ), facts), branches)
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
