"""Whatever users can name is documented."""

import re

import pytest

from pipeline.cli import COMMANDS, program
from pipeline.resources.registry import registry
from tests.docs import surface
from tests.docs.markdown import document

COMMON = {"--env", "--region", "--root", "--format", "--local", "--help"}


@pytest.mark.parametrize("name", surface.commands())
def test_every_command_has_its_place(name: str) -> None:
    """A command has a section, one of a group a row in the section of the group."""
    assert " " not in name or f"| `pipeline {name}` |" in section_of(name)


@pytest.mark.parametrize("name", surface.commands())
def test_the_help_of_every_command_ends_with_examples_of_it(name: str) -> None:
    epilog = surface.commands()[name].epilog or ""
    assert "Examples:" in epilog
    assert f"pipeline {name}" in epilog


def test_the_table_of_commands_is_complete() -> None:
    table = document("docs/commands.md").text.split("## Common options")[0]
    assert set(re.findall(r"^\| \[`(\w+)`\]\(#pipeline-\1\) \|", table, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("name", surface.commands())
def test_every_option_is_described_where_its_command_is(name: str) -> None:
    own = surface.options(surface.commands()[name]) - COMMON
    assert {option for option in own if f"| `{option}" not in section_of(name)} == set()


def section_of(name: str) -> str:
    return document("docs/commands.md").section(f"pipeline {name.partition(' ')[0]}")


@pytest.mark.parametrize("option", sorted(COMMON))
def test_every_common_option_is_described_once(option: str) -> None:
    before = document("docs/commands.md").text.split("## Exit codes")[0]
    assert f"`{option}" in before


def test_exit_codes_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| (\d+) \|", document("docs/commands.md").section("Exit codes"), re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(map(int, rows)) >= surface.exit_codes()
    assert program.help
    told = re.sub(r"\s+", " ", program.help).split("Exit codes:")[1]
    assert set(rows) == set(re.findall(r"(?:^|; )\s*(\d+) ", told))


@pytest.mark.parametrize("name", sorted(surface.settings()))
def test_every_setting_of_the_project_is_described(name: str) -> None:
    assert re.search(rf"\b{re.escape(name)}\b", document("docs/configuration.md").section("pipeline.yaml"))


@pytest.mark.parametrize("key", sorted(surface.customary_keys()))
def test_every_key_that_the_program_knows_is_described(key: str) -> None:
    assert f"`{key}`" in document("docs/configuration.md").section("Environments")


@pytest.mark.parametrize("name", sorted(surface.variables()))
def test_every_environment_variable_that_is_read_is_described(name: str) -> None:
    assert f"`{name}`" in document("docs/commands.md").section("Environment variables")


@pytest.mark.parametrize("name", sorted(registry()))
def test_every_resource_type_has_its_page(name: str) -> None:
    assert document(f"docs/resources/{name}.md").text.startswith(f"# {name}\n")
    assert f"({name}.md)" in document("docs/resources/index.md").text


def test_every_collection_is_named() -> None:
    page = document("docs/resources/index.md").text
    assert [name for name in registry().by_collection if f"`{name}`" not in page] == []


def test_what_is_read_is_found() -> None:
    """The search for variables finds those that are known to be read, or it searches for the wrong thing."""
    assert {"GITHUB_EVENT_NAME", "GITHUB_ACTIONS", "NO_COLOR", "XDG_CACHE_HOME"} <= surface.variables()
