"""What the packager is given and what it gives back."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pipeline.errors import Diagnostic
from pipeline.packaging.targets import BuildTarget


class CodeSettings(Protocol):
    """The `code` section of pipeline.yaml. Paths are relative to the project's root, patterns to `root`."""

    @property
    def root(self) -> str:
        """The folder whose content goes to the top of every bundle."""

    @property
    def include(self) -> Sequence[str]:
        """What of it: patterns anchored at that folder; everything where there are none."""

    @property
    def exclude(self) -> Sequence[str]:
        """What to leave out: patterns as in .gitignore."""

    @property
    def requirements(self) -> str | None:
        """The requirements file of all functions, if they have dependencies."""


@dataclass(frozen=True)
class FunctionCode:
    """One function, as far as its bundle depends on it.

    `include` replaces the common selection and `exclude` adds to the common one. `layers` holds the addresses of the
    layers it uses; one that is not packaged here (an ARN of somebody else) has an unknown content. `environment` is
    what the import check sets, as far as known without asking AWS: no secrets. `file` and `line` say where the
    function is declared.
    """

    address: str
    name: str
    runtime: str
    architecture: str
    handler: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class LayerCode:
    """One layer: the content of the folder `path`, the packages of the file `requirements`, or both.

    Both are relative to the project's root. Everything is laid out under `python/`, except a folder that has a
    `python/` of its own: that one is taken as it is.
    """

    address: str
    name: str
    runtime: str
    architecture: str
    path: str | None = None
    requirements: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Limits:
    """Lambda's limits, in bytes.

    `zipped` holds for archives handed to Lambda directly, not for those it reads from S3; `unzipped` is for a function
    together with its layers. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """

    zipped: int = 52_428_800
    unzipped: int = 262_144_000


@dataclass(frozen=True)
class Artifact:
    """A finished archive. `digest` is `sha256:<hex>` of its bytes; sizes are bytes; `files` counts its entries."""

    digest: str
    path: Path
    size: int
    unzipped_size: int
    files: int

    @property
    def hex(self) -> str:
        """The digest without its prefix."""
        return self.digest.removeprefix("sha256:")

    @property
    def code_sha256(self) -> str:
        """The digest as Lambda tells it (`CodeSha256`): base64.

        https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
        """
        return b64encode(bytes.fromhex(self.hex)).decode()


@dataclass(frozen=True)
class Packaged:
    """The archives by address. Functions with the same content share one.

    `targets` says what each was built for; `reused` holds the addresses whose archive was there already.
    """

    artifacts: Mapping[str, Artifact]
    targets: Mapping[str, BuildTarget]
    reused: frozenset[str] = frozenset()
    warnings: tuple[Diagnostic, ...] = ()

    def __getitem__(self, address: str) -> Artifact:
        return self.artifacts[address]

    @property
    def distinct(self) -> tuple[Artifact, ...]:
        """Each archive once."""
        return tuple({artifact.digest: artifact for artifact in self.artifacts.values()}.values())
