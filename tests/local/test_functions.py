"""Lambda as the plane serves it, asked through boto3."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.support import Account
from tests.local.test_traffic import total

pytestmark = pytest.mark.emulator

Unique = Callable[[str], str]


@pytest.fixture
def functions(account: Account) -> Any:
    return account.client("lambda")


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    response = error.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_function_really_runs_and_reaches_the_other_services(account: Account, unique: Unique) -> None:
    table, name = unique("table"), unique("fn")
    account.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    code = (
        "import boto3, os\n"
        "table = boto3.resource('dynamodb').Table(os.environ['TABLE'])\n"
        "def handler(event, context):\n"
        "    table.put_item(Item=event)\n"
        "    return boto3.client('sts').get_caller_identity()['Account']\n"
    )
    account.function(name, code, Environment={"Variables": {"TABLE": table}})
    answer = account.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"id": "7"}))
    assert json.loads(answer["Payload"].read()) == account.account
    assert account.client("dynamodb").get_item(TableName=table, Key={"id": {"S": "7"}})["Item"] == {"id": {"S": "7"}}


def test_an_alias_with_weights_splits_and_every_version_is_counted(
    account: Account, functions: Any, unique: Unique
) -> None:
    name = unique("fn")
    account.function(name)
    account.alias(name)
    version = account.publish(name)
    functions.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {version: 0.4}})
    counted = dict.fromkeys(("1", version), 0)
    for _ in range(60):
        answer = functions.invoke(FunctionName=name, Qualifier="live", Payload=b"{}")
        body = json.loads(json.loads(answer["Payload"].read())["body"])
        assert body["version"] == answer["ExecutedVersion"]
        counted[answer["ExecutedVersion"]] += 1
    assert all(counted.values())
    by_alias = {"FunctionName": name, "Resource": f"{name}:live"}
    for executed, expected in counted.items():
        assert total(account, "AWS/Lambda", "Invocations", **by_alias, ExecutedVersion=executed) == expected
        assert total(account, "AWS/Lambda", "Errors", **by_alias, ExecutedVersion=executed) == 0
    assert total(account, "AWS/Lambda", "Invocations", **by_alias) == 60
    assert total(account, "AWS/Lambda", "Invocations", FunctionName=name) == 60
    assert total(account, "AWS/Lambda", "Duration", **by_alias) > 0


def test_errors_of_the_version_that_fails_are_its_own(account: Account, functions: Any, unique: Unique) -> None:
    name = unique("fn")
    account.function(name)
    account.alias(name)
    version = account.publish(name, "def handler(event, context):\n    raise ValueError('broken')\n")
    functions.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {version: 1.0}})
    for _ in range(3):
        assert functions.invoke(FunctionName=name, Qualifier="live")["FunctionError"] == "Unhandled"
    by_alias = {"FunctionName": name, "Resource": f"{name}:live"}
    assert total(account, "AWS/Lambda", "Errors", **by_alias, ExecutedVersion=version) == 3
    assert total(account, "AWS/Lambda", "Errors", **by_alias, ExecutedVersion="1") == 0


def test_a_version_or_latest_is_invoked_as_asked(account: Account, functions: Any, unique: Unique) -> None:
    name = unique("fn")
    arn = account.function(name)
    account.publish(name, mark=7)
    for where, executed in ((name, "$LATEST"), (f"{name}:1", "1"), (f"{arn}:2", "2")):
        answer = functions.invoke(FunctionName=where)
        assert answer["ExecutedVersion"] == executed
    assert refused(functions.invoke, FunctionName=name, Qualifier="none")[0] == "ResourceNotFoundException"
    assert total(account, "AWS/Lambda", "Invocations", FunctionName=name, Resource=f"{name}:1") == 1
    assert total(account, "AWS/Lambda", "Invocations", FunctionName=name, Resource=name) == 1


def test_an_event_and_a_dry_run_are_passed_on(account: Account, functions: Any, unique: Unique) -> None:
    name = unique("fn")
    account.function(name)
    account.alias(name)
    assert functions.invoke(FunctionName=name, Qualifier="live", InvocationType="DryRun")["StatusCode"] == 204
    assert functions.invoke(FunctionName=name, Qualifier="live", InvocationType="Event")["StatusCode"] == 202
    assert functions.invoke(FunctionName=name, LogType="Tail")["LogResult"]


def test_aliases_have_rules(account: Account, functions: Any, unique: Unique) -> None:
    name = unique("fn")
    arn = account.function(name)
    missing = ("ResourceNotFoundException", f"Function not found: {arn}:99", 404)
    assert refused(functions.create_alias, FunctionName=name, Name="live", FunctionVersion="99") == missing
    account.alias(name)
    update = {"FunctionName": name, "Name": "live"}
    assert refused(functions.update_alias, **update, FunctionVersion="99") == missing
    weights = {"AdditionalVersionWeights": {"99": 0.5}}
    assert refused(functions.update_alias, **update, RoutingConfig=weights) == missing
    version = account.publish(name)
    weights = {"AdditionalVersionWeights": {version: 0.5}}
    functions.update_alias(**update, RoutingConfig=weights)
    code, message, _ = refused(functions.update_alias, **update, FunctionVersion=version)
    assert (code, "already included" in message) == ("InvalidParameterValueException", True)
    shown = functions.update_alias(**update, FunctionVersion=version, RoutingConfig={"AdditionalVersionWeights": {}})
    assert shown["FunctionVersion"] == version


def test_a_version_is_published_of_the_code_that_was_meant(account: Account, functions: Any, unique: Unique) -> None:
    name = unique("fn")
    account.function(name)
    code, message, _ = refused(functions.publish_version, FunctionName=name, CodeSha256="other")
    assert code == "InvalidParameterValueException"
    assert message.startswith("CodeSHA256 (other) is different from current CodeSHA256 in $LATEST")
    current = functions.get_function_configuration(FunctionName=name)["CodeSha256"]
    assert functions.publish_version(FunctionName=name, CodeSha256=current)["Version"] == "1"


def test_nothing_is_published_of_what_did_not_change(account: Account, functions: Any, unique: Unique) -> None:
    name = unique("fn")
    account.function(name)
    publish = {"FunctionName": name}
    assert functions.publish_version(**publish)["Version"] == "1"
    assert account.publish(name, mark=2) == "2"
    assert account.publish(name, mark=2) == "2"
    functions.update_function_configuration(FunctionName=name, MemorySize=256)
    made = functions.publish_version(**publish, Description="its own")
    assert (made["Version"], made["Description"]) == ("3", "its own")
    again = functions.publish_version(**publish, Description="another")
    assert (again["Version"], again["Description"]) == ("3", "its own")
    assert account.publish(name, mark=1) == "4"


def test_policies_of_function_and_alias_are_apart(account: Account, functions: Any, unique: Unique) -> None:
    name = unique("fn")
    account.function(name)
    account.alias(name)
    grant = {
        "FunctionName": name,
        "StatementId": "s",
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
    }
    functions.add_permission(**grant)
    assert refused(functions.get_policy, FunctionName=name, Qualifier="live")[0] == "ResourceNotFoundException"
    statement = json.loads(functions.add_permission(**grant, Qualifier="live")["Statement"])
    assert statement["Resource"] == account.arn(f"{name}:live")
    assert refused(functions.add_permission, **grant, Qualifier="live")[0] == "ResourceConflictException"
    policy = functions.get_policy(FunctionName=name, Qualifier="live")
    assert json.loads(policy["Policy"])["Statement"] == [statement]
    functions.remove_permission(FunctionName=name, StatementId="s", Qualifier="live", RevisionId=policy["RevisionId"])
    assert refused(functions.get_policy, FunctionName=name, Qualifier="live")[0] == "ResourceNotFoundException"
    assert json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]
    missing = refused(functions.add_permission, **{**grant, "FunctionName": "none"})
    assert (missing[0], missing[2]) == ("ResourceNotFoundException", 404)
    wildcard = refused(
        functions.add_permission, **{**grant, "StatementId": "w"}, SourceArn="arn:aws:execute-api:*:*:*/*/*"
    )
    assert (wildcard[0], wildcard[2]) == ("ValidationException", 400)


def test_a_policy_goes_with_its_alias_and_its_function(account: Account, functions: Any, unique: Unique) -> None:
    name = unique("fn")
    grant = {
        "FunctionName": name,
        "StatementId": "s",
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
    }
    account.function(name)
    account.alias(name)
    functions.add_permission(**grant, Qualifier="live")
    functions.delete_alias(FunctionName=name, Name="live")
    account.alias(name)
    functions.add_permission(**grant, Qualifier="live")
    functions.add_permission(**grant)
    functions.delete_function(FunctionName=name)
    account.function(name)
    assert refused(functions.get_policy, FunctionName=name)[0] == "ResourceNotFoundException"


def test_a_version_that_an_alias_sends_traffic_to_is_not_deleted(
    account: Account, functions: Any, unique: Unique
) -> None:
    name = unique("fn")
    account.function(name)
    second, third = account.publish(name, mark=2), account.publish(name, mark=3)
    account.alias(name)
    shares = {"AdditionalVersionWeights": {second: 0.1}}
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=third, RoutingConfig=shares)
    for version in (second, third):
        code, message, status = refused(functions.delete_function, FunctionName=name, Qualifier=version)
        assert (code, status) == ("ResourceConflictException", 409)
        assert message == "Unable to delete version because the following aliases reference it: [live]"
    functions.delete_function(FunctionName=name, Qualifier="1")
    assert refused(functions.get_function, FunctionName=name, Qualifier="1")[0] == "ResourceNotFoundException"
