"""A new repository really deploys to the embedded AWS, and its function really answers."""

import io
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.local import supervisor
from tests.scaffolding.support import init

pytestmark = [pytest.mark.emulator, pytest.mark.slow]
MANUAL = Path(__file__).parents[1] / "fixtures" / "manual"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    made = tmp_path / "orders"
    init(str(made))
    yield made
    supervisor.stop(made)


def test_it_deploys_at_once_and_answers(root: Path) -> None:
    outputs = run(root, "deploy")["outputs"]
    url = next(value for key, value in outputs.items() if key.endswith(".url"))
    added = ask(f"{url}/notes", {"text": "milk"})
    assert ask(f"{url}/notes") == {"notes": [added]}
    assert run(root, "plan")["changes"] == []


def test_what_comes_of_the_manuals_folder_deploys_too(tmp_path: Path, root: Path) -> None:
    shutil.rmtree(root)
    init(str(root), "--from-manual", str(MANUAL))
    done = run(root, "deploy", "production")
    assert done["plan"]["summary"]["create"] > 20
    url = next(value for value in done["outputs"].values() if str(value).startswith("http:"))
    with pytest.raises(urllib.error.HTTPError) as answered:
        ask(f"{url}/usage")
    assert answered.value.code == 501, "its code is not in the folder"
    assert run(root, "plan", "production")["changes"] == []


def run(root: Path, command: str, environment: str = "dev") -> Any:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([command, "--env", environment, "--local", "--root", str(root), "--format", "json"])
    assert code == 0, err.getvalue()
    return json.loads(out.getvalue())


def ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=30) as answer:
        return json.loads(answer.read())
