"""Running uv, and its refusals in our words: which package, which version, which platform.

https://docs.astral.sh/uv/reference/cli/#uv-pip-install
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pipeline.errors import BadInput, Diagnostic, PipelineError
from pipeline.packaging.children import Stopping, ended
from pipeline.packaging.requirements import Requirements
from pipeline.packaging.targets import BuildTarget

# What a surrounding environment may not change: which interpreter asks, and what is installed besides the requirements.
_NOT_INHERITED = frozenset(
    {
        *("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_PYTHON", "UV_SYSTEM_PYTHON"),
        *("UV_CONSTRAINT", "UV_OVERRIDE", "UV_BUILD_CONSTRAINT", "UV_COMPILE_BYTECODE", "UV_REQUIRE_HASHES"),
        *("UV_NO_BINARY", "UV_NO_BUILD", "UV_RESOLUTION", "UV_PRERELEASE", "UV_OFFLINE"),
    }
)
# A line of the requirements may name any address, with ${VARIABLE} in it, which uv fills in. What signs in to AWS or to
# GitHub is no business of an index: https://docs.astral.sh/uv/pip/compatibility/
_CREDENTIALS = ("AWS_", "GITHUB_", "GH_", "ACTIONS_", "PIPELINE_")
_UNREACHABLE = re.compile(
    r"failed to fetch|request failed|error sending request|could not connect|dns error|timed out"
    r"|connection (?:refused|reset)|status client error|status server error|failed to download",
    re.IGNORECASE,
)
_NO_WHEEL = re.compile(r"(?P<name>[\w.-]+?)(?:==(?P<version>[\w.+!-]+))? has no (?:usable )?wheels")
_UNKNOWN = re.compile(r"(?P<name>[\w.-]+?)(?:==\S+)? was not found in the (?:package registry|cache|provided)")
_NO_VERSION = re.compile(r"there (?:is|are) no versions? of (?P<name>[\w.-]+?)(?P<version>(?:==|[<>~!]=?)\S+?)?[ ,]")
_HASH = re.compile(r"[Hh]ash mismatch for `(?P<name>[\w.-]+?)==(?P<version>[^`]+)`")
_UNHASHED = re.compile(
    r"(?:--require-hashes.{1,80}?(?:found|missing)|no trusted hash was provided for)[^`]*`(?P<name>[\w.-]+)[^`]*`"
)


@dataclass(frozen=True)
class Uv:
    """uv as a child process. `environment` is added to what is inherited; `stopping` is asked while it works."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stopping: Stopping = lambda: False

    def compile(self, requirements: Requirements, target: BuildTarget, scratch: Path) -> str:
        """The exact versions that `requirements` ask for today, with hashes."""
        options = ["--generate-hashes", "--no-header", "--no-annotate"]
        file, *constraints = self._files(requirements.text, requirements.constraints, scratch)
        given = [option for place in constraints for option in ("--constraint", place)]
        done = self._run(["pip", "compile", file, *given, *options, *_wheels_for(target)])
        if done.returncode:
            raise refusal(done.stderr, requirements, target)
        return done.stdout

    def install(self, lock: str, requirements: Requirements, target: BuildTarget, scratch: Path) -> Path:
        """Installs exactly what `lock` names into a new folder and returns that.

        Asks no index when uv's own cache has everything: with hashes the files are the same ones.
        """
        (file,) = self._files(lock, "", scratch)
        place = scratch / "tree"
        exact = ["--require-hashes", "--no-compile-bytecode", "--target", str(place), "--requirement", file]
        command = ["pip", "install", *exact, *_wheels_for(target)]
        if self._run([*command, "--offline"]).returncode == 0:
            return place
        shutil.rmtree(place, ignore_errors=True)
        done = self._run(command)
        if done.returncode:
            raise refusal(done.stderr, requirements, target)
        return place

    def _files(self, text: str, constraints: str, scratch: Path) -> list[str]:
        places = []
        for name, content in (("requirements.txt", text), ("constraints.txt", constraints)):
            if content or name == "requirements.txt":
                (scratch / name).write_text(content, encoding="utf-8")
                places.append(str(scratch / name))
        return places

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        command = [_program(), *arguments, "--quiet", "--no-progress", "--color", "never"]
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in _NOT_INHERITED and not name.upper().startswith(_CREDENTIALS)
        }
        # The certificates of the machine count, as for every other program on it; who says otherwise is heard.
        environment = {"UV_SYSTEM_CERTS": "true"} | inherited | dict(self.environment)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = subprocess.Popen(command, stdout=out, stderr=err, env=environment, cwd=self.folder)
            status = ended(child, self.stopping)
            return subprocess.CompletedProcess(command, status or 0, _text(out), _text(err))


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode("utf-8", "replace")


def _wheels_for(target: BuildTarget) -> list[str]:
    """Wheels only: a source distribution would be built for this machine, by code that nobody has reviewed."""
    options = ["--only-binary", ":all:", "--python", target.executable or sys.executable]
    if target.uv_platform:
        options += ["--python-version", target.python, "--python-platform", target.uv_platform]
    return options


def _program() -> str:
    # Imported here: nothing of it is needed when all dependencies are built.
    import uv  # noqa: PLC0415 - only when something has to be built

    try:
        return str(uv.find_uv_bin())
    except FileNotFoundError as missing:
        elsewhere = shutil.which("uv")
        if elsewhere is None:
            raise PipelineError(
                f"installing dependencies: no uv program: {missing}", hint="install the package `uv` again"
            ) from missing
        return elsewhere


def refusal(words: str, requirements: Requirements, target: BuildTarget) -> PipelineError:
    """What uv refused, as an error of ours: BadInput, or PipelineError when an index could not be reached."""
    said = re.sub(r"//[^/@\s]+@", "//***@", words)
    flat = " ".join(said.split())
    for pattern, message, hint in (
        (_NO_WHEEL, f"has no wheel for {target}", "name a version that has one, or do without the package"),
        (_HASH, "is not the file that was locked: its hash differs", "lock again, if the change is expected"),
        (_UNHASHED, "is needed, but the lock has no exact version and hash of it", "uv pip compile --generate-hashes"),
        (_UNKNOWN, "is not in the package index", "check the name and the index that uv is configured for"),
        (_NO_VERSION, "is not in the package index in this version", "name a version that exists"),
    ):
        if found := pattern.search(flat):
            parts = found.groupdict()
            version = (parts.get("version") or "").removeprefix("==")
            shown = f"{parts['name']} {version}".strip()
            return BadInput.of([_diagnostic(f"{shown} {message}", parts["name"], requirements, hint)])
    if _UNREACHABLE.search(said):
        return PipelineError(
            f"installing dependencies of {requirements.file}: {flat}",
            hint="check that the package index can be reached, then run the same command again",
        )
    why = flat.removeprefix("error: ")
    return BadInput.of([_diagnostic(f"dependencies cannot be installed for {target}: {why}", "", requirements, None)])


def _diagnostic(message: str, package: str, requirements: Requirements, hint: str | None) -> Diagnostic:
    at = requirements.place_of(package) if package else None
    if at is None:
        via = f" (needed by {requirements.file})" if package else ""
        return Diagnostic(message + via, requirements.file, hint=hint)
    return Diagnostic(message, at.file, at.line, hint=hint)
