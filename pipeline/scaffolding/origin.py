"""Where this pipeline comes from, so that a new repository can fetch the same: a git repository and a commit.

An installation from git says so itself: https://packaging.python.org/en/latest/specifications/direct-url/
"""

import json
import subprocess
from importlib import metadata
from pathlib import Path

from pipeline.scaffolding.answers import Tool

_ROOT = Path(__file__).resolve().parent.parent.parent


def tool() -> Tool:
    """The repository and commit of the running pipeline; empty when it came without."""
    return _installed() or _checked_out() or Tool()


def _installed() -> Tool | None:
    try:
        text = metadata.distribution("pipeline").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    found = json.loads(text) if text else {}
    commit = found.get("vcs_info", {}).get("commit_id")
    return Tool(found["url"], commit) if commit else None


def _checked_out() -> Tool | None:
    """The checkout that the package lies in: its remote, when that has the commit; else its own directory."""
    top = _git("rev-parse", "--show-toplevel")
    commit = _git("rev-parse", "HEAD")
    if not top or not commit or Path(top) != _ROOT or not (_ROOT / "run").is_file():
        return None
    url = _git("remote", "get-url", "origin")
    published = url and _git("branch", "--remotes", "--contains", commit)
    return Tool(url if url and published else str(_ROOT), commit)


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
