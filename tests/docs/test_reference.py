"""The pages of the resource types are those that their schemas make; ACCEPT=1 writes them anew."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.model.type_spec import TypeSpec
from pipeline.reporting.reference import render_index, render_reference
from pipeline.resources.registry import registry
from tests.repository.files import ROOT
from tests.support.golden import check_golden

PAGES = ROOT / "docs" / "resources"


@pytest.mark.parametrize("name", sorted(registry()))
def test_a_page_says_what_the_schema_says(name: str) -> None:
    check_golden(PAGES / f"{name}.md", render_reference(registry()[name].spec))


def test_the_list_leads_to_every_type() -> None:
    check_golden(PAGES / "index.md", render_index(registry().specs))


def test_there_is_no_page_of_a_type_that_is_gone() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == {*registry(), "index"}


def page(**schema: Any) -> str:
    """The page of an invented type."""
    whole = {"typeName": "test.thing", "title": "Thing", "description": "A thing.", "collection": "things", **schema}
    return render_reference(TypeSpec.from_schema(whole))


def row(**sub: Any) -> str:
    """The row of an invented property `p`."""
    return next(line for line in page(properties={"p": sub}).splitlines() if line.startswith("| `p`"))


@pytest.mark.parametrize(
    ("sub", "value"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "minLength": 1}, "text"),
        ({"type": "string", "minLength": 3, "maxLength": 9}, "text, 3 to 9 characters"),
        ({"type": "string", "pattern": "^a|b$"}, "text, matching `^a\\|b$`"),
        ({"type": "integer", "minimum": 0}, "whole number, at least 0"),
        ({"type": "integer", "maximum": 5}, "whole number, at most 5"),
        ({"enum": ["A", 1, True]}, "`A`, `1`, `true`"),
        ({"anyOf": [{"enum": ["ALL"]}, {"type": "boolean"}]}, "`ALL` or true or false"),
        ({"type": ["object", "boolean"], "properties": {}}, "mapping or true or false"),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, "list of (text), no item twice"),
        ({"type": "array", "items": {"type": "object", "properties": {}}, "insertionOrder": False},
         "list of mappings, in any order"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "mapping to (text)"),
        ({"type": "object", "format": "policy-document"}, "policy document, in place or as the path of a file"),
        ({"type": "string", "references": "iam.role"}, "name of a declared `iam.role`"),
        ({}, "anything"),
    ],
)  # fmt: skip
def test_a_value_in_words(sub: dict[str, Any], value: str) -> None:
    assert row(**sub) == f"| `p` | {value} |  |  |"


def test_defaults_and_what_is_required() -> None:
    text = page(properties={"p": {"type": "string"}, "q": {"type": "boolean", "default": False}}, required=["p"])
    assert "| `p` | text | required |  |" in text
    assert "| `q` | true or false | `false` |  |" in text


def test_properties_of_nested_objects_and_lists_have_rows_of_their_own() -> None:
    inner = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
    text = page(properties={"one": inner, "many": {"type": "array", "items": inner}})
    assert "| `one.x` | text | required |  |" in text
    assert "| `many[].x` | text | required |  |" in text


def test_outputs_and_what_the_pipeline_fills_in_are_no_properties() -> None:
    text = page(
        properties={
            "name": {"type": "string"},
            "arn": {"type": "string", "readOnly": True, "description": "Its ARN."},
            "code": {"type": "string", "engine": True, "description": "A digest."},
        }
    )
    properties = text.split("## Filled in")[0]
    assert "`arn`" not in properties
    assert "`code`" not in properties
    assert "`${test.thing/NAME.arn}`" in text
    assert "| `arn` | Its ARN. |" in text
    assert "| `code` | A digest. |" in text


def test_what_a_change_leads_to() -> None:
    text = page(
        properties={"name": {"type": "string"}}, createOnlyProperties=["name", "key"], replacement="createFirst",
        dataBearing=True, sensitiveProperties=["token"],
    )  # fmt: skip
    assert "| replaced when one changes of | `key`; the old one is deleted after the new one is made |" in text
    assert "| holds data | yes: deleted or replaced only with `--include-data` |" in text
    assert "| never shown | `token` |" in text


def test_descriptions_cannot_pass_for_markup() -> None:
    assert row(type="string", description="<b> is <c>|d") == "| `p` | text |  | &lt;b> is &lt;c>\\|d |"


def test_examples_are_written_as_in_a_spec() -> None:
    text = page(properties={"name": {"type": "string"}}, examples=[{"name": "ada"}])
    assert "```yaml\nthings:\n- name: ada\n```\n" in text


def test_a_type_that_nobody_writes_has_no_examples() -> None:
    text = page(properties={"name": {"type": "string"}}, collection=[], examples=[{"name": "ada"}])
    assert "## Examples" not in text
    assert "nothing: it follows from others" in text


def test_pages_end_like_every_text_file() -> None:
    for path in sorted(Path(PAGES).glob("*.md")):
        text = path.read_text(encoding="utf-8")
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
