"""The README's two commands are those that are run elsewhere, and what it says of the repository is so."""

import re

from tests.docs.markdown import document
from tests.repository.files import ROOT, committed

DEPLOY, TESTS = "./run pipeline deploy --env dev --local", "./run tox"


def test_the_two_commands_stand_first() -> None:
    block = re.search(r"(?:^    .+\n)+", document("README.md").section("Two commands"), re.MULTILINE)
    assert block
    assert [line.split("#")[0].strip() for line in block.group().splitlines()] == [DEPLOY, TESTS]


def test_ci_and_tox_and_the_wrapper_use_the_same_commands() -> None:
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().splitlines()[-1] == TESTS
    assert (ROOT / "tox.ini").read_text(encoding="utf-8").startswith(f"# {TESTS} ")
    header = (ROOT / "run").read_text(encoding="utf-8").split("set -eu")[0]
    assert re.findall(r"^#     (\./run .+)$", header, re.MULTILINE) == [DEPLOY, TESTS]


def test_the_session_begins_with_the_first_command() -> None:
    assert document("README.md").blocks[0].text.startswith(f"$ {DEPLOY}\n")


def test_every_directory_is_in_the_layout() -> None:
    section = document("README.md").section("Layout")
    tops = {path.relative_to(ROOT).parts[0] for path in committed() if len(path.relative_to(ROOT).parts) > 1}
    assert [name for name in sorted(tops) if not name.startswith(".") and f"`{name}/`" not in section] == []


def test_it_is_read_in_two_minutes() -> None:
    """About 200 words a minute, code not counted."""
    prose = re.sub(r"`[^`]*`|\([^)]*\)|[|#*]", " ", document("README.md").prose)
    assert len(prose.split()) < 600
