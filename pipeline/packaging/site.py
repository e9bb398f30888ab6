"""The files of a static site, each named by its content."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import BadInput, Diagnostic
from pipeline.packaging.patterns import Patterns
from pipeline.packaging.tree import problems, scan, select


@dataclass(frozen=True)
class SiteFiles:
    """`files`: path -> `sha256:<hex>`; `etags`: path -> MD5, as S3 has it; `places`: digest -> where it lies here."""

    files: dict[str, str] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    places: dict[str, Path] = field(default_factory=dict)


def site_files(root: Path, folder: str, exclude: Iterable[str], source: Diagnostic) -> SiteFiles:
    """What is below `folder` of the project at `root`. BadInput, at the place of `source`, when there is nothing."""
    place = root / folder
    if not place.is_dir():
        raise _wrong(source, f"there is no folder {folder}")
    entries = [
        entry for entry in select(scan(place, root), Patterns.of(()), Patterns.of(exclude)) if _shows(entry.path)
    ]
    if found := problems(entries, folder):
        raise BadInput.of(found)
    if not entries:
        raise _wrong(source, f"the folder {folder} holds no file")
    made = SiteFiles()
    for entry in entries:
        content = Path(entry.place).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        made.files[entry.path] = f"sha256:{digest}"
        made.etags[entry.path] = hashlib.md5(content, usedforsecurity=False).hexdigest()
        made.places[f"file:{digest}"] = Path(entry.place)
    return made


def _shows(path: str) -> bool:
    """What begins with a dot is not for visitors, but for https://datatracker.ietf.org/doc/html/rfc8615."""
    return all(not part.startswith(".") or part == ".well-known" for part in path.split("/"))


def _wrong(source: Diagnostic, message: str) -> BadInput:
    hint = "build the site first, or name the folder it is in"
    return BadInput.of([Diagnostic(message, source.file, source.line, address=source.address, hint=hint)])
