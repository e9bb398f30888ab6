"""One bundle: its files selected, its dependencies locked, and its archive made unless it is there already.

In `<root>/.pipeline/package`: `files.json`, the digests of the sources (index.py); `bundles/<inputs>.json`, the archive
that these inputs gave; `artifacts/<sha256>.zip`, the archives.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import BadInput, Diagnostic
from pipeline.packaging.dependencies import Dependencies, Lock
from pipeline.packaging.index import FileIndex, write_atomically
from pipeline.packaging.patterns import Patterns, problem_of
from pipeline.packaging.requirements import Requirements, read_requirements
from pipeline.packaging.store import keep, scratch, sweep, used
from pipeline.packaging.targets import BuildTarget
from pipeline.packaging.tree import Entry, collisions, located, problems, scan, select
from pipeline.packaging.values import Artifact

# Part of every key: to be raised when the same inputs give other bytes than before.
_FORMAT = 1
_KEPT_DAYS = 2.0


@dataclass(frozen=True)
class Recipe:
    """What a bundle is made of. Bundles with the same recipe are one.

    `folder` and `requirements` are relative to the root. `prefix` is put before the names of the folder's files,
    `packages_prefix` before those of the dependencies: "python/" in a layer.
    """

    target: BuildTarget
    folder: str | None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    requirements: str | None = None
    prefix: str = ""
    packages_prefix: str = ""


@dataclass(frozen=True)
class Prepared:
    """A recipe whose inputs are known: every file with its digest, and the lock. `key` is the digest of all that."""

    recipe: Recipe
    entries: tuple[Entry, ...]
    digests: tuple[str, ...]
    lock: Lock | None

    @property
    def names(self) -> dict[str, str]:
        """The project's files: name in the bundle -> path from the root."""
        folder = self.recipe.folder or ""
        return {self.recipe.prefix + e.path: located(folder, e.path) for e in self.entries}

    @property
    def key(self) -> str:
        """SHA-256 (hex) over everything that the bytes of the archive depend on."""
        files = [[e.path, e.executable, d] for e, d in zip(self.entries, self.digests, strict=True)]
        prefixes = [self.recipe.prefix, self.recipe.packages_prefix]
        parts = [_FORMAT, prefixes, self.lock.key if self.lock else None, files]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Bundle:
    """A finished bundle; `reused` when its archive was there already."""

    artifact: Artifact
    reused: bool


class Bundles:
    """Makes the bundles of one project; `work` is where its archives are kept."""

    def __init__(self, root: Path, work: Path, dependencies: Dependencies) -> None:
        self._root = root
        self._work = work
        self._dependencies = dependencies
        self._index = FileIndex(work / "files.json")
        self._scanned: dict[str, tuple[Entry, ...]] = {}
        self._required: dict[str, Requirements] = {}

    def prepare(self, recipe: Recipe) -> Prepared:
        """Selects, checks and reads the inputs. BadInput with every finding; may resolve unlocked requirements."""
        entries = self.selected(recipe)
        lock = None
        if recipe.requirements:
            requirements = self._required.get(recipe.requirements)
            if requirements is None:
                requirements = read_requirements(self._root, recipe.requirements)
                self._required[recipe.requirements] = requirements
            if requirements.packages:
                lock = self._dependencies.lock(requirements, recipe.target)
        if not entries and lock is None:
            message = "packaging: nothing is selected, the bundle would be empty"
            hint = "put files into this folder, or name what of it belongs into the bundle: include"
            raise BadInput.of([Diagnostic(message, recipe.folder, hint=hint)])
        return Prepared(recipe, entries, self._digests(entries, recipe.folder or ""), lock)

    def selected(self, recipe: Recipe) -> tuple[Entry, ...]:
        """The project's files of a recipe. BadInput when patterns, or what they select, are not allowed."""
        if recipe.folder is None:
            return ()
        wrong = [(p, why) for p in (*recipe.include, *recipe.exclude) if (why := problem_of(p)) is not None]
        if wrong:
            raise BadInput.of(Diagnostic(f"packaging: pattern {pattern} {why}") for pattern, why in wrong)
        chosen = select(
            self.scanned(recipe.folder), Patterns.of(recipe.include, anchored=True), Patterns.of(recipe.exclude)
        )
        names = {entry.path: located(recipe.folder, entry.path) for entry in chosen}
        if findings := [*problems(chosen, recipe.folder), *collisions(names)]:
            raise BadInput.of(findings)
        return chosen

    def scanned(self, folder: str) -> tuple[Entry, ...]:
        """All files of a folder of the project, looked up once."""
        if folder not in self._scanned:
            place = (self._root / folder).resolve()
            if not place.is_relative_to(self._root.resolve()):
                raise BadInput.of([Diagnostic(f"packaging: the folder {folder} is outside the project")])
            if not place.is_dir():
                raise BadInput.of([Diagnostic("packaging: no such folder", folder)])
            self._scanned[folder] = scan(place, self._root)
        return self._scanned[folder]

    def _digests(self, entries: tuple[Entry, ...], folder: str) -> tuple[str, ...]:
        found, findings = [], []
        for entry in entries:
            name = located(folder, entry.path)
            try:
                found.append(self._index.digest(name, entry.place, entry.status or Path(entry.place).stat()))
            except OSError as error:
                if error.filename != entry.place:
                    raise  # not the file, but our own index beside it
                findings.append(Diagnostic(f"packaging: cannot be read: {error.strerror}", name))
        if findings:
            raise BadInput.of(findings)
        return tuple(found)

    def make(self, prepared: Prepared) -> Bundle:
        """The archive, from the store if these inputs gave one before. BadInput when files and packages collide."""
        note = self._work / "bundles" / f"{prepared.key}.json"
        if (known := self._known(note)) is not None:
            return Bundle(known, reused=True)
        base = self._dependencies.build(prepared.lock) if prepared.lock else None
        if base is not None and prepared.entries:
            _check_clashes(prepared, base)
        return Bundle(self._write(prepared, base, note), reused=False)

    def _write(self, prepared: Prepared, base: Path | None, note: Path) -> Artifact:
        # Imported here: a run that changes nothing needs none of it.
        from pipeline.packaging.archive import Member, write_archive  # noqa: PLC0415 - only when something has to be built

        prefix = prepared.recipe.prefix
        pairs = zip(prepared.entries, prepared.digests, strict=True)
        members = (Member(prefix + e.path, e.executable, Path(e.place), digest) for e, digest in pairs)
        folder = self._work / "artifacts"
        with scratch(folder) as made:
            written = write_archive(made / "bundle.zip", members, base=base, prefix=prepared.recipe.packages_prefix)
            place = keep(made / "bundle.zip", folder, written.digest)
        artifact = Artifact(f"sha256:{written.digest}", place, written.size, written.unzipped, written.files)
        write_atomically(note, json.dumps(_noted(artifact)).encode())
        return artifact

    def _known(self, note: Path) -> Artifact | None:
        """The archive that a note names, if it is still there with the bytes of its name."""
        try:
            data: Mapping[str, Any] = json.loads(note.read_bytes())
            digest = str(data["artifact"])
            place = self._work / "artifacts" / f"{digest}.zip"
            used(note)
            used(place)
            if self._index.digest(f"artifacts/{digest}", str(place), place.stat()) != digest:
                return None
            return Artifact(f"sha256:{digest}", place, data["size"], data["unzipped"], data["files"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def finish(self, *, made: bool) -> None:
        """Remembers the digests of this run; after something was made, deletes what has long not been of use."""
        self._index.save()
        if made:
            for folder in ("artifacts", "bundles", "checks"):
                sweep(self._work / folder, _KEPT_DAYS)


def _noted(artifact: Artifact) -> dict[str, object]:
    return {
        "artifact": artifact.hex,
        "size": artifact.size,
        "unzipped": artifact.unzipped_size,
        "files": artifact.files,
    }


def _check_clashes(prepared: Prepared, base: Path) -> None:
    """A file of the project and one of a package may not have one name: only one of them would be seen."""
    from pipeline.packaging.archive import contents, owner_of  # noqa: PLC0415 - as above

    prefix = prepared.recipe.packages_prefix
    packages = {prefix + name: name for name in contents(base)}
    findings = []
    for name, place in prepared.names.items():
        if name in packages:
            package = owner_of(base, packages[name]) or "of the requirements"
            message = f"packaging: the package {package} brings a file of the same name, {name}"
            findings.append(Diagnostic(message, place, hint="rename the file or exclude it"))
    if findings := findings or collisions(packages | prepared.names):
        raise BadInput.of(findings)
