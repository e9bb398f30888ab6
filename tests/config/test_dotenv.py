"""Env files as python-dotenv reads them, with places, and what it would accept and we do not."""

from io import StringIO

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.dotenv import LONGEST_VALUE, parse
from pipeline.config.findings import Findings


def read(text: str) -> tuple[dict[str, str], list[str]]:
    findings = Findings()
    found = parse(text, "dev.env", findings)
    values = {key: one.value for key, one in (found or {}).items() if one.known}
    return values, [f"{d.place}: {d.message}" for d in findings.found]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1\n", {"A": "1"}),
        ("A=\n", {"A": ""}),
        ("A = 1 # comment\n", {"A": "1"}),
        ("A=1#no comment\n", {"A": "1#no comment"}),
        ("export A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("# c\n\n  A='a b' # c\nB=\"x\\ty\"\n", {"A": "a b", "B": "x\ty"}),
        ("A='a\\nb'\n", {"A": "a\\nb"}),
        ('A="a\nb"\nB=1', {"A": "a\nb", "B": "1"}),
        ("A=$(whoami)\nB=`id`\nC=$HOME\n", {"A": "$(whoami)", "B": "`id`", "C": "$HOME"}),
        ("A=${B}-${C}\nB=1\nC=${B}2\n", {"A": "1-12", "B": "1", "C": "12"}),
        ("A='${B}'\nB=1\n", {"A": "1", "B": "1"}),
        ("A=$${B}\nB=1\n", {"A": "${B}", "B": "1"}),
        ("A=é=ü\n", {"A": "é=ü"}),
    ],
)
def test_read(text: str, values: dict[str, str]) -> None:
    assert read(text) == (values, [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1\nno assignment\nB=2\n", ["dev.env:2:1: this is no assignment"]),
        ("A: 1\n", ["dev.env:1:1: this is no assignment"]),
        ("A='x\nB=1\n", ["dev.env:1:1: this is no assignment"]),
        ("A='x' y\n", ["dev.env:1:1: this is no assignment"]),
        ("A\n", ["dev.env:1:1: A has no value"]),
        ("\n\n  export A\n", ["dev.env:3:10: A has no value"]),
        (
            "A=1\n\nexport A=2\nA=3\n",
            ["dev.env:3:8: A is set twice: first in line 1", "dev.env:4:1: A is set twice: first in line 1"],
        ),
        (
            "A-B=1\n1A=2\n",
            [
                "dev.env:1:1: a key is made of letters, digits and _",
                "dev.env:2:1: a key is made of letters, digits and _",
            ],
        ),
        ("A=${B}\n", ["dev.env:1:1: A: this file has no key B"]),
        ("A=${DOMIAN}\nDOMAIN=1\n", ['dev.env:1:1: A: this file has no key DOMIAN: did you mean "DOMAIN"?']),
        ("A=${B:-x}\nB=1\n", ["dev.env:1:1: A: ${B:-x} is not the name of a key"]),
        ("A=${test.thing/x.arn}\n", ["dev.env:1:1: A: ${test.thing/x.arn} is not the name of a key"]),
        ("A=${A}\n", ["dev.env:1:1: A -> A: these keys need each other"]),
        ("A=${B}\nB=${C}\nC=${A}\nD=${A}\n", ["A -> B -> C -> A: these keys need each other"]),
        ("A=1\nB=\x01\n", ["dev.env:2:3: a control character, or a run of more than 199 blanks"]),
        ("A=x" + " " * 200 + "y", ["dev.env:1:4: a control character, or a run of more than 199 blanks"]),
        (
            "A=" + "x" * (LONGEST_VALUE + 1),
            [f"dev.env:1:1: A is {LONGEST_VALUE + 1} characters long; at most 8192 are read"],
        ),
        ("\n".join(f"A{n}=1" for n in range(1001)), ["dev.env:1001:1: more than 1000 keys"]),
    ],
)
def test_refused(text: str, found: list[str]) -> None:
    told = read(text)[1]
    assert len(told) == len(found)
    assert all(message in finding for message, finding in zip(found, told, strict=True))


def test_a_value_that_cannot_be_told_is_told_once() -> None:
    values, found = read("A=${B}\nB=${NONE}\nC=${A}${A}\n")
    assert values == {}
    assert found == ["dev.env:2:1: B: this file has no key NONE"]


def test_values_that_grow_without_end_are_cut_short() -> None:
    chain = "\n".join(f"A{n}=${{A{n + 1}}}${{A{n + 1}}}" for n in range(30))
    values, found = read(f"{chain}\nA30=xxxxxxxxxxxxxxxx\n")
    assert found == ["dev.env:21:1: A20 is longer than 8192 characters once filled in"]
    assert len(values["A21"]) == LONGEST_VALUE


def test_nothing_comes_from_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTSIDE", "x")
    assert read("A=${OUTSIDE}\n")[0] == {}


keys = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)
# python-dotenv takes `${` for a variable; blanks are bounded.
values = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" \n\t"), max_size=30).filter(
    lambda text: "${" not in text
)


@given(st.dictionaries(keys, values, max_size=6))
def test_quoted_values_round_trip(pairs: dict[str, str]) -> None:
    def quoted(text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    assert read("".join(f"{key}={quoted(value)}\n" for key, value in pairs.items())) == (pairs, [])


@given(st.text("ABC=\"'\\# \n$xy", max_size=60))
def test_what_we_accept_python_dotenv_reads_alike(text: str) -> None:
    values, found = read(text)
    if not found:
        assert values == dotenv_values(stream=StringIO(text), interpolate=False)


@given(st.text())
def test_no_text_whatever_breaks_the_reader(text: str) -> None:
    read(text)
