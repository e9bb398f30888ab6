"""Where this pipeline comes from, so that a new repository can fetch the same: a git repository and a commit.

An installation from git says so itself: https://packaging.python.org/en/latest/specifications/direct-url/
"""

import json
import re
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
    return Tool(without_secret(found["url"]), commit) if commit else None


def _checked_out() -> Tool | None:
    """The checkout that the package lies in: where it was published, else its own directory."""
    top = _git(_ROOT, "rev-parse", "--show-toplevel")
    commit = _git(_ROOT, "rev-parse", "HEAD")
    if not top or not commit or Path(top) != _ROOT or not (_ROOT / "run").is_file():
        return None
    return Tool(published(_ROOT, commit) or str(_ROOT), commit)


def published(checkout: Path, commit: str, steps: int = 5) -> str | None:
    """The URL from which others can fetch `commit`: that of the checkout's remote, where that has the commit.

    A clone of a directory of this machine was published where that directory was, if it was.
    """
    url = _git(checkout, "remote", "get-url", "origin")
    if not url or not _git(checkout, "branch", "--remotes", "--contains", commit):
        return None
    if not Tool(url).is_local:
        return without_secret(url)
    directory = Path(url.removeprefix("file://"))
    return published(directory, commit, steps - 1) if steps and directory.is_absolute() else None


def without_secret(url: str) -> str:
    """A URL without the name and the token that some have before their host: it goes into a file that is shared."""
    return re.sub(r"^(https?://)[^/@]*@", r"\1", url)


def _git(checkout: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(checkout), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
