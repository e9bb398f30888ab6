"""Whole small services, good and bad, and what `plan` says of each in an empty account, word for word."""

import io
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from pipeline.cli import main
from tests.functional.support import SERVICES
from tests.support.fault_proxy import FaultProxy
from tests.support.golden import check_golden

PLANNED = SERVICES / "planned"
GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.name for path in PLANNED.iterdir())
# How long a stage took, and how large an archive became with this Python's zlib.
_STAGE = re.compile(r"^(validate|package|plan) .*\n", re.MULTILINE)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, aws_environment: None) -> None:
    """Not GitHub's machine, and nothing built before."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("GITHUB_ACTIONS", "GITHUB_ACTOR", "GITHUB_RUN_ID"):
        monkeypatch.delenv(name, raising=False)


def planned(root: Path) -> str:
    """Exit code, plan and complaints."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["plan", "--env", "test", "--root", str(root)])
    told = _STAGE.sub("", f"{out.getvalue()}{err.getvalue()}").replace(str(root), "SERVICE")
    return f"exit {code}\n{told}"


@pytest.mark.slow
@pytest.mark.usefixtures("quiet")
def test_each_service_is_planned_as_it_was(
    proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    for name in NAMES:
        with subtests.test(name):
            root = Path(shutil.copytree(PLANNED / name, tmp_path / name))
            check_golden(GOLDEN / f"{name}.txt", planned(root))


def test_what_is_bad_is_refused_and_nothing_else() -> None:
    texts = {name: (GOLDEN / f"{name}.txt").read_text(encoding="utf-8") for name in NAMES}
    refused = {name for name, text in texts.items() if not text.startswith("exit 0\n") or "\nblocked: " in text}
    assert refused == {name for name in NAMES if name.startswith("bad-")}
    assert len(NAMES) >= 20
