"""What uv installed, without what depends on the machine, the installer or the time.

Left out: byte code, the installer's own notes in `*.dist-info`, and console scripts, whose first line is the path of
this machine's interpreter. Each RECORD is written anew, so that it lists what is there.
https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

import csv
import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import BadInput, Diagnostic
from pipeline.packaging.archive import Member
from pipeline.packaging.tree import text_of

_NOTES = frozenset({"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json", "uv_build.json"})
_SCRIPT = re.compile(rb"#![^\n]*python|#!/bin/sh\n'''exec'")


def members(tree: Path) -> list[Member]:
    """The entries for the archive of an installed tree. BadInput when two packages bring one file."""
    files = {text_of(path.relative_to(tree).as_posix()): path for path in _walk(tree)}
    kept = {name: place for name, place in files.items() if not _left_out(name, place)}
    found = [Member(name, bool(place.stat().st_mode & stat.S_IXUSR), place) for name, place in kept.items()]
    records = {name: _rows(place) for name, place in files.items() if name.endswith(".dist-info/RECORD")}
    _check_disputed(tree, records)
    for name, rows in records.items():
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(sorted([*_listed(rows, kept), [name, "", ""]]))
        found.append(Member(name, False, text.getvalue().encode()))
    return found


def _walk(tree: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(tree):
        for name in names:
            yield Path(folder, name)


def _left_out(name: str, place: Path) -> bool:
    folder, _, file = name.rpartition("/")
    if name == ".lock" or "__pycache__" in folder.split("/") or file.endswith((".pyc", ".pyo")):
        return True
    if folder.endswith(".dist-info") and file in _NOTES:
        return True
    if folder == "bin":
        with place.open("rb") as stream:
            return _SCRIPT.match(stream.read(512)) is not None
    return False


def _rows(record: Path) -> list[list[str]]:
    with record.open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.reader(stream) if len(row) == 3]


def _listed(rows: list[list[str]], kept: dict[str, Path]) -> Iterator[list[str]]:
    return (row for row in rows if row[0] in kept)


def _check_disputed(tree: Path, records: dict[str, list[list[str]]]) -> None:
    """Two packages with one file of different content: which of them stays would depend on the order of installing."""
    claims: dict[str, dict[str, str]] = {}
    for record, rows in records.items():
        package = " ".join(record.partition(".dist-info")[0].rsplit("-", 1))
        for name, digest, _ in rows:
            claims.setdefault(name, {})[package] = digest
    findings = []
    for name, by_package in sorted(claims.items()):
        if len(set(by_package.values())) > 1 and (tree / name).exists() and not _left_out(name, tree / name):
            packages = " and ".join(sorted(by_package))
            findings.append(Diagnostic(f"the packages {packages} both bring {name}, with different content"))
    if findings:
        raise BadInput.of(findings)
