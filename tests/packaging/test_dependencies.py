"""Dependencies through uv itself, from an index in a folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import BadInput, PipelineError
from pipeline.packaging.packager import Packager
from pipeline.packaging.targets import BuildTarget
from pipeline.packaging.values import Packaged
from tests.packaging.support import Code, Project, child_job, function, names_in, text_in

FILE = "backend/requirements.txt"


def package(project: Project, requirements: str, **function_changes: str) -> Packaged:
    project.write({FILE: requirements})
    return project.packager(requirements=FILE, include=("handlers",)).package([function(**function_changes)])


def archive(packaged: Packaged) -> Path:
    return packaged["lambda.function/hello"].path


def findings(project: Project, requirements: str, **function_changes: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        package(project, requirements, **function_changes)
    return [str(found) for found in caught.value.diagnostics]


def test_packages_lie_beside_the_code_without_traces_of_this_machine(project: Project) -> None:
    locked = project.index.wheel("alpha", scripts={"alpha-tool": "#!python\n", "native": "\x7fELF" + "\0" * 60})
    found = archive(package(project, locked))
    assert names_in(found) == [
        "alpha-1.0.dist-info/METADATA",
        "alpha-1.0.dist-info/RECORD",
        "alpha-1.0.dist-info/WHEEL",
        "alpha-1.0.dist-info/entry_points.txt",
        "alpha/__init__.py",
        "bin/native",
        "handlers/__init__.py",
        "handlers/hello.py",
    ]
    content = found.read_bytes()
    assert str(project.root).encode() not in content
    assert sys.prefix.encode() not in content
    assert "bin/alpha" not in text_in(found, "alpha-1.0.dist-info/RECORD")


def test_the_wheel_of_the_runtime_and_architecture_is_taken(project: Project) -> None:
    for python, tag, machine in (("313", "cp313", "x86_64"), ("313", "cp313", "aarch64"), ("312", "cp312", "x86_64")):
        where = f"cp{python}-{tag}-manylinux_2_34_{machine}"
        project.index.wheel("native", tag=where, files={"native.py": f"WHERE = {where!r}\n"})
    for runtime, architecture, expected in (
        ("python3.13", "x86_64", "cp313-cp313-manylinux_2_34_x86_64"),
        ("python3.13", "arm64", "cp313-cp313-manylinux_2_34_aarch64"),
        ("python3.12", "x86_64", "cp312-cp312-manylinux_2_34_x86_64"),
    ):
        found = archive(package(project, "native==1.0", runtime=runtime, architecture=architecture))
        assert expected in text_in(found, "native.py")
    assert project.installs == 3
    (told,) = findings(project, "native==1.0", runtime="python3.11")
    assert "native 1.0 has no wheel for python 3.11 on x86_64-manylinux_2_17" in told
    assert told.startswith("backend/requirements.txt:1: ")


def test_a_package_of_sources_alone_fails_by_name_and_is_not_built(project: Project) -> None:
    project.index.file("source", "source-1.0.tar.gz", {"setup.py": "raise SystemExit('built!')"})
    (told,) = findings(project, "# one\nsource\n")
    assert told.startswith(
        "backend/requirements.txt:2: source 1.0 has no wheel for python 3.13 on x86_64-manylinux_2_34"
    )


def test_what_is_not_there_is_told(project: Project) -> None:
    project.index.wheel("alpha")
    assert "nosuch is not in the package index" in findings(project, "nosuch")[0]
    assert "alpha 9 is not in the package index in this version" in findings(project, "alpha==9")[0]


def test_a_file_that_is_not_the_locked_one_is_refused(project: Project) -> None:
    project.index.wheel("alpha")
    (told,) = findings(project, "alpha==1.0 --hash=sha256:" + "0" * 64)
    assert told.startswith("backend/requirements.txt:1: alpha 1.0 ")


def test_a_lock_without_what_its_packages_need_is_refused(project: Project) -> None:
    project.index.wheel("beta")
    assert "beta is needed, but the lock" in findings(project, project.index.wheel("alpha", needs=("beta",)))[0]


def test_dependencies_are_installed_once_for_functions_and_runs(project: Project) -> None:
    locked = project.index.wheel("alpha")
    package(project, locked)
    project.write({"backend/handlers/hello.py": "def handler(event, context): ...\n"})
    package(project, locked)
    package(project, f"# a comment changes nothing\n{locked}")
    assert project.installs == 1
    package(project, locked, architecture="arm64")
    assert project.installs == 2
    package(project, f"{locked}\n{project.index.wheel('beta')}")
    assert project.installs == 3


def test_another_checkout_shares_them(project: Project, tmp_path: Path) -> None:
    locked = project.index.wheel("alpha")
    first = package(project, locked)
    other = Project(tmp_path / "other" / "place", project.index, project.cache)
    other.write({"backend/handlers/hello.py": (project.root / "backend/handlers/hello.py").read_bytes()})
    other.write({"backend/handlers/__init__.py": ""})
    second = package(other, locked)
    assert other.installs == 0
    assert second["lambda.function/hello"].digest == first["lambda.function/hello"].digest


@pytest.mark.parametrize("damage", [b"", b"not a zip"])
def test_a_damaged_cache_is_noticed_and_mended(project: Project, damage: bytes) -> None:
    locked = project.index.wheel("alpha")
    first = package(project, locked)
    (kept,) = (project.cache / "dependencies").glob("*.zip")
    kept.write_bytes(damage)
    project.write({"backend/handlers/hello.py": "def handler(event, context): return 2\n"})
    second = package(project, locked)
    assert project.installs == 2
    assert names_in(archive(second)) == names_in(archive(first))


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"archive": 3}'])
def test_a_damaged_note_is_noticed_and_mended(project: Project, damage: bytes) -> None:
    locked = project.index.wheel("alpha")
    package(project, locked)
    (note,) = (project.cache / "dependencies").glob("*.json")
    note.write_bytes(damage)
    project.write({"backend/handlers/hello.py": "def handler(event, context): return 2\n"})
    package(project, locked)
    assert project.installs == 2
    assert set(json.loads(note.read_bytes())) == {"archive"}


def test_unlocked_requirements_stay_what_they_were_resolved_to(project: Project) -> None:
    project.index.wheel("alpha", "1.0")
    first = package(project, "alpha>=1\n")
    (warning,) = first.warnings
    assert warning.severity == "warning"
    assert "not locked with hashes" in str(warning)
    project.index.wheel("alpha", "2.0")
    assert archive(package(project, "alpha>=1\n")) == archive(first)
    assert "VERSION = '2.0'" in text_in(archive(package(project, "alpha>=1.0\n")), "alpha/__init__.py")


def test_locked_requirements_bring_no_warning(project: Project) -> None:
    assert package(project, project.index.wheel("alpha")).warnings == ()


def test_constraints_are_kept_to(project: Project) -> None:
    project.index.wheel("alpha", "1.0")
    project.index.wheel("alpha", "2.0")
    project.write({"backend/limits.txt": "alpha<2\n"})
    assert "VERSION = '1.0'" in text_in(archive(package(project, "alpha\n-c limits.txt\n")), "alpha/__init__.py")


def test_markers_are_those_of_the_runtime_not_of_this_machine(project: Project) -> None:
    text = "alpha; python_version >= '3.13' and platform_machine == 'aarch64'\nbeta; sys_platform == 'win32'\n"
    project.index.wheel("alpha")
    project.index.wheel("beta")
    assert "alpha/__init__.py" in names_in(archive(package(project, text, architecture="arm64")))
    assert not [name for name in names_in(archive(package(project, text))) if "alpha" in name or "beta" in name]


def test_requirements_without_a_package_install_nothing(project: Project) -> None:
    assert names_in(archive(package(project, "# none\n"))) == ["handlers/__init__.py", "handlers/hello.py"]
    assert project.installs == 0


def test_an_own_file_with_the_name_of_a_packages_file_is_refused_with_both(project: Project) -> None:
    locked = project.index.wheel("alpha", files={"handlers/hello.py": "", "alpha.py": ""})
    (told,) = findings(project, locked)
    expected = "packaging: the package alpha 1.0 brings a file of the same name, handlers/hello.py"
    assert told.startswith(f"backend/handlers/hello.py: {expected}")


def test_own_and_package_names_that_differ_in_case_are_refused(project: Project) -> None:
    (told,) = findings(project, project.index.wheel("alpha", files={"Handlers/x.py": ""}))
    assert "differ only in case" in told


def test_two_packages_with_one_file_are_refused(project: Project) -> None:
    one = project.index.wheel("alpha", files={"tests/__init__.py": "1"})
    two = project.index.wheel("beta", files={"tests/__init__.py": "2"})
    assert "alpha 1.0 and beta 1.0 both bring tests/__init__.py" in findings(project, f"{one}\n{two}\n")[0]


def test_the_wheels_of_an_interpreter_are_taken_where_the_target_says_so(project: Project) -> None:
    ours = f"cp{sys.version_info.major}{sys.version_info.minor}"
    project.index.wheel(
        "native", tag=f"{ours}-{ours}-linux_{__import__('platform').machine()}", files={"native.py": "here"}
    )
    project.index.wheel("native", tag="cp313-cp313-manylinux_2_34_aarch64", files={"native.py": "there"})
    project.write({FILE: "native\n"})
    target = BuildTarget.for_interpreter(sys.executable, f"{sys.version_info.major}.{sys.version_info.minor}")
    there = function(architecture="arm64")
    packaged = project.packager(requirements=FILE).package([there], target_override=target)
    assert text_in(archive(packaged), "native.py") == "here"
    assert packaged.targets["lambda.function/hello"] == target


def test_an_index_that_cannot_be_reached_is_no_bad_input(project: Project) -> None:
    project.write({FILE: "alpha\n"})
    nowhere = project.index.environment | {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_HTTP_RETRIES": "0"}
    packager = Packager(project.root, Code(requirements=FILE), project.cache, print, uv_environment=nowhere)
    with pytest.raises(PipelineError) as caught:
        packager.package([function()])
    assert caught.value.exit_code == 1


def test_two_processes_at_once_install_once_and_agree(project: Project) -> None:
    project.write({FILE: "\n".join(project.index.wheel(name) for name in ("alpha", "beta", "gamma"))})
    program = [sys.executable, "-m", "tests.packaging.package_in_child", child_job(project, FILE)]
    root = Path(__file__).parents[2]
    children = [subprocess.Popen(program, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = [json.loads(child.communicate()[0]) for child in children]
    assert len({answer["digest"] for answer in answers}) == 1
    assert sum(line.startswith("installing") for answer in answers for line in answer["said"]) == 1
    assert not list((project.cache / "dependencies").glob(".tmp-*"))


@pytest.mark.index
def test_a_real_package_with_compiled_code_is_built_for_another_architecture(project: Project) -> None:
    project.write({FILE: "pydantic==2.11.7\n"})
    packager = Packager(project.root, Code(requirements=FILE), project.cache, print)
    try:
        packaged = packager.package([function(architecture="arm64")])
    except BadInput:
        raise
    except PipelineError as error:
        pytest.skip(str(error))
    names = names_in(archive(packaged))
    assert "pydantic_core/_pydantic_core.cpython-313-aarch64-linux-gnu.so" in names
    assert not [name for name in names if name.endswith((".pyc", "INSTALLER", "direct_url.json"))]
