"""A copy of a service that may be changed: what is in its repository, as it is now, with a rollout to look at."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import yaml

from pipeline.errors import BadInput

_PROJECT = "pipeline.yaml"
# Where there is no repository that says what belongs to it.
_NOT_COPIED = (".git", ".pipeline", ".tox", ".venv", "venv", "node_modules", "__pycache__", ".*_cache")
# Seconds where production takes minutes: the embedded AWS has its figures at once.
ROLLOUT = {
    "strategy": "canary",
    "canary": {"weight": 20, "bake": "30s"},
    "analysis": {"interval": "3s", "metric_delay": "0s", "min_requests": 20},
}


def copy_service(root: Path, target: Path) -> None:
    """Copies the service at `root` to `target`: in a git repository what is not ignored, else all but tools' files."""
    files = _of_repository(root)
    if files is None:
        shutil.copytree(root, target, symlinks=True, ignore=shutil.ignore_patterns(*_NOT_COPIED), dirs_exist_ok=True)
        return
    for name in files:
        source = root / name
        if source.is_file() or source.is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)


def _of_repository(root: Path) -> Iterable[str] | None:
    """https://git-scm.com/docs/git-ls-files"""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    names = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return sorted({name for name in names if name})


def set_rollout(root: Path, environment: str) -> None:
    """Lets the traffic of `environment` shift as `ROLLOUT` says, whatever the service's own strategy."""
    path = root / _PROJECT
    project = yaml.safe_load(path.read_text(encoding="utf-8"))
    environments = project.setdefault("environments", {}) if isinstance(project, dict) else {}
    settings = environments.get(environment)
    if not isinstance(project, dict) or environment not in environments:
        known = ", ".join(environments) or "none"
        raise BadInput(f"{_PROJECT} has no environment {environment}", hint=f"one of {known}")
    own = settings if isinstance(settings, dict) else {"branch": settings} if settings else {}
    project["environments"][environment] = {key: value for key, value in own.items() if key != "rollout"}
    project["rollout"] = ROLLOUT
    path.write_text(yaml.safe_dump(project, sort_keys=False, allow_unicode=True), encoding="utf-8")
