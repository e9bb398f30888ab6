"""What counts as a secret, what as a reference to one, and what must not be taken for either."""

from base64 import urlsafe_b64encode
from random import Random

import pytest

from pipeline.config.secrecy import is_malformed_reference, is_reference, secret_key, secret_shape

RANDOM = "Zk3vQ9xT7mB2nR8sW4yL6pJ1hG5fD0cA"


@pytest.mark.parametrize(
    "text",
    [
        "ssm:/a",
        "ssm:/a/b-c_d.e",
        "secretsmanager:name",
        "secretsmanager:a/b#key",
        "secretsmanager:arn:aws:secretsmanager:us-east-1:123456789012:secret:a-AbCdEf#k",
    ],
)
def test_references(text: str) -> None:
    assert is_reference(text)
    assert not is_malformed_reference(text)


@pytest.mark.parametrize(
    "text", ["ssm:a", "ssm:", "ssm:/a b", "secretsmanager:", "secretsmanager:a#", "secretsmanager:a b"]
)
def test_malformed_references(text: str) -> None:
    assert is_malformed_reference(text)


@pytest.mark.parametrize(
    "key",
    [
        "SECRET",
        "CLIENT_SECRET",
        "DB_PASSWORD",
        "db-password",
        "API_KEY",
        "STRIPE_APIKEY",
        "TOKEN",
        "GITHUB_TOKEN",
        "PRIVATE_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "CREDENTIALS",
        "PGPASSWORD",
        "MYSQL_PWD",
        "clientSecret",
        "accessToken",
        "apiKey",
    ],
)
def test_keys_of_secrets(key: str) -> None:
    assert secret_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "TOKEN_TTL",
        "PWD",
        "MAX_TOKENS",
        "PASSWORD_MIN_LENGTH",
        "SECRET_NAME",
        "SECRET_ARN",
        "API_KEY_REQUIRED",
        "KEY",
        "partition_key",
        "sort_key",
        "kms_key",
        "TOKENIZER",
        "MONKEY",
    ],
)
def test_other_keys(key: str) -> None:
    assert not secret_key(key)


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "key=ASIAIOSFODNN7EXAMPLE;",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE",
        "-----BEGIN " + "PRIVATE KEY-----",
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "a1B2c3" * 5,
        "glpat-" + "a1B2c" * 4,
        "xoxb-" + "123456789012-abcdef",
        "sk_live_" + "a1B2" * 5,
        "AIza" + "a1B2c" * 7,
        "sk-ant-" + "a1B2c" * 5,
        "npm_" + "a1B2" * 9,
        "pypi-" + "a1B2c" * 12,
        "SG." + "a1B2" * 5 + "." + "a1B2" * 5,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.x",
        "postgres://user:hunter2@db/orders",
        "0123456789abcdef0123456789abcdef",
        RANDOM,
    ],
)
def test_secrets(text: str) -> None:
    assert secret_shape(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "new-service",
        "amazon.nova-lite-v1:0",
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        "https://new-service.com/path/ToSomething2024/With_CamelCase",
        "http://localhost:8080",
        "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
        "arn:aws:lambda:us-east-1:123456789012:layer:AWSLambdaPowertoolsPythonV3-python313-x86_64:18",
        "us-east-1_AbCdEf123",
        "E2QWRUHAPOMQZL",
        "Z0123456789ABCDEFGHIJ",
        "MyServiceConversationApiHandlerV2Production",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "subnet-0a1b2c3d4e5f67890,subnet-0a1b2c3d4e5f67891",
        "abcdefghijklmnopqrstuvwxyz",
        "00000000000000000000000000000000",
        "projects/Alpha2Beta3Gamma4/Delta5",
    ],
)  # fmt: skip
def test_no_secrets(text: str) -> None:
    assert secret_shape(text) is None


def test_without_guessing_only_known_shapes_count() -> None:
    assert secret_shape(RANDOM, guess=False) is None
    assert secret_shape("AKIAIOSFODNN7EXAMPLE", guess=False) == "an AWS access key"


def test_most_generated_tokens_are_found() -> None:
    source = Random(1)
    tokens = [urlsafe_b64encode(source.randbytes(32)).decode() for _ in range(2000)]
    assert sum(secret_shape(token) is None for token in tokens) < 40
