import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.packaging.archive import Member, contents, owner_of, write_archive
from pipeline.packaging.interpreters import find_interpreter

MEMBERS = [Member("b/x.py", False, b"x"), Member("a.py", True, b"a" * 3000), Member("\u00e9.txt", False, b"")]
# The bytes of the format. If this changes, every bundle of every user changes: raise `_FORMAT` in bundles.py.
GOLDEN = "57fa72992db1b8bb994b497a2f560bf346c42e649852b4b2519b7ce09b565cff"


def test_entries_are_stored_sorted_and_dated_alike(tmp_path: Path) -> None:
    written = write_archive(tmp_path / "a.zip", MEMBERS)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        infos = archive.infolist()
        assert archive.testzip() is None
    assert [info.filename for info in infos] == ["a.py", "b/x.py", "\u00e9.txt"]
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}
    assert [oct(info.external_attr >> 16) for info in infos] == ["0o100755", "0o100644", "0o100644"]
    assert {info.create_system for info in infos} == {3}
    assert (written.files, written.unzipped) == (3, 3001)
    assert written.digest == hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()


def test_the_bytes_are_those_of_every_version_and_machine(tmp_path: Path) -> None:
    assert write_archive(tmp_path / "a.zip", MEMBERS).digest == GOLDEN


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_every_python_writes_the_same_bytes(tmp_path: Path, version: str) -> None:
    python = find_interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from pipeline.packaging.archive import Member, write_archive;"
        "members = [Member(*member) for member in eval(sys.argv[3])];"
        "print(write_archive(Path(sys.argv[2]), members).digest)"
    )
    members = ascii([(member.name, member.executable, member.content) for member in MEMBERS])
    root = str(Path(__file__).parents[2])
    command = [python, "-c", program, root, str(tmp_path / "a.zip"), members]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == GOLDEN, done.stderr


def test_what_is_appended_to_a_base_is_as_if_written_at_once(tmp_path: Path) -> None:
    write_archive(tmp_path / "base.zip", [Member("pkg/a.py", True, b"1"), Member("z.so", False, b"2")])
    written = write_archive(tmp_path / "a.zip", MEMBERS, base=tmp_path / "base.zip")
    assert contents(tmp_path / "a.zip") == {"pkg/a.py": 1, "z.so": 1, "a.py": 3000, "b/x.py": 1, "\u00e9.txt": 0}
    assert written.files == 5
    again = write_archive(tmp_path / "b.zip", reversed(MEMBERS), base=tmp_path / "base.zip")
    assert again == written
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_base_can_be_put_below_a_folder(tmp_path: Path) -> None:
    write_archive(tmp_path / "base.zip", [Member("pkg/a.py", True, b"1")])
    write_archive(
        tmp_path / "a.zip", [Member("python/own.py", False, b"2")], base=tmp_path / "base.zip", prefix="python/"
    )
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["python/pkg/a.py", "python/own.py"]
        assert archive.getinfo("python/pkg/a.py").external_attr >> 16 == 0o100755


def test_a_file_that_changed_since_it_was_looked_at_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"now")
    member = Member("a.py", False, tmp_path / "a.py", hashlib.sha256(b"before").hexdigest())
    with pytest.raises(PipelineError, match=r"a\.py: the file was changed while it was read"):
        write_archive(tmp_path / "a.zip", [member])


def test_files_larger_than_a_chunk_are_whole(tmp_path: Path) -> None:
    content = b"0123456789abcdef" * 200_000
    (tmp_path / "big").write_bytes(content)
    written = write_archive(
        tmp_path / "a.zip", [Member("big", False, tmp_path / "big", hashlib.sha256(content).hexdigest())]
    )
    assert written.unzipped == len(content)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.read("big") == content


def test_the_package_of_a_file_is_known_by_its_record(tmp_path: Path) -> None:
    record = b'pkg/a.py,sha256=x,1\n"pkg/with,comma.py",sha256=y,1\n'
    write_archive(tmp_path / "a.zip", [Member("my_pkg-1.2.dist-info/RECORD", False, record)])
    assert owner_of(tmp_path / "a.zip", "pkg/a.py") == "my_pkg 1.2"
    assert owner_of(tmp_path / "a.zip", "pkg/with,comma.py") == "my_pkg 1.2"
    assert owner_of(tmp_path / "a.zip", "other.py") == ""
