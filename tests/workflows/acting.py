"""The real workflow files, run by act on this machine, with stand-ins for the actions of other repositories.

What act does not know is replaced in a copy (`queue`, `cache-mode`, `deployment`, `$/`), and so is `run`, so that no
environment is made: https://nektosact.com/usage/runners.html. What act ignores, such as concurrency, permissions and
environments, is for tests/workflows/test_files.py.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
ACT = shutil.which("act", path=str(Path(sys.executable).parent))
STAND_IN = Path(__file__).with_name("stand_in.yml").read_text(encoding="utf-8")
UNKNOWN_TO_ACT = re.compile(r"^ *(?:queue: max|cache-mode: none|deployment: false)\b.*\n", re.MULTILINE)
RUN = f"""#!/bin/sh
shift
exec {sys.executable} -m pipeline "$@"
"""
# How act is told of what GitHub itself would know; everything else goes into the environment of steps.
_OPTIONS = {"AWS_ROLE_ARN": "--var", "GITHUB_TOKEN": "--secret"}
IDENTITY = ("-c", "user.name=dev", "-c", "user.email=dev@example.com", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class Acted:
    """What became of a run: its exit code, and what act told of it, line by line."""

    code: int
    entries: tuple[Mapping[str, Any], ...]

    @property
    def text(self) -> str:
        """Everything, for tests that fail."""
        return "\n".join(f"{entry.get('job', '')}: {entry.get('msg', '').rstrip()}" for entry in self.entries)

    @property
    def jobs(self) -> dict[str, str]:
        """The jobs that did something, and how they ended."""
        return {_name(entry): entry["jobResult"] for entry in self.entries if entry.get("jobResult")}

    def printed(self, job: str) -> str:
        """What the steps of the job printed."""
        return "".join(e["msg"] for e in self.entries if e.get("raw_output") and _name(e) == job)

    def called(self, job: str) -> dict[str, dict[str, str]]:
        """The inputs of the stand-ins that the job called, by name."""
        lines = self.printed(job).splitlines()
        found = [json.loads(line.removeprefix("stand-in ")) for line in lines if line.startswith("stand-in ")]
        return {entry["action"]: entry["inputs"] for entry in found}


def _name(entry: Mapping[str, Any]) -> str:
    """`deploy orders/live` of `pipeline/deliver/deploy orders/live-2`: act counts the jobs of a matrix."""
    return re.sub(r"-\d+$", "", str(entry.get("job", "")).split("/", 2)[-1].strip())


class Repository:
    """A repository on GitHub as act sees it: files, with the workflows among them, and everything committed."""

    def __init__(self, root: Path, files: Mapping[str, str]) -> None:
        self.root = root
        for name, text in files.items():
            self.write(name, text)
        if (root / "run").exists():
            (root / "run").chmod(0o755)
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("remote", "add", "origin", "https://github.com/acme/infra")
        self.commit = self.committed()

    def write(self, name: str, text: str) -> None:
        """Writes a file; `committed` makes it part of the repository."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def committed(self) -> str:
        """The id of a new commit of everything."""
        self._git("add", ".")
        self._git(*IDENTITY, "commit", "--quiet", "--allow-empty", "--message", "change")
        return self._git("rev-parse", "HEAD")

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(self.root), *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()


def tool(own: str = ".") -> dict[str, str]:
    """The files that make a repository one of pipeline, as act can read them; `$/` is what `own` is: `.` or a pin."""
    found = {"run": RUN}
    name, _, ref = own.partition("@")
    reference = rf"uses: {name}/\1@{ref}" if ref else rf"uses: {name}/\1"
    for path in sorted((ROOT / ".github").rglob("*.yml")):
        text = UNKNOWN_TO_ACT.sub("", path.read_text(encoding="utf-8"))
        found[path.relative_to(ROOT).as_posix()] = re.sub(r"uses: \$/(\S+)", reference, text)
    return found


class Runner:
    """Runs workflows of `repository`. `others`: repository@ref -> the folder that stands for it."""

    def __init__(self, repository: Repository, scratch: Path, others: Mapping[str, Path] | None = None) -> None:
        self.repository, self.scratch = repository, scratch
        self._others = {**_stand_ins(scratch / "stand-ins"), **(others or {})}

    def act(self, event: str, payload: Mapping[str, Any], **environ: str) -> Acted:
        """What becomes of an event."""
        assert ACT is not None
        path = self.scratch / "event.json"
        path.write_text(json.dumps(payload), encoding="utf-8")
        arguments = [ACT, event, "--json", "--eventpath", str(path), "--platform", "ubuntu-24.04=-self-hosted"]
        arguments += ["--workflows", ".github/workflows/pipeline.yml", "--action-offline-mode"]
        for name, folder in self._others.items():
            arguments += ["--local-repository", f"{name}={folder}"]
        for name, value in (environ | {"STAND_IN_REPOSITORY": str(self.repository.root)}).items():
            arguments += [_OPTIONS.get(name, "--env"), f"{name}={value}"]
        done = subprocess.run(
            arguments, cwd=self.repository.root, env=self._surroundings(), capture_output=True, text=True, check=False,
            timeout=120,
        )  # fmt: skip
        lines = (line for line in done.stdout.splitlines() if line.startswith("{"))
        return Acted(done.returncode, tuple(json.loads(line) for line in lines))

    def _surroundings(self) -> dict[str, str]:
        """The environment of this machine leaks into steps, so it holds what they need and no more."""
        home = self.scratch / "home"
        home.mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_CACHE_HOME": str(self.scratch / "cache"),
            "PYTHONPATH": str(ROOT),
        }


def _stand_ins(folder: Path) -> dict[str, Path]:
    """One for every action that the workflows use of other repositories, with the inputs that they give it."""
    inputs: dict[str, set[str]] = {}
    for path in sorted((ROOT / ".github").rglob("*.yml")):
        for step in _steps(yaml.safe_load(path.read_text(encoding="utf-8"))):
            if "@" in step.get("uses", ""):
                inputs.setdefault(step["uses"], set()).update(step.get("with", {}))
    found = {}
    for used, names in inputs.items():
        name = used.partition("@")[0].rpartition("/")[2]
        manifest = yaml.safe_load(STAND_IN.replace("@NAME@", name))
        manifest["inputs"] = {each: {"description": "as given"} for each in sorted(names)}
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "action.yml").write_text(yaml.safe_dump(manifest))
        found[used] = folder / name
    return found


def _steps(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    jobs = [*document.get("jobs", {}).values(), document.get("runs", {})]
    return [step for job in jobs for step in job.get("steps", [])]
