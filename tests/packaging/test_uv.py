"""uv's refusals. The texts are uv's own, of several versions."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.errors import BadInput, Interrupted, PipelineError
from pipeline.packaging.requirements import Requirement, Requirements
from pipeline.packaging.targets import BuildTarget
from pipeline.packaging.uv import Uv, refusal

TARGET = BuildTarget.for_runtime("python3.13", "arm64")
ASKED = Requirements("backend/requirements.txt", (Requirement("beta>=1", "backend/more.txt", 4, "beta"),))

NEWER = """error: No solution found when resolving dependencies
  cause: Because beta==2.0 has no wheels with a matching Python ABI tag (e.g., `cp313`) and only beta==2.0 is available,
         we can conclude that all versions of beta cannot be used.

hint: You require CPython 3.13 (`cp313`), but we only found wheels for `beta` (v2.0) with the tag: `cp312`
"""
OLDER = """  x No solution found when resolving dependencies:
  ╰─▶ Because only beta==2.0 is available and beta==2.0 has no wheels with a matching platform tag (e.g.,
      `manylinux_2_34_aarch64`), we can conclude that all versions of beta cannot be used.
"""
SOURCE_ONLY = "error: Because beta==2.0 has no usable wheels and you require beta==2.0, we can conclude ..."
DEEPER = "error: Because delta==0.1 has no usable wheels and beta==2.0 depends on delta, we can conclude ..."


@pytest.mark.parametrize("words", [NEWER, OLDER, SOURCE_ONLY])
def test_a_package_without_a_wheel_is_named_with_version_platform_and_line(words: str) -> None:
    error = refusal(words, ASKED, TARGET)
    assert isinstance(error, BadInput)
    (found,) = error.diagnostics
    assert found.message == "beta 2.0 has no wheel for python 3.13 on aarch64-manylinux_2_34"
    assert found.place == "backend/more.txt:4"


def test_a_package_that_another_one_needs_is_told_with_the_file() -> None:
    (found,) = refusal(DEEPER, ASKED, TARGET).diagnostics
    assert found.message.startswith("delta 0.1 has no wheel")
    assert found.message.endswith("(needed by backend/requirements.txt)")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("Because beta was not found in the package registry and you require beta", "beta is not in the package index"),
        ("Because there is no version of beta==9 and you require beta==9, we", "beta 9 is not in the package index in"),
        ("Hash mismatch for `beta==2.0`\n\nExpected: ...", "beta 2.0 is not the file that was locked"),
        (
            "In `--require-hashes` mode, all requirements must be pinned upfront with `==`, but found: `beta`",
            "beta is needed, but the lock has no exact version",
        ),
        (
            "error: Hash-checking is required, but no trusted hash was provided for: `beta`",
            "beta is needed, but the lock has no exact version",
        ),
        (
            "something entirely new",
            "cannot be installed for python 3.13 on aarch64-manylinux_2_34: something entirely new",
        ),
    ],
)
def test_other_refusals_are_bad_input_too(words: str, says: str) -> None:
    error = refusal(words, ASKED, TARGET)
    assert isinstance(error, BadInput)
    assert says in error.diagnostics[0].message


@pytest.mark.parametrize(
    "words",
    [
        "error: Failed to fetch: `https://user:word@example.com/simple/beta/`\n  cause: operation timed out",
        "error: error sending request for url (https://user:word@example.com/simple/beta/)",
    ],
)
def test_an_index_that_does_not_answer_is_no_bad_input_and_its_password_is_not_shown(words: str) -> None:
    error = refusal(words, ASKED, TARGET)
    assert type(error) is PipelineError
    assert "word@" not in str(error)
    assert "example.com" in str(error)
    assert error.hint is not None


def test_a_run_that_was_asked_to_stop_ends_the_child(tmp_path: Path) -> None:
    uv = Uv(tmp_path, {"UV_DEFAULT_INDEX": "http://127.0.0.1:9", "UV_HTTP_RETRIES": "50"}, stopping=lambda: True)
    target = BuildTarget.for_interpreter(sys.executable, "3.11")
    with pytest.raises(Interrupted):
        uv.compile(ASKED, target, tmp_path)


def test_an_index_is_never_told_the_credentials_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The requirements may be those of a fork, and uv fills in variables in the addresses that they name."""
    asked: list[str] = []

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Silent."""

    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "PIPELINE_WEBHOOK", "MINE"):
        monkeypatch.setenv(name, f"value-of-{name}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for name in (
            "AWS_SECRET_ACCESS_KEY",
            "GITHUB_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "PIPELINE_WEBHOOK",
            "MINE",
        ):
            line = f"-i http://127.0.0.1:{server.server_port}/${{{name}}}/simple"
            wanted = Requirements("r.txt", (Requirement(line, "r.txt", 1), Requirement("beta==1", "r.txt", 2, "beta")))
            with pytest.raises(PipelineError):
                Uv(tmp_path).compile(wanted, BuildTarget.for_interpreter(sys.executable, "3.11"), tmp_path)
    finally:
        server.shutdown()
        server.server_close()
    assert {path.split("/")[1] for path in asked if "value-of" in path} == {"value-of-MINE"}
