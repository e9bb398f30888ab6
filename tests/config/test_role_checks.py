"""What AWS would refuse for want of a permission in a role that follows from the specs is told before any call."""

from pathlib import Path

import pytest

from pipeline.config.loading import load
from pipeline.resources.registry import registry
from tests.config.support import DEV, ENV, HANDLER, TODAY, Files, told, write

BASE: Files = {"pipeline.yaml": "environments:\n  dev: dev\n", ENV: DEV, "backend/handlers/orders.py": HANDLER}
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
    ("more", "may_not"),
    [
        ("vpc: {subnets: [subnet-0a], security_groups: [sg-0a]}", "be in a VPC"),
        ("dead_letter: dead", "send to its dead-letter queue"),
        ("async: {on_failure: '${sqs.queue/dead.arn}'}", "deliver to its destinations"),
        ("async: {max_retries: 0}", None),
        ("memory: 256", None),
    ],
)
def test_the_role_that_functions_share_allows_only_logs(tmp_path: Path, more: str, may_not: str | None) -> None:
    found = findings(tmp_path, more)
    assert len(found) == (1 if may_not else 0)
    assert all(str(may_not) in each for each in found)
    assert findings(tmp_path, f"{more}, access: [{{queue: jobs, allow: send}}]") == []
    assert findings(tmp_path, more, JOBS, ROLE) == []
