"""From the author's YAML to Lambda's members and back."""

from typing import Any

import pytest

from pipeline.model.resource import Resource
from pipeline.model.values import Secret, references_of
from pipeline.resources import _lambda_properties as rules
from pipeline.resources._lambda_members import MEMBERS
from tests.resources.functions import CODE_A, CODE_B, ROLE, declared, expression, function, resolved
from tests.support.aws import SCOPE


def test_the_manual_s_functions_need_nothing_but_a_name() -> None:
    found = declared("orders-conversation-api", runtime="python3.9", timeout=30, memory=512)
    assert found["handler"] == "handlers.conversation_api.handler"
    assert found["role"] == expression("iam.role/orders-conversation-api-us-east-1", "arn")
    assert found["alias"] == "live"


def test_a_name_without_the_service_s_prefix_is_a_handler_of_its_own() -> None:
    assert declared("nightly-report")["handler"] == "handlers.nightly_report.handler"


def test_what_is_declared_stays() -> None:
    found = declared(handler="app.main", role=ROLE, layers=["arn:aws:lambda:us-east-1:1:layer:x:3"])
    assert (found["handler"], found["role"]) == ("app.main", ROLE)
    assert found["layers"] == ["arn:aws:lambda:us-east-1:1:layer:x:3"]


def test_names_of_roles_and_layers_become_references() -> None:
    found = declared(role="worker", layers=["shared"])
    addresses = {str(reference) for reference in references_of(found)}
    assert addresses == {
        "${iam.role/worker.arn}",
        "${lambda.layer/shared.version_arn}",
        "${logs.log_group//aws/lambda/orders-list.arn}",
    }


def test_the_canonical_form_is_a_fixed_point() -> None:
    once = declared(role="worker", layers=["shared"], environment={"A1": 1})
    assert rules.canonical(once, SCOPE) == once


@pytest.mark.parametrize(
    ("given", "text"), [("x", "x"), (50, "50"), (0.5, "0.5"), (True, "true"), (False, "false"), ("", "")]
)
def test_environment_values_are_texts(given: Any, text: str) -> None:
    assert declared(environment={"KEY": given})["environment"] == {"KEY": text}


def test_secrets_in_the_environment_are_kept_and_sent_revealed() -> None:
    secret = Secret("ssm:/key", "3", "hunter2")
    found = function(environment={"KEY": secret}).properties
    assert found["environment"]["KEY"] is secret
    assert rules.sent(found, ["environment"]) == {"Environment": {"Variables": {"KEY": "hunter2"}}}


def test_a_new_function_is_told_only_what_differs_from_nothing() -> None:
    members = rules.created(function().properties)
    assert set(members) == {
        "Handler", "Runtime", "Timeout", "MemorySize", "EphemeralStorage", "Role", "TracingConfig",
    }  # fmt: skip


def test_what_was_taken_out_is_cleared() -> None:
    members = rules.sent(function().properties, ["environment", "layers", "kms_key", "description"])
    assert members == {"Environment": {"Variables": {}}, "Layers": [], "KMSKeyArn": "", "Description": ""}


def test_another_log_group_is_sent_by_its_name() -> None:
    properties = {**function().properties, "log_group": SCOPE.arn("logs", "log-group:/shared/group")}
    assert rules.created(properties)["LoggingConfig"] == {"LogGroup": "/shared/group"}


def test_every_member_is_read_as_it_was_sent() -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    wanted = function(environment={"A1": "1"}, tracing="Active", kms_key=key, description="x", memory=300).properties
    configuration = {"FunctionName": "orders-list", "CodeSha256": rules.code_sha256(CODE_A)}
    configuration |= rules.sent(wanted, MEMBERS)
    found = rules.observed(configuration, SCOPE)
    assert found == {name: wanted.get(name) for name in rules.FROZEN}


def test_layers_are_read_by_their_arns() -> None:
    found = rules.observed({"FunctionName": "f", "Layers": [{"Arn": "arn:x:1", "CodeSize": 3}]}, SCOPE)
    assert found["layers"] == ["arn:x:1"]


def test_the_digest_of_code_goes_both_ways() -> None:
    assert rules.digest_of(rules.code_sha256(CODE_B)) == CODE_B
    assert rules.digest_of(None) is None


@pytest.mark.parametrize(
    ("served", "held", "wanted", "lags"),
    [
        pytest.param(1, 1, 1, False, id="all the same"),
        pytest.param(1, 1, 2, False, id="git changed, nothing done yet"),
        pytest.param(1, 2, 2, True, id="applied, but not served"),
        pytest.param(1, 2, 1, False, id="changed by hand, and what is served is right"),
        pytest.param(1, 2, 3, True, id="applied, not served, and git changed again"),
    ],
)
def test_when_an_alias_lags_behind(served: int, held: int, wanted: int, lags: bool) -> None:
    def with_memory(memory: int) -> dict[str, Any]:
        return {**dict.fromkeys(rules.FROZEN), "memory": memory}

    assert rules.lags(with_memory(served), with_memory(held), with_memory(wanted)) is lags


def test_secrets_are_compared_by_what_they_hold() -> None:
    def with_key(value: Any) -> dict[str, Any]:
        return {**dict.fromkeys(rules.FROZEN), "environment": {"KEY": value}}

    old, new = with_key("old"), with_key("new")
    assert not rules.lags(old, new, with_key(Secret("ssm:/key", "1", "old")))
    assert rules.lags(old, new, with_key(Secret("ssm:/key", "2", "new")))


@pytest.mark.parametrize(
    ("found", "recorded", "agree"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {}, False),
        ([1, 2], (1, 2), True),
        ([1], [1, 2], False),
        ({"k": "v"}, {"k": Secret("ssm:/k")}, True),
        ("arn:x", expression("iam.role/x", "arn"), True),
        (None, None, True),
    ],
)
def test_what_was_recorded_agrees_as_far_as_it_says_something(found: Any, recorded: Any, agree: bool) -> None:
    assert rules.agrees(found, recorded) is agree


def problems(**properties: Any) -> list[str]:
    resource = Resource("lambda.function", "orders-list", resolved(declared(**properties)))
    return [problem.message for problem in rules.check(resource, SCOPE)]


def test_a_sound_function_has_no_problems() -> None:
    assert problems(environment={"TABLE": "orders"}) == []


def test_reserved_keys_are_refused_by_name() -> None:
    found = problems(environment={"AWS_REGION": "x", "TABLE": "y", "LAMBDA_TASK_ROOT": "z"})
    assert found == [
        "Lambda sets AWS_REGION itself and refuses it",
        "Lambda sets LAMBDA_TASK_ROOT itself and refuses it",
    ]


def test_a_large_environment_is_refused_without_its_values() -> None:
    (message,) = problems(environment={"SECRET": "hunter2" * 700})
    assert message == "the environment has 4913 bytes; Lambda allows 4096"
    assert "hunter2" not in message


def test_the_size_counts_bytes_of_what_secrets_hold() -> None:
    assert problems(environment={"KEY": Secret("ssm:/k", "1", "é" * 2050)}) != []
    assert problems(environment={"KEY": "x" * 4080}) == []


def test_destinations_are_arns() -> None:
    assert problems(**{"async": {"max_retries": 0, "on_failure": "dead"}}) == ["dead is no ARN"]
    assert problems(**{"async": {"max_retries": 0, "on_failure": "arn:aws:sqs:us-east-1:123456789012:dead"}}) == []


def test_two_versions_of_a_layer_are_refused() -> None:
    layer = "arn:aws:lambda:us-east-1:123456789012:layer:shared"
    assert problems(layers=[f"{layer}:1", f"{layer}:2"]) == ["Lambda takes one version of a layer"]
    assert problems(layers=[f"{layer}:1", f"{layer}-2:1"]) == []


def test_layers_are_versions_in_the_function_s_region() -> None:
    layer = "arn:aws:lambda:eu-west-1:123456789012:layer:shared"
    assert problems(layers=[f"{layer}:1"]) == ["Lambda takes layers of its own region, us-east-1"]
    assert problems(layers=[layer.replace("eu-west-1", "us-east-1")]) == ["this is no ARN of a version of a layer"]


def test_no_environment_variable_holds_nul() -> None:
    (message,) = problems(environment={"KEY": "a\0b"})
    assert message == "KEY holds the character NUL, which no environment variable can"
