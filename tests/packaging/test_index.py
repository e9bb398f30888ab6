import json
import os
from pathlib import Path

import pytest

from pipeline.packaging.index import FileIndex, file_digest, write_atomically

LONG_AGO = 1_600_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "a.py"
    place.write_bytes(b"one")
    return place


class Patient(FileIndex):
    """An index whose clock is hours ahead: nothing was changed "just now"."""

    def _clock(self) -> int:
        return super()._clock() + 3_600_000_000_000


def asked(index: FileIndex, file: Path) -> str:
    return index.digest("a.py", str(file), file.stat())


def test_a_settled_file_is_not_read_again(tmp_path: Path, file: Path) -> None:
    first = Patient(tmp_path / "files.json")
    digest = asked(first, file)
    first.save()
    second = FileIndex(tmp_path / "files.json")
    status = file.stat()
    assert second.digest("a.py", str(tmp_path / "not there"), status) == digest == file_digest(file)


def test_a_file_that_was_just_written_is_read_again_whatever_its_times_say(tmp_path: Path, file: Path) -> None:
    index = FileIndex(tmp_path / "files.json")
    asked(index, file)
    index.save()
    status = file.stat()
    file.write_bytes(b"two")  # the same size, and soon enough the same times
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert asked(FileIndex(tmp_path / "files.json"), file) == file_digest(file)


def test_a_change_with_its_time_set_back_is_seen(tmp_path: Path, file: Path) -> None:
    os.utime(file, (LONG_AGO, LONG_AGO))
    index = Patient(tmp_path / "files.json")
    before = asked(index, file)
    index.save()
    file.write_bytes(b"two")
    os.utime(file, (LONG_AGO, LONG_AGO))
    assert asked(FileIndex(tmp_path / "files.json"), file) == file_digest(file) != before


def test_a_file_from_the_future_is_read_every_time(tmp_path: Path, file: Path) -> None:
    os.utime(file, (4_000_000_000, 4_000_000_000))
    index = Patient(tmp_path / "files.json")
    asked(index, file)
    index.save()
    assert not (tmp_path / "files.json").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 0, "files": {}}', b'{"format": 1}'])
def test_an_index_that_cannot_be_read_is_as_none(tmp_path: Path, file: Path, content: bytes) -> None:
    (tmp_path / "files.json").write_bytes(content)
    assert asked(FileIndex(tmp_path / "files.json"), file) == file_digest(file)


def test_files_that_are_gone_are_forgotten(tmp_path: Path, file: Path) -> None:
    index = Patient(tmp_path / "files.json")
    index.digest("old.py", str(file), file.stat())
    index.save()
    index = Patient(tmp_path / "files.json")
    asked(index, file)
    index.save()
    assert set(json.loads((tmp_path / "files.json").read_bytes())["files"]) == {"a.py"}


def test_an_unchanged_index_is_not_written(tmp_path: Path, file: Path) -> None:
    index = Patient(tmp_path / "files.json")
    asked(index, file)
    index.save()
    before = (tmp_path / "files.json").stat().st_ino
    again = FileIndex(tmp_path / "files.json")
    asked(again, file)
    again.save()
    assert (tmp_path / "files.json").stat().st_ino == before


def test_nothing_is_left_of_a_writing_that_broke(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_atomically(tmp_path / "taken", b"x")
    assert [place.name for place in tmp_path.iterdir()] == ["taken"]
