"""What the repository event of this run asks for."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.config.project import load_project
from pipeline.errors import BadInput
from pipeline.intake.events import RunFacts, read_event
from pipeline.intake.intents import decide
from pipeline.intake.words import Branches, one_of
from pipeline.model.intent import Intent


def branches_of(root: Path) -> Branches:
    """Environment -> branch, as pipeline.yaml says."""
    return {name: settings.branch for name, settings in load_project(root).environments.items()}


def intended(
    environ: Mapping[str, str], branches: Branches, env: str | None, root: str, *, resuming: bool = False
) -> Intent:
    """What the event of this run asks for, of `env` alone where given. BadInput when there is no event to read.

    `root` is the folder of the service in the repository, `.` or empty where that is all of it. `resuming`: when the
    event is a schedule, it is for continuing what waits.
    """
    if env is not None and env not in branches:
        raise BadInput(f"there is no environment {env}: allowed is {one_of(branches)}")
    facts = replace(RunFacts.of(environ), resuming=resuming)
    intent = decide(read_event(*event_of(environ), facts), branches, "" if root == "." else root)
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
