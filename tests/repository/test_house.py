"""What every committed file keeps to: sizes, exemptions with a reason, and words that do not belong."""

import ast
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.repository.files import ROOT, committed, texts

LONGEST_FILE = 300
LONGEST_FUNCTION = 60
SOURCES = committed("pipeline/*.py")
ALL_PYTHON = committed("*.py")
EXEMPTION = re.compile(r"#\s*(?:noqa|ruff:\s*noqa|type:\s*ignore|mypy:|pragma|nosec)")
CODES = r"(?:noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|type:\s*ignore\[[\w, -]+\]|pragma: no cover)"
WITH_REASON = re.compile(rf"#\s*{CODES}\W+\w.{{2,}}")

# Where a package is imported by a name that is not its own.
IMPORTED_AS = {"pygithub": "github", "python-dotenv": "dotenv", "pyyaml": "yaml"}


def name(path: Path) -> str:
    """As people write it."""
    return path.relative_to(ROOT).as_posix()


def test_files_are_short() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    lengths = {
        f"{name(path)}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {function: lines for function, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def comments(text: str) -> Iterator[tuple[int, str]]:
    """(line, text) of every comment."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def test_every_exemption_names_its_rule_and_its_reason() -> None:
    found = [(f"{name(path)}:{line}", text) for path in ALL_PYTHON for line, text in comments(path.read_text())]
    assert [item for item in found if EXEMPTION.search(item[1]) and not WITH_REASON.search(item[1])] == []


@pytest.mark.parametrize(
    ("comment", "accepted"),
    [
        ("# noqa: S105 - a name, no password", True),
        ("# noqa: N803, ARG001 - boto3's parameter names", True),
        ("# type: ignore[arg-type]  # the stub is wrong about None", True),
        ("# pragma: no cover - only on macOS", True),
        ("# noqa", False),
        ("# noqa: S105", False),
        ("# type: ignore", False),
        ("# type: ignore[arg-type]", False),
        ("# ruff: noqa", False),
    ],
)
def test_what_counts_as_a_reason(comment: str, accepted: bool) -> None:
    assert EXEMPTION.search(comment)
    assert bool(WITH_REASON.search(comment)) is accepted


def imported() -> dict[str, str]:
    """Top-level name of every module that the package imports -> a file that does."""
    found: dict[str, str] = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found |= {module.split(".")[0]: name(path) for module in modules}
    return found


def test_libraries_that_are_imported_are_those_that_are_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packages = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    declared = {IMPORTED_AS.get(package, package) for package in packages}
    libraries = {
        module: path for module, path in imported().items() if module not in {"pipeline", *sys.stdlib_module_names}
    }
    assert {module: path for module, path in libraries.items() if module not in declared} == {}
    assert declared - set(libraries) == set(), "nothing imports it"


# Written so that this file does not hold them itself.
OUT_OF_PLACE = {
    "a path of somebody's machine": re.compile(
        r"(?<![\w.$}])/(?:work|root|Users|home/(?!(?:runner|somebody)\b)[a-z]\w*|opt/pypi)/"
    ),
    "a package index": re.compile(
        r"(?:pypi|pythonhosted|npmjs|artifactory)[.](?:org|com)|--(?:extra-)?index-url[ =]https?://(?!\w*[.]?(?:e|example)[.]com)"
    ),
    "a note to finish something": re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X)\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE[ ]KEY-----"),
    "an access key": re.compile(r"\bAKIA(?!IOSFODNN7EXAMPLE)[A-Z0-9]{16}\b"),
}


@pytest.mark.parametrize("what", OUT_OF_PLACE)
def test_no_committed_file_holds(what: str) -> None:
    found = [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}"
        for path, text in texts()
        for match in OUT_OF_PLACE[what].finditer(text)
    ]
    assert found == []


def test_text_files_end_with_one_newline() -> None:
    assert [path for path, text in texts() if text and (not text.endswith("\n") or text.endswith("\n\n"))] == []
