"""What the documentation shows of quick commands is what they print now; and the tool that checks it notices lies."""

import os
from pathlib import Path

import pytest

from tests.docs.markdown import Block, Document, documents
from tests.docs.sessions import CHECKED, RECORDED, Shell, Step, check, fits, rendered, steps_of, written

SESSIONS = [found for found in documents() if any(block.mark == CHECKED for block in found.blocks)]


@pytest.mark.parametrize("found", SESSIONS, ids=lambda found: found.name)
def test_what_is_shown_is_what_is_printed(found: Document, tmp_path: Path) -> None:
    different = list(check(found, tmp_path))
    if os.environ.get("ACCEPT"):
        written(found, different)
    elif different:
        block, printed = different[0]
        assert block.text == printed, "if the new text is right, use ACCEPT=1"


def test_every_session_says_how_it_is_kept_true() -> None:
    for found in documents():
        for block in found.blocks:
            if block.language == "console":
                assert block.mark in (CHECKED, RECORDED), f"{found.name}: {block.text.splitlines()[0]}"


def test_every_step_of_a_session_can_be_told() -> None:
    for found in documents():
        for block in found.blocks:
            if block.language == "console":
                assert rendered(steps_of(block)) == block.text, found.name


def test_a_session_is_commands_and_what_they_print() -> None:
    block = Block("console", "$ one\nfirst\n\nthird\n$ two\n", None, 0, 0)
    assert steps_of(block) == [Step("one", ("first", "", "third")), Step("two", ())]


@pytest.mark.parametrize(
    ("shown", "exactly", "loosely"),
    [
        (["plan  1 to update", "done in 2 s"], True, True),
        (["plan  1 to update", "done in 12 s"], False, True),
        (["plan  …", "done in 2 s"], True, True),
        (["…", "done in 2 s"], True, True),
        (["…"], True, True),
        (["plan  1 to update"], False, False),
        (["plan  1 to create", "done in 2 s"], False, False),
        (["plan  1 to update", "done in 2 s", "…"], True, True),
        (["plan  1 to update", "done in 2 s", ""], False, False),
    ],
)
def test_what_may_be_left_out_and_what_may_differ(shown: list[str], exactly: bool, loosely: bool) -> None:
    printed = ["plan  1 to update", "done in 2 s"]
    assert fits(shown, printed, exactly=True) is exactly
    assert fits(shown, printed, exactly=False) is loosely


def test_lines_about_parallel_work_may_come_in_any_order() -> None:
    one, other = "  + dynamodb.table/orders  34 ms", "  + iam.role/orders  1.20 s"
    assert fits([one, other], [other, one], exactly=False)
    assert not fits([one, other], [other, one], exactly=True)


def test_commands_of_a_session_share_a_shell(tmp_path: Path) -> None:
    with Shell(tmp_path, tmp_path) as shell:
        assert shell.run("export A=1; echo one; echo two >&2") == ("one", "two")
        assert shell.run("(exit 4)") == ()
        assert shell.run("echo $? $A") == ("4 1",)
        assert shell.run("cat") == ()
