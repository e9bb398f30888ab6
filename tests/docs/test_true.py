"""What the documentation names exists."""

import re
from collections.abc import Iterator

import pytest

from tests.docs import surface
from tests.docs.markdown import Document, documents
from tests.repository.files import ROOT, committed

PAGES = [found for found in documents() if found.name != "CHANGELOG.md"]
# Other programs' own options may stand in code that begins with their name, or in a sentence about them.
PROGRAMS = re.compile(r"\b(?:uv|pip|pytest|tox|git|aws|curl|sed|jq|python|act)\b")
OTHERS = {"--upgrade", "--universal", "--generate-hashes", "--index-url", "--require-hashes", "--no-deps"}
# "the pipeline is" is a sentence.
_CALL = re.compile(r"(?<!\bthe)(?:^|[\s(`$])(?:\./run )?pipeline ([a-z][a-z-]*)(?: ([a-z]+))?([^|;&#`]*)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
# Words behind `pipeline` in code that are no commands: a path, a module, a name.
NO_COMMANDS = {"validate-like"}


def calls(found: Document) -> Iterator[tuple[str, str]]:
    """(command, the rest of the line) of every call of the program that is set as code."""
    known = surface.commands()
    for line in found.code:
        for first, second, rest in _CALL.findall(line):
            name = f"{first} {second}" if f"{first} {second}" in known else first
            yield name, rest if name != first or not second else f" {second}{rest}"


@pytest.mark.parametrize("found", PAGES, ids=lambda found: found.name)
def test_commands_that_are_shown_exist(found: Document) -> None:
    assert {name for name, _ in calls(found) if name not in surface.commands()} == set()


@pytest.mark.parametrize("found", PAGES, ids=lambda found: found.name)
def test_commands_are_shown_with_options_that_they_have(found: Document) -> None:
    for name, rest in calls(found):
        if name in surface.commands():
            wrong = set(_OPTION.findall(rest)) - surface.options(surface.commands()[name])
            assert not wrong, f"{found.name}: pipeline {name}{rest}"


@pytest.mark.parametrize("found", PAGES, ids=lambda found: found.name)
def test_options_that_are_named_exist(found: Document) -> None:
    ours = {option for command in surface.commands().values() for option in surface.options(command)} | {"--version"}
    named = {option for line in found.code if not PROGRAMS.search(line) for option in _OPTION.findall(line)}
    assert named - ours - OTHERS == set()


@pytest.mark.parametrize("found", PAGES, ids=lambda found: found.name)
def test_files_of_ours_that_are_named_exist(found: Document) -> None:
    files = {path.relative_to(ROOT).as_posix() for path in committed()}
    prefixes = {"/".join(name.split("/")[:depth]) for name in files for depth in range(1, name.count("/") + 1)}
    spans = {span for span in found.code if re.fullmatch(r"(?:pipeline|tests|docs|requirements)/[\w./-]+", span)}
    assert {span for span in spans if span.rstrip("/") not in files | prefixes} == set()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pipeline deploy --env dev --local", [("deploy", " --env dev --local")]),
        ("./run pipeline local stop", [("local stop", "")]),
        ("pipeline plan --out plan.json && pipeline deploy", [("plan", " --out plan.json "), ("deploy", "")]),
        ("the pipeline/commands folder", []),
    ],
)
def test_what_counts_as_a_call(line: str, expected: list[tuple[str, str]]) -> None:
    assert list(calls(Document(ROOT / "x.md", f"`{line}`\n"))) == expected


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert list(calls(Document(ROOT / "x.md", "```console\n$ pipeline undo --env dev\n```\n"))) == [
        ("undo", " --env dev")
    ]
