"""A small project, and a package index in a folder, for the packager to work on."""

import hashlib
import json
import os
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.packaging.packager import Packager
from pipeline.packaging.values import FunctionCode, LayerCode, Limits


@dataclass(frozen=True)
class Code:
    """The `code` section of pipeline.yaml."""

    root: str = "backend"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    requirements: str | None = None


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)


HANDLER = "def handler(event, context):\n    return 1\n"


def function(name: str = "hello", **changes: Any) -> FunctionCode:
    given: dict[str, Any] = {
        "address": f"lambda.function/{name}",
        "name": name,
        "runtime": "python3.13",
        "architecture": "x86_64",
        "handler": f"handlers.{name}.handler",
        "file": "aws/lambda/functions.yaml",
        "line": 7,
    }
    return FunctionCode(**given | changes)


def layer(name: str = "shared", **changes: Any) -> LayerCode:
    given = {"address": f"lambda.layer/{name}", "name": name, "runtime": "python3.13", "architecture": "x86_64"}
    return LayerCode(**given | changes)


def names_in(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


def text_in(archive: Path, name: str) -> str:
    with zipfile.ZipFile(archive) as opened:
        return opened.read(name).decode()


def settled(folder: Path) -> None:
    """Sets the times of every file back, so that nothing was changed "just now"; ctime cannot be set."""
    for place in folder.rglob("*"):
        os.utime(place, (1_700_000_000, 1_700_000_000), follow_symlinks=False)


@dataclass(frozen=True)
class Index:
    """A package index in a folder, as uv reads it by a `file:` URL."""

    place: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"UV_DEFAULT_INDEX": self.place.as_uri(), "UV_CACHE_DIR": str(self.place.parent / "uv-cache")}

    def wheel(
        self,
        name: str,
        version: str = "1.0",
        tag: str = "py3-none-any",
        files: Mapping[str, str] | None = None,
        needs: tuple[str, ...] = (),
        scripts: Mapping[str, str] | None = None,
    ) -> str:
        """Adds a wheel; `name==version --hash=...` of it."""
        module = name.replace("-", "_")
        info, data = f"{module}-{version}.dist-info", f"{module}-{version}.data/scripts"
        content = dict(files if files is not None else {f"{module}/__init__.py": f"VERSION = {version!r}\n"})
        content |= {f"{data}/{script}": text for script, text in (scripts or {}).items()}
        lines = [
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            *(f"Requires-Dist: {n}\n" for n in needs),
        ]
        content[f"{info}/METADATA"] = "".join(lines)
        content[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
        content[f"{info}/entry_points.txt"] = f"[console_scripts]\n{name} = {module}:main\n"
        record = [f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in content.items()]
        content[f"{info}/RECORD"] = "".join([*record, f"{info}/RECORD,,\n"])
        return self.file(name, f"{module}-{version}-{tag}.whl", content, version)

    def file(self, name: str, file: str, content: Mapping[str, str], version: str = "1.0") -> str:
        folder = self.place / name
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(folder / file, "w") as archive:
            for path, text in content.items():
                archive.writestr(zipfile.ZipInfo(path), text)
        links = sorted(place.name for place in folder.iterdir() if place.name != "index.html")
        (folder / "index.html").write_text("".join(f'<a href="{link}">{link}</a>\n' for link in links))
        return f"{name}=={version} --hash=sha256:{hashlib.sha256((folder / file).read_bytes()).hexdigest()}"


def _digest(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Project:
    """A project in a folder, with a package index and a cache of its own."""

    root: Path
    index: Index
    cache: Path
    said: list[str] = field(default_factory=list)

    def write(self, files: Mapping[str, str | bytes]) -> None:
        write(self.root, files)

    def packager(
        self,
        *,
        requirements: str | None = None,
        include: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
        limits: Limits | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> Packager:
        code = Code("backend", include, exclude, requirements)
        given = limits or Limits()
        return Packager(self.root, code, self.cache, self.said.append, given, self.index.environment, stopping)

    @property
    def installs(self) -> int:
        """How many times dependencies were installed."""
        return sum(line.startswith("installing") for line in self.said)


def child_job(project: Project, requirements: str | None) -> str:
    """For `package_in_child.py`: what to package, as JSON."""
    job = {
        "root": str(project.root),
        "cache": str(project.cache),
        "requirements": requirements,
        "uv": project.index.environment,
    }
    return json.dumps(job)
