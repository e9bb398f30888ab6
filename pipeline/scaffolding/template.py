"""The files of a new repository: those below `template/`, with `@{name}` filled in. Reads package data, nothing else.

A file of the template is called as the one it becomes, but for `.tmpl` at its end (linters and packagers take it for
what it is) and `dot-` for a dot in front. `@{environment}` in a name makes one file of each environment.
"""

import re
from collections.abc import Iterator, Mapping
from importlib import resources as package_files
from importlib.resources.abc import Traversable

from pipeline.scaffolding.answers import Answers
from pipeline.scaffolding.editor_schemas import schemas

_HOLE = re.compile(r"@\{(\w+)\}")
_SUFFIX = ".tmpl"
_EACH = "@{environment}"
EXECUTABLE = ("run",)


def repository(answers: Answers) -> dict[str, str]:
    """path -> text of every file of the new repository."""
    common = _common(answers)
    found: dict[str, str] = {}
    for path, text in _sources(package_files.files("pipeline.scaffolding").joinpath("template"), ""):
        if _EACH in path:
            for name in answers.environments:
                found[path.replace(_EACH, name)] = _filled(text, common | _of_environment(answers, name))
        else:
            found[path] = _filled(text, common)
    return found | schemas()


def _sources(directory: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(directory.iterdir(), key=lambda one: one.name):
        name = entry.name.removesuffix(_SUFFIX)
        name = f".{name.removeprefix('dot-')}" if name.startswith("dot-") else name
        if entry.is_dir():
            yield from _sources(entry, f"{prefix}{name}/")
        elif entry.name.endswith(_SUFFIX):
            yield f"{prefix}{name}", entry.read_text(encoding="utf-8")


def _common(answers: Answers) -> dict[str, str]:
    return {
        "service": answers.service,
        "region": answers.region,
        "first": next(iter(answers.environments)),
        "branches": "\n".join(f"  {name}: {branch}" for name, branch in answers.environments.items()),
        "branch_list": ", ".join(f'"{branch}"' for branch in dict.fromkeys(answers.environments.values())),
        # When nobody knows, they are left to be filled in.
        "tool_github": answers.tool.github or "OWNER/pipeline",
        "tool_pin": answers.tool.commit or "SHA",
        "tool_url": _quoted(answers.tool.url),
        "tool_commit": _quoted(answers.tool.commit),
    }


def _of_environment(answers: Answers, name: str) -> dict[str, str]:
    account = answers.accounts.get(name)
    live = name.startswith("prod")
    return {
        "environment": name,
        "account_line": f"AWS_ACCOUNT_ID={account}" if account else "# AWS_ACCOUNT_ID= (12 digits, before AWS is used)",
        "cors_origin": "https://www.example.com" if live else "http://localhost:8080",
        "protect_data": "true" if live else "false",
    }


def _quoted(text: str) -> str:
    """A word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _HOLE.sub(lambda hole: values[hole.group(1)], text)
