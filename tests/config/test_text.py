"""`${...}` in text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.text import Hole, Output, Part, Variable, escaped, parts_of


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("plain $x $$ } {", ["plain $x $$ } {"]),
        ("${A}", [Variable("A", "${A}", 0)]),
        ("a${B_1}c${d}", ["a", Variable("B_1", "${B_1}", 1), "c", Variable("d", "${d}", 8)]),
        ("$${A}", ["${A}"]),
        ("$$${A}", ["$${A}"]),
        ("x$${A}${B}", ["x${A}", Variable("B", "${B}", 6)]),
        ("${t.u/n.arn}", [Output(("t.u/n.arn",), "${t.u/n.arn}", 0)]),
        (
            "${logs.log_group//aws/${S}.x.arn}!",
            [
                Output(
                    ("logs.log_group//aws/", Variable("S", "${S}", 20), ".x.arn"),
                    "${logs.log_group//aws/${S}.x.arn}",
                    0,
                ),
                "!",
            ],
        ),
        (
            "${cognito-idp.user_pool/a.id}",
            [Output(("cognito-idp.user_pool/a.id",), "${cognito-idp.user_pool/a.id}", 0)],
        ),
        ("${}", [Hole("${}", 0)]),
        ("${a b}", [Hole("${a b}", 0)]),
        ("${1A}", [Hole("${1A}", 0)]),
        ("${A:-b}", [Hole("${A:-b}", 0)]),
        ("${A", [Hole("${A", 0)]),
        ("${${A}}", [Hole("${${A}}", 0)]),
        ("${t.u/${a b}.arn}", [Hole("${t.u/${a b}.arn}", 0)]),
        ("${aws:username}", [Hole("${aws:username}", 0)]),
    ],
)
def test_parts(text: str, parts: list[Part]) -> None:
    assert parts_of(text) == parts


@given(st.text("${}AB/.x $"))
def test_escaped_text_is_read_as_itself(text: str) -> None:
    assert "".join(str(part) for part in parts_of(escaped(text))) == text


@given(st.text("${}AB/.x $"))
def test_nothing_is_lost_or_found(text: str) -> None:
    """The parts are the text, cut; every hole stands where it says."""
    parts = parts_of(text)
    whole = "".join(part.replace("${", "$${") if isinstance(part, str) else part.text for part in parts)
    assert whole == text
    for part in parts:
        if not isinstance(part, str):
            assert text.startswith(part.text, part.at)
