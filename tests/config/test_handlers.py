"""Whether the code that functions name is there."""

import sys
from pathlib import Path

import pytest

from tests.config.support import HANDLER, Files, agree, real

SPEC = "aws/functions.yaml"


def function(text: str, **files: str | bytes) -> Files:
    """One function with the properties of `text` (from line 4 on), and files below backend/ (`a__b` is a/b.py)."""
    indented = "".join(f"    {line}\n" for line in text.splitlines())
    spec = "functions:\n  - name: orders-list\n    runtime: python3.13\n" + indented
    code = {f"backend/{name.replace('__', '/')}.py": content for name, content in files.items()}
    return {SPEC: spec, "backend/handlers/other.py": HANDLER, **code}


@pytest.mark.parametrize(
    "code",
    [
        "def handler(e, c): ...",
        "async def handler(e, c): ...",
        "class handler: ...",
        "handler = print",
        "handler: object = print",
        "a, (handler, b) = 1, (2, 3)",
        "import handler",
        "import x.y as handler",
        "from src import handler",
        "from src import app as handler",
        "from src import *",
        "def __getattr__(name): ...",
        "if 1:\n  pass\nelse:\n  def handler(e, c): ...",
        "try:\n  import x\nexcept ImportError:\n  handler = None",
        "try:\n  pass\nfinally:\n  handler = None",
        "with open('x') as handler:\n  pass",
        "for handler in []:\n  pass",
        "while (handler := print):\n  break",
        "match 1:\n  case 1:\n    handler = 1",
        "print(handler := 1)",
    ],
)
def test_all_the_ways_to_have_a_handler(tmp_path: Path, code: str) -> None:
    assert agree(real(tmp_path, function("", handlers__list=code)), [])


@pytest.mark.parametrize(
    "code",
    [
        "",
        "handler: object",
        "def f():\n  handler = 1",
        "class C:\n  handler = 1\n  def handler(self): ...",
        "x = [handler for handler in ()]",
        "x = lambda handler: 1",
        "import handler.x as y",
        "handler.x = 1",
        "del handler",
    ],
)
def test_and_not_to_have_one(tmp_path: Path, code: str) -> None:
    found = f"{SPEC}:2:5: handler handlers.list.handler: backend/handlers/list.py has no handler"
    assert agree(real(tmp_path, function("", handlers__list=code)), [found])


@pytest.mark.parametrize(
    ("handler", "file"),
    [
        ("handlers.list.handler", "handlers__list"),
        ("handlers/list.handler", "handlers__list"),
        ("handlers.list.handler", "handlers__list____init__"),
        ("main.handler", "main"),
        ("a-b.handler", "a-b"),
    ],
)
def test_files_of_a_handler(tmp_path: Path, handler: str, file: str) -> None:
    name = file.replace("__init__", "\0").replace("__", "/").replace("\0", "__init__")
    files = {**function(f"handler: {handler}"), f"backend/{name}.py": HANDLER}
    assert agree(real(tmp_path, files), [])


@pytest.mark.parametrize(
    ("handler", "found"),
    [
        ("handlers.lits.handler", "there is no backend/handlers/lits.py: did you mean handlers.list.handler?"),
        ("nowhere.at.all.handler", "there is no backend/nowhere/at/all.py"),
        ("handlers.list.handle", "backend/handlers/list.py has no handle: did you mean handlers.list.handler?"),
    ],
)
def test_a_handler_that_is_not_there(tmp_path: Path, handler: str, found: str) -> None:
    result = real(tmp_path, function(f"handler: {handler}", handlers__list=HANDLER))
    assert agree(result, [f"{SPEC}:4:14: handler {handler}: {found}"])


@pytest.mark.parametrize(("runtime", "severity"), [("python3.11", "error"), ("python3.14", "warning")])
def test_code_that_cannot_be_parsed_may_be_for_a_newer_python(tmp_path: Path, runtime: str, severity: str) -> None:
    spec = f"functions: [{{name: orders-list, runtime: {runtime}}}]\n"
    result = real(tmp_path, {SPEC: spec, "backend/handlers/list.py": "def handler(:\n"})
    [finding] = result.diagnostics
    assert finding.place == "backend/handlers/list.py:1:13"
    assert finding.message == "Python syntax: invalid syntax"
    # Newer than the Python that runs the tests: it may know what this one does not.
    assert finding.severity == (severity if sys.version_info < (3, 14) else "error")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\xff", "backend/handlers/list.py:1:1: the file is not UTF-8 text"),
        (b"x = 1\n" * 200_000, "backend/handlers/list.py:1:1: the file is larger than 1,000,000 bytes"),
    ],
)
def test_code_that_is_not_read(tmp_path: Path, content: bytes, found: str) -> None:
    assert agree(real(tmp_path, function("", handlers__list=content)), [found])


def test_one_file_of_many_functions_is_read_once(tmp_path: Path) -> None:
    spec = "defaults: {runtime: python3.13, handler: handlers.other.handler}\nfunctions: [{name: a}, {name: b}]\n"
    assert agree(real(tmp_path, {**function(""), SPEC: spec}), [])
    assert agree(
        real(tmp_path, {SPEC: spec, "backend/handlers/other.py": b"\xff"}), ["backend/handlers/other.py:1:1: "]
    )


def test_compiled_modules_are_taken_on_trust(tmp_path: Path) -> None:
    files = {**function(""), "backend/handlers/list.cpython-313-x86_64-linux-gnu.so": b"\x7fELF"}
    assert agree(real(tmp_path, files), [])


def test_code_of_layers_counts(tmp_path: Path) -> None:
    layers = "layers:\n  - {name: shared, path: shared, compatible_runtimes: [python3.13]}\n"
    named = function("layers: [shared]\nhandler: common.handler")
    assert agree(real(tmp_path, {**named, "aws/l.yaml": layers, "shared/python/common.py": HANDLER}), [])
    missing = real(tmp_path / "missing", {**named, "aws/l.yaml": layers, "shared/a.txt": ""})
    assert agree(missing, [f"{SPEC}:5:14: handler common.handler: there is no backend/common.py"])
    arn = function("layers: ['arn:aws:lambda:us-east-1:123456789012:layer:a:1']\nhandler: common.handler")
    assert agree(real(tmp_path / "arn", arn), [])


@pytest.mark.parametrize(
    ("made_of", "found"),
    [
        ("path: shred", "there is no folder shred in the project"),
        ("path: shared/a.txt", "there is no folder shared/a.txt in the project"),
        ("path: shared\n    requirements: shared/r.txt", "there is no file shared/r.txt in the project"),
    ],
)
def test_what_a_layer_is_made_of_is_there(tmp_path: Path, made_of: str, found: str) -> None:
    layers = f"layers:\n  - name: shared\n    compatible_runtimes: [python3.13]\n    {made_of}\n"
    line = 3 + len(made_of.splitlines())
    column = 5 + len(made_of.splitlines()[-1].strip().partition(" ")[0]) + 1
    assert agree(
        real(tmp_path, {**function("", handlers__list=HANDLER), "aws/l.yaml": layers, "shared/a.txt": ""}),
        [f"aws/l.yaml:{line}:{column}: {found}"],
    )


def test_no_code_at_all_is_told_once(tmp_path: Path) -> None:
    spec = "defaults: {runtime: python3.13}\nfunctions: [{name: a}, {name: b}]\n"
    found = real(tmp_path, {SPEC: spec, "pipeline.yaml": "code:\n  root: src\n"})
    assert agree(found, ["pipeline.yaml:2:9: there is no directory src with the functions' code"])


@pytest.mark.parametrize("project", ["- a", "environments: {", "code: {root: ../x}", "cod: {root: x}"])
def test_the_default_directory_is_not_missed_when_pipeline_yaml_is_wrong(tmp_path: Path, project: str) -> None:
    spec = "functions:\n  - name: orders-list\n    runtime: python3.13\n"
    (found,) = real(tmp_path, {"pipeline.yaml": f"{project}\n", SPEC: spec}).diagnostics
    assert found.file == "pipeline.yaml"
    assert "no directory" not in found.message


def test_the_module_is_never_run(tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'ran')!r}, 'w')\n{HANDLER}"
    assert agree(real(tmp_path, function("", handlers__list=code)), [])
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("wrong", "also"),
    [
        ("timeout: 2000", ["5:14: timeout is 2000"]),
        ("timeout: soon", ['5:14: timeout is "soon"']),
        ("tracing: on", ['5:14: tracing is "on"']),
        ("environment: {AWS_REGION: x}", ["5:31: Lambda sets AWS_REGION itself"]),
    ],
)
def test_what_else_is_wrong_with_a_function_does_not_hide_its_handler(
    tmp_path: Path, wrong: str, also: list[str]
) -> None:
    found = ["4:14: handler handlers.nope.handler: there is no backend/handlers/nope.py", *also]
    result = real(tmp_path, function(f"handler: handlers.nope.handler\n{wrong}"))
    assert agree(result, [f"{SPEC}:{each}" for each in found])


@pytest.mark.parametrize("wrong", ["handler: '..'", "handler: [a]", "handler: handlers.nope.handler\nlayers: {a: b}"])
def test_a_handler_is_not_looked_for_when_it_or_its_layers_are_wrong(tmp_path: Path, wrong: str) -> None:
    result = real(tmp_path, function(wrong))
    assert len(result.diagnostics) == 1
