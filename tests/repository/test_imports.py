"""Rules of who may import whom that import-linter has no words for; its own contracts are in pyproject.toml."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repository.files import ROOT, committed

PACKAGE = ROOT / "pipeline"
RESOURCES = PACKAGE / "resources"


def imported(path: Path) -> Iterator[str]:
    """Full names of all modules, and of all names in modules, that a file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def types() -> set[str]:
    """The modules of resource types: those with a schema beside them, as the registry finds them."""
    return {f"pipeline.resources.{path.stem}" for path in RESOURCES.glob("*.json")}


def test_nobody_imports_a_resource_type() -> None:
    """Not another type, not a helper of types, not the engine: all of them ask the registry."""
    modules = types()
    assert modules
    for path in committed("pipeline/*.py"):
        parts = [name.split(".") for name in imported(path)]
        known = modules & {".".join(name[: length + 1]) for name in parts for length in range(len(name))}
        assert not known, f"{path.relative_to(ROOT)} imports {sorted(known)}"


def test_every_resource_type_has_its_module() -> None:
    missing = [path.name for path in RESOURCES.glob("*.json") if not path.with_suffix(".py").is_file()]
    assert missing == []


def test_every_directory_with_modules_is_a_package() -> None:
    """import-linter, mypy and the wheel's consumers overlook what has no __init__.py."""
    directories = {path.parent for path in committed("pipeline/*.py")}
    assert [str(path.relative_to(ROOT)) for path in directories if not (path / "__init__.py").is_file()] == []


def test_start_up_imports_nothing_slow() -> None:
    """What the command line imports at its top is paid by `pipeline --version` too."""
    slow = {"boto3", "botocore", "jsonschema", "github", "uv"}
    for name in ("__main__", "cli"):
        tops = {module.split(".")[0] for module in top_level_imports(PACKAGE / f"{name}.py")}
        assert not tops & slow, name


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [
        ("validate", ("pipeline.config.loading", "pipeline.resources", "jsonschema", "yaml")),
        ("package", ("pipeline.config.loading", "pipeline.config.validation", "pipeline.resources.registry", "yaml")),
        ("plan", ("pipeline.commands.rolling_out", "pipeline.releasing.driver", "botocore", "github")),
        ("deploy", ("pipeline.commands.rolling_out", "pipeline.releasing.driver", "botocore", "github")),
    ],
)
def test_commands_import_only_what_they_always_use(command: str, unwanted: tuple[str, ...]) -> None:
    program = f"import sys, pipeline.commands.{command}; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not set(loaded.stdout.split()) & set(unwanted)


def top_level_imports(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
