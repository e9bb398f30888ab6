"""The locks: complete, hashed, from nowhere in particular, and in step with pyproject.toml."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.repository.files import ROOT, committed

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = [path for path in committed("*.txt") if "--hash=" in path.read_text()]
Pins = dict[str, list[tuple[Requirement, list[str]]]]


def entries(path: Path) -> list[str]:
    """One line per requirement, options behind it, comments left out."""
    joined = re.sub(r"\\\n\s*", " ", path.read_text())
    return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def pins(path: Path) -> Pins:
    """name -> (requirement, hashes); several where versions differ by platform."""
    found: Pins = {}
    for entry in entries(path):
        requirement, *options = re.split(r"\s+--", entry)
        parsed = Requirement(requirement)
        found.setdefault(canonicalize_name(parsed.name), []).append((parsed, options))
    return found


def locked_version(requirement: Requirement) -> Version:
    """The one version that a locked requirement allows."""
    (specifier,) = requirement.specifier
    return Version(specifier.version)


def group(name: str) -> list[Requirement]:
    """The requirements of a dependency group, with those of the groups that it includes."""
    found = []
    for item in PROJECT["dependency-groups"][name]:
        found += group(item["include-group"]) if isinstance(item, dict) else [Requirement(item)]
    return found


RUNTIME = [Requirement(text) for text in PROJECT["project"]["dependencies"]]


def test_the_locks_of_the_environments_are_there() -> None:
    assert {"runtime.txt", "dev.txt", "lowest.txt"} <= {path.name for path in LOCKS}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_requirement_is_one_version_with_hashes(path: Path) -> None:
    for name, found in pins(path).items():
        for requirement, options in found:
            assert [specifier.operator for specifier in requirement.specifier] == ["=="], name
            assert options, name
            assert all(re.fullmatch(r"hash=sha256:[0-9a-f]{64}", option) for option in options), name


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_lock_says_where_to_load_from(path: Path) -> None:
    assert not re.search(r"://|^\s*--?[a-z]*(index|find-links|host)| @ ", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("lock", "wanted"), [("runtime", RUNTIME), ("dev", RUNTIME + group("dev")), ("lowest", RUNTIME + group("test"))]
)
def test_the_lock_holds_what_the_project_asks_for(lock: str, wanted: list[Requirement]) -> None:
    found = pins(ROOT / "requirements" / f"{lock}.txt")
    for requirement in wanted:
        for locked, _ in found[canonicalize_name(requirement.name)]:
            assert locked_version(locked) in requirement.specifier, f"{requirement}; try: ./run tox -e lock"


def test_pipeline_runs_with_the_versions_it_is_tested_with() -> None:
    tested = pins(ROOT / "requirements" / "dev.txt")
    for name, found in pins(ROOT / "requirements" / "runtime.txt").items():
        assert [str(requirement.specifier) for requirement, _ in found] == [
            str(requirement.specifier) for requirement, _ in tested[name]
        ], f"{name}; try: ./run tox -e lock"


def test_lower_bounds_are_the_versions_that_the_lowest_environment_tests() -> None:
    found = pins(ROOT / "requirements" / "lowest.txt")
    for requirement in RUNTIME:
        (bound,) = (Version(s.version) for s in requirement.specifier if s.operator in {">=", "=="})
        ((locked, _),) = found[canonicalize_name(requirement.name)]
        assert locked_version(locked) == bound, f"{requirement}: something else needs {locked}; raise the bound"
