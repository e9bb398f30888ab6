"""The services of a repository, and those of them that an event is about."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.commands.asking import event_of, intended
from pipeline.commands.workspace import git
from pipeline.config.files import find_root
from pipeline.config.loaded import FILE
from pipeline.config.services import services_in
from pipeline.errors import BadInput, NoProject
from pipeline.intake.jobs import affected, changes_of
from pipeline.intake.words import Branches
from pipeline.model.intent import Intent
from pipeline.reporting.console import Console


def services_of(start: Path, top: Path) -> dict[str, Path]:
    """The services around `start`, by their folder from `top`. BadInput when there are none, or a list is wrong."""
    return {path.relative_to(top).as_posix(): path for path in _services(start, top)}


def top_of(start: Path) -> Path:
    """The top of the repository; `start` itself outside of git."""
    return Path(git(start, "rev-parse", "--show-toplevel") or start).resolve()


def folder_of(root: Path) -> str:
    """Where in its repository a service is: `services/orders`; empty at the top, and outside of git."""
    return (git(root, "rev-parse", "--show-prefix") or "").rstrip("/")


def concerned(
    top: Path,
    branches: Mapping[str, Branches],
    env: str | None,
    environ: Mapping[str, str],
    console: Console,
    *,
    resuming: bool = False,
) -> dict[str, Intent]:
    """The intent for every service that the event is about and that it changed, as far as that can be known."""
    intents = _intents(branches, env, environ, resuming=resuming)
    for root in _untouched(top, intents, environ):
        console.say(f"{root}: unchanged")
        del intents[root]
    return intents


def _services(start: Path, top: Path) -> list[Path]:
    """The roots of the services: those that are listed, the one around `start`, or those below it."""
    try:
        root = find_root(start).resolve()
        return [root / name for name in services_in(root)] or [root]
    except NoProject:
        roots = below(start, top)
    if not roots:
        raise BadInput(
            f"looking for services: neither {start} nor a directory above it has a {FILE}, and none below it is in git",
            hint="name the directory of a service, or one above several, with --root",
        )
    return roots


def below(start: Path, top: Path) -> list[Path]:
    """The roots of the services below `start` in git, where `top` is that of the repository.

    What lies below a root belongs to it.
    """
    listed = git(start, "-c", "core.quotePath=false", "ls-files", "--full-name", "--", FILE, f"*/{FILE}") or ""
    roots: list[Path] = []
    for path in sorted((top / line for line in listed.splitlines()), key=lambda path: (len(path.parts), path)):
        if not any(path.is_relative_to(root) for root in roots):
            roots.append(path.parent)
    return roots


def _intents(
    branches: Mapping[str, Branches], env: str | None, environ: Mapping[str, str], *, resuming: bool
) -> dict[str, Intent]:
    """The intent for every service that the event can be about. BadInput when there is something wrong for all."""
    found: dict[str, Intent] = {}
    wrong: list[BadInput] = []
    for root, its_branches in branches.items():
        if env is not None and env not in its_branches and len(branches) > 1:
            continue
        try:
            intent = intended(environ, its_branches, env, root, resuming=resuming)
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
