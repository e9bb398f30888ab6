"""`pipeline init` in this process."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.cli import main
from pipeline.config.loaded import Loaded
from pipeline.config.loading import load
from pipeline.resources.registry import registry

ACCOUNT = "123456789012"
TODAY = date(2026, 11, 24)


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def init(*arguments: str, form: str = "json") -> Result:
    """`pipeline init ARGUMENTS --format json`."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["init", *arguments, "--format", form])
    return Result(code, out.getvalue(), err.getvalue())


def loaded(root: Path) -> Loaded:
    """The whole configuration of a repository."""
    return load(root, None, registry(), TODAY)


def files(root: Path) -> set[str]:
    """All files of a directory, as relative paths."""
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
