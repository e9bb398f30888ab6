"""Input that is meant to hurt: refused with a message, in bounded time and memory, without anything being run."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config.loading import load
from tests.config.support import DEV, ENV, SOUND, SPEC, TODAY, agree, invented, loaded, told, write
from tests.config.test_documents import bomb


def placed(root: Path, name: str, make: Callable[[Path], object]) -> list[str]:
    """The findings for the sound service with something odd at `name`."""
    path = write(root, SOUND) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    make(path)
    return told(load(root, None, invented(), TODAY))


@pytest.mark.parametrize("name", ["aws/x.yaml", "environments/dev.env", "environments/schema.json", "pipeline.yaml"])
@pytest.mark.parametrize(
    ("make", "finding"),
    [
        (os.mkfifo, "this is no regular file"),
        (lambda path: path.symlink_to("/etc/passwd"), "the file lies outside of the project"),
        (lambda path: path.symlink_to("/dev/zero"), "the file lies outside of the project"),
        (lambda path: path.symlink_to(path), "the file cannot be reached"),
        (lambda path: path.symlink_to("nowhere"), "there is no such file"),
        (lambda path: path.write_bytes(b"x" * 1_000_001), "the file is larger than 1,000,000 bytes"),
        (lambda path: path.write_bytes(bytes(range(128, 256))), "the file is not UTF-8 text"),
    ],
    ids=["pipe", "outside", "device", "loop", "dangling", "large", "binary"],
)
def test_files_that_are_none(tmp_path: Path, name: str, make: Callable[[Path], object], finding: str) -> None:
    found = placed(tmp_path, name, make)
    assert len(found) == 1
    assert found[0].startswith(f"{name}:1:")
    assert finding in found[0]


def test_a_directory_with_the_name_of_a_spec_is_a_directory(tmp_path: Path) -> None:
    assert placed(tmp_path, "aws/x.yaml", Path.mkdir) == []


def test_a_link_to_a_directory_is_not_followed(tmp_path: Path) -> None:
    found = placed(tmp_path, "aws/more", lambda path: path.symlink_to(tmp_path / "aws"))
    assert found == ["aws/more:1:1: a symbolic link to a directory is not followed"]


def test_a_link_inside_the_project_is_a_file(tmp_path: Path) -> None:
    write(tmp_path, {"shared.yaml": "things: {name: shared}\n"})
    assert placed(tmp_path, "aws/x.yaml", lambda path: path.symlink_to("../shared.yaml")) == []


def test_directories_without_end(tmp_path: Path) -> None:
    deep = "/".join("d" for _ in range(30))
    found = placed(tmp_path, f"aws/{deep}/x.yaml", Path.touch)
    assert len(found) == 1
    assert "directories are nested deeper than 16" in found[0]


@pytest.mark.parametrize(
    "text",
    [
        bomb(9),
        "things: " + "[" * 100_000,
        "things: " + "{a: " * 100_000,
        "things: [" + "a," * 110_000 + "]",
        "things: &a [*a]",
        "things: {name: a, <<: *b}",
        "&a " * 100_000,
        "? " * 100_000,
    ],
    ids=["bomb", "brackets", "braces", "many", "self", "merge", "anchors", "questions"],
)
def test_yaml_that_explodes(tmp_path: Path, text: str) -> None:
    assert agree(loaded(tmp_path, {"aws/x.yaml": text}), ["aws/x.yaml:"])


def test_the_same_bombs_in_documents(tmp_path: Path) -> None:
    files = {SPEC: "things: {name: a, policy: p.json}\n", "aws/p.json": bomb(9)}
    assert agree(loaded(tmp_path, files), ["aws/p.json:6:10: more than 100,000 values"])


@pytest.mark.parametrize(
    "text",
    [
        "things:\n  name: a\n" + "".join(f"  k{n}: 1\n" for n in range(45_000)),
        "".join(f"k{n}: 1\n" for n in range(45_000)),
        "things: [" + "{nam: a}," * 8_000 + "]",
        'things: {name: a, label: "' + "${A}" * 100_000 + '"}',
        'things: {name: a, label: "' + "".join(f"${{A{n}}}" for n in range(80_000)) + '"}',
        'things: {name: a, label: "' + "${" * 200_000 + '"}',
    ],
    ids=["keys", "collections", "items", "holes", "different holes", "open holes"],
)
def test_mistakes_by_the_thousand(tmp_path: Path, text: str) -> None:
    found = told(loaded(tmp_path, {"aws/x.yaml": text}))
    assert 0 < len(found) <= 501


def test_values_that_fill_the_memory(tmp_path: Path) -> None:
    variables = "".join(f"      t{n}: x${{BIG}}\n" for n in range(3_000))
    files = {ENV: DEV + f"BIG={'x y ' * 2000}\n", SPEC: f"things:\n  - name: a\n    variables:\n{variables}"}
    found = told(loaded(tmp_path, files))
    assert len(found) == 1
    assert "more than 16,000,000 characters once variables are filled in" in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"K{n}=1" for n in range(50_000)),
        "K='\n" * 100_000,
        'K="\\\n' * 100_000,
        "K=x" + " " * 900_000 + "y",
        "\n".join(f"K{n}=${{K{n + 1}}}${{K{n + 1}}}" for n in range(900)),
        "\n".join(f"K{n}=${{L{n}}}\nL{n}=${{K{n}}}" for n in range(200)),
    ],
    ids=["keys", "quotes", "escapes", "blanks", "growth", "circles"],
)
def test_env_files_that_explode(tmp_path: Path, text: str) -> None:
    result = loaded(tmp_path, {ENV: text})
    assert result.errors
    assert result.environments == {}


def test_nothing_that_is_read_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    files = {
        ENV: DEV + f"A=$(touch {mark})\nB=`touch {mark}`\n",
        SPEC: f'things:\n  - name: a\n    label: !!python/object/apply:os.system ["touch {mark}"]\n',
    }
    assert loaded(tmp_path, files).errors
    assert not mark.exists()
