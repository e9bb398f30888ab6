"""Terminal sessions in the documentation, and whether they are true.

A block ```console holds commands (lines that begin with `$ `), each followed by what it prints. The comment above it
says how it is kept true:

    <!-- checked -->    the tests run it, each in its own copy of the sample service: quick, the same every time
    <!-- recorded -->   `python -m tests.docs.sessions FILE...` runs all of a file's in one clone of HEAD, on the
                        embedded AWS, and shows what was printed where that is something else

With ACCEPT=1 both write down what was printed.

`…` stands for what was left out: a line of it for any number of lines, within a line for any text.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.docs.markdown import Block, Document, document
from tests.repository.files import ROOT, committed

CHECKED, RECORDED = "checked", "recorded"
SAMPLE = ("pipeline.yaml", "environments", "aws", "backend", "frontend")

_END = "\x1e"
# The order of lines that tell of parallel work differs from run to run.
_PROGRESS = re.compile(r"^  [+~±-] \S+  [\d.]+ m?s$")
_VARYING = re.compile(r"\b[0-9a-f]{7,}\b|\b(?=[a-z]*\d)(?:[0-9a-z]{10}|[0-9a-z]{6})\b|\d+(?:\.\d+)? m?s\b|\d+")
# Where the API of the sample answers: another port and id in every run, put into the commands that follow.
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/_aws/execute-api/[0-9a-z]{10}\b")


@dataclass(frozen=True)
class Step:
    """One command and what it prints, lines without their ends."""

    command: str
    output: tuple[str, ...]


class Shell:
    """A shell in `directory`; `programs` is searched for commands first."""

    def __init__(self, directory: Path, programs: Path) -> None:
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "XDG_CACHE_HOME") if name in os.environ}
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        self._process = subprocess.Popen(
            ["sh"], cwd=directory, env=kept | {"PATH": path, "LOGNAME": "dev", "COLUMNS": "80"}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, command: str) -> tuple[str, ...]:
        """Output and errors of one command, as they come."""
        assert self._process.stdin
        assert self._process.stdout
        # The exit code stays what `$?` of the next command shows.
        self._process.stdin.write(f"{{ {command}\n}} </dev/null; code=$?; printf '{_END}'; (exit $code)\n")
        self._process.stdin.flush()
        text = ""
        while not text.endswith(_END):
            character = self._process.stdout.read(1)
            assert character, f"the shell ended in {command!r}: {text}"
            text += character
        return tuple(text.removesuffix(_END).rstrip("\n").splitlines())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


def steps_of(block: Block) -> list[Step]:
    """The commands of a block with what they print."""
    steps: list[Step] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            steps.append(Step(line[2:], ()))
        else:
            assert steps, f"a session begins with a command, not with {line!r}"
            steps[-1] = Step(steps[-1].command, (*steps[-1].output, line))
    return steps


def fits(shown: Sequence[str], printed: Sequence[str], *, exactly: bool) -> bool:
    """Whether `shown`, with its `…`, is what was `printed`; unless `exactly`, numbers and ids may differ."""
    if not exactly:
        shown, printed = ([line for line in lines if not _PROGRESS.match(line)] for lines in (shown, printed))

    def pattern(line: str) -> str:
        if line.strip() == "…":
            return r"(?:.*\n)*"
        return ".*".join(re.escape(part if exactly else _VARYING.sub("#", part)) for part in line.split("…")) + r"\n"

    text = "".join(f"{line if exactly else _VARYING.sub('#', line)}\n" for line in printed)
    return re.fullmatch("".join(pattern(line) for line in shown), text) is not None


def sample(directory: Path) -> Path:
    """A copy of the sample service, with a `run` that needs no environment made; the directory of its programs."""
    for path in committed(*SAMPLE):
        target = directory / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    programs = directory / ".pipeline" / "bin"
    programs.mkdir(parents=True)
    for program, text in (
        (directory / "run", '#!/bin/sh\nexec "$@"\n'),
        (programs / "pipeline", f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m pipeline "$@"\n'),
    ):
        program.write_text(text, encoding="ascii")
        program.chmod(0o755)
    return programs


def check(found: Document, directory: Path) -> Iterator[tuple[Block, str]]:
    """Runs the checked sessions of a document; each block that shows something else, with what it should show."""
    for number, block in enumerate(found.blocks):
        if block.mark == CHECKED:
            here = directory / str(number)
            with Shell(here, sample(here)) as shell:
                steps = steps_of(block)
                fresh = [_repeated(shell, step, step.command, exactly=True) for step in steps]
            if fresh != steps:
                yield block, rendered(fresh)


def record(found: Document, directory: Path) -> Iterator[tuple[Block, str]]:
    """Runs the recorded sessions of a document in a clone; each block that shows something else, as `check` does."""
    address = ""
    with Shell(directory, directory / ".pipeline" / "env" / "runtime" / "bin") as shell:
        for block in found.blocks:
            if block.mark != RECORDED:
                continue
            steps, fresh = steps_of(block), []
            for step in steps:
                command = _ADDRESS.sub(address, step.command) if address else step.command
                fresh.append(_repeated(shell, step, command, exactly=False))
                address = next(iter(_ADDRESS.findall("\n".join(fresh[-1].output))), address)
            if fresh != steps:
                yield block, rendered(fresh)


def _repeated(shell: Shell, step: Step, command: str, *, exactly: bool) -> Step:
    """The step as it is where that is what the command prints, else with what it prints."""
    printed = shell.run(command)
    same = _ADDRESS.sub("", command) == _ADDRESS.sub("", step.command)
    return step if same and fits(step.output, printed, exactly=exactly) else Step(command, printed)


def rendered(steps: Sequence[Step]) -> str:
    """The text of a block."""
    return "".join(f"{line}\n" for step in steps for line in (f"$ {step.command}", *step.output))


def written(found: Document, different: Sequence[tuple[Block, str]]) -> None:
    """Writes what was printed into the file."""
    text = found.text
    for block, fresh in reversed(different):
        text = text[: block.start] + fresh + text[block.end :]
    found.path.write_text(text, encoding="utf-8")


def clone_into(directory: Path) -> Path:
    """A clone of HEAD with its environment made, so that the sessions do not show that."""
    subprocess.run(["git", "clone", "-q", str(ROOT), str(directory)], check=True)
    subprocess.run([str(directory / "run"), "pipeline", "--version"], check=True, capture_output=True)
    return directory


def main(names: Sequence[str]) -> int:
    """Records the named files; 1 when something was printed that is not what they show."""
    code = 0
    for name in names:
        found = document(name)
        with tempfile.TemporaryDirectory(prefix="docs-") as temporary:
            clone = clone_into(Path(temporary) / "service")
            try:
                different = list(record(found, clone))
            finally:
                subprocess.run([str(clone / "run"), "pipeline", "local", "stop"], check=True, capture_output=True)
        for block, fresh in different:
            code = 1
            print(f"--- {name}, shown:\n{block.text}--- printed:\n{fresh}")
        if os.environ.get("ACCEPT"):
            written(found, different)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
