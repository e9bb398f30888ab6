"""What reaches standard output, whatever the locale can write and the terminal can show."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.config.support import DEV, HANDLER, write
from tests.repository.files import ROOT

SERVICE = {
    "pipeline.yaml": "",
    "environments/dev.env": DEV,
    "aws/functions.yaml": "functions:\n  - name: orders-list\n    runtime: python3.13\n",
    "backend/handlers/list.py": HANDLER,
}


def run(root: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments, "--root", str(root)],
        cwd=ROOT, env=os.environ | {"XDG_CACHE_HOME": str(root / "cache")} | environment,
        capture_output=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_the_locale_cannot_write_is_escaped(tmp_path: Path, encoding: str) -> None:
    done = run(write(tmp_path / "a", SERVICE), "package", "--env", "dev", "--out", str(tmp_path / "출력"),
               PYTHONIOENCODING=encoding)  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = "출력" if encoding == "utf-8" else "\\ucd9c\\ub825"
    assert f"{shown}/orders-list.zip" in done.stdout.decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8:surrogateescape"])
def test_json_is_utf_8_whatever_the_locale_and_the_names_of_files(tmp_path: Path, encoding: str) -> None:
    root = write(tmp_path / "a", SERVICE)
    try:
        Path(os.fsdecode(os.fsencode(root / "aws") + b"/\xff.yaml")).write_text("함수: 1\n", encoding="utf-8")
    except OSError:
        pytest.skip("this file system has no such names")
    done = run(root, "validate", "--format", "json", PYTHONIOENCODING=encoding)
    (found,) = json.loads(done.stdout.decode("utf-8", errors="strict"))["errors"]
    assert (found["file"], "함수" in found["message"]) == ("aws/\udcff.yaml", True)


def test_environments_of_different_size_are_not_called_equal(tmp_path: Path) -> None:
    live = {"environments/live.env": DEV.replace("=dev", "=live") + "WATCH=everything\n"}
    watch = 'composite_alarms:\n  - {name: orders-health, watch: "${WATCH}"}\n'
    files = {**SERVICE, **live, "environments/dev.env": DEV + "WATCH=essential\n", "aws/alarms.yaml": watch}
    done = run(write(tmp_path / "a", files), "validate")
    assert done.stdout == b"2 environments, 5 to 7 resources each: valid\n", done.stderr


def on_a_terminal(root: Path, environment: dict[str, str]) -> bytes:
    """What `validate` writes to a terminal."""
    reader, writer = pty.openpty()
    with os.fdopen(reader, "rb", buffering=0) as terminal:
        plain = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM", "GITHUB_ACTIONS")}
        subprocess.run(
            [sys.executable, "-m", "pipeline", "validate", "--root", str(root)],
            cwd=ROOT, env=plain | {"XDG_CACHE_HOME": str(root / "cache")} | environment,
            stdin=writer, stdout=writer, stderr=writer, check=False,
        )  # fmt: skip
        os.close(writer)
        return terminal.read(4096)


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(tmp_path: Path, environment: dict[str, str], coloured: bool) -> None:
    root = write(tmp_path / "a", {**SERVICE, "aws/functions.yaml": "funktions: 1\n"})
    assert (b"\x1b[" in on_a_terminal(root, environment)) is coloured


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_the_machine_refuses_is_no_bug(tmp_path: Path, form: str) -> None:
    root = write(tmp_path / "a", SERVICE)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", "validate", "--format", form, "--root", str(root)],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: No space left on device\ntry: ")


def test_archives_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    layer = "layers:\n  - {name: orders-list, path: layer, compatible_runtimes: [python3.13]}\n"
    root = write(tmp_path / "a", {**SERVICE, "aws/layers.yaml": layer, "layer/shared.py": "A = 1\n"})
    done = run(root, "package", "--env", "dev", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "lambda.function-orders-list.zip",
        "lambda.layer-orders-list.zip",
    ]


def test_a_folder_for_archives_that_is_a_file_is_bad_input(tmp_path: Path) -> None:
    root = write(tmp_path / "a", SERVICE)
    done = run(root, "package", "--env", "dev", "--out", str(root / "pipeline.yaml" / "out"))
    assert done.returncode == 2
    assert b"Not a directory" in done.stderr
