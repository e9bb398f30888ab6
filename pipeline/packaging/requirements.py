"""Requirements files: read with everything they include, checked, and made into one text that says it all.

The file format is pip's: https://pip.pypa.io/en/stable/reference/requirements-file-format/
Only named packages from a package index are allowed. Whatever else pip takes (a folder, an archive, a repository, a
URL) has no wheel for Lambda's platform, or content that no lock can hold.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import BadInput, Diagnostic

_MAX_FILES = 100
_NAME = r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
_NAMED = re.compile(_NAME + r"\s*(?:\[[^\]]*\])?\s*(?P<rest>$|[<>=!~;(@].*|--hash.*)")
_INCLUDE = re.compile(r"(?:-(?P<short>[rc])\s*|--(?P<long>requirement|constraint)(?:\s+|=))(?P<path>\S.*)")
_OPTION = re.compile(r"(?P<name>--?[A-Za-z][\w-]*)(?:[\s=]+(?P<value>\S.*))?")
_WITH_URL = {"-i", "--index-url", "--extra-index-url", "-f", "--find-links"}
_ALONE = {"--no-index", "--pre", "--prefer-binary", "--require-hashes"}


@dataclass(frozen=True)
class Requirement:
    """One requirement or option: its text without comments, the package's normalised name, and where it stands."""

    text: str
    file: str
    line: int
    name: str = ""
    constraint: bool = False

    @property
    def hashed(self) -> bool:
        """True when the text names the hashes of the files that may be installed."""
        return "--hash" in self.text


@dataclass(frozen=True)
class Requirements:
    """A requirements file with all that it includes, in order. `file` is relative to the root."""

    file: str
    lines: tuple[Requirement, ...] = ()

    @property
    def packages(self) -> tuple[Requirement, ...]:
        """What is to be installed."""
        return tuple(line for line in self.lines if line.name and not line.constraint)

    @property
    def locked(self) -> bool:
        """True when hashes say which files may be installed; then the same text always gives the same files."""
        return any(line.hashed for line in self.packages)

    @property
    def text(self) -> str:
        """Everything but the constraints as one file."""
        return "".join(f"{line.text}\n" for line in self.lines if not line.constraint)

    @property
    def constraints(self) -> str:
        """The constraints as one file."""
        return "".join(f"{line.text}\n" for line in self.lines if line.constraint and line.name)

    def place_of(self, package: str) -> Requirement | None:
        """The line that names a package."""
        wanted = normalised(package)
        return next((line for line in self.lines if line.name == wanted), None)


def normalised(name: str) -> str:
    """A package's name as indexes compare it. https://packaging.python.org/en/latest/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_requirements(root: Path, file: str) -> Requirements:
    """Reads `file` (relative to `root`) and what it includes. BadInput with every finding."""
    reader = _Reader(root.resolve())
    reader.read(file, Diagnostic("", file=file), constraint=False)
    requirements = Requirements(file, tuple(reader.lines))
    if requirements.locked:
        reader.findings += _not_locked(requirements)
    if reader.findings:
        raise BadInput.of(reader.findings)
    return requirements


def _not_locked(requirements: Requirements) -> Iterator[Diagnostic]:
    for line in requirements.packages:
        if not line.hashed:
            message = f"{line.name} has no --hash, but others of these requirements do: all must, or none"
            yield Diagnostic(message, line.file, line.line, hint="uv pip compile --generate-hashes")


@dataclass
class _Reader:
    root: Path
    lines: list[Requirement] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    _seen: set[tuple[str, bool]] = field(default_factory=set)

    def read(self, file: str, at: Diagnostic, *, constraint: bool) -> None:
        """Reads one file; `at` is where it is asked for. A file that is already included is not read again."""
        place = (self.root / file).resolve()
        if not place.is_relative_to(self.root):
            self._refuse(at, f"requirements file {file} is outside the project")
            return
        if (str(place), constraint) in self._seen or len(self._seen) >= _MAX_FILES:
            return
        self._seen.add((str(place), constraint))
        name = place.relative_to(self.root).as_posix()
        try:
            text = place.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            why = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error}"
            self._refuse(at, f"requirements file {name} {why}")
            return
        for number, line in logical_lines(text):
            self._line(line, Diagnostic("", file=name, line=number), constraint=constraint)

    def _line(self, text: str, at: Diagnostic, *, constraint: bool) -> None:
        file, line = at.file or "", at.line or 0
        if include := _INCLUDE.fullmatch(text):
            if "://" in include["path"]:
                self._refuse(at, f"{text}: only files of the project can be included")
                return
            nested = (Path(file).parent / include["path"].strip("\"'")).as_posix()
            is_constraint = constraint or (include["short"] or include["long"][0]) == "c"
            self.read(nested, at, constraint=is_constraint)
        elif text.startswith("-"):
            if problem := _bad_option(text):
                self._refuse(at, problem)
            else:
                self.lines.append(Requirement(text, file, line, constraint=constraint))
        elif problem := _bad_requirement(text):
            self._refuse(at, problem, hint="name packages of an index, such as pydantic==2.14.3")
        else:
            found = _NAMED.fullmatch(text)
            name = normalised(found["name"]) if found else ""
            self.lines.append(Requirement(text, file, line, name, constraint))

    def _refuse(self, at: Diagnostic, message: str, hint: str | None = None) -> None:
        self.findings.append(Diagnostic(message, at.file, at.line, hint=hint))


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number of the first line, text) of every requirement: continuations joined, comments and blanks left out."""
    parts: list[str] = []
    start = 1
    for number, raw in enumerate([*text.splitlines(), ""], 1):
        if not parts:
            start = number
        line = re.sub(r"(^|\s+)#.*$", "", raw) if "#" in raw else raw
        if line.endswith("\\") and not raw.lstrip().startswith("#"):
            parts.append(line[:-1])
            continue
        joined = " ".join(" ".join([*parts, line]).split())
        parts = []
        if joined:
            yield start, joined


def _bad_option(text: str) -> str | None:
    found = _OPTION.fullmatch(text)
    name = found["name"] if found else text.split(maxsplit=1)[0]
    if name in {"-e", "--editable"}:
        return "an editable requirement cannot be packaged: it points to a folder of this machine"
    if name in _WITH_URL:
        value = (found["value"] if found else None) or ""
        return None if value.startswith(("https://", "http://", "${")) else f"{name}: only a URL can be given here"
    return None if name in _ALONE else f"option {name} cannot be used here"


def _bad_requirement(text: str) -> str | None:
    shown = re.sub(r"//[^/@\s]+@", "//***@", text.partition(" --hash")[0])
    if re.match(r"(?:[a-z+]+:|\.{0,2}/|[~\\])", text) or re.search(r"\.(?:whl|zip|tar\.\w+|tgz)(?:\s|$|;)", text):
        return f"{shown}: a path or URL cannot be packaged"
    found = _NAMED.fullmatch(text)
    if found is None:
        return f"{shown}: cannot be read as a requirement"
    if found["rest"].startswith("@"):
        return f"{found['name']}: a path or URL cannot be packaged"
    return None
