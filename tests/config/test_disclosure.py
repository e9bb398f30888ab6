"""Secrets in specs, values that AWS retires, and documents that specs name."""

from datetime import date
from pathlib import Path

import pytest

from pipeline.config.loading import load
from pipeline.model.values import Secret
from tests.config.support import (
    DEV,
    ENV,
    SOUND,
    SPEC,
    agree,
    invented,
    loaded,
    properties,
    rendered,
    thing,
    told,
    write,
)


class TestSecrets:
    def test_references_to_secrets_stay_references(self, tmp_path: Path) -> None:
        text = "variables:\n  A: ${KEY}\n  B: ssm:/${SERVICE_NAME}/b\n  C: secretsmanager:c#d"
        assert rendered(tmp_path, text, "KEY=ssm:/a")["variables"] == {
            "A": Secret("ssm:/a"),
            "B": Secret("ssm:/orders/b"),
            "C": Secret("secretsmanager:c#d"),
        }

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("variables: {A: 'x-${KEY}'}", "3:20: a secret cannot be part of a longer text (ssm:/a)"),
            ("label: ${KEY}", "3:12: label is a reference to a secret (ssm:/a)"),
            ("label: ssm:/b", "3:12: label is a reference to a secret (ssm:/b)"),
            ("tags: {a: ssm:/b}", "3:15: tags.a is a reference to a secret (ssm:/b)"),
            ("tags: {'${KEY}': b}", "3:12: key ${KEY}: a key must be known before deploying"),
            ("label: ${test.thing/${KEY}.arn}", "3:12: ${test.thing/${KEY}.arn}: a secret cannot be part of a name"),
            ("variables: {A: 'ssm:b'}", "3:20: variables.A is no complete reference to a secret"),
            ("variables: {API_KEY: abc}", "3:26: variables.API_KEY is a secret by its name, written down as text"),
            ("variables: {A: AKIAIOSFODNN7EXAMPLE}", "3:20: variables.A looks like an AWS access key"),
            ("variables: {A: Zk3vQ9xT7mB2nR8sW4yL6pJ1hG5fD0cA}", "3:20: variables.A looks like a random token"),
            ("label: AKIAIOSFODNN7EXAMPLE", "3:12: label looks like an AWS access key"),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str, found: str) -> None:
        result = loaded(tmp_path, thing(text, "KEY=ssm:/a"))
        assert agree(result, [f"{SPEC}:{found}"])
        assert not any(word in str(result.diagnostics) for word in ("AKIA", "Zk3v", "abc"))

    def test_a_secret_as_a_name(self, tmp_path: Path) -> None:
        found = told(loaded(tmp_path, {SPEC: "things:\n  - name: ${KEY}\n", ENV: DEV + "KEY=ssm:/a\n"}))
        assert found == [f"{SPEC}:2:11: name is a reference to a secret (ssm:/a), and its value would be shown here"]

    @pytest.mark.parametrize(
        "text",
        [
            "label: secretsmanager:GetSecretValue",
            "variables: {API_KEY: 'true', TOKEN_TTL: 5}",
            "variables: {A_TOKEN: '${N}'}",
        ],
    )
    def test_accepted(self, tmp_path: Path, text: str) -> None:
        rendered(tmp_path, text, "N=12")


class TestLifecycle:
    @pytest.mark.parametrize(
        ("value", "found"),
        [
            ("v1", "3:14: version v1 is refused by AWS since 2026-11-24 (deprecated since 2025-01-01)"),
            ("v2", "3:14: warning: version v2 is deprecated since 2026-11-24; from 2026-11-25 on AWS refuses it"),
            ("v3", None),
            ("v9", '3:14: version is "v9": not among the allowed values'),
            ("v11", '3:14: version is "v11": not among the allowed values'),
        ],
    )
    def test_what_aws_retires(self, tmp_path: Path, value: str, found: str | None) -> None:
        result = loaded(tmp_path, thing(f"version: {value}"))
        assert told(result) == ([f"{SPEC}:{found}"] if found else [])
        hints = [diagnostic.hint for diagnostic in result.diagnostics]
        assert all(hint in ("move to v4 or v3", "one of v4, v3") for hint in hints)

    def test_today_decides(self, tmp_path: Path) -> None:
        root = write(tmp_path, {**SOUND, **thing("version: v3")})
        assert len(load(root, None, invented(), date(2027, 1, 1)).warnings) == 1
        assert len(load(root, None, invented(), date(2028, 1, 1)).errors) == 1


class TestDocuments:
    POLICY = (
        '{\n  "Version": "2012-10-17",\n  "Statement": [\n    {"Resource": "${SERVICE_NAME}/${aws:username}"}\n  ]\n}\n'
    )

    def test_named_by_path_or_written_in_place(self, tmp_path: Path) -> None:
        files = {
            "aws/p/a.json": self.POLICY,
            "b.yaml": "Statement: {Action: secretsmanager:GetSecretValue}\n",
            SPEC: "things:\n  - name: x\n    policy: p/${FILE}.json\n    policies:\n"
            "      A: p/a.json\n      B: ../b.yaml\n"
            "      C: {Statement: {Action: 'ssm:/x', N: '${LAMBDA_MEMORY}'}}\n"
            "  - name: y\n    policy: lambda.amazonaws.com\n",
            ENV: DEV + "FILE=a\nLAMBDA_MEMORY=512\n",
        }
        result = loaded(tmp_path, files)
        assert told(result) == []
        found = properties(result, "test.thing/x")
        document = {"Version": "2012-10-17", "Statement": [{"Resource": "orders/${aws:username}"}]}
        assert found["policy"] == document
        assert found["policies"] == {
            "A": document,
            "B": {"Statement": {"Action": "secretsmanager:GetSecretValue"}},
            "C": {"Statement": {"Action": "ssm:/x", "N": 512}},
        }
        assert properties(result, "test.thing/y")["policy"] == "lambda.amazonaws.com"

    @pytest.mark.parametrize(
        ("path", "found"),
        [
            ("q.json", f'{SPEC}:3:13: there is no document aws/q.json: did you mean "p.json"?'),
            ("../../p.json", f'{SPEC}:3:13: "../../p.json" leads out of the project'),
            ("/etc/p.json", f'{SPEC}:3:13: "/etc/p.json" leads out of the project'),
            ("bad.json", "aws/bad.json:2:6: YAML syntax: did not find expected ',' or '}'"),
            ("empty.json", "aws/empty.json:1:1: the document is empty"),
            ("hole.json", "aws/hole.json:1:8: ${NOPE}: environments/dev.env has no NOPE"),
            ("key.json", "aws/key.json:1:7: policy.a looks like an AWS access key"),
            ("list.json", "aws/list.json:1:1: policy is a list: text or a mapping is wanted"),
            ("dir.json", "aws/dir.json:1:1: this is no regular file"),
        ],
    )
    def test_refused(self, tmp_path: Path, path: str, found: str) -> None:
        files = {
            "aws/p.json": "{}",
            "aws/bad.json": '{"a": 1\n  "b": 2}',
            "aws/empty.json": "",
            "aws/hole.json": '{"a": "${NOPE}"}',
            "aws/key.json": '{"a": "AKIAIOSFODNN7EXAMPLE"}',
            "aws/list.json": "[1]",
            "aws/dir.json/x": "",
        }
        got = told(loaded(tmp_path, {**files, **thing(f"policy: {path}")}))
        assert len(got) == 1
        assert got[0].startswith(found)

    def test_one_document_is_read_and_told_once(self, tmp_path: Path) -> None:
        text = "things:\n  - {name: a, policies: {A: p.json}}\n  - {name: b, policies: {B: p.json}}\n"
        found = told(loaded(tmp_path, {"aws/p.json": '{"a": 1, "a": 2}', SPEC: text}))
        assert found == ['aws/p.json:1:10: key "a" appears twice: first in line 1']
