"""Values of specs: variables filled in, text converted, schemas satisfied."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.config.validation import Checker
from tests.config.support import DEV, ENV, SPEC, agree, loaded, rendered, thing, told


class TestVariables:
    @pytest.mark.parametrize(
        ("text", "key", "value"),
        [
            ("label: ${SERVICE_NAME}", "label", "orders"),
            ("label: '${SERVICE_NAME}-${ENVIRONMENT}'", "label", "orders-dev"),
            ("label: $${SERVICE_NAME}", "label", "${SERVICE_NAME}"),
            ("label: $request.body.action", "label", "$request.body.action"),
            ("label: ${N}", "label", "12"),
            ("size: ${N}", "size", 12),
            ('size: "${N}"', "size", 12),
            ("size: 1${N}", "size", 112 - 100 + 0),
            ("ratio: ${N}\nmode: slow", "ratio", 12),
            ("on: ${YES}", "on", True),
            ("stream: ${YES}", "stream", True),
            ("stream: ${K}", "stream", "KEYS"),
            ("days: ${D}", "days", 30),
            ("list: ${L}", "list", ["a", "b"]),
            ("free: ${N}", "free", "12"),
            ("free: ${LAMBDA_MEMORY}", "free", 512),
            ("free: ['x-${LAMBDA_MEMORY}']", "free", ["x-512"]),
            ("tags:\n  ${SERVICE_NAME}-x: ${ENVIRONMENT}", "tags", {"orders-x": "dev"}),
            ("rules:\n  - id: ${N}\n    on: ${YES}", "rules", [{"id": 12, "on": True}]),
        ],
    )
    def test_filled_in_and_converted(self, tmp_path: Path, text: str, key: str, value: Any) -> None:
        more = ("N=12", "YES=true", "K=KEYS", "D=30", "L=a, b", "LAMBDA_MEMORY=512")
        if text.startswith("size: 1$"):
            more, value = ("N=2", *more[1:]), 12
        found = rendered(tmp_path, text, *more)[key]
        assert (type(found), found) == (type(value), value)

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            (
                "label: a ${ENVIROMENT}",
                '3:14: ${ENVIROMENT}: environments/dev.env has no ENVIROMENT: did you mean "ENVIRONMENT"?',
            ),
            ('label: "a ${NOPE}"', "3:15: ${NOPE}: environments/dev.env has no NOPE"),
            ("label: |\n  a\n  ${NOPE}", "3:12: ${NOPE}: environments/dev.env has no NOPE"),
            ("tags:\n  ${NOPE}: x", "4:7: ${NOPE}: environments/dev.env has no NOPE"),
            ("label: ${a b}", "3:12: ${a b} is neither a variable nor an output of another resource"),
            ("label: ${", "3:12: ${ is neither a variable nor an output of another resource"),
            ("label: ${aws:username}", "3:12: ${aws:username} is neither a variable nor an output of another resource"),
            (
                "size: ${SERVICE_NAME}",
                '3:11: size is "orders": a whole number is wanted, filled from ${SERVICE_NAME} (environments/dev',
            ),
            (
                "mode: ${ENVIRONMENT}",
                '3:11: mode is "dev": not among the allowed values, filled from ${ENVIRONMENT} (environments/dev',
            ),
            ("tags:\n  dev: x\n  ${ENVIRONMENT}: y", "5:7: key dev appears twice once variables are filled in"),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str, found: str) -> None:
        assert agree(loaded(tmp_path, thing(text)), [f"{SPEC}:{found}"])

    def test_a_key_that_is_wrong_in_the_env_file_is_told_there_alone(self, tmp_path: Path) -> None:
        assert told(loaded(tmp_path, thing("size: ${LAMBDA_MEMORY}", "LAMBDA_MEMORY=x"))) == [
            f'{ENV}:5:1: LAMBDA_MEMORY is "x": a whole number is wanted'
        ]

    def test_findings_say_which_environments_have_them(self, tmp_path: Path) -> None:
        files = {
            "pipeline.yaml": "",
            ENV: DEV + "SIZE=1\n",
            "environments/qa.env": DEV.replace("dev", "qa") + "SIZE=200\n",
            SPEC: "things:\n  - name: a\n    size: ${SIZE}\n    mode: x\n",
        }
        assert told(loaded(tmp_path, files)) == [
            f"{SPEC}:3:11: size is 200: at most 100 is allowed, filled from ${{SIZE}} (environments/qa.env:5) (in qa)",
            f'{SPEC}:4:11: mode is "x": not among the allowed values',
        ]


class TestTypes:
    @pytest.mark.parametrize(
        ("text", "key", "value"),
        [
            ("label: 012", "label", "012"),
            ("label: 1.10", "label", "1.10"),
            ("label: yes", "label", "yes"),
            ("label: true", "label", "true"),
            ("label: 2012-10-17", "label", "2012-10-17"),
            ('label: "null"', "label", "null"),
            ("variables:\n  A: 1.0\n  B: on", "variables", {"A": "1.0", "B": "on"}),
            ("ratio: 4\nmode: slow", "ratio", 4),
            ("on: True", "on", True),
            ("stream: true", "stream", True),
            ("days: 30", "days", 30),
            ("free: {a: [1, true, null, 1.5, x]}", "free", {"a": [1, True, None, 1.5, "x"]}),
            ("shape: ALL", "shape", "ALL"),
            ("shape: [a]", "shape", ["a"]),
            ("shape: {width: 3}", "shape", {"width": 3, "depth": 1}),
            ("rules: [{id: 1}, {id: 2, on: false}]", "rules", [{"id": 1, "on": True}, {"id": 2, "on": False}]),
        ],
    )
    def test_read_as_the_schema_wants(self, tmp_path: Path, text: str, key: str, value: Any) -> None:
        found = rendered(tmp_path, text)[key]
        assert (type(found), found) == (type(value), value)

    def test_defaults_of_the_schema_are_filled_in_and_the_type_has_the_last_word(self, tmp_path: Path) -> None:
        assert rendered(tmp_path, "") == {
            "name": "orders-thing", "size": 10, "on": False, "days": 7, "variables": {}, "rules": [],
            "label": "orders in dev",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ('size: "12"', ['3:11: size is "12": a whole number is wanted']),
            ("size: 012", ['3:11: size is "012": a whole number is wanted']),
            ("size: 1.5", ["3:11: size is 1.5: a whole number is wanted"]),
            ("size: 0", ["3:11: size is 0: at least 1 is allowed"]),
            ("size: [1]", ["3:11: size is a list: a whole number is wanted"]),
            ("size:\n  a: 1", ["3:5: size is a mapping: a whole number is wanted"]),
            ("size:", ["3:10: size has no value: a whole number is wanted"]),
            ("size: 13", ["3:11: 13 brings bad luck"]),
            ("on: yes", ['3:9: on is "yes": true or false is wanted']),
            ("mode: fsat", ['3:11: mode is "fsat": did you mean "fast"?']),
            ("days: 8", ["3:11: days is 8: not among the allowed values"]),
            ("stream: 1", ["3:13: stream is 1: not among the allowed values"]),
            ("label: {a: 1}", ["3:12: label is a mapping: text is wanted"]),
            ("list: [a, b, a]", ['3:11: list has the same item twice: "a"']),
            ("list: [a, [b]]", ["3:15: list[1] is a list: text is wanted"]),
            ("sise: 1", ['3:5: unknown key "sise" of test.thing: did you mean "size"?']),
            ("qqqq: 1", ['3:5: unknown key "qqqq" of test.thing']),
            (
                "rules:\n  - idd: 1",
                [
                    '4:9: "id" is missing in rules[0] of test.thing',
                    '4:9: unknown key "idd" in rules[0] of test.thing: did you mean "id"?',
                ],
            ),
            (
                "rules:\n  - id: x\n  - 1",
                ['4:13: rules[0].id is "x": a whole number is wanted', "5:9: rules[1] is 1: a mapping is wanted"],
            ),
            ("shape: ALLL", ['3:12: shape is "ALLL": did you mean "ALL"?']),
            ("shape: []", ["3:12: shape has 0 items: at least 1 are wanted"]),
            ("shape: {with: 1}", ['3:13: unknown key "with" in shape of test.thing: did you mean "width"?']),
            ("shape: 5", ["3:12: shape is 5: a list or text is wanted"]),
            ("ratio: 1", ['2:5: "mode" is missing in test.thing, which ratio needs']),
            ("arn: x", ["3:5: arn of test.thing cannot be set: AWS gives it"]),
            ("digest: x", ["3:5: digest of test.thing cannot be set: the pipeline fills it in"]),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str, found: list[str]) -> None:
        assert agree(loaded(tmp_path, thing(text)), [f"{SPEC}:{each}" for each in found])

    def test_names_are_judged_after_filling_in(self, tmp_path: Path) -> None:
        env = DEV.replace("SERVICE_NAME=orders", "SERVICE_NAME=orders-of-the-world")
        [finding] = told(loaded(tmp_path, {ENV: env}))
        assert finding.startswith(f'{SPEC}:2:11: name has 25 characters ("orders-of-the-world-thing")')
        assert finding.endswith(", filled from ${SERVICE_NAME} (environments/dev.env:1)")

    def test_what_follows_from_a_resource_is_judged_where_that_is_declared(self, tmp_path: Path) -> None:
        [finding] = told(loaded(tmp_path, {SPEC: "things:\n  - name: abcdefghijklmnopqrst\n"}))
        assert finding.startswith(f"{SPEC}:2:5: test.shadow/shadow-abcdefghijklmnopqrst, which follows from")
        assert finding.endswith(': name has 27 characters ("shadow-abcdefghijklmnopqrst"): at most 25 are allowed')

    def test_an_unknown_key_does_not_hide_other_problems(self, tmp_path: Path) -> None:
        assert told(loaded(tmp_path, thing("sise: 1\nsize: 13\nlabel: ${test.thing/x.arn}"))) == [
            f'{SPEC}:3:5: unknown key "sise" of test.thing: did you mean "size"?',
            f"{SPEC}:4:11: 13 brings bad luck",
            f"{SPEC}:5:12: ${{test.thing/x.arn}}: there is no test.thing/x",
        ]

    def test_a_value_out_of_bounds_does_not_hide_other_problems(self, tmp_path: Path) -> None:
        assert told(loaded(tmp_path, thing("size: 13\nlabel: x\nversion: v1\nlist: [a, a]"))) == [
            f"{SPEC}:3:11: 13 brings bad luck",
            f"{SPEC}:5:14: version v1 is refused by AWS since 2026-11-24 (deprecated since 2025-01-01)",
            f'{SPEC}:6:11: list has the same item twice: "a"',
        ]

    @pytest.mark.parametrize("wrong", ["label: [x]", "mode: sloww", "rules: [{}]", "ratio: 1"])
    def test_rules_are_not_judged_for_want_of_a_value(self, tmp_path: Path, wrong: str) -> None:
        [first, second] = told(loaded(tmp_path, thing(f"version: v1\nsize: 13\n{wrong}")))
        assert "bad luck" not in first + second
        assert "version v1 is refused" in first + second

    def test_of_one_value_one_thing_is_told(self, tmp_path: Path) -> None:
        [found] = told(loaded(tmp_path, {SPEC: "things:\n  - {name: a, size: 0, ratio: 2, mode: slow, label: x}\n"}))
        assert found == f"{SPEC}:2:21: size is 0: at least 1 is allowed"

    def test_a_line_break_at_the_end_does_not_pass_a_pattern(self, tmp_path: Path) -> None:
        [found] = told(loaded(tmp_path, {SPEC: 'things:\n  - name: "a\\n"\n'}))
        assert found.startswith(f'{SPEC}:2:11: name is "a\\n": it must match')

    def test_what_a_terminal_would_obey_is_shown_escaped(self, tmp_path: Path) -> None:
        text = 'things:\n  - {name: "a\\e[2J", "b\\e[1A\\u202e\\r": 1, 안녕: 1}\n'
        found = told(loaded(tmp_path, {SPEC: text}))
        assert [line.isprintable() for line in found] == [True, True, True]
        assert (r"a\x1b[2J" in found[0], r"b\x1b[1A\u202e\r" in found[1], "안녕" in found[2]) == (True, True, True)

    def test_resources_know_where_they_are_declared(self, tmp_path: Path) -> None:
        source = (
            loaded(tmp_path, thing("size: 1\nrules:\n  - id: 1"))
            .desired["dev"]
            .by_address["test.thing/orders-thing"]
            .source
        )
        assert source is not None
        assert (source.file, source.line, source.column) == (SPEC, 2, 5)
        assert (source.paths[("size",)], source.paths[("rules", 0, "id")]) == ((3, 11), (5, 13))


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ({}, '"bucket" or "origin" is missing in a site', "add one of bucket, origin"),
        ({"bucket": "a", "origin": "b"}, '"bucket" and "origin" exclude each other in a site', "keep one of the two"),
        ({"parts": [{}]}, '"bucket" or "origin" is missing in parts[0] of a site', "add one of bucket, origin"),
    ],
)
def test_keys_of_which_one_is_wanted_are_named(value: dict[str, Any], message: str, hint: str) -> None:
    schema: dict[str, Any] = {"type": "object", "oneOf": [{"required": ["bucket"]}, {"required": ["origin"]}]}
    if "parts" in value:
        schema = {"type": "object", "properties": {"parts": {"type": "array", "items": schema}}}
    (found,) = Checker(schema, "a site").complaints(value)
    assert (found.message, found.hint) == (message, hint)
    assert Checker(schema, "a site").complaints({"bucket": "a", "parts": [{"origin": "b"}]}) == []
