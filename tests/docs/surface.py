"""What users can name, as the program has it: commands, options, exit codes, settings, keys, variables."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import click

from pipeline.cli import program
from pipeline.errors import PipelineError
from tests.repository.files import ROOT, texts

_VARIABLE = re.compile(
    r"""environ(?:\.get\(|\[|\.pop\()?\s*"([A-Z][A-Z_0-9]+)"|"([A-Z_]{3,})" (?:not )?in os\.environ"""
)


def commands() -> dict[str, click.Command]:
    """Every command by its full name, such as `local start`; groups, too."""

    def below(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command
            yield f"{prefix}{name}", command
            if isinstance(command, click.Group):
                yield from below(command, f"{prefix}{name} ")

    return dict(below(program, ""))


def options(command: click.Command) -> set[str]:
    """The long options of a command."""
    given = [option for one in command.params if isinstance(one, click.Option) for option in one.opts]
    return {option for option in given if option.startswith("--")} | {"--help"}


def exit_codes() -> set[int]:
    """Those of the exceptions, and those that are no errors."""

    def of(kind: type[PipelineError]) -> Iterator[int]:
        yield kind.exit_code
        for sub in kind.__subclasses__():
            yield from of(sub)

    return {0, 3, *of(PipelineError)}


def settings() -> set[str]:
    """Names of all settings of pipeline.yaml."""
    return set(_names(_schema("project.schema.json")))


def customary_keys() -> set[str]:
    """The keys of environment files that the program itself knows."""
    schema = _schema("environment.schema.json")
    return {*schema["properties"], *schema["$defs"]["customary"]["properties"]}


def variables() -> set[str]:
    """Environment variables that the program reads."""
    return {name for _, text in texts("pipeline/*.py") for groups in _VARIABLE.findall(text) for name in groups if name}


def _schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "pipeline" / "config" / name).read_text(encoding="utf-8"))
    return found


def _names(schema: Mapping[str, Any]) -> Iterator[str]:
    """Property names at any depth."""
    for name, sub in schema.get("properties", {}).items():
        yield name
        yield from _names(sub)
    for word in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(word, ()):
            yield from _names(branch)
    for word in ("additionalProperties", "items", "$defs"):
        sub = schema.get(word)
        if isinstance(sub, Mapping):
            yield from _names(sub)
