"""The demonstration on a real embedded AWS: a new service, its bad release caught, nothing of the checkout touched."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.local import supervisor

pytestmark = [pytest.mark.emulator, pytest.mark.slow]


def pipeline(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments], capture_output=True, text=True, check=False, timeout=240
    )


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_bad_release_is_caught_while_requests_come_in(tmp_path: Path) -> None:
    root = tmp_path / "orders"
    assert pipeline("init", str(root), "--yes").returncode == 0
    before = contents(root)
    done = pipeline("local", "demo", "--root", str(root), "--format", "json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["as_expected"] is True
    assert shown["canary"]["outcome"] == "reverted"
    assert "worse with" in shown["canary"]["reason"]
    requests = shown["requests"]
    assert requests["before"]["failed"] == requests["after"]["failed"] == 0
    assert 0 < requests["during"]["failed"] < requests["during"]["sent"] / 2
    assert "fails at half of its requests" in done.stderr
    assert contents(root) == before
    assert supervisor.status(root) is None
