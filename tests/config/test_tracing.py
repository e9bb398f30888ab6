from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config.files import Files
from pipeline.config.findings import Findings
from pipeline.config.tracing import TracedFiles, hold
from tests.config.support import write

CONTENT = {
    "aws/tables.yaml": "tables: []\n",
    "aws/more/notes.txt": "nothing\n",
    "code/app.py": "import os\n\n\ndef handler(event, context):\n    return 1\n",
}


def asked(root: Path) -> TracedFiles:
    files = TracedFiles(write(root, CONTENT))
    findings = Findings()
    files.exists("aws/schema.json")
    files.is_file("aws/tables.yaml")
    files.is_directory("code")
    files.names("aws")
    files.below("aws", (".yaml",), findings)
    files.text("aws/tables.yaml", findings)
    files.module("code/app.py", findings)
    assert not findings.found
    return files


def test_answers_are_those_of_the_files(tmp_path: Path) -> None:
    traced, plain = asked(tmp_path), Files(tmp_path)
    assert traced.names("aws") == plain.names("aws") == ["more", "tables.yaml"]
    assert traced.below("aws", (".yaml",), Findings()) == ["aws/tables.yaml"]
    assert traced.text("aws/tables.yaml", Findings()) == "tables: []\n"
    assert traced.module("code/app.py", Findings()).names == {"os", "handler"}


def test_they_hold_while_nothing_changes(tmp_path: Path) -> None:
    assert hold(asked(tmp_path).answers, tmp_path)


def _append(name: str, text: str) -> Callable[[Path], object]:
    return lambda root: (root / name).write_text(CONTENT.get(name, "") + text, encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        _append("aws/tables.yaml", "# more\n"),
        _append("aws/schema.json", "{}"),
        _append("aws/other.yaml", "tables: []\n"),
        _append("aws/more/deep.yaml", "tables: []\n"),
        _append("code/app.py", "\n\ndef another():\n    pass\n"),
        _append("code/app.py", "\n\ndef broken(:\n"),
        lambda root: (root / "code/app.py").unlink(),
        lambda root: (root / "aws/tables.yaml").unlink(),
        lambda root: (root / "code").rename(root / "elsewhere"),
        lambda root: (root / "aws/tables.yaml").write_bytes(b"\xff"),
    ],
)
def test_they_hold_no_longer(tmp_path: Path, change: Callable[[Path], object]) -> None:
    answers = asked(tmp_path).answers
    change(tmp_path)
    assert not hold(answers, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        _append("code/app.py", "\n# a comment\n"),
        lambda root: (root / "code/app.py").write_text("import os\n\n\ndef handler(event, context):\n    return 2\n"),
        _append("aws/more/notes.txt", "still nothing\n"),
        _append("code/other.py", "pass\n"),
    ],
)
def test_they_hold_over_what_changes_nothing(tmp_path: Path, change: Callable[[Path], object]) -> None:
    answers = asked(tmp_path).answers
    change(tmp_path)
    assert hold(answers, tmp_path)


def test_no_content_is_kept(tmp_path: Path) -> None:
    assert "tables: []" not in repr(asked(tmp_path).answers)
