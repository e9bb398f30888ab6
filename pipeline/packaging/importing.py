"""Imports handlers from finished bundles in a child process.

Bundles are unpacked into a folder that is gone afterwards and imported by a child process: a Python of the function's
version without any package of this machine, with an environment as Lambda sets it and no credentials. The runtime's own
packages (boto3 and what it needs) are those that this program runs with, where it has them. Where no such Python is at
hand, or the bundle has compiled code for another platform, the check is left out with a note.
"""

import importlib.util
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import Diagnostic
from pipeline.packaging.archive import contents
from pipeline.packaging.children import Stopping, ended
from pipeline.packaging.targets import BuildTarget
from pipeline.packaging.values import Artifact, FunctionCode, Packaged
from pipeline.packaging.workplace import Workplace, unpack, workplace

# What Lambda's Python runtimes bring besides the standard library.
# https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six")
RUNTIME_ONLY = ("awslambdaric", "snapshot_restore_py", "simplejson")

_PROBE = Path(__file__).with_name("import_probe.py")
_PATH = "/usr/local/bin:/usr/bin:/bin"

Result = Mapping[str, Any]  # a line of import_probe.py


@dataclass(frozen=True)
class Means:
    """What the check works with: how a Python is found by its version, how many seconds the imports of one archive
    may take, whether the run was asked to stop, and a folder for what the next check can use again.
    """

    interpreters: Callable[[str], str | None]
    patience: float
    stopping: Stopping
    kept: Path | None = None


@dataclass(frozen=True)
class _Group:
    """Functions with one archive, one set of layers and one target: they are imported in one process."""

    artifact: Artifact
    layers: tuple[Artifact, ...]
    target: BuildTarget
    functions: tuple[FunctionCode, ...]


def import_handlers(
    packaged: Packaged, functions: Sequence[FunctionCode], means: Means
) -> Iterator[tuple[FunctionCode, list[Diagnostic]]]:
    """Each function with what was found about it; a note about several comes with the first of them.

    Raises Interrupted.
    """
    for group in _groups(packaged, functions):
        yield from _Check(group, means).findings()


def _groups(packaged: Packaged, functions: Sequence[FunctionCode]) -> list[_Group]:
    grouped: dict[tuple[Artifact, tuple[Artifact, ...], BuildTarget], list[FunctionCode]] = {}
    for function in functions:
        layers = tuple(packaged[layer] for layer in function.layers)
        key = (packaged[function.address], layers, packaged.targets[function.address])
        grouped.setdefault(key, []).append(function)
    return [_Group(*key, tuple(members)) for key, members in grouped.items()]


@dataclass(frozen=True)
class _Check:
    group: _Group
    means: Means

    def findings(self) -> Iterator[tuple[FunctionCode, list[Diagnostic]]]:
        functions, target = self.group.functions, self.group.target
        executable = target.executable or self.means.interpreters(target.python)
        if executable is None:
            yield _note(functions, f"no Python {target.python} on this machine")
        elif _foreign(self.group):
            yield _note(functions, f"its compiled code is for {target.uv_platform}, not for this machine")
        else:
            with workplace(self.means.kept) as place:
                results = self._import(functions, executable, place)
            for function in functions:
                yield function, _told(function, results[function.address])

    def _import(self, todo: Sequence[FunctionCode], executable: str, place: Workplace) -> dict[str, Result]:
        """All in one process, as far as it gets; what fails behind others is tried once more alone.

        The patience is for all of that together.
        """
        ends = time.monotonic() + self.means.patience
        child = _Child(executable, self.group, place, _unpacked(self.group, place.folder), ends, self.means.stopping)
        results: dict[str, Result] = {}
        doubtful: list[FunctionCode] = []
        pending = list(todo)
        while pending and not child.late:
            answers = child.run(pending)
            results |= answers
            failed = [f for f in pending if f.address in answers and answers[f.address]["outcome"] != "ok"]
            doubtful += [f for f in failed if f is not pending[0]]  # the first of a process had it for itself
            pending = [f for f in pending if f.address not in answers]
        for function in doubtful:
            if not child.late:
                results |= child.run([function])
        late = {
            "outcome": "failed",
            "message": f"the imports did not end within {self.means.patience:g} s",
            "name": None,
        }
        return {f.address: results.get(f.address, late) for f in todo}


@dataclass(frozen=True)
class _Child:
    """The process that imports; `ends` is when (by the monotonic clock) the last one must have ended."""

    executable: str
    group: _Group
    place: Workplace
    paths: list[str]
    ends: float
    stopping: Stopping

    @property
    def late(self) -> bool:
        return time.monotonic() >= self.ends

    def run(self, functions: Sequence[FunctionCode]) -> dict[str, Result]:
        """The answers up to the function that the process ended with, that one included. Never empty."""
        folder = self.place.folder
        job, answers = folder / "job.json", folder / "results.jsonl"
        answers.write_bytes(b"")
        job.write_text(json.dumps(_job(functions, self.group.target, self.place, self.paths)), encoding="utf-8")
        command = [self.executable, "-I", "-S", "-B", str(_PROBE), str(job), str(answers)]
        silent: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        bare = {"PATH": _PATH, "HOME": str(folder)}
        child = subprocess.Popen(command, cwd=self.paths[0], env=bare, **silent)
        status = ended(child, self.stopping, self.ends)
        late = status is None
        why = "the import did not end in time" if late else f"python ended while it was imported (exit status {status})"
        lines = answers.read_text(encoding="utf-8").splitlines()
        results: dict[str, Result] = {line["address"]: line for line in map(json.loads, lines)}
        for culprit in [f for f in functions if f.address not in results][:1]:
            results[culprit.address] = {"outcome": "failed", "message": why, "name": None}
        return results


def _foreign(group: _Group) -> bool:
    """True when compiled modules in the bundle cannot be loaded here."""
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    at_home = sys.platform == "linux" and platform.libc_ver()[0] == "glibc" and machine == group.target.architecture
    if group.target.platform is None or at_home:
        return False
    names = (name for artifact in (group.artifact, *group.layers) for name in contents(artifact.path))
    return any(name.endswith(".so") or ".so." in name for name in names)


def _note(functions: Sequence[FunctionCode], why: str) -> tuple[FunctionCode, list[Diagnostic]]:
    first = functions[0]
    message = f"handlers not imported ({', '.join(function.name for function in functions)}): {why}"
    return first, [Diagnostic(message, first.file, first.line, address=first.address, severity="warning")]


def _job(
    functions: Sequence[FunctionCode], target: BuildTarget, place: Workplace, paths: list[str]
) -> dict[str, object]:
    """What the child is told; import_probe.py reads it."""
    return {
        "bytecode": str(place.bytecode) if place.bytecode else None,
        "paths": paths,
        "runtime_folder": _runtime_folder(),
        "runtime_names": RUNTIME_PACKAGES,
        "handlers": [
            {"address": f.address, "handler": f.handler, "environment": _environment(f, target, place.folder)}
            for f in functions
        ],
    }


def _unpacked(group: _Group, place: Path) -> list[str]:
    """The folders for the path, in Lambda's order: the function's, then what layers bring.

    https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html
    """
    task, layered = place / "task", place / "opt"
    for folder, artifacts in ((task, (group.artifact,)), (layered, group.layers)):
        folder.mkdir()
        for artifact in artifacts:
            unpack(artifact.path, folder)
    version = f"python{group.target.python}"
    return [str(task), str(layered / "python" / "lib" / version / "site-packages"), str(layered / "python")]


def _environment(function: FunctionCode, target: BuildTarget, place: Path) -> dict[str, str]:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, without credentials."""
    lambdas = {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{target.python}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_EC2_METADATA_DISABLED": "true",  # there are no credentials to be found, and looking for them takes long
        "LAMBDA_TASK_ROOT": str(place / "task"),
        "_HANDLER": function.handler,
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        "PATH": _PATH,
        "HOME": str(place),
    }
    return dict(function.environment) | lambdas


def _runtime_folder() -> str | None:
    """Where our own boto3 lies, or at least botocore."""
    spec = importlib.util.find_spec("boto3") or importlib.util.find_spec("botocore")
    return str(Path(spec.origin).parent.parent) if spec and spec.origin else None


def _told(function: FunctionCode, result: Result) -> list[Diagnostic]:
    if result["outcome"] == "ok":
        return []
    missing = (result.get("name") or "").partition(".")[0]
    lacking = missing in {*RUNTIME_PACKAGES, *RUNTIME_ONLY}
    if lacking or result["outcome"] == "unknown":
        why = f"{missing} is Lambda's own and not on this machine" if lacking else result["message"]
        message = f"handler {function.handler} not imported: {why}"
        return [Diagnostic(message, function.file, function.line, address=function.address, severity="warning")]
    message = f"packaging {function.address}: handler {function.handler}: {result['message']}"
    hint = "add the package to the requirements" if missing else None
    return [Diagnostic(message, function.file, function.line, address=function.address, hint=hint)]
