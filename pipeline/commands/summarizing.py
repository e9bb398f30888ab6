"""What a run leaves for the job that it is a step of: the summary of its page, outputs, files for an artifact.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.commands.workspace import Workspace
from pipeline.reporting.job_summary import LIMIT, within

# The folder below RUNNER_TEMP whose files a workflow may keep as an artifact.
FOLDER = "pipeline-report"


def summarize(space: Workspace, text: str) -> None:
    """Adds to the summary of the job, as much as its page takes."""
    path = space.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    file = Path(path)
    room = LIMIT - (file.stat().st_size if file.exists() else 0)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(within(f"{text}\n", room))


def set_outputs(space: Workspace, outputs: Mapping[str, Any]) -> None:
    """Sets outputs of the step. The delimiter cannot be known to who wrote a value, so none can end early."""
    path = space.environ.get("GITHUB_OUTPUT")
    if not path:
        return
    with Path(path).open("a", encoding="utf-8") as stream:
        for name, value in outputs.items():
            end = f"end-{secrets.token_hex(16)}"
            text = value if isinstance(value, str) else json.dumps(value)
            stream.write(f"{name}<<{end}\n{text}\n{end}\n")


def keep(space: Workspace, name: str, text: str) -> None:
    """Writes a file of the report, for the artifact; outside of a runner there is none."""
    folder = report_folder(space)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def report_folder(space: Workspace) -> Path | None:
    """Where the files of the report are; None outside of a runner."""
    base = space.environ.get("RUNNER_TEMP")
    return Path(base) / FOLDER if base else None
