import os
from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.packaging.installed import members
from tests.packaging.support import write


def packaged(tree: Path) -> dict[str, bytes]:
    return {m.name: m.content if isinstance(m.content, bytes) else m.content.read_bytes() for m in members(tree)}


def install(tree: Path, name: str, files: dict[str, str], **digests: str) -> None:
    info = f"{name}-1.0.dist-info"
    rows = [f"{file},{digests.get(Path(file).stem, 'sha256=a')},1\n" for file in (*files, f"{info}/INSTALLER")]
    write(tree, files | {f"{info}/INSTALLER": "uv", f"{info}/RECORD": "".join([*rows, f"{info}/RECORD,,\n"])})


def test_notes_of_the_installer_and_byte_code_are_left_out(tmp_path: Path) -> None:
    install(tmp_path, "one", {"one/__init__.py": "1", "one/data.txt": "2"})
    noise = {
        ".lock": "",
        "one-1.0.dist-info/REQUESTED": "",
        "one-1.0.dist-info/direct_url.json": "{}",
        "one-1.0.dist-info/uv_cache.json": "{}",
        "one/__pycache__/x.cpython-313.pyc": "",
        "one/sub/x.pyc": "",
    }
    write(tmp_path, noise)
    found = packaged(tmp_path)
    assert set(found) == {"one/__init__.py", "one/data.txt", "one-1.0.dist-info/RECORD"}
    lines = found["one-1.0.dist-info/RECORD"].decode().splitlines()
    assert lines == ["one-1.0.dist-info/RECORD,,", "one/__init__.py,sha256=a,1", "one/data.txt,sha256=a,1"]


@pytest.mark.parametrize(
    ("script", "kept"),
    [
        ("#!/home/somebody/venv/bin/python\nimport x\n", False),
        ("#!/usr/bin/env python3.13\n", False),
        ("#!/bin/sh\n'''exec' '/a long path/python' \"$0\" \"$@\"\n", False),
        ("#!/bin/sh\necho hello\n", True),
        ("\x7fELF", True),
    ],
)
def test_scripts_that_name_this_machines_python_are_left_out(tmp_path: Path, script: str, kept: bool) -> None:
    install(tmp_path, "one", {"bin/tool": script})
    found = packaged(tmp_path)
    assert ("bin/tool" in found) is kept
    assert (b"bin/tool" in found["one-1.0.dist-info/RECORD"]) is kept


def test_the_executable_bit_is_kept(tmp_path: Path) -> None:
    install(tmp_path, "one", {"one/lib.so": "x", "one/a.py": "y"})
    (tmp_path / "one" / "lib.so").chmod(0o755)
    (tmp_path / "one" / "a.py").chmod(0o640)
    assert {m.name: m.executable for m in members(tmp_path) if m.name.startswith("one/")} == {
        "one/lib.so": True,
        "one/a.py": False,
    }


def test_one_file_of_two_packages_is_refused_unless_it_is_the_same(tmp_path: Path) -> None:
    same = {"tests/__init__.py": ""}
    install(tmp_path, "one", same)
    install(tmp_path, "two", same)
    assert "tests/__init__.py" in packaged(tmp_path)
    install(tmp_path, "two", {"tests/__init__.py": "", "other.py": ""}, __init__="sha256=b")
    with pytest.raises(BadInput) as caught:
        members(tmp_path)
    (found,) = caught.value.diagnostics
    assert str(found) == "the packages one 1.0 and two 1.0 both bring tests/__init__.py, with different content"


def test_names_with_commas_are_written_as_csv(tmp_path: Path) -> None:
    write(tmp_path, {"one/a,b.py": "", "one-1.0.dist-info/RECORD": '"one/a,b.py",sha256=a,0\n'})
    assert b'"one/a,b.py",sha256=a,0\n' in packaged(tmp_path)["one-1.0.dist-info/RECORD"]


def test_the_order_on_disk_does_not_matter(tmp_path: Path) -> None:
    for place, order in ((tmp_path / "x", 1), (tmp_path / "y", -1)):
        for name in ["one", "two"][::order]:
            install(place, name, dict([(f"{name}/b.py", ""), (f"{name}/a.py", "")][::order]))
    os.utime(tmp_path / "y" / "one" / "a.py", (1, 1))
    assert packaged(tmp_path / "x") == packaged(tmp_path / "y")
