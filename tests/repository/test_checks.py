"""What runs the checks: tox, CI, the hooks, and the package that is built."""

import configparser
import email
import re
import subprocess
import sys
import zipfile
from itertools import product
from pathlib import Path

import pytest
import yaml

from tests.repository.files import ROOT, committed, texts


def tox() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read(ROOT / "tox.ini")
    return parser


def environments() -> set[str]:
    """Every environment that tox knows: those of the list, those with a section."""
    known = {name.removeprefix("testenv:") for name in tox().sections() if name.startswith("testenv:")}
    return known | set(re.split(r"[,\s]+", tox()["tox"]["env_list"].strip()))


def test_the_list_holds_every_check() -> None:
    listed = set(re.split(r"[,\s]+", tox()["tox"]["env_list"].strip()))
    assert listed == {"lint", "types", "imports", "workflows", "docs", "py311", "py312", "py313", "lowest"}


def test_pythons_of_tox_are_those_that_the_package_claims() -> None:
    claimed = re.findall(r"Python :: 3\.(\d+)", (ROOT / "pyproject.toml").read_text())
    assert {f"py3{minor}" for minor in claimed} == {name for name in environments() if name.startswith("py")}


def test_every_environment_that_is_spoken_of_exists() -> None:
    for path, text in texts("*.md", "*.toml", "*.ini", "*.yaml", "*.yml", "run", ".ci"):
        for names in re.findall(r"\btox (?:run )?(?:-q )?-e ([\w,]+)", text):
            for name in names.split(","):
                assert name in environments(), f"{path}: tox -e {name}"


def test_ci_runs_the_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in script
    assert script.rstrip().splitlines()[-1] == "./run tox"
    assert subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=False).returncode == 0


@pytest.mark.parametrize("name", ["run", ".ci/run"])
def test_scripts_can_be_executed_after_a_clone(name: str) -> None:
    listed = subprocess.run(["git", "ls-files", "-s", name], cwd=ROOT, capture_output=True, text=True, check=True)
    assert listed.stdout.startswith("100755 ")


def test_hooks_need_nothing_but_the_project() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    for repository in config["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            assert (hook["language"], hook["entry"].split()[0]) == ("system", "./run")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """What `pip install .` installs."""
    target = tmp_path_factory.mktemp("wheel")
    build = f"from hatchling.build import build_wheel; build_wheel({str(target)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=ROOT, check=True, capture_output=True)
    return zipfile.ZipFile(next(target.glob("pipeline-*.whl")))


def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    wanted = {path.relative_to(ROOT).as_posix() for path in committed("pipeline")}
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert wanted <= packed
    assert "pipeline/diagnosing/doctor.md" in packed, "what doctor --explain prints"
    assert all(name.startswith("pipeline/") for name in packed)


def test_the_wheel_needs_what_the_pipeline_needs_and_no_tools(wheel: zipfile.ZipFile) -> None:
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    needed = email.message_from_bytes(wheel.read(metadata)).get_all("Requires-Dist", [])
    assert any(text.startswith("botocore") for text in needed)
    assert not [text for text, tool in product(needed, ("pytest", "moto", "ruff", "tox")) if text.startswith(tool)]


def test_the_wheel_has_the_command(wheel: zipfile.ZipFile) -> None:
    (points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "pipeline = pipeline.__main__:main" in wheel.read(points).decode()


def test_the_command_of_the_environment_is_that_of_the_package() -> None:
    assert "-m pipeline" in (Path(ROOT) / "requirements" / "install.py").read_text()
    assert 'pipeline = "pipeline.__main__:main"' in (ROOT / "pyproject.toml").read_text()
