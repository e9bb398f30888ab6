"""What AWS would refuse for want of a permission in a role that follows from the specs is told before any call."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.config.loading import load
from pipeline.model.resource import Resource
from pipeline.resources.registry import registry
from tests.config.support import DEV, ENV, HANDLER, TODAY, Files, told, write

BASE: Files = {"pipeline.yaml": "environments:\n  dev: dev\n", ENV: DEV, "backend/handlers/orders.py": HANDLER}
LOGS = "    managed_policies: [service-role/AWSLambdaBasicExecutionRole]\n"
DATA = """\
tables:
  - {name: orders, partition_key: id, stream: true}
  - {name: quiet, partition_key: id}
queues: [{name: jobs}, {name: dead}]
topics: [{name: news}]
event_sources:
  - {name: e, function: orders, %s}
"""
JOBS = "source: '${sqs.queue/jobs.arn}'"
STREAM = "starting_position: LATEST, source: '${dynamodb.table/orders.stream_arn}'"
QUIET = "starting_position: LATEST, source: '${dynamodb.table/quiet.stream_arn}'"
THEIRS = "source: 'arn:aws:sqs:us-east-1:210987654321:theirs'"
ROLE = """\
roles:
  - name: ${SERVICE_NAME}-lambda-role
    trust: {Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: lambda.amazonaws.com}}]}
"""


def findings(tmp_path: Path, function: str, source: str = "", role: str = "") -> list[str]:
    files = {**BASE, "aws/functions.yaml": f"functions:\n  - {{name: orders, runtime: python3.13, {function}}}\n"}
    data = DATA % source if source else DATA.partition("event_sources")[0]
    files |= {"aws/data.yaml": data, **({"aws/roles.yaml": role} if role else {})}
    return told(load(write(tmp_path, files), ["dev"], registry(), TODAY))


@pytest.mark.parametrize(
    ("access", "source", "missing"),
    [
        ("", JOBS, "consume queue jobs"),
        ("{queue: jobs, allow: send}", JOBS, "consume queue jobs"),
        ("{queue: dead, allow: consume}", JOBS, "consume queue jobs"),
        ("{queue: jobs, allow: consume}", JOBS, None),
        ("{queue: jobs, allow: [ReceiveMessage, DeleteMessage, GetQueueAttributes]}", JOBS, None),
        ("{actions: ['sqs:*'], resources: ['*']}", JOBS, None),
        ("{queue: jobs, allow: consume}", THEIRS, "consume queue theirs"),
        ("{queue: 'arn:aws:sqs:us-east-1:210987654321:theirs', allow: consume}", THEIRS, None),
        ("{table: orders, allow: read}", STREAM, "read stream orders"),
        ("{stream: orders, allow: read}", STREAM, None),
        ("{stream: orders, allow: read}", f"{STREAM}, on_failure: '${{sqs.queue/dead.arn}}'", "send queue dead"),
        ("{stream: orders, allow: read}", f"{STREAM}, on_failure: '${{sns.topic/news.arn}}'", "publish topic news"),
        ("{stream: orders, allow: read}, {queue: dead, allow: send}",
         f"{STREAM}, on_failure: '${{sqs.queue/dead.arn}}'", None),
    ],
)  # fmt: skip
def test_a_function_may_read_its_event_sources(tmp_path: Path, access: str, source: str, missing: str | None) -> None:
    found = findings(tmp_path, f"access: [{access}]", source)
    if missing is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith("aws/data.yaml:7:")
        assert f"orders has no leave to {missing}" in found[0]


def test_a_table_that_is_read_has_a_stream(tmp_path: Path) -> None:
    found = findings(tmp_path, "access: [{actions: ['dynamodb:*'], resources: ['*']}]", QUIET)
    assert len(found) == 1
    assert "dynamodb.table/quiet has no stream" in found[0]


@pytest.mark.parametrize(
    "more",
    [
        "vpc: {subnets: [subnet-0a], security_groups: [sg-0a]}",
        "dead_letter: dead",
        "async: {on_failure: '${sqs.queue/dead.arn}'}",
        "memory: 256",
    ],
)
def test_a_function_that_says_nothing_has_a_role_that_allows_what_it_needs(tmp_path: Path, more: str) -> None:
    assert findings(tmp_path, more) == []
    (lacking,) = findings(tmp_path, more, JOBS)
    assert "orders has no leave to consume queue jobs" in lacking


def test_the_role_for_all_is_that_of_functions_that_say_nothing(tmp_path: Path) -> None:
    assert findings(tmp_path, "memory: 256", JOBS, ROLE + LOGS) == [], "its author knows what it allows"
    desired = load(tmp_path, ["dev"], registry(), TODAY).desired["dev"].by_address
    assert roles_of(desired) == {"iam.role/orders-lambda-role"}
    assert findings(tmp_path, "access: [{queue: jobs, allow: send}]", "", ROLE + LOGS) == []
    desired = load(tmp_path, ["dev"], registry(), TODAY).desired["dev"].by_address
    assert roles_of(desired) == {"iam.role/orders-us-east-1"}


def roles_of(desired: Mapping[str, Resource]) -> set[str]:
    function = desired["lambda.function/orders"]
    return {address for address in function.dependencies if address.startswith("iam.role/")}


@pytest.mark.parametrize(
    ("statement", "lacks"),
    [
        ("Action: 'logs:*', Resource: '*'", False),
        ("Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: 'arn:aws:logs:*:*:*'", False),
        ("Action: 'logs:Put*', Resource: 'arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/ord*:*'", False),
        ("Action: 'logs:PutLogEvents', Resource: 'arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/orders'",
         False),
        ("NotAction: 'iam:*', Resource: '*'", False),
        ("Action: 'logs:PutLogEvents', Resource: 'arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/shop-*:*'",
         True),
        ("Action: 'dynamodb:*', Resource: '*'", True),
    ],
)  # fmt: skip
def test_a_declared_role_that_cannot_write_the_logs_of_a_function_is_told(
    tmp_path: Path, statement: str, lacks: bool
) -> None:
    policy = f"    policies: {{Own: {{Statement: [{{Effect: Allow, {statement}}}]}}}}\n"
    told = [one for one in findings(tmp_path, "memory: 256", "", ROLE + policy) if "write its logs" in one]
    assert bool(told) is lacks
    assert findings(tmp_path, "memory: 256", "", ROLE + "    managed_policies: [AWSLambdaRole]\n") == []
