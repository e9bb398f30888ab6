"""Copies of the sample service to measure with, and how the product is called on them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.aws import ROOT
from benchmarks.measure import Sample, run

ENVIRONMENT = "dev"
# The function whose code changes, and the file that it alone has in its bundle.
CHANGED = "new-service-usage-handler"
CHANGED_FILE = "handlers/usage_handler.py"
_PARTS = ("aws", "backend", "environments", "frontend", "pipeline.yaml")
# What the floor knows how to make. The sample may declare more; figures stay comparable without it.
_SPECS = {
    "api-gateway/rest-api.yaml",
    "dynamodb/tables.yaml",
    "lambda/functions.yaml",
    "s3/buckets.yaml",
}


@dataclass(frozen=True)
class Service:
    """One copy. `variables` are all that a process on it sees of the environment, credentials aside."""

    root: Path
    variables: Mapping[str, str]

    def pipeline(self, *arguments: str, aws: Mapping[str, str] | None = None) -> Sample:
        """Runs the product as a user would."""
        return run([sys.executable, "-m", "pipeline", *arguments], self.root, {**self.variables, **(aws or {})})

    def packaged(self) -> list[dict[str, Any]]:
        """Builds what is not built yet; the list of archives."""
        answer = self.pipeline("package", "--env", ENVIRONMENT, "--format", "json").output
        found: list[dict[str, Any]] = json.loads(answer)["artifacts"]
        return found

    def forget_builds(self) -> None:
        """As in a fresh clone on a machine that has downloaded the packages before."""
        shutil.rmtree(self.root / ".pipeline", ignore_errors=True)
        shutil.rmtree(Path(self.variables["XDG_CACHE_HOME"]) / "pipeline", ignore_errors=True)

    def change(self, number: int) -> None:
        """Edits the code of one function."""
        with (self.root / "backend" / CHANGED_FILE).open("a", encoding="utf-8") as file:
            file.write(f"# change {number}\n")


@contextmanager
def copied(functions: int | None = None) -> Iterator[Service]:
    """The sample in a folder and repository of its own; with `functions`, that many of them in all."""
    with TemporaryDirectory(prefix="benchmark-") as place:
        root, home = Path(place, "service"), Path(place, "home")
        home.mkdir()
        root.mkdir()
        for part in _PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, root / part)
        project = root / "pipeline.yaml"
        project.write_text(_without_site(project.read_text(encoding="utf-8")), encoding="utf-8")
        for file in (root / "aws").rglob("*"):
            if file.is_file() and file.relative_to(root / "aws").as_posix() not in _SPECS:
                file.unlink()
        _declare(root / "aws" / "lambda" / "functions.yaml", functions)
        _open(root / "aws" / "api-gateway" / "rest-api.yaml")
        for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "sample")):
            identity = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@example.invalid"]
            subprocess.run(["git", *identity, *arguments], cwd=root, check=True)
        yield Service(root, variables(home))


def _without_site(text: str) -> str:
    """pipeline.yaml without the static site, which needs what the floor does not make."""
    before, found, after = text.partition("\nfrontend:\n")
    kept = [line for line in after.splitlines(keepends=True) if not line.startswith(" ")]
    return before + "\n" + "".join(kept) if found else text


def _declare(file: Path, functions: int | None) -> None:
    """Gives CHANGED a bundle of its own, adds functions, and takes out what the floor does not know."""
    declared = yaml.safe_load(file.read_text(encoding="utf-8"))
    measured = [one for one in declared["functions"] if not any(entry.keys() & _NEWS for entry in one["access"])]
    kept = [{key: one[key] for key in _KNOWN if key in one} for one in measured]
    for one in kept:
        one["access"] = [entry for entry in one["access"] if entry.keys() & {"table", "model"}]
        own = one.get("environment", {})
        one["environment"] = {key: value for key, value in own.items() if not _OUTPUT.search(str(value))}
        if one["name"].endswith(CHANGED.removeprefix("new-service")):
            one["exclude"] = []
    for number in range((functions or 0) - len(kept)):
        more = {"name": f"${{SERVICE_NAME}}-more-{number:03}", "handler": "handlers.prompt_crud.handler"}
        kept.append(more)
    defaults = {**declared["defaults"], "exclude": [CHANGED_FILE]}
    file.write_text(yaml.safe_dump({"defaults": defaults, "functions": kept}, sort_keys=False), encoding="utf-8")


# A value that another resource gives.
_OUTPUT = re.compile(r"\$\{[a-z0-9-]+\.")
# Of a function: what the floor makes. What it has access to: what would have to be made besides.
_KNOWN = ("name", "description", "handler", "environment", "access")
_NEWS = {"queue", "stream", "topic"}


def _open(file: Path) -> None:
    """Takes the authorizers out of the REST API: there are no users."""
    declared = yaml.safe_load(file.read_text(encoding="utf-8"))
    declared["api"].pop("authorizers", None)
    for endpoint in declared["api"]["endpoints"]:
        endpoint.pop("authorizer", None)
    file.write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")


# What decides how packages are downloaded is the user's own; the rest of the environment stays outside.
_KEPT = ("PATH", "LANG", "UV_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "XDG_", "PYENV_ROOT")


def variables(home: Path) -> dict[str, str]:
    """What a process is given of the environment."""
    kept = {name: value for name, value in os.environ.items() if name.upper().startswith(_KEPT)}
    for name, place in (("XDG_CONFIG_HOME", ".config"), ("PYENV_ROOT", ".pyenv"), ("XDG_DATA_HOME", ".local/share")):
        kept.setdefault(name, str(Path.home() / place))  # where uv's settings and other Pythons are found
    own = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "UV_CACHE_DIR": str(home / "uv")}
    return {**kept, **own, "PYTHONPATH": str(ROOT)}
