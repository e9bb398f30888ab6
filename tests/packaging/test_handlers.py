import platform
import sys
from pathlib import Path

import pytest

from pipeline.errors import Diagnostic
from pipeline.packaging.handlers import check_handlers
from pipeline.packaging.targets import BuildTarget
from pipeline.packaging.values import FunctionCode
from tests.packaging.support import HANDLER, Project, function, layer

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def ours(version: str) -> str | None:
    return sys.executable if version == VERSION else None


def named(name: str, **changes: object) -> FunctionCode:
    return function(name, runtime=f"python{VERSION}", **changes)


def checked(
    project: Project, files: dict[str, str], *functions: FunctionCode, cache: Path | None = None, patience: float = 30
) -> list[Diagnostic]:
    project.write({f"backend/{name}": text for name, text in files.items()})
    packaged = project.packager().package(functions)
    return list(check_handlers(packaged, functions, ours, cache=cache, patience=patience))


def test_handlers_that_import_bring_nothing(project: Project) -> None:
    files = {
        "handlers/two.py": "from lib import x\nhandler = x.Y()\n",
        "lib/x.py": "class Y:\n    def __call__(self): ...\n",
    }
    assert checked(project, files, named("hello"), named("two")) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "import nowhere_to_be_found\n",
            "ModuleNotFoundError: No module named 'nowhere_to_be_found' (handlers/bad.py:1)",
        ),
        ("import lib.broken\n", "ZeroDivisionError: division by zero (lib/broken.py:2)"),
        ("def handler(:\n", "SyntaxError: invalid syntax"),
        ("other = 1\n", "module handlers.bad has no handler"),
        ("handler = 1\n", "handler of handlers.bad cannot be called"),
        ("raise SystemExit(3)\n", "SystemExit: 3 (handlers/bad.py:1)"),
        ("import os\nos._exit(3)\n", "python ended while it was imported (exit status 3)"),
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
            "python ended while it was imported (exit status -9)",
        ),
        ("import os\nos.environ['TABLE']\n", "KeyError: 'TABLE' (<frozen os>"),
    ],
)
def test_what_breaks_is_told_for_its_handler_alone(project: Project, text: str, says: str) -> None:
    files = {"handlers/bad.py": text, "handlers/last.py": HANDLER, "lib/broken.py": "\n1 / 0\n"}
    (found,) = checked(project, files, named("hello"), named("bad", line=9), named("last"))
    assert found.severity == "error"
    assert found.place == "aws/lambda/functions.yaml:9"
    assert found.address == "lambda.function/bad"
    assert found.message.startswith("packaging lambda.function/bad: handler handlers.bad.handler: ")
    assert says.partition(" (<frozen")[0] in found.message


def test_an_import_that_hangs_is_ended(project: Project) -> None:
    files = {"handlers/bad.py": "while True: pass\n"}
    (found,) = checked(project, files, named("bad"), patience=1.5)
    assert "the import did not end in time" in found.message


def test_the_environment_is_the_functions_own_and_has_no_credentials(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for handlers")
    monkeypatch.setenv("SOMETHING", "of this shell")
    text = (
        "import os\n"
        "assert os.environ['TABLE'] == '{0}'\n"
        "assert os.environ['AWS_REGION'] and os.environ['AWS_LAMBDA_FUNCTION_NAME'] == '{1}'\n"
        "assert not {{'AWS_SECRET_ACCESS_KEY', 'SOMETHING', 'PYTHONPATH'}} & set(os.environ)\n"
        "handler = print\n"
    )
    files = {"handlers/one.py": text.format("t1", "one"), "handlers/two.py": text.format("t2", "two")}
    one, two = (named(name, environment={"TABLE": table}) for name, table in (("one", "t1"), ("two", "t2")))
    assert checked(project, files, one, two) == []


def test_packages_of_this_machine_are_not_lent_but_those_of_the_runtime_are(project: Project) -> None:
    (found,) = checked(project, {"handlers/bad.py": "import pytest\nhandler = print\n"}, named("bad"))
    assert "No module named 'pytest'" in found.message
    assert found.hint == "add the package to the requirements"
    files = {"handlers/bad.py": "import boto3, botocore.config\nhandler = boto3.client\n"}
    assert checked(project, files, named("bad")) == []


def test_what_lambda_brings_and_this_machine_lacks_is_a_note(project: Project) -> None:
    (found,) = checked(project, {"handlers/bad.py": "import awslambdaric\n"}, named("bad"))
    assert found.severity == "warning"
    assert "awslambdaric is Lambda's own and not on this machine" in found.message


def test_handlers_that_only_break_each_other_are_well(project: Project) -> None:
    once = "import sys\nassert not hasattr(sys, 'taken')\nsys.taken = True\nhandler = print\n"
    assert checked(project, {"handlers/one.py": once, "handlers/two.py": once}, named("one"), named("two")) == []


def test_what_a_handler_prints_goes_nowhere(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    text = "import sys\nprint('loud')\nprint('loud', file=sys.stderr)\nhandler = print\n"
    assert checked(project, {"handlers/one.py": text}, named("one")) == []
    assert capfd.readouterr() == ("", "")


def test_without_that_python_there_is_one_note(project: Project) -> None:
    functions = [function(runtime="python3.9"), function("two", runtime="python3.9", handler="handlers.hello.handler")]
    packaged = project.packager().package(functions)
    (found,) = check_handlers(packaged, functions, lambda version: None)
    assert found.severity == "warning"
    assert found.message == "handlers not imported (hello, two): no Python 3.9 on this machine"


def test_compiled_code_for_another_machine_is_a_note(project: Project) -> None:
    other = "arm64" if platform.machine() == "x86_64" else "x86_64"
    foreign = named("hello", architecture=other)
    assert checked(project, {}, foreign) == []
    (found,) = checked(project, {"lib/native.so": "ELF"}, foreign)
    assert found.severity == "warning"
    assert "not for this machine" in found.message


def test_layers_are_on_the_path(project: Project) -> None:
    project.write({"layer/shared.py": "VALUE = 1\n", "backend/handlers/two.py": "import shared\nhandler = print\n"})
    shared = layer(path="layer", runtime=f"python{VERSION}")
    of_layer = named("two", layers=(shared.address,))
    packaged = project.packager().package([of_layer], [shared])
    assert check_handlers(packaged, [of_layer], ours) == ()
    (found,) = check_handlers(packaged, [named("two")], ours)
    assert "No module named 'shared'" in found.message
    somebodys = named("two", layers=("arn:aws:lambda:us-east-1:123456789012:layer:x:1",))
    assert check_handlers(packaged, [somebodys], ours) == ()


def test_what_was_well_is_not_imported_again_and_what_was_not_is(project: Project, tmp_path: Path) -> None:
    asked: list[str] = []

    def counted(version: str) -> str | None:
        asked.append(version)
        return ours(version)

    functions = [named("hello", environment={"A": "1"})]
    packaged = project.packager().package(functions)
    for _ in range(2):
        assert check_handlers(packaged, functions, counted, cache=tmp_path / "checks") == ()
    assert len(asked) == 1
    check_handlers(packaged, [named("hello", environment={"A": "2"})], counted, cache=tmp_path / "checks")
    assert len(asked) == 2
    broken = [named("hello", handler="handlers.hello.nothing")]
    for _ in range(2):
        assert len(check_handlers(packaged, broken, counted, cache=tmp_path / "checks")) == 1
    assert len(asked) == 4


def test_what_is_compiled_is_the_code_s_and_the_runtime_s_and_no_library_of_python(
    project: Project, tmp_path: Path
) -> None:
    """All of what Python brings is compiled already; where the code's is kept, nothing changes by using it again."""
    files = {"handlers/two.py": "import asyncio, six\nfrom lib import x\nhandler = x.y\n", "lib/x.py": "def y(): ...\n"}
    kept = tmp_path / "checks" / "imports" / "bytecode"
    compiled = []
    for value in "12":
        assert checked(project, files, named("two", environment={"A": value}), cache=tmp_path / "checks") == []
        compiled.append({path: path.stat().st_mtime_ns for path in kept.rglob("*.pyc")})
    names = {path.name.partition(".")[0] for path in compiled[0]}
    assert {"two", "x"} <= names <= {"two", "x", "six", "__init__"}
    assert compiled[0] == compiled[1]


def test_what_breaks_is_told_the_same_with_what_was_kept(project: Project, tmp_path: Path) -> None:
    (found,) = checked(project, {"handlers/bad.py": "def handler(:\n"}, named("bad"), cache=tmp_path / "checks")
    assert (found.severity, "SyntaxError: invalid syntax" in found.message) == ("error", True)


def test_the_interpreter_of_a_local_target_is_used(project: Project) -> None:
    functions = [function(runtime="python3.9")]
    packager = project.packager()
    target = BuildTarget.for_interpreter(sys.executable, VERSION)
    packaged = packager.package(functions, target_override=target)
    assert packager.check_handlers(packaged, functions) == ()
    assert list((packager.work / "checks").iterdir())
