import platform
import sys

import pytest

from pipeline.errors import BadInput
from pipeline.packaging.targets import BuildTarget


@pytest.mark.parametrize(
    ("runtime", "architecture", "platform_name"),
    [
        ("python3.13", "x86_64", "x86_64-manylinux_2_34"),
        ("python3.13", "arm64", "aarch64-manylinux_2_34"),
        ("python3.12", "x86_64", "x86_64-manylinux_2_34"),
        ("python3.11", "x86_64", "x86_64-manylinux_2_17"),
        ("python3.9", "arm64", "aarch64-manylinux_2_17"),
    ],
)
def test_the_platform_follows_from_the_runtime(runtime: str, architecture: str, platform_name: str) -> None:
    target = BuildTarget.for_runtime(runtime, architecture)
    assert target.uv_platform == platform_name
    assert target.python == runtime.removeprefix("python")
    assert platform_name in target.key


@pytest.mark.parametrize(
    ("runtime", "architecture", "says"),
    [("nodejs22.x", "x86_64", "python3.13"), ("python2.7", "x86_64", "python3.13"), ("python3.13", "mips", "arm64")],
)
def test_what_cannot_be_packaged_is_said_with_what_can(runtime: str, architecture: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        BuildTarget.for_runtime(runtime, architecture)


def test_an_interpreter_of_this_machine_takes_the_wheels_of_this_machine() -> None:
    target = BuildTarget.for_interpreter("/usr/bin/python3", "3.11")
    assert target.uv_platform is None
    assert target.key == f"cp3.11-{sys.platform}-{platform.machine()}"
    assert str(target) == "python 3.11 on this machine"
    elsewhere = BuildTarget.for_interpreter("/opt/python", "3.11")
    assert elsewhere.key == target.key
