"""The same input gives the same bytes: whatever the clock, the clone, the umask, the order on disk, the locale."""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.packaging.packager import Packager
from tests.packaging.support import HANDLER, Code, Project, child_job, function, settled

ROOT = Path(__file__).parents[2]
FILES: dict[str, bytes] = {
    "backend/handlers/hello.py": HANDLER.encode(),
    "backend/handlers/__init__.py": b"",
    "backend/lib/\u00e9t\u00e9.py": b"\x00\xff",
    "backend/lib/b.py": b"b",
    "backend/lib/A.py": b"a",
    "backend/utils/deep/er/x.json": b"{}",
}


def digest_of(project: Project, requirements: str | None = None, **environment: str) -> str:
    """Packaged by a process of its own."""
    command = [sys.executable, "-m", "tests.packaging.package_in_child", child_job(project, requirements)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["digest"])


def copy(project: Project, root: Path, files: dict[str, bytes]) -> Project:
    """Another clone, with caches of its own."""
    other = Project(root, project.index, root.parent / f"{root.name}-cache")
    other.write(files)
    return other


def test_umask_clock_locale_and_clone_do_not_matter(project: Project, tmp_path: Path) -> None:
    locked = "\n".join(project.index.wheel(name, needs=needs) for name, needs in (("beta", ()), ("alpha", ("beta",))))
    files = FILES | {"backend/requirements.txt": locked.encode()}
    expected = digest_of(copy(project, tmp_path / "one", files), "backend/requirements.txt")
    surroundings = [
        {"TEST_UMASK": "000"},
        {"TEST_UMASK": "077"},
        {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"},
        {"PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1000000000"},
    ]
    for number, environment in enumerate(surroundings):
        other = copy(project, tmp_path / f"a much longer place {number}" / "clone", dict(reversed(files.items())))
        if number % 2:
            settled(other.root)
        assert digest_of(other, "backend/requirements.txt", **environment) == expected, environment


def test_modes_beyond_the_executable_bit_do_not_matter(project: Project, tmp_path: Path) -> None:
    digests = set()
    for number, mode in enumerate((0o600, 0o644, 0o666, 0o664)):
        other = copy(project, tmp_path / f"m{number}", FILES)
        for place in other.root.rglob("*.py"):
            place.chmod(mode)
        digests.add(digest_of(other))
    assert len(digests) == 1


@pytest.mark.parametrize("kind", ["hard", "symbolic"])
def test_how_a_file_came_to_its_place_does_not_matter(project: Project, tmp_path: Path, kind: str) -> None:
    other = copy(project, tmp_path / "linked", FILES)
    original = other.root / "kept" / "b.py"
    original.parent.mkdir()
    linked = other.root / "backend" / "lib" / "b.py"
    linked.rename(original)
    if kind == "hard":
        linked.hardlink_to(original)
    else:
        linked.symlink_to("../../kept/b.py")
    assert digest_of(other) == digest_of(copy(project, tmp_path / "plain", FILES))


def test_two_processes_at_once_on_one_project_agree(project: Project) -> None:
    project.write(FILES)
    program = [sys.executable, "-m", "tests.packaging.package_in_child", child_job(project, None)]
    children = [subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    digests = {json.loads(child.communicate()[0])["digest"] for child in children}
    assert len(digests) == 1
    work = project.root / ".pipeline" / "package"
    assert [place.name for place in (work / "artifacts").iterdir()] == [f"{digests.pop().removeprefix('sha256:')}.zip"]


NAMES = st.lists(st.sampled_from(["a", "b", "c", "d e", "\u00fc", "x.y"]), min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(NAMES.map(lambda name: f"backend/{name}/f.py"), st.binary(max_size=40), min_size=1, max_size=8)


def packaged_digest(files: list[tuple[str, bytes]]) -> str:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place, "p")
        for name, content in files:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        packager = Packager(root, Code(), Path(place, "cache"), lambda _: None)
        return packager.package([function()])["lambda.function/hello"].digest


@settings(max_examples=25, deadline=None)
@given(files=TREES, seed=st.integers(0, 2**32))
def test_the_order_in_which_files_were_made_never_changes_the_bytes(files: dict[str, bytes], seed: int) -> None:
    listed = [*files.items(), ("backend/handlers/hello.py", HANDLER.encode())]
    shuffled = random.Random(seed).sample(listed, len(listed))
    assert packaged_digest(shuffled) == packaged_digest(listed)


@settings(max_examples=25, deadline=None)
@given(files=TREES, content=st.binary(max_size=40))
def test_any_change_of_any_file_changes_the_bytes(files: dict[str, bytes], content: bytes) -> None:
    handler = ("backend/handlers/hello.py", HANDLER.encode())
    name, before = next(iter(files.items()))
    changed = packaged_digest([*(files | {name: content}).items(), handler])
    assert (changed == packaged_digest([*files.items(), handler])) is (content == before)
