import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import BadInput, PipelineError
from pipeline.packaging.packager import Packager
from pipeline.packaging.values import FunctionCode, LayerCode, Limits, Packaged
from tests.packaging.support import HANDLER, Code, Project, function, layer, names_in


def findings(
    project: Project, *functions: FunctionCode, layers: tuple[LayerCode, ...] = (), **options: object
) -> list[str]:
    with pytest.raises(BadInput) as caught:
        project.packager(**options).package(functions or (function(),), layers)  # type: ignore[arg-type]  # as given
    return [str(found) for found in caught.value.diagnostics]


def names(packaged: Packaged, address: str = "lambda.function/hello") -> list[str]:
    return names_in(packaged[address].path)


def test_functions_share_one_archive_with_the_code_at_its_top(project: Project) -> None:
    project.write({"backend/handlers/other.py": HANDLER, "backend/lib/tool.py": "", "backend/README.md": "no"})
    packaged = project.packager(include=("handlers", "src", "lib", "utils")).package([function(), function("other")])
    assert len(packaged.distinct) == 1
    assert names(packaged) == ["handlers/__init__.py", "handlers/hello.py", "handlers/other.py", "lib/tool.py"]
    artifact = packaged["lambda.function/other"]
    assert artifact.digest == f"sha256:{artifact.hex}"
    assert artifact.path.name == f"{artifact.hex}.zip"
    assert artifact.size == artifact.path.stat().st_size
    assert (artifact.files, artifact.unzipped_size) == (4, 2 * len(HANDLER))


def test_the_digest_is_also_told_as_lambda_does(project: Project) -> None:
    artifact = project.packager().package([function()])["lambda.function/hello"]
    told = subprocess.run(["openssl", "dgst", "-sha256", "-binary", artifact.path], capture_output=True, check=True)
    encoded = subprocess.run(["base64"], input=told.stdout, capture_output=True, check=True).stdout.decode().strip()
    assert artifact.code_sha256 == encoded


def test_a_function_can_select_for_itself(project: Project) -> None:
    project.write({"backend/handlers/other.py": HANDLER, "backend/lib/a.py": "", "backend/models/big.bin": "1"})
    own = function("other", include=("handlers/other.py", "models"), exclude=("*.md",))
    less = function("less", handler="handlers.other.handler", exclude=("lib/", "handlers/hello.py"))
    packaged = project.packager(include=("handlers", "lib")).package([function(), own, less])
    assert names(packaged)[-1] == "lib/a.py"
    assert names(packaged, own.address) == ["handlers/other.py", "models/big.bin"]
    assert names(packaged, less.address) == ["handlers/__init__.py", "handlers/other.py"]


def test_common_excludes_hold_for_every_function(project: Project) -> None:
    project.write({"backend/handlers/test_hello.py": "", "backend/handlers/data/x.csv": ""})
    packaged = project.packager(exclude=("test_*.py", "handlers/data/")).package([function(include=("handlers",))])
    assert names(packaged) == ["handlers/__init__.py", "handlers/hello.py"]


def test_an_include_of_a_function_that_selects_nothing_is_told(project: Project) -> None:
    (told,) = findings(project, function(include=("handlers", "modls")))
    assert (
        told == "aws/lambda/functions.yaml:7: packaging lambda.function/hello: include modls: no such file in backend"
    )


@pytest.mark.parametrize("pattern", ["../secrets", "[z-a]"])
def test_patterns_that_cannot_be_meant_are_told(project: Project, pattern: str) -> None:
    (told,) = findings(project, function(exclude=(pattern,)))
    assert told.startswith(f"aws/lambda/functions.yaml:7: packaging: pattern {pattern} ")


def test_an_unchanged_project_is_neither_read_nor_written_again(project: Project) -> None:
    first = project.packager().package([function()])
    before = {p: p.stat().st_mtime_ns for p in project.packager().work.rglob("*.zip")}
    second = project.packager().package([function()])
    assert first.reused == frozenset()
    assert second.reused == {"lambda.function/hello"}
    assert second.artifacts == first.artifacts
    assert {p: p.stat().st_mtime_ns for p in project.packager().work.rglob("*.zip")} == before


def test_a_change_and_its_return_give_the_bytes_they_had(project: Project) -> None:
    first = project.packager().package([function()])
    project.write({"backend/handlers/hello.py": HANDLER + "\n"})
    changed = project.packager().package([function()])
    project.write({"backend/handlers/hello.py": HANDLER})
    third = project.packager().package([function()])
    assert changed["lambda.function/hello"].digest != first["lambda.function/hello"].digest
    assert third.artifacts == first.artifacts


@pytest.mark.parametrize("damage", [b"", b"other bytes", None])
def test_a_damaged_or_missing_archive_is_made_again(project: Project, damage: bytes | None) -> None:
    first = project.packager().package([function()])
    place = first["lambda.function/hello"].path
    if damage is None:
        place.unlink()
    else:
        place.write_bytes(damage)
    second = project.packager().package([function()])
    assert second.reused == frozenset()
    assert second.artifacts == first.artifacts
    assert names(second) == ["handlers/__init__.py", "handlers/hello.py"]


def test_a_change_of_the_executable_bit_alone_is_a_change(project: Project) -> None:
    first = project.packager().package([function()])
    (project.root / "backend/handlers/hello.py").chmod(0o755)
    second = project.packager().package([function()])
    assert second["lambda.function/hello"].digest != first["lambda.function/hello"].digest


def test_everything_wrong_is_told_at_once(project: Project) -> None:
    (project.root / "backend" / "evil").symlink_to("/etc/hostname")
    os.mkfifo(project.root / "backend" / "pipe")
    project.write({"backend/LIB/a.py": "", "backend/lib/b.py": ""})
    told = findings(project)
    assert [line.partition(":")[0] for line in told] == ["backend/evil", "backend/lib/b.py", "backend/pipe"]


def test_what_is_wrong_with_a_file_is_told_once_however_many_bundles_it_is_in(project: Project) -> None:
    (project.root / "backend" / "handlers" / "evil").symlink_to("/etc/hostname")
    (told,) = findings(project, function(), function(name="two", include=("handlers",)), function(architecture="arm64"))
    assert told.startswith("backend/handlers/evil: ")


def test_runtimes_and_architectures_are_told_for_every_function(project: Project) -> None:
    told = findings(project, function(runtime="nodejs22.x"), function("two", architecture="sparc", line=9))
    assert [line.split(": ")[0] for line in told] == ["aws/lambda/functions.yaml:7", "aws/lambda/functions.yaml:9"]


@pytest.mark.parametrize("folder", ["../outside", "/etc", "nowhere"])
def test_code_folders_outside_or_missing_are_refused(project: Project, folder: str) -> None:
    (project.root.parent / "outside").mkdir()
    packager = project.packager()
    object.__setattr__(packager.code, "root", folder)
    with pytest.raises(BadInput) as caught:
        packager.package([function()])
    assert "outside the project" in str(caught.value.diagnostics[0]) or "no such folder" in str(
        caught.value.diagnostics[0]
    )


def test_how_a_folder_is_written_does_not_matter(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = project.packager().package([function()])
    monkeypatch.chdir(project.root.parent)
    code = Code("./backend/")
    packager = Packager(Path("project"), code, Path("cache"), project.said.append)
    again = packager.package([function()])
    assert again.artifacts == expected.artifacts
    assert again.reused == {"lambda.function/hello"}


def test_nothing_selected_is_told(project: Project) -> None:
    assert "nothing is selected" in findings(project, include=("nothing",))[0]


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        ("handlers.hello", None),  # names the function `hello` of the package `handlers`
        ("handlers/hello.handler", None),
        ("handlers.helo.handler", "no handlers/helo.py in the bundle; try: did you mean handlers.hello?"),
        ("left.out.handler", "left/out.py is there, but not selected"),
        ("handler", "a module and a function are needed"),
        ("handlers.hello.", "a module and a function are needed"),
        ("../x.handler", "a module and a function are needed"),
    ],
)
def test_a_handler_whose_module_is_not_in_the_bundle_is_told(project: Project, handler: str, says: str | None) -> None:
    project.write({"backend/left/out.py": HANDLER})
    if says is None:
        project.packager(include=("handlers",)).package([function(handler=handler)])
    else:
        (told,) = findings(project, function(handler=handler), include=("handlers",))
        assert told.startswith(f"aws/lambda/functions.yaml:7: packaging lambda.function/hello: handler {handler}: ")
        assert says in told


def test_a_handler_may_be_a_dependencys_or_a_layers(project: Project) -> None:
    project.write({"backend/requirements.txt": project.index.wheel("alpha"), "layer/shared.py": HANDLER})
    shared = layer(path="layer")
    of_layer = function("two", handler="shared.handler", layers=(shared.address,))
    somebody = function("three", handler="theirs.handler", layers=("arn:aws:lambda:us-east-1:123456789012:layer:x:1",))
    packager = project.packager(requirements="backend/requirements.txt", exclude=("requirements.txt",))
    packaged = packager.package([function(handler="alpha.handler"), of_layer, somebody], [shared])
    assert len(packaged.distinct) == 2


def test_layers_lie_below_python(project: Project) -> None:
    project.write({"layers/a/shared.py": "", "layers/b/python/ready.py": "", "layers/b/bin/tool": ""})
    project.write({"layers/requirements.txt": project.index.wheel("alpha", files={"alpha.py": ""})})
    plain = layer("a", path="layers/a")
    ready = layer("b", path="layers/b")
    packages = layer("c", requirements="layers/requirements.txt")
    both = layer("d", path="layers/a", requirements="layers/requirements.txt")
    packaged = project.packager().package([], [plain, ready, packages, both])
    assert names(packaged, plain.address) == ["python/shared.py"]
    assert names(packaged, ready.address) == ["bin/tool", "python/ready.py"]
    assert "python/alpha.py" in names(packaged, packages.address)
    assert {"python/alpha.py", "python/shared.py"} <= set(names(packaged, both.address))
    assert project.installs == 1


def test_what_is_too_large_unzipped_is_told_with_its_largest_folders(project: Project) -> None:
    project.write({"backend/models/big.bin": b"0" * 3_000_000, "layer/data/x.bin": b"0" * 2_000_000})
    shared = layer(path="layer")
    limits = Limits(unzipped=4_000_000)
    project.packager(limits=limits).package([function()], [shared])
    (told,) = findings(project, function(layers=(shared.address,)), layers=(shared,), limits=limits)
    assert "unzipped with its 1 layers it has 5,000,0" in told
    assert "Lambda takes 4,000,000 (largest: models/ 3.0 MB, data/ 2.0 MB, " in told


def test_what_is_too_large_for_a_direct_upload_is_a_warning_once(project: Project) -> None:
    project.write({"backend/models/big.bin": b"0" * 60_000, "backend/handlers/other.py": HANDLER})
    packaged = project.packager(limits=Limits(zipped=50_000)).package([function(), function("other")])
    (warning,) = packaged.warnings
    assert warning.severity == "warning"
    assert "Lambda takes 50,000 in a direct upload, more only from S3 (largest: models/ 0.1 MB" in warning.message


def test_the_limits_are_lambdas() -> None:
    assert Limits() == Limits(zipped=50 * 1024 * 1024, unzipped=250 * 1024 * 1024)


def test_a_work_folder_that_cannot_be_written_is_no_bad_input(project: Project) -> None:
    project.write({".pipeline": "a file"})
    with pytest.raises(PipelineError, match="packaging: ") as caught:
        project.packager().package([function()])
    assert caught.value.exit_code == 1


def test_what_has_long_not_been_used_is_deleted(project: Project) -> None:
    first = project.packager().package([function()])["lambda.function/hello"].path
    leftover = first.parent / ".tmp-of-a-killed-process"
    leftover.mkdir()
    for place in (first, leftover):
        os.utime(place, (1, 1))
    project.write({"backend/handlers/hello.py": HANDLER + "\n"})
    project.packager().package([function()])
    assert not first.exists()
    assert not leftover.exists()


def test_a_run_that_changes_nothing_imports_no_machinery(project: Project) -> None:
    project.packager().package([function()])
    program = (
        "import json, sys; from pathlib import Path; from pipeline.packaging.packager import Packager;"
        "from tests.packaging.support import Code, function;"
        "Packager(Path(sys.argv[1]), Code(), Path(sys.argv[2]), print).package([function()]);"
        "print(sorted({'subprocess', 'zipfile', 'uv', 'boto3'} & set(sys.modules)))"
    )
    # `tests.packaging.support` needs zipfile for itself.
    program = program.replace("from tests.packaging.support import Code, function;", _STAND_IN)
    command = [sys.executable, "-c", program, str(project.root), str(project.cache)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[]"


_STAND_IN = (
    "from types import SimpleNamespace; from pipeline.packaging.values import FunctionCode;"
    "Code = lambda: SimpleNamespace(root='backend', include=(), exclude=(), requirements=None);"
    "function = lambda: FunctionCode('lambda.function/x', 'x', 'python3.13', 'x86_64', 'handlers.hello.handler');"
)
