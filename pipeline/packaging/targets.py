"""Which wheels fit: the Python and the platform that a bundle will run on."""

import platform
import re
import sys
from dataclasses import dataclass
from typing import Literal, Self

from pipeline.errors import BadInput

# From this version on Lambda's Python runs on Amazon Linux 2023 (glibc 2.34), before on Amazon Linux 2 (glibc 2.26).
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
# https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html
_FIRST_ON_AL2023 = (3, 12)
_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class BuildTarget:
    """What dependencies are built for.

    `python` is major.minor. With `platform` "manylinux" wheels are chosen for Lambda's Linux on `architecture`; with
    None for the interpreter at `executable`, on this machine.
    """

    python: str
    architecture: str
    implementation: str = "cp"
    platform: Literal["manylinux"] | None = "manylinux"
    executable: str | None = None

    @classmethod
    def for_runtime(cls, runtime: str, architecture: str) -> Self:
        """The target of a Lambda runtime such as `python3.13`. BadInput for other languages and architectures."""
        found = re.fullmatch(r"python(3\.\d+)", runtime)
        if found is None:
            raise BadInput(f"runtime {runtime}: only Python runtimes are packaged, such as python3.13")
        if architecture not in _MACHINES:
            raise BadInput(f"architecture {architecture}: allowed are {', '.join(_MACHINES)}")
        return cls(found[1], architecture)

    @classmethod
    def for_interpreter(cls, executable: str, version: str) -> Self:
        """The target of an interpreter of this machine; `version` is its major.minor."""
        machine = "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"
        return cls(version, machine, platform=None, executable=executable)

    @property
    def uv_platform(self) -> str | None:
        """uv's name of the platform, naming the newest glibc that wheels may need; None for this machine."""
        if self.platform is None:
            return None
        major, minor = self.python.split(".")
        # uv knows no manylinux between 2.17 and 2.28.
        glibc = "2_34" if (int(major), int(minor)) >= _FIRST_ON_AL2023 else "2_17"
        return f"{_MACHINES[self.architecture]}-manylinux_{glibc}"

    @property
    def key(self) -> str:
        """Equal for targets that take the same wheels; nothing of it depends on where something is installed."""
        where = self.uv_platform or f"{sys.platform}-{platform.machine()}"
        return f"{self.implementation}{self.python}-{where}"

    def __str__(self) -> str:
        where = self.uv_platform or "this machine"
        return f"python {self.python} on {where}"
