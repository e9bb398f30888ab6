"""Where bundles are imported: what Python compiled is used again, and never for another source."""

import subprocess
import sys
import zipfile
from pathlib import Path

from pipeline.packaging.workplace import Workplace, unpack, workplace

OLD_DATE = (1980, 1, 1, 0, 0, 0)


def archive(place: Path, text: str) -> Path:
    with zipfile.ZipFile(place, "w") as files:
        files.writestr(zipfile.ZipInfo("answer.py", OLD_DATE), text)
    return place


def imported(place: Workplace) -> str:
    """What the module says, in a Python of its own."""
    script = f"import sys; sys.path.insert(0, {str(place.folder)!r}); import answer; print(answer.VALUE)"
    command = [sys.executable, "-I", "-X", f"pycache_prefix={place.bytecode}", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def compiled(kept: Path) -> list[Path]:
    return [path for path in (kept / "bytecode").rglob("*.pyc") if path.name.startswith("answer.")]


def test_what_was_compiled_is_used_again(tmp_path: Path) -> None:
    kept, source = tmp_path / "kept", archive(tmp_path / "a.zip", "VALUE = 1\n")
    times = []
    for _ in range(2):
        with workplace(kept) as place:
            unpack(source, place.folder)
            assert imported(place) == "1"
        (file,) = compiled(kept)
        times.append(file.stat().st_mtime_ns)
    assert times[0] == times[1]


def test_a_change_that_leaves_length_and_date_is_seen(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    for value in ("1", "2"):
        with workplace(kept) as place:
            unpack(archive(tmp_path / "a.zip", f"VALUE = {value}\n"), place.folder)
            assert imported(place) == value


def test_nothing_unpacked_is_left_and_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    left = kept / "unpacked" / "old.py"
    left.parent.mkdir(parents=True)
    left.touch()
    with workplace(kept) as place:
        assert not any(place.folder.iterdir())
        (place.folder / "new.py").touch()
    assert not place.folder.exists()


def test_two_at_once_do_not_meet(tmp_path: Path) -> None:
    with workplace(tmp_path / "kept") as one, workplace(tmp_path / "kept") as other:
        assert one.folder != other.folder
        assert other.bytecode is None
        assert other.folder.is_dir()
    assert not other.folder.exists()


def test_without_a_place_to_keep_things_nothing_is_kept() -> None:
    with workplace(None) as place:
        assert place.bytecode is None
        assert place.folder.is_dir()
    assert not place.folder.exists()
