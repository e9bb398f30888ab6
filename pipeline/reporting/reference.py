"""The reference page of a resource type, as Markdown, from what its schema says. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from pipeline.model.type_spec import TypeSpec

Schema = Mapping[str, Any]

_TYPES = {
    "array": "list",
    "boolean": "true or false",
    "integer": "whole number",
    "null": "nothing",
    "number": "number",
    "object": "mapping",
    "string": "text",
}
_DOCUMENTS = {"policy-document": "policy document", "document": "document"}
_TABLE_HEAD = ("| property | value | default | |", "|---|---|---|---|")


def render_reference(spec: TypeSpec) -> str:
    """The whole page: what the type is, its properties with their rules and defaults, outputs, examples."""
    title, properties = spec.schema.get("title", ""), spec.schema["properties"]
    written = {name: sub for name, sub in properties.items() if not (sub.get("readOnly") or sub.get("engine"))}
    lines = [f"# {spec.name}", "", f"{title}. {spec.schema['description']}", "", *_facts(spec), ""]
    lines += ["## Properties" if spec.collections else "## What plans show", "", *_TABLE_HEAD]
    lines += [*_rows(written, spec.schema.get("required", ())), ""]
    lines += _retired(written)
    lines += _engine(properties)
    lines += _outputs(spec)
    lines += _examples(spec)
    return "\n".join(lines).rstrip() + "\n"


def render_index(specs: Mapping[str, TypeSpec]) -> str:
    """The list of all types, each with a link to its page."""
    lines = [
        "# Resource types",
        "",
        "Made from the schemas in `pipeline/resources/*.json`, as are the pages that this one leads to.",
        "[Configuration](../configuration.md#specs) says what is common to all of them: variables, references,",
        "defaults, `depends_on` and `adopt`.",
        "",
        "| type | | written under | holds data |",
        "|---|---|---|---|",
    ]
    for name, spec in sorted(specs.items()):
        collections = ", ".join(f"`{each}`" for each in spec.collections) or "follows from others"
        data = "yes" if spec.data_bearing else ""
        lines.append(f"| [{name}]({name}.md) | {spec.schema.get('title', '')} | {collections} | {data} |")
    return "\n".join(lines) + "\n"


def _facts(spec: TypeSpec) -> list[str]:
    """The metadata that decides what a change of a property leads to."""
    collections = " or ".join(f"`{name}`" for name in spec.collections)
    place = f"{collections} in a file below `aws/`" if collections else "nothing: it follows from others"
    facts = [("written under", place)]
    # The name is part of the address: with another one it is another resource, not the same one replaced.
    if replacing := [name for name in spec.create_only if name != "name"]:
        order = "before" if spec.replacement == "deleteFirst" else "after"
        which = ", ".join(f"`{name}`" for name in replacing)
        facts.append(("replaced when one changes of", f"{which}; the old one is deleted {order} the new one is made"))
    if spec.renamable:
        facts.append(("can be renamed", "yes: with `moved` it stays the same resource"))
    if spec.lookup is not None:
        facts.append(("only looked up", "a deploy never makes, changes or deletes one; a missing one blocks the plan"))
    if spec.one_for_all is not None:
        same = " and ".join(f"`{name}`" for name in spec.one_for_all)
        when = f", where its {same} is the same in both" if same else ""
        facts.append(("of several regions", f"the home region makes it for all{when}"))
    if spec.data_bearing:
        facts.append(("holds data", "yes: deleted or replaced only with `--include-data`"))
    if hidden := (*spec.sensitive, *spec.write_only):
        facts.append(("never shown", ", ".join(f"`{name}`" for name in hidden)))
    return ["| | |", "|---|---|", *(f"| {name} | {_cell(text)} |" for name, text in facts)]


def _rows(properties: Schema, required: Sequence[str], prefix: str = "") -> Iterator[str]:
    """One row per property, those of nested objects and lists below their parent."""
    for name, sub in properties.items():
        path = f"{prefix}{name}"
        default = "required" if name in required else _default(sub)
        yield f"| `{path}` | {_cell(_value(sub))} | {default} | {_cell(sub.get('description', ''))} |"
        yield from _rows(sub.get("properties", {}), sub.get("required", ()), f"{path}.")
        items = sub.get("items", {})
        yield from _rows(items.get("properties", {}), items.get("required", ()), f"{path}[].")


def _default(sub: Schema) -> str:
    return f"`{_cell(json.dumps(sub['default'], ensure_ascii=False))}`" if "default" in sub else ""


def _value(sub: Schema) -> str:
    """What may stand there, in words."""
    if "anyOf" in sub:
        return " or ".join(_value(branch) for branch in sub["anyOf"])
    if "enum" in sub:
        return ", ".join(f"`{json.dumps(each).strip(chr(34))}`" for each in sub["enum"])
    given = sub.get("type", ())
    names = [given] if isinstance(given, str) else list(given)
    words = " or ".join(_of_type(name, sub) for name in names) or "anything"
    if document := _DOCUMENTS.get(sub.get("format", "")):
        words = f"{words.replace('mapping', document)}, in place or as the path of a file"
    return ", ".join([words, *_limits(sub)])


def _of_type(name: str, sub: Schema) -> str:
    if name == "array" and sub.get("items"):
        items = sub["items"]
        return "list of mappings" if "properties" in items else f"list of ({_value(items)})"
    free = sub.get("additionalProperties")
    if name == "object" and isinstance(free, Mapping) and ("type" in free or "enum" in free):
        return f"mapping to ({_value(free)})"
    if name == "string" and (references := sub.get("references")):
        targets = [references] if isinstance(references, str) else references
        return f"name of a declared {' or '.join(f'`{target}`' for target in targets)}"
    return _TYPES[name]


def _limits(sub: Schema) -> Iterator[str]:
    """The rules beyond the type."""
    for low, high, unit in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
        ("minProperties", "maxProperties", " keys"),
    ):
        yield from _range(sub.get(low), sub.get(high), unit)
    if pattern := sub.get("pattern"):
        yield f"matching `{pattern}`"
    if pattern := sub.get("propertyNames", {}).get("pattern"):
        yield f"keys matching `{pattern}`"
    if sub.get("uniqueItems"):
        yield "no item twice"
    if sub.get("insertionOrder") is False:
        yield "in any order"
    if sub.get("secrets"):
        yield "or a reference to a secret"


def _range(low: int | None, high: int | None, unit: str) -> Iterator[str]:
    if low is not None and high is not None:
        yield f"{low} to {high}{unit}"
    elif high is not None:
        yield f"at most {high}{unit}"
    elif low is not None and (low > 1 or not unit):
        yield f"at least {low}{unit}"


def _retired(properties: Schema) -> list[str]:
    """Values that AWS retires, with their dates."""
    lines: list[str] = []
    for name, sub in properties.items():
        lifecycle = sub.get("lifecycle")
        if lifecycle:
            dated = [(value, dates) for value, dates in lifecycle.items() if isinstance(dates, Mapping)]
            lines += [f"### When AWS retires a `{name}`", "", f"From [AWS]({lifecycle['source']}):", ""]
            lines += [f"| {name} | deprecated: a warning | refused by AWS: an error |", "|---|---|---|"]
            lines += [f"| `{value}` | {dates['deprecated']} | {dates['create_blocked']} |" for value, dates in dated]
            lines.append("")
    return lines


def _engine(properties: Schema) -> list[str]:
    """Properties that plans show and nobody writes."""
    own = {name: sub for name, sub in properties.items() if sub.get("engine")}
    if not own:
        return []
    rows = [f"| `{name}` | {_cell(sub.get('description', ''))} |" for name, sub in own.items()]
    head = ["## Filled in by the pipeline", "", "Plans show these; specs may not set them.", "", "| | |", "|---|---|"]
    return [*head, *rows, ""]


def _outputs(spec: TypeSpec) -> list[str]:
    """What other resources may refer to."""
    outputs = {name: sub for name, sub in spec.schema["properties"].items() if sub.get("readOnly")}
    if not outputs:
        return []
    rows = [f"| `{name}` | {_cell(sub.get('description', ''))} |" for name, sub in outputs.items()]
    example = f"${{{spec.name}/NAME.{next(iter(outputs))}}}"
    return ["## Outputs", "", f"Other resources refer to them as `{example}`.", "", "| | |", "|---|---|", *rows, ""]


def _examples(spec: TypeSpec) -> list[str]:
    if not spec.collections:
        return []
    lines: list[str] = ["## Examples", ""]
    for example in spec.examples:
        text = yaml.safe_dump({spec.collections[-1]: [dict(example)]}, sort_keys=False, allow_unicode=True, width=110)
        lines += ["```yaml", text.rstrip(), "```", ""]
    return lines


def _cell(text: str) -> str:
    """Text as one cell of a table; what is no code must not look like HTML."""
    parts = text.replace("|", "\\|").replace("\n", " ").split("`")
    return "`".join(part if index % 2 else part.replace("<", "&lt;") for index, part in enumerate(parts))
