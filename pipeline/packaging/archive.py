"""Zip archives whose bytes depend on names, contents and executable bits alone.

Entries are stored, not deflated: what a deflate library makes of the same bytes differs between zlib, its versions and
zlib-ng, so that two machines would get two archives (docs/packaging.md has the figures). Dates are the first a zip can
hold, permissions are fixed, names are UTF-8 and sorted.
"""

import hashlib
import shutil
import stat
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.packaging.index import file_digest

_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Member:
    """One entry: its name, and its content as bytes or as a file, whose SHA-256 (hex) is checked if it is given."""

    name: str
    executable: bool
    content: bytes | Path
    digest: str | None = None


@dataclass(frozen=True)
class Written:
    """A finished archive: the SHA-256 (hex) of its bytes, its size, the sum of its contents, how many entries."""

    digest: str
    size: int
    unzipped: int
    files: int


def write_archive(place: Path, members: Iterable[Member], *, base: Path | None = None, prefix: str = "") -> Written:
    """Writes the entries of the archive `base`, their names behind `prefix`, and then `members`, sorted by name.

    PipelineError when a file is no longer what its digest says.
    """
    if base is not None and not prefix:
        shutil.copyfile(base, place)  # its entries are right as they are: what follows is appended to them
    with zipfile.ZipFile(place, "a") as archive:
        if base is not None and prefix:
            _copy_entries(base, archive, prefix)
        for member in sorted(members, key=lambda member: member.name):
            _add(archive, member)
        infos = archive.infolist()
    unzipped = sum(info.file_size for info in infos)
    return Written(file_digest(place), place.stat().st_size, unzipped, len(infos))


def _copy_entries(base: Path, archive: zipfile.ZipFile, prefix: str) -> None:
    with zipfile.ZipFile(base) as source:
        for info in source.infolist():
            executable = bool(info.external_attr >> 16 & stat.S_IXUSR)
            renamed = _info(prefix + info.filename, executable, info.file_size)
            with source.open(info) as content, archive.open(renamed, "w") as out:
                shutil.copyfileobj(content, out, _CHUNK)


def _add(archive: zipfile.ZipFile, member: Member) -> None:
    if isinstance(member.content, bytes):
        archive.writestr(_info(member.name, member.executable, len(member.content)), member.content)
        return
    hashing = hashlib.sha256()
    written = 0
    with member.content.open("rb") as source:
        size = member.content.stat().st_size
        with archive.open(_info(member.name, member.executable, size), "w") as out:
            while chunk := source.read(_CHUNK):
                hashing.update(chunk)
                written += out.write(chunk)
    if written != size or member.digest not in {None, hashing.hexdigest()}:
        raise PipelineError(
            f"packaging {member.name}: the file was changed while it was read", hint="run the same command again"
        )


def _info(name: str, executable: bool, size: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system = _UNIX
    info.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
    info.compress_type = zipfile.ZIP_STORED
    info.file_size = size
    return info


def contents(place: Path) -> dict[str, int]:
    """Name -> size in bytes of every entry of an archive."""
    with zipfile.ZipFile(place) as archive:
        return {info.filename: info.file_size for info in archive.infolist()}


def owner_of(place: Path, name: str) -> str:
    """The package (`name version`) that an entry of an archive of dependencies belongs to; "" when none says so."""
    with zipfile.ZipFile(place) as archive:
        for record in archive.namelist():
            folder, _, file = record.partition("/")
            if file == "RECORD" and folder.endswith(".dist-info"):
                listed = archive.read(record).decode().splitlines()
                if any(line.rpartition(",")[0].rpartition(",")[0].strip('"') == name for line in listed):
                    return " ".join(folder.removesuffix(".dist-info").rsplit("-", 1))
    return ""
