"""Answers to commands in comments. Pure."""

from pipeline.errors import PipelineError
from pipeline.intake.comments import COMMANDS
from pipeline.reporting.markdown import code, hidden
from pipeline.reporting.status_text import told


def answer_marker(comment: int | None, run: str, place: str = "") -> str:
    """The line by which the answer about an environment is found again; `run` where the comment is not known."""
    return f"<!-- pipeline:answer {comment or run} {hidden(place)} -->"


def help_text() -> str:
    """All commands."""
    rows = [f"| {code(command.usage(name))} | {command.about} |" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "A command is a line of its own; without an environment it is for those of the base branch.",
            "",
            "| command | |",
            "|---|---|",
            *rows,
        ]
    )


def started_text(command: str, environment: str, by: str, sha: str | None) -> str:
    """It was handed to a workflow."""
    of = f" of {code(sha[:7])}" if sha else ""
    return (
        f"⏳ {code(command)}{of} on {code(environment)}, asked for by {code(by)}, was started; this answer follows it."
    )


def answered_text(environment: str, status: str) -> str:
    """What has become of it."""
    return f"{code(environment)}: {status}"


def refused_text(command: str, error: PipelineError) -> str:
    """It was not."""
    return f"✋ {code('/' + command)} was not carried out: {told(error)}"
