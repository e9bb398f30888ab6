"""Copies of services: what belongs to the repository, as it is now."""

import subprocess
from pathlib import Path

import pytest
import yaml

from pipeline.demonstrating.copying import ROLLOUT, copy_service, set_rollout
from pipeline.errors import BadInput
from pipeline.rollout.strategy import parse

FILES = {"pipeline.yaml": "environments: {dev: dev}\n", "aws/a.yaml": "a: 1\n", ".pipeline/local/record.json": "{}"}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() or path.is_symlink())


def test_without_a_repository_everything_but_the_files_of_tools(tmp_path: Path) -> None:
    write(tmp_path / "from", {**FILES, "backend/__pycache__/x.pyc": "", "node_modules/left/pad.js": ""})
    (tmp_path / "to").mkdir()
    copy_service(tmp_path / "from", tmp_path / "to")
    assert names(tmp_path / "to") == ["aws/a.yaml", "pipeline.yaml"]


def test_of_a_repository_what_is_not_ignored_as_it_is_now(tmp_path: Path) -> None:
    root = tmp_path / "repository" / "service"
    write(root, {**FILES, ".gitignore": ".pipeline/\n*.log\n", "big.log": "", "gone.txt": ""})
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=tmp_path / "repository", check=True, capture_output=True)
    (root / "gone.txt").unlink()
    (root / "link").symlink_to("pipeline.yaml")
    write(root, {"aws/a.yaml": "a: 2\n"})
    (tmp_path / "to").mkdir()
    copy_service(root, tmp_path / "to")
    assert names(tmp_path / "to") == [".gitignore", "aws/a.yaml", "link", "pipeline.yaml"]
    assert (tmp_path / "to" / "aws" / "a.yaml").read_text(encoding="utf-8") == "a: 2\n"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("dev", {"branch": "dev"}),
        ("{branch: dev, rollout: {strategy: linear}}", {"branch": "dev"}),
        ("", {}),
    ],
)
def test_the_rollout_is_the_one_to_look_at(tmp_path: Path, written: str, kept: dict[str, str]) -> None:
    text = f"environments:\n  dev: {written}\nrollout: {{strategy: linear}}\ncode: {{root: code}}\n"
    write(tmp_path, {"pipeline.yaml": text})
    set_rollout(tmp_path, "dev")
    project = yaml.safe_load((tmp_path / "pipeline.yaml").read_text(encoding="utf-8"))
    assert project == {"environments": {"dev": kept}, "rollout": ROLLOUT, "code": {"root": "code"}}
    assert parse(ROLLOUT).looks == 10


def test_an_environment_that_there_is_not_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"pipeline.yaml": "environments: {dev: dev}\n"})
    with pytest.raises(BadInput, match="has no environment live"):
        set_rollout(tmp_path, "live")
