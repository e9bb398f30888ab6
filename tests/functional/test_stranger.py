"""The life of a service that is like none of the others: many of everything, and unusual ways to say it."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.clients import AwsClient, connect
from pipeline.model.scope import Scope
from tests.functional.support import KEYS, Service, changing, roles_of
from tests.support.fault_proxy import FaultProxy

_EXIT = ("--detailed-exitcode",)
SCOPE = Scope("ferry", "sea", "123456789012", "ap-northeast-2")


@pytest.fixture
def ferry(shop: Service, proxy: FaultProxy, tmp_path: Path) -> Service:
    service = Service.copy("ferry", tmp_path, proxy.url)
    service.environment = "sea"
    # moto forgets who signs the requests of a distribution, and the class of a table.
    service.edit("aws/edge/site.yaml", lambda text: text.partition("distributions:")[0])
    service.replace("aws/tables.yaml", ", table_class: STANDARD_INFREQUENT_ACCESS", "")
    return service


def bystander(service: Service) -> AwsClient:
    client = connect(SCOPE.region, environment={"AWS_ENDPOINT_URL": service.endpoint, **KEYS}, rationed=False)
    client.scope = SCOPE
    return client


def done(service: Service, command: str, *options: str, code: int = 0) -> Any:
    result = service.run(command, *options)
    assert result.code == code, result.err
    return result.json


def ledger(aws: AwsClient) -> Any:
    """What the ledger says serves."""
    key = {"Bucket": "ferry-sea-pipeline-123456789012-ap-northeast-2", "Key": "current.json"}
    return json.loads(aws.call("s3", "GetObject", **key)["Body"].read())


def left(aws: AwsClient) -> dict[str, list[Any]]:
    """What there is of all that the service makes; nothing, once it was destroyed."""
    lists = {
        ("dynamodb", "ListTables"): "TableNames",
        ("lambda", "ListFunctions"): "Functions",
        ("lambda", "ListLayers"): "Layers",
        ("lambda", "ListEventSourceMappings"): "EventSourceMappings",
        ("apigateway", "GetRestApis"): "items",
        ("apigatewayv2", "GetApis"): "Items",
        ("sqs", "ListQueues"): "QueueUrls",
        ("sns", "ListTopics"): "Topics",
        ("events", "ListRules"): "Rules",
        ("logs", "DescribeLogGroups"): "logGroups",
    }
    found = {f"{service}:{name}": aws.pages(service, name, key=key) for (service, name), key in lists.items()}
    pools = aws.pages("cognito-idp", "ListUserPools", key="UserPools", MaxResults=60)
    buckets = [one["Name"] for one in aws.call("s3", "ListBuckets")["Buckets"]]
    rest = {
        "roles": roles_of(aws),
        "pools": pools,
        "buckets": [name for name in buckets if not name.startswith("ferry-sea-pipeline-")],
    }
    return {name: items for name, items in (found | rest).items() if items}


@pytest.mark.slow
def test_a_stranger_s_service_lives_and_dies(ferry: Service, proxy: FaultProxy) -> None:
    assert len(done(ferry, "deploy")["functions"]) == 30
    proxy.reset()
    assert done(ferry, "deploy")["changed"] is False
    assert changing(proxy) == []

    _edit(ferry)
    updated = done(ferry, "deploy")["plan"]["summary"]
    assert (updated["create"], updated["replace"], updated["delete"], updated["drift"]) == (0, 0, 0, 0)

    aws = bystander(ferry)
    _meddle(aws)
    found = done(ferry, "drift", *_EXIT, code=3)
    assert any("--thorough" in one["message"] for one in found["warnings"])
    drifted = {change["address"]: change["origin"] for change in found["changes"]}
    assert drifted == dict.fromkeys(
        (
            "lambda.function/ferry-ships", "lambda.function/ferry-weather", "dynamodb.table/ferry-sessions",
            "sns.topic/ferry-news", "sqs.queue/ferry-mail", "events.rule/ferry_tide",
        ),
        "drift",
    )  # fmt: skip

    _shrink(ferry)
    assert done(ferry, "plan")["summary"]["drift"] == len(drifted) - 1, "policies of so many functions are trusted"
    shrunk = done(ferry, "deploy", "--thorough")
    assert shrunk["plan"]["summary"]["drift"] == len(drifted)
    assert aws.found("lambda", "GetPolicy", FunctionName="ferry-weather") is None
    assert {*shrunk["kept"]} == {"dynamodb.table/ferry-cargo", "logs.log_group//aws/lambda/ferry-report"}
    assert aws.found("lambda", "GetFunction", FunctionName="ferry-report") is None

    done(ferry, "rollback", "--to", "1")
    assert ledger(aws)["restores"] == 1
    done(ferry, "destroy", "--include-data")
    assert left(aws) == {}


def _edit(ferry: Service) -> None:
    """Another index, another setting and code of functions, another method."""
    ferry.replace(
        "aws/tables.yaml",
        '{name: "${SERVICE_NAME}-harbours", partition_key: id}',
        '{name: "${SERVICE_NAME}-harbours", partition_key: id, attributes: {land: S}, '
        "indexes: [{name: by-land, partition_key: land}]}",
    )
    ferry.replace("aws/functions.yaml", '"${SERVICE_NAME}-weather"}', '"${SERVICE_NAME}-weather", timeout: 20}')
    ferry.replace("app/handlers/work.py", "went well", "went very well")
    ferry.replace("aws/rest.yaml", "path: /quote, methods: [POST]", "path: /quote, methods: [POST, PUT]")


def _meddle(aws: AwsClient) -> None:
    """What somebody does in the console."""
    aws.call("lambda", "UpdateFunctionConfiguration", FunctionName="ferry-ships", MemorySize=1024)
    everybody = {"StatementId": "all", "Action": "lambda:InvokeFunction", "Principal": "*"}
    aws.call("lambda", "AddPermission", FunctionName="ferry-weather", **everybody)
    unsafe = {"PointInTimeRecoveryEnabled": False}
    aws.call("dynamodb", "UpdateContinuousBackups", TableName="ferry-sessions", PointInTimeRecoverySpecification=unsafe)
    topic = SCOPE.arn("sns", "ferry-news")
    listed = aws.pages("sns", "ListSubscriptionsByTopic", key="Subscriptions", TopicArn=topic)
    queue = next(one["SubscriptionArn"] for one in listed if one["Protocol"] == "sqs")
    filtered = {"AttributeName": "FilterPolicy", "AttributeValue": json.dumps({"kind": ["delay"]})}
    aws.call("sns", "SetSubscriptionAttributes", SubscriptionArn=queue, **filtered)
    url = aws.call("sqs", "GetQueueUrl", QueueName="ferry-mail")["QueueUrl"]
    aws.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"VisibilityTimeout": "90"})
    aws.call("events", "DisableRule", Name="ferry_tide")


def _shrink(ferry: Service) -> None:
    """A function with its schedule, a table and a route of the HTTP API are no longer wanted."""
    for path, gone in (
        ("aws/functions.yaml", '-report"'),
        ("aws/events.yaml", '-report"'),
        ("aws/tables.yaml", '-cargo"'),
        ("aws/http.yaml", "/cargo/"),
    ):
        lines = (ferry.root / path).read_text(encoding="utf-8").splitlines(keepends=True)
        ferry.edit(path, "".join(line for line in lines if gone not in line))
