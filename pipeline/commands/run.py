"""`pipeline run`: what CI calls. Reads the repository event, decides what it asks for, and carries that out."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from pipeline.commands.asking import branches_of, event_of, intended
from pipeline.commands.carrying_out import carry_out, explanation
from pipeline.commands.commanding import refuse
from pipeline.commands.hub import hub_of
from pipeline.commands.notifying import notifying_before
from pipeline.commands.options import common, root_of, workspace
from pipeline.commands.regions import Gathering, chosen
from pipeline.commands.reverting import open_revert
from pipeline.commands.services import below, concerned, folder_of, services_of, top_of
from pipeline.commands.workspace import Workspace
from pipeline.config.files import find_root
from pipeline.config.services import services_in
from pipeline.errors import BadInput, Interrupted, NoProject, PipelineError
from pipeline.intake.jobs import check_one_target, of_one_command
from pipeline.intake.words import Branches
from pipeline.model.intent import Kind
from pipeline.reporting.console import Console

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
@click.option(
    "--conclude",
    is_flag=True,
    help="Only say in the comments of a pull request that it is closed, or goes to another branch.",
)
@click.option("--explain", is_flag=True, help="Say what the event asks for and why; do nothing.")
def command(
    root: Path | None, env: str | None, form: str, local: bool, scheduled: str, region: str | None,
    revert: int | None, conclude: bool, explain: bool,
) -> int:  # fmt: skip
    """Carry out what the repository event asks for: validate, plan, deploy, roll back or resume.

    The event is read from GITHUB_EVENT_NAME and the file that GITHUB_EVENT_PATH names. With --env, only the part of
    it that is for this environment. Where there are several services, it is carried out for those that it changed.
    """
    run = _Run(env, form, local, resuming=scheduled == "resume", region=region, conclude=conclude, explain=explain)
    with run.noticed():
        top, services = _services(root)
    if revert is not None:
        # A pull request is of the repository, whichever service that is said by.
        return open_revert(workspace(services[0] if services else top, env, form, local), revert)
    if not services:
        code, document = run.of(top)
    elif region is not None:
        raise BadInput(f"there are several services at {top}, and --region is about one", hint="name it with --root")
    else:
        code, document = run.of_services(top)
    if form == "json":
        Console.of_process(form).result(document, "")
    return code


def _services(root: Path | None) -> tuple[Path, list[Path]]:
    """Where to begin, and the services there: none where it is one service, else those that are listed or in git."""
    start = root if root is not None else Path.cwd()
    try:
        find_root(start)
    except NoProject:
        if found := below(start, top_of(start)):
            return start, found
    top = root_of(root)
    return top, [top / name for name in services_in(top)]


@dataclass(frozen=True)
class _Run:
    """What was asked for, whichever service it is carried out for."""

    env: str | None
    form: str
    local: bool
    resuming: bool
    region: str | None
    conclude: bool
    explain: bool

    def noticed(self) -> AbstractContextManager[None]:
        """Has people told of what fails in here, before there is an environment; who only asks is told anyway."""
        return nullcontext() if self.explain else notifying_before(Console.of_process(self.form), os.environ)

    def of(self, root: Path) -> tuple[int, Mapping[str, Any]]:
        """Carries out what the event asks of one service; the exit code and the document."""
        space = workspace(root, self.env, self.form, self.local)
        with self.noticed():
            intent = intended(
                space.environ, branches_of(space.root), self.env, folder_of(space.root), resuming=self.resuming
            )
        if self.conclude:
            intent = replace(intent, kind=Kind.IGNORE, environments=(), command=None)
        if self.explain:
            if self.form == "text":
                space.console.result(intent.to_json(), explanation(intent))
            return 0, intent.to_json()
        console = Gathering.of_process(self.form)

        def surroundings(name: str | None) -> Workspace:
            found = workspace(root, name, self.form, self.local, console, purpose=f"run: {intent.kind}")
            return chosen(found, self.region) if self.region is not None and name is not None else found

        code = carry_out(intent, surroundings, self.env)
        return code, {**intent.to_json(), "results": console.results}

    def of_services(self, top: Path) -> tuple[int, Mapping[str, Any]]:
        """The same for every service that the event is about; one that fails keeps no other one back."""
        console = Console.of_process(self.form)
        repository = top_of(top)
        with self.noticed():
            services = services_of(top, repository)
            branches = {root: branches_of(path) for root, path in services.items()}
        try:
            with self.noticed():
                found = concerned(repository, branches, self.env, os.environ, console, resuming=self.resuming)
                check_one_target(found)
                intents = of_one_command(found)
        except BadInput as error:
            self._answer(services, branches, error)
            raise
        codes, documents = [0], []
        for root in intents:
            console.say(console.err_style.bold(f"── {root}"))
            try:
                code, document = self.of(services[root])
            except Interrupted:
                raise
            except PipelineError as error:
                console.error(error.with_context(root))
                code = error.exit_code
                document = {"error": {"message": str(error), "hint": error.hint, "exit_code": code}}
            codes.append(code)
            documents.append({"root": root, **document})
        return max(codes), {"services": documents}

    def _answer(self, services: Mapping[str, Path], branches: Mapping[str, Branches], error: BadInput) -> None:
        """Answers a command that is of no service, or could be of several: whoever gave it waits for that."""
        if self.explain or event_of(os.environ)[0] != "issue_comment":
            return
        for root, path in services.items():
            space = workspace(path, None, self.form, self.local)
            intent = intended(space.environ, branches[root], self.env, root)
            if intent.command is not None and (hub := hub_of(space)) is not None:
                refuse(hub, intent, error)
                hub.close(space.console, stopped=space.stop.is_set())
                return
