import os
import stat
from pathlib import Path

import pytest

from pipeline.packaging.patterns import Patterns
from pipeline.packaging.tree import Entry, collisions, located, problems, scan, select
from tests.packaging.support import write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "root", {"code/a.py": "a", "code/lib/b.py": "b", "shared/c.py": "c"})
    return tmp_path / "root"


def found(root: Path) -> dict[str, Entry]:
    return {entry.path: entry for entry in scan(root / "code", root)}


def test_files_come_sorted_with_what_git_keeps_of_their_mode(root: Path) -> None:
    (root / "code" / "lib" / "tool").write_text("#!/bin/sh\n")
    (root / "code" / "lib" / "tool").chmod(0o700)
    entries = scan(root / "code", root)
    assert [entry.path for entry in entries] == ["a.py", "lib/b.py", "lib/tool"]
    assert [entry.executable for entry in entries] == [False, False, True]


@pytest.mark.parametrize(
    "noise", ["__pycache__/a.pyc", "lib/x.pyc", ".git/config", ".venv/lib/a.py", "node_modules/x.js", ".DS_Store"]
)
def test_what_tools_leave_behind_is_never_seen(root: Path, noise: str) -> None:
    write(root / "code", {noise: ""})
    assert set(found(root)) == {"a.py", "lib/b.py"}


def test_links_within_the_project_are_followed(root: Path) -> None:
    (root / "code" / "linked.py").symlink_to("../shared/c.py")
    (root / "code" / "folder").symlink_to("../shared")
    (root / "code" / "absolute.py").symlink_to(root / "shared" / "c.py")
    entries = found(root)
    assert all(entry.problem is None for entry in entries.values())
    assert set(entries) == {"a.py", "absolute.py", "folder/c.py", "lib/b.py", "linked.py"}
    assert Path(entries["linked.py"].place).read_text() == "c"


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("/etc/hostname", "leaves the project"),
        ("../../outside", "leaves the project"),
        ("nowhere", "does not exist"),
        (".", "a folder that it is in"),
        ("..", "a folder that it is in"),
        ("../.git", "never packaged"),
    ],
)
def test_other_links_are_refused(root: Path, target: str, says: str) -> None:
    write(root.parent, {"outside/secret": "s", "root/.git/config": "token"})
    (root / "code" / "link").symlink_to(target)
    assert says in (found(root)["link"].problem or "")


def test_a_link_out_of_the_project_by_way_of_another_is_refused(root: Path) -> None:
    write(root.parent, {"outside/secret": "s"})
    (root / "shared" / "out").symlink_to("../../outside")
    (root / "code" / "folder").symlink_to("../shared")
    assert "leaves the project" in (found(root)["folder/out"].problem or "")


def test_two_links_that_lead_to_each_other_end(root: Path) -> None:
    (root / "code" / "lib" / "again").symlink_to("../../shared")
    (root / "shared" / "back").symlink_to("../code")
    entries = found(root)
    assert "a folder that it is in" in (entries["lib/again/back"].problem or "")


def test_pipes_and_sockets_are_refused_and_not_opened(root: Path) -> None:
    os.mkfifo(root / "code" / "pipe")
    assert "neither a file nor a folder" in (found(root)["pipe"].problem or "")


@pytest.mark.parametrize("name", [b"bad-\xff.py", b"back\\slash.py", b"new\nline.py"])
def test_names_that_no_zip_can_hold_are_refused_readably(root: Path, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(root / "code") + b"/" + name)).write_bytes(b"")
    bad = [entry for entry in found(root).values() if entry.problem]
    assert len(bad) == 1
    bad[0].path.encode()
    assert problems(bad, "code")[0].file == f"code/{bad[0].path}"


def test_a_folder_that_cannot_be_read_is_a_finding(root: Path) -> None:
    locked = root / "code" / "locked"
    locked.mkdir()
    locked.chmod(0)
    try:
        if os.access(locked, os.R_OK):
            pytest.skip("this user may read everything")
        assert "permission denied" in (found(root)["locked"].problem or "")
    finally:
        locked.chmod(stat.S_IRWXU)


def test_only_what_is_selected_can_be_a_problem(root: Path) -> None:
    (root / "code" / "link").symlink_to("/etc/hostname")
    entries = scan(root / "code", root)
    nothing = Patterns.of(())
    assert [e.path for e in select(entries, nothing, nothing)] == ["a.py", "lib/b.py", "link"]
    assert problems(select(entries, nothing, Patterns.of(["link"])), "code") == []
    assert [e.path for e in select(entries, Patterns.of(["lib"], anchored=True), nothing)] == ["lib/b.py"]


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (["a.py", "b.py"], 0),
        (["a.py", "A.py"], 1),
        (["lib/a.py", "Lib/b.py"], 1),
        (["caf\u00e9.py", "cafe\u0301.py"], 1),
        (["lib/a.py", "lib/b.py", "library/a.py"], 0),
    ],
)
def test_names_that_one_file_system_takes_for_one_are_found(names: list[str], count: int) -> None:
    assert len(collisions({name: f"backend/{name}" for name in names})) == count


def test_places_are_told_from_the_root() -> None:
    assert located("backend", "a.py") == "backend/a.py"
    assert located(".", "a.py") == "a.py"
