"""Reads a folder of the manual: bounded, regular files only, links left out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import BadInput
from pipeline.scaffolding.manual.shell import Call, calls

_MOST_BYTES, _MOST_FILES = 1_000_000, 5_000
_CODE = ("backend", "../backend", "../../backend")


@dataclass(frozen=True)
class Folder:
    """What was found: config.json, texts of aws/, environments/ and scripts/ by path, code by its path in backend/."""

    config: Mapping[str, Any]
    aws: Mapping[str, str]
    environments: Mapping[str, str]
    scripts: Mapping[str, str]
    code: Mapping[str, bytes] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()


def read(root: Path) -> Folder:
    """The folder at `root`. BadInput when it is none of the manual's."""
    if not root.is_dir():
        raise BadInput(f"{root} is no directory", hint="name the folder with config.json, aws/ and scripts/")
    aws, scripts = _texts(root, "aws"), _texts(root, "scripts")
    if not aws and not scripts:
        raise BadInput(
            f"{root} has neither aws/ nor scripts/", hint="name the folder with config.json, aws/ and scripts/"
        )
    found = [call for path, text in sorted(scripts.items()) for call in calls(text, path)]
    return Folder(_config(root), aws, _texts(root, "environments"), scripts, _code(root), tuple(found))


def _config(root: Path) -> Mapping[str, Any]:
    path = root / "config.json"
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"reading {path}: {error}") from error
    if not isinstance(found, dict):
        raise BadInput(f"reading {path}: a JSON object is wanted")
    return found


def _texts(root: Path, directory: str) -> dict[str, str]:
    found = {}
    for path, data in _files(root / directory):
        try:
            found[f"{directory}/{path}"] = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadInput(f"reading {root / directory / path}: no UTF-8 text") from error
    return found


def _code(root: Path) -> dict[str, bytes]:
    """The functions' code, where the manual's scripts look for it."""
    for place in _CODE:
        if (root / place / "handlers").is_dir():
            return dict(_files(root / place))
    return {}


def _files(directory: Path) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for path in sorted(directory.rglob("*")) if directory.is_dir() else ():
        parts = path.relative_to(directory).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if hidden or path.is_symlink() or not path.is_file() or path.suffix in (".pyc", ".zip"):
            continue
        if path.stat().st_size > _MOST_BYTES or len(found) >= _MOST_FILES:
            raise BadInput(f"{path}: too large for a folder of declarations and code", hint="move it elsewhere")
        found.append(("/".join(parts), path.read_bytes()))
    return found
