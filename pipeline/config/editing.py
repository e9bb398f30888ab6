"""Changes to a spec as text: scalar settings of one entry of a list, with all else left as it is. Pure.

A program that loads YAML and writes it again loses comments, quotes and order; a reader of the diff would not find what
was changed. So only the places of the settings are replaced, and new ones are added behind the entry's first line.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class NotEditable(Exception):
    """What stands there has to be changed by hand; the text says why."""


def edited(text: str, line: int, settings: Mapping[str, Any]) -> str:
    """`text` with `settings` in the mapping that begins on `line` (from 1); None takes one out. Raises NotEditable.

    A setting that comes from a ${VARIABLE} is not changed here: it is for `assigned`.
    """
    text = text if text.endswith("\n") else text + "\n"
    node = _mapping_at(yaml.compose(text, Loader=yaml.SafeLoader), line - 1)
    if node is None:
        raise NotEditable(f"no entry begins on line {line}")
    if node.flow_style:
        raise NotEditable("the entry is written in braces")
    known = {key.value: value for key, value in node.value}
    keys = {key.value: key for key, _ in node.value}
    for name in settings:
        if name in known and settings[name] is not None:
            _check(name, known[name])
    end = _end_of_first_line(text, node)
    new = [
        _lines(name, value, node.start_mark.column)
        for name, value in settings.items()
        if name not in known and value is not None
    ]
    edits = [(end, end, "".join(new))]
    for name, value in known.items():
        if name in settings and settings[name] is None:
            edits.append((*_lines_of(text, keys[name], value, node), ""))
        elif name in settings:
            edits.append((value.start_mark.index, value.end_mark.index, _scalar(settings[name])))
    for start, stop, put in sorted(edits, reverse=True):  # from the back: places further up stay where they are
        text = text[:start] + put + text[stop:]
    return text


def variables_in(text: str, line: int, settings: Mapping[str, Any]) -> dict[str, str]:
    """Setting -> the variable that it is, of those that are to be changed and are nothing but a ${VARIABLE}."""
    node = _mapping_at(yaml.compose(text, Loader=yaml.SafeLoader), line - 1)
    known = {key.value: value.value for key, value in node.value} if node else {}
    found = {name: _VARIABLE.fullmatch(value) for name, value in known.items() if isinstance(value, str)}
    return {name: match[1] for name, match in found.items() if match and name in settings}


def unlike(text: str, line: int, settings: Mapping[str, Any]) -> list[str]:
    """The settings that the entry has otherwise, or not at all; those that are to go, where it has them."""
    node = _mapping_at(yaml.compose(text, Loader=yaml.SafeLoader), line - 1)
    known = {key.value: value.value for key, value in node.value} if node else {}
    return [name for name, value in settings.items() if known.get(name) != (None if value is None else _scalar(value))]


def assigned(text: str, name: str, value: Any) -> str:
    """The text of an environment file in which a variable has a value, where it was or at the end."""
    lines, new = text.splitlines(), f"{name}={_scalar(value)}"
    places = [number for number, line in enumerate(lines) if re.match(rf"\s*(export\s+)?{name}\s*=", line)]
    if places:
        lines[places[-1]] = new
    else:
        lines.append(new)
    return "\n".join(lines) + "\n"


def _lines_of(text: str, key: yaml.Node, value: yaml.Node, entry: yaml.MappingNode) -> tuple[int, int]:
    """Where the lines of a setting begin and end."""
    if key.start_mark.line == entry.start_mark.line:
        raise NotEditable("what would have to go stands on the first line of the entry")
    last = value
    while not last.flow_style if isinstance(last, yaml.CollectionNode) else False:
        inner = last.value[-1]  # a block's own mark is where the next thing begins, behind comments
        last = inner[1] if isinstance(inner, tuple) else inner
    return text.rindex("\n", 0, key.start_mark.index) + 1, text.index("\n", last.end_mark.index - 1) + 1


def _check(name: str, value: yaml.Node) -> None:
    if not isinstance(value, yaml.ScalarNode):
        raise NotEditable(f"{name} is there already, with settings of its own")
    if "${" in value.value:
        raise NotEditable(f"{name} is {value.value}: set it in the environment files, or write it here")


def _mapping_at(node: yaml.Node | None, line: int) -> yaml.MappingNode | None:
    """The innermost mapping that begins on the line."""
    if node is None:
        return None
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        children = [value for _, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = list(node.value)
    for child in children:
        if child.start_mark.line <= line <= child.end_mark.line and (found := _mapping_at(child, line)):
            return found
    begins = isinstance(node, yaml.MappingNode) and node.start_mark.line == line
    return node if begins and isinstance(node, yaml.MappingNode) else None


def _end_of_first_line(text: str, node: yaml.MappingNode) -> int:
    """Behind the entry's first line, which must hold its first setting whole, and none to be replaced."""
    value = node.value[0][1]
    if not isinstance(value, yaml.ScalarNode) or value.end_mark.line != node.start_mark.line:
        raise NotEditable("the entry does not begin with a name on its first line")
    return text.index("\n", value.start_mark.index) + 1


def _lines(name: str, value: Any, column: int) -> str:
    margin = " " * column
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key}: {_flow(item)}" for key, item in value.items())
        return f"{margin}{name}: {{{inner}}}\n"
    return f"{margin}{name}: {_scalar(value)}\n"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
