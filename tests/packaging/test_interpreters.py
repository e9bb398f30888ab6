import sys
from pathlib import Path

import pytest

from pipeline.packaging.interpreters import find_interpreter


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Python on PATH, none of pyenv, none of uv."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))


def pretend(place: Path, answer: str) -> str:
    place.parent.mkdir(parents=True)
    place.write_text(f"#!/bin/sh\n{answer}\n")
    place.chmod(0o755)
    return str(place)


def test_our_own_is_taken_first() -> None:
    assert find_interpreter(f"{sys.version_info.major}.{sys.version_info.minor}") == sys.executable


@pytest.mark.parametrize(
    "place",
    [
        "path/python3.99",
        "PYENV_ROOT/versions/3.99.1/bin/python3.99",
        "UV_PYTHON_INSTALL_DIR/cpython-3.99.0-x/bin/python3.99",
    ],
)
def test_the_usual_places_are_looked_at(tmp_path: Path, place: str) -> None:
    expected = pretend(tmp_path / place, "echo 3.99")
    assert find_interpreter("3.99") == expected


@pytest.mark.parametrize("answer", ["exit 127", "echo 3.98", "echo nonsense"])
def test_one_that_does_not_work_or_is_another_is_passed_over(tmp_path: Path, answer: str) -> None:
    pretend(tmp_path / "path" / "python3.99", answer)
    assert find_interpreter("3.99") is None
    expected = pretend(tmp_path / "PYENV_ROOT/versions/3.99.0/bin/python3.99", "echo 3.99")
    assert find_interpreter("3.99") == expected


def test_pyenvs_stand_ins_are_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    pretend(tmp_path / "shims" / "python3.99", f"touch {tmp_path}/asked; echo 3.99")
    assert find_interpreter("3.99") is None
    assert not (tmp_path / "asked").exists()
