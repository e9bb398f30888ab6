"""Env files against the built-in rules and a service's own schema."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pipeline.config.loading import load
from pipeline.model.environment import UNKNOWN_ACCOUNT, Environment
from pipeline.model.scope import Scope
from tests.config.support import DEV, SOUND, SPEC, TODAY, Content, Files, agree, invented, loaded, told, write

ENV = "environments/dev.env"


def dev(*lines: str, without: str = "") -> Files:
    """dev.env with more lines, from line 5 on (or 4, without one of the four)."""
    kept = [line for line in DEV.splitlines() if not without or not line.startswith(f"{without}=")]
    return {ENV: "\n".join([*kept, *lines]) + "\n"}


def schema(**properties: Any) -> Files:
    return {"environments/schema.json": json.dumps({"type": "object", "properties": properties})}


def environment(tmp_path: Path, files: Files) -> Environment:
    result = loaded(tmp_path, files)
    assert told(result) == []
    return result.environments["dev"]


def test_an_environment_is_what_its_file_says(tmp_path: Path) -> None:
    found = environment(tmp_path, dev("LAMBDA_MEMORY=512", "COLOUR=${SERVICE_NAME}-red", "KEY=ssm:/a/b"))
    assert (found.name, found.service, found.region, found.account) == ("dev", "orders", "us-east-1", "123456789012")
    assert found.scope == Scope("orders", "dev", "123456789012", "us-east-1")
    assert found.values["LAMBDA_MEMORY"] == "512"
    assert found.typed["LAMBDA_MEMORY"] == 512
    assert found.values["COLOUR"] == "orders-red"
    assert found.secrets == {"KEY"}
    assert found.file == ENV
    assert found.lines["LAMBDA_MEMORY"] == 5
    assert "ssm:/a/b" not in repr(found)


def test_the_scope_knows_the_partition() -> None:
    found = Environment("dev", "orders", "cn-north-1", None, {}, {}, ENV)
    assert found.scope == Scope("orders", "dev", UNKNOWN_ACCOUNT, "cn-north-1", "aws-cn")
    assert found.with_account("210987654321").scope.account == "210987654321"


def test_without_an_account_the_credentials_decide_and_a_warning_says_so(tmp_path: Path) -> None:
    result = loaded(tmp_path, dev(without="AWS_ACCOUNT_ID"))
    assert agree(result, [f"{ENV}:1:1: warning: AWS_ACCOUNT_ID is missing: this environment is deployed into whatever"])
    assert result.environments["dev"].account is None


def test_the_account_of_the_credentials_stands_in(tmp_path: Path) -> None:

    root = write(tmp_path, {**SOUND, **dev(without="AWS_ACCOUNT_ID")})
    assert load(root, ["dev"], invented(), TODAY, account="210987654321").environments["dev"].account == "210987654321"
    root = write(tmp_path, SOUND)
    assert load(root, ["dev"], invented(), TODAY, account="210987654321").environments["dev"].account == "123456789012"


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        ("ENVIRONMENT=prod", 'ENVIRONMENT is "prod", but this is the file of dev'),
        ("SERVICE_NAME=Orders", 'SERVICE_NAME is "Orders": it must match ^[a-z][a-z0-9]*(-[a-z0-9]+)*$'),
        (f"SERVICE_NAME={'a' * 51}", "SERVICE_NAME has 51 characters"),
        ("AWS_REGION=us_east_1", 'AWS_REGION is "us_east_1": it must match'),
        ("AWS_REGION=us-esat-1", 'AWS_REGION is "us-esat-1": it must match'),
        ("AWS_REGION=", 'AWS_REGION is "": it must match'),
        ("AWS_ACCOUNT_ID=1234-5678-9012", 'AWS_ACCOUNT_ID is "1234-5678-9012": it must match ^[0-9]{12}$'),
        ("LAMBDA_MEMORY=much", 'LAMBDA_MEMORY is "much": a whole number is wanted'),
        ("LAMBDA_MEMORY=64", "LAMBDA_MEMORY is 64: at least 128 is allowed"),
        ("LAMBDA_TIMEOUT=901", "LAMBDA_TIMEOUT is 901: at most 900 is allowed"),
        ("DYNAMODB_BILLING=PAY_PER_REQEST", 'DYNAMODB_BILLING is "PAY_PER_REQEST": did you mean "PAY_PER_REQUEST"?'),
        ("DOMAIN=not a domain", 'DOMAIN is "not a domain": it must match'),
        ("DB_PASSWORD=hunter2", "DB_PASSWORD is a secret by its name, written down as text"),
        ("COLOUR=AKIAIOSFODNN7EXAMPLE", "COLOUR looks like an AWS access key"),
        ("COLOUR=ssm:nope", "COLOUR is no complete reference to a secret"),
        ("DB_PASSWORD=secretsmanager:a b", "DB_PASSWORD is no complete reference to a secret"),
    ],
)
def test_what_is_wrong_says_where_and_what_is_allowed(tmp_path: Path, lines: str, finding: str) -> None:
    key, _, value = lines.partition("=")
    result = loaded(tmp_path, dev(lines, without=key))
    found = [line for line in told(result) if "warning" not in line]
    line = 5 if key not in DEV else 4
    assert len(found) == 1
    assert found[0].startswith(f"{ENV}:{line}:1: {finding}")
    if "secret" in finding or "looks like" in finding:
        assert value not in str(result.diagnostics)


def test_all_that_is_wrong_with_a_file_comes_at_once(tmp_path: Path) -> None:
    region = "^[a-z]{2,4}(-[a-z]{2,5})?-(central|north|south|(north|south)?(east|west))-[0-9]{1,2}$"
    text = "SERVCE_NAME=orders\nENVIRONMENT=prod\nno assignment\nAWS_REGION=x\nA=1\nA=2\nB=${C}\n"
    assert told(loaded(tmp_path, {ENV: text})) == [
        f"{ENV}:1:1: SERVICE_NAME is missing: is SERVCE_NAME in line 1 meant?",
        f'{ENV}:2:1: ENVIRONMENT is "prod", but this is the file of dev',
        f"{ENV}:3:1: this is no assignment",
        f'{ENV}:4:1: AWS_REGION is "x": it must match {region} (a region such as us-east-1)',
        f"{ENV}:6:1: A is set twice: first in line 5",
        f"{ENV}:7:1: B: this file has no key C",
    ]


def test_a_wrong_environment_name_hides_nothing_else(tmp_path: Path) -> None:
    declared = "things:\n  - name: one-${ENVIRONMENT}\n    size: 13\n  - name: two\n    friend: one-prod\n"
    found = told(loaded(tmp_path, {**dev("ENVIRONMENT=prod", without="ENVIRONMENT"), SPEC: declared}))
    assert [line.partition(",")[0] for line in found] == [
        f"{SPEC}:3:11: 13 brings bad luck",
        f'{SPEC}:5:13: there is no test.thing/one-prod: did you mean "one-dev"?',
        f'{ENV}:4:1: ENVIRONMENT is "prod"',
    ]


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        ("SERVICE_NAME=orders\n", "", "SERVICE_NAME is missing"),
        ("SERVICE_NAME=orders", "SERVICE_NAME=Orders", "SERVICE_NAME is"),
        ("SERVICE_NAME=orders", "SERVICE_NAME=ssm:/name", "SERVICE_NAME cannot be a reference to a secret"),
        ("AWS_REGION=us-east-1\n", "", "AWS_REGION is missing"),
        ("AWS_REGION=us-east-1", "AWS_REGION=here", "AWS_REGION is"),
        ("ENVIRONMENT=dev\n", "", "ENVIRONMENT is missing"),
    ],
)
@pytest.mark.parametrize("others", [{}, {"environments/test.env": DEV.replace("=dev", "=test")}])
def test_what_everything_stands_on_hides_nothing_else(
    tmp_path: Path, before: str, after: str, finding: str, others: dict[str, str]
) -> None:
    """The specs are judged as if the likely value stood there, and the environment is none to deploy."""
    named = "environments:\n  dev: dev\n" + ("  test: test\n" if others else "")
    specs = "things:\n  - name: ${SERVICE_NAME}-thing\n    size: 13\n    friend: ${SERVICE_NAME}-none\n"
    files = {"pipeline.yaml": named, ENV: DEV.replace(before, after), SPEC: specs, **others}
    result = loaded(tmp_path, files)
    messages = [diagnostic.message for diagnostic in result.diagnostics]
    assert any(message.startswith(finding) for message in messages), messages
    assert any(message.startswith("13 brings bad luck") for message in messages), messages
    assert any("-none" in message for message in messages), messages
    assert not any("(in test)" in message for message in messages), messages
    assert "dev" not in result.environments


def test_a_fraction_is_no_whole_number_and_no_hint_says_otherwise(tmp_path: Path) -> None:
    found = loaded(tmp_path, {**dev("N=1e3"), **schema(N={"type": "integer"})})
    assert [(d.message, d.hint) for d in found.diagnostics] == [('N is "1e3": a whole number is wanted', None)]


def test_a_name_that_was_misspelled_is_judged_by_its_value(tmp_path: Path) -> None:
    specs = "things:\n  - name: ${SERVICE_NAME}-a-thing-of-great-length\n"
    files = {ENV: DEV.replace("SERVICE_NAME", "SERVCE_NAME"), SPEC: specs}
    messages = [diagnostic.message for diagnostic in loaded(tmp_path, files).diagnostics]
    assert any("orders-a-thing-of-great-length" in message for message in messages), messages


def test_commands_are_literal_text(tmp_path: Path) -> None:
    result = loaded(tmp_path, dev("A=$(whoami)", "B=`id`"))
    assert told(result) == [
        f"{ENV}:5:1: warning: A holds $( or `: this is literal text, no command is run",
        f"{ENV}:6:1: warning: B holds $( or `: this is literal text, no command is run",
    ]
    assert result.environments["dev"].values["A"] == "$(whoami)"


class TestOwnSchema:
    def test_types_are_read_from_text(self, tmp_path: Path) -> None:
        types: dict[str, Any] = {
            "A": {"type": "integer"}, "B": {"type": "number"}, "C": {"type": "boolean"},
            "D": {"type": "array", "items": {"type": "integer"}}, "E": {"type": ["string", "integer"]},
            "F": {"enum": [7, 30]}, "G": {"$ref": "#/$defs/size"}, "H": {"type": "array"},
        }  # fmt: skip
        text = json.dumps({"type": "object", "properties": types, "$defs": {"size": {"type": "integer"}}})
        lines = ["A=-1", "B=1.5", "C=true", "D=1, 2", "E=5", "F=30", "G=9", "H="]
        found = environment(tmp_path, {**dev(*lines), "environments/schema.json": text})
        assert [found.typed[key] for key in "ABCDEFGH"] == [-1, 1.5, True, [1, 2], "5", 30, 9, []]

    def test_defaults_stand_in(self, tmp_path: Path) -> None:
        own = schema(
            A={"type": "integer", "default": 5}, B={"type": "boolean", "default": True}, C={"default": ["x", 1]}
        )
        specs = {"aws/things.yaml": "things: {name: a, size: '${A}', label: '${B} ${C}'}"}
        result = loaded(tmp_path, {**own, **specs})
        assert told(result) == []
        found = result.environments["dev"]
        assert (found.typed["A"], found.values["A"], found.typed["B"]) == (5, "5", True)
        thing = result.desired["dev"].by_address["test.thing/a"].properties
        assert (thing["size"], thing["label"]) == (5, "true x,1")

    @pytest.mark.parametrize(
        ("own", "line", "finding"),
        [
            ({"A": {"type": "integer"}}, "A=012", 'A is "012": a whole number is wanted'),
            ({"A": {"type": "boolean"}}, "A=yes", 'A is "yes": true or false is wanted'),
            (
                {"A": {"type": "array", "items": {"enum": ["x", "y"]}}},
                "A=x,z",
                'A[1] is "z": not among the allowed values',
            ),
            ({"A": {"type": "string", "format": "email"}}, "A=x", 'A is "x": it is no valid email'),
            ({"COLOUR": {}}, "COLUOR=red", 'unknown key COLUOR: did you mean "COLOUR"?'),
            (
                {"A_TOKEN": {"type": "integer"}, "B_TOKEN": {}},
                "B_TOKEN=12",
                "B_TOKEN is a secret by its name, written down as text",
            ),
            ({"A": {"secret": True}}, "A=x", "A is a secret by its name, written down as text"),
        ],
    )
    def test_refused(self, tmp_path: Path, own: dict[str, Any], line: str, finding: str) -> None:
        found = told(loaded(tmp_path, {**schema(**own), **dev(line)}))
        assert found == [f"{ENV}:5:1: {finding}"]

    @pytest.mark.parametrize(
        ("own", "line"),
        [
            ({"A_TOKEN": {"type": "integer"}}, "A_TOKEN=12"),
            ({"API_KEY": {"type": "string", "secret": False}}, "API_KEY=public"),
            ({"A": {"secret": False}}, "A=0123456789abcdef0123456789abcdef"),
            ({"USE_TOKEN": {}}, "USE_TOKEN=true"),
            ({"A": {"type": "integer"}}, "A=ssm:/looked/up"),
            ({"A": {"pattern": "^x$"}}, "A=ssm:/looked/up"),
            ({"LAMBDA_MEMORY": {"type": "string"}}, "LAMBDA_MEMORY=lots"),
        ],
    )
    def test_accepted(self, tmp_path: Path, own: dict[str, Any], line: str) -> None:
        environment(tmp_path, {**schema(**own), **dev(line)})

    @pytest.mark.parametrize("word", ["additionalProperties", "unevaluatedProperties"])
    def test_undeclared_keys_are_welcome_where_the_schema_says_so(self, tmp_path: Path, word: str) -> None:
        text = json.dumps({"type": "object", "properties": {"A": {}}, word: {"type": "string", "minLength": 2}})
        found = told(loaded(tmp_path, {"environments/schema.json": text, **dev("A=1", "B=12", "C=1")}))
        assert len(found) == (word == "additionalProperties")

    def test_keys_by_pattern_and_required_ones(self, tmp_path: Path) -> None:
        text = json.dumps(
            {"properties": {"A": {}}, "patternProperties": {"^X_": {"type": "integer"}}, "required": ["A", "B"]}
        )
        found = told(loaded(tmp_path, {"environments/schema.json": text, **dev("X_1=5", "X_2=y")}))
        assert found == [
            f"{ENV}:1:1: A is missing",
            f"{ENV}:1:1: B is missing",
            f'{ENV}:6:1: X_2 is "y": a whole number is wanted',
        ]

    def test_the_four_keys_need_no_declaration(self, tmp_path: Path) -> None:
        text = json.dumps({"properties": {"A": {}}, "additionalProperties": False})
        assert told(loaded(tmp_path, {"environments/schema.json": text})) == []

    @pytest.mark.parametrize(
        ("text", "finding"),
        [
            ('{"type" "object"}', "1:9: JSON syntax: expecting ':' delimiter"),
            ("[]", '1:1: an environment is an object: the schema must have "type": "object"'),
            ('{"type": "string"}', '1:1: an environment is an object: the schema must have "type": "object"'),
            (
                '{"properties": {"A": {"type": "integr"}}}',
                '1:23: not a JSON Schema: properties.A.type is "integr": did you mean "integer"?',
            ),
            (
                '{"properties": {"A": {"pattern": "("}}}',
                '1:23: not a JSON Schema: properties.A.pattern is "(": it is no valid regex',
            ),
            (
                '{"properties": {"A": {"$ref": "https://example.com/s"}}}',
                '1:23: not a JSON Schema: $ref "https://example.com/s" leads nowhere',
            ),
            ('{"properties": {"A": {"$ref": "#/$defs/B"}}}', '1:23: not a JSON Schema: $ref "#/$defs/B" leads nowhere'),
            (
                '{"properties": {"A": {"$ref": "#/properties/A"}}}',
                "1:17: not a JSON Schema: this schema refers to itself without end",
            ),
            (
                '{"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}',
                "1:1: not a JSON Schema: this schema refers to itself without end",
            ),
            ('{"properties": {"A": {}, "A": {}}}', '1:26: key "A" appears twice: first in line 1'),
            ("[" * 100_000, "1:1: this JSON cannot be read: it is nested too deep"),
            (b"\xff", "1:1: the file is not UTF-8 text (byte 0xff)"),
        ],
    )
    def test_a_schema_that_is_none(self, tmp_path: Path, text: Content, finding: str) -> None:
        found = told(loaded(tmp_path, {"environments/schema.json": text, **dev("LAMBDA_MEMORY=x")}))
        assert any(line.startswith(f"environments/schema.json:{finding}") for line in found)
        # The other files are judged all the same.
        assert any("LAMBDA_MEMORY" in line for line in found)


class TestParity:
    files: ClassVar[Files] = {
        "pipeline.yaml": "environments:\n  dev: dev\n  qa: qa\n",
        ENV: DEV + "COLOUR=red\nLOG_LEVL=1\n",
        "environments/qa.env": DEV.replace("dev", "qa") + "LOG_LEVEL=1\nONLY_HERE=1\n",
    }

    def test_every_file_has_the_same_keys(self, tmp_path: Path) -> None:
        assert told(loaded(tmp_path, self.files)) == [
            f"{ENV}:1:1: LOG_LEVEL is missing here; it is set in environments/qa.env:5: is LOG_LEVL in line 6 meant?",
            "environments/dev.env:1:1: ONLY_HERE is missing here; it is set in environments/qa.env:6",
            "environments/qa.env:1:1: COLOUR is missing here; it is set in environments/dev.env:5",
        ]

    def test_a_slip_of_the_pen_is_told_where_it_happened(self, tmp_path: Path) -> None:
        files = {
            "pipeline.yaml": "",
            ENV: DEV + "LOG_LEVEL=1\n",
            "environments/qa.env": DEV.replace("dev", "qa") + "LOG_LEVEL=1\n",
            "environments/test.env": DEV.replace("dev", "test") + "LOG_LEVL=1\n",
        }
        [finding] = told(loaded(tmp_path, files))
        assert finding.startswith(
            "environments/test.env:1:1: LOG_LEVEL is missing here; it is set in environments/dev.env:5"
        )
        assert finding.endswith("environments/qa.env:5: is LOG_LEVL in line 5 meant?")

    def test_what_is_missing_in_one_file_is_not_told_again_where_it_is_used(self, tmp_path: Path) -> None:
        specs = {"aws/things.yaml": "things:\n  - name: ${COLOUR}\n"}
        assert len(told(loaded(tmp_path, {**self.files, **specs}))) == 3

    def test_one_environment_alone_is_not_compared(self, tmp_path: Path) -> None:
        assert told(loaded(tmp_path, self.files, ["dev"])) == []

    def test_what_the_schema_wants_is_told_once(self, tmp_path: Path) -> None:
        text = json.dumps({"properties": {"COLOUR": {}, "LOG_LEVEL": {}}, "required": ["COLOUR", "LOG_LEVEL"]})
        assert told(loaded(tmp_path, {**self.files, "environments/schema.json": text})) == [
            "environments/dev.env:1:1: LOG_LEVEL is missing: is LOG_LEVL in line 6 meant?",
            'environments/dev.env:6:1: unknown key LOG_LEVL: did you mean "LOG_LEVEL"?',
            "environments/qa.env:1:1: COLOUR is missing",
            "environments/qa.env:6:1: unknown key ONLY_HERE",
        ]

    def test_files_and_pipeline_yaml_name_the_same_environments(self, tmp_path: Path) -> None:
        files = {**SOUND, "pipeline.yaml": "environments:\n  dve: dev\n"}
        assert told(loaded(tmp_path, files)) == [
            "environments/dev.env:1:1: warning: pipeline.yaml does not name this environment: no branch deploys it",
            'pipeline.yaml:2:3: there is no environments/dve.env: did you mean "dev"?',
        ]

    def test_without_a_list_of_environments_none_is_missed(self, tmp_path: Path) -> None:
        assert told(loaded(tmp_path, {"pipeline.yaml": ""})) == []


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("prod", "environments/prod.env:1:1: there is no environment prod"),
        ("deev", 'environments/deev.env:1:1: there is no environment deev: did you mean "dev"?'),
        ("../dev", 'environments/../dev.env:1:1: "../dev" is no name for an environment'),
        ("Dev", 'environments/Dev.env:1:1: "Dev" is no name for an environment'),
    ],
)
def test_an_environment_that_does_not_exist(tmp_path: Path, name: str, finding: str) -> None:
    result = loaded(tmp_path, {}, [name])
    assert told(result) == [finding]
    assert result.environments == {}
    assert result.desired == {}


def test_the_specs_are_judged_even_when_no_environment_is_readable(tmp_path: Path) -> None:
    files: Files = {
        ENV: b"\xff",
        "aws/things.yaml": "things:\n  - name: ${SERVICE_NAME}\n    size: 1000\n    sise: 1\n",
    }
    assert told(loaded(tmp_path, files)) == [
        "aws/things.yaml:3:11: size is 1000: at most 100 is allowed",
        'aws/things.yaml:4:5: unknown key "sise" of test.thing: did you mean "size"?',
        f"{ENV}:1:1: the file is not UTF-8 text (byte 0xff)",
    ]


def test_no_environment_at_all(tmp_path: Path) -> None:
    write(tmp_path, SOUND)
    (tmp_path / ENV).unlink()

    assert told(load(tmp_path, None, invented(), TODAY)) == [
        "environments:1:1: there is no environment: environments/ holds no .env file"
    ]
