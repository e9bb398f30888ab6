"""The plane in this process: before an emulator of quite another kind, and before one that answers from a table."""

import asyncio
import io
import json
import zipfile
from collections import Counter
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest

from pipeline.local.plane.asgi import Answer
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call
from pipeline.local.plane.front import IDENTITY, Front
from pipeline.local.plane.functions.invoking import Invoker
from pipeline.local.plane.functions.names import Function
from pipeline.local.plane.journal import Journal, LogStream, Metric
from tests.local.asgi import HttpEmulator, TableEmulator, ask
from tests.local.support import ACCOUNT, mock, openapi

REGION = "us-east-1"
GATEWAY = Caller(ACCOUNT, REGION, "apigateway")
LAMBDA = Caller(ACCOUNT, REGION, "lambda")


def front(emulator: HttpEmulator | TableEmulator) -> Front:
    return Front(emulator, instance="me", account=ACCOUNT, on_ready=lambda: None)


async def json_of(plane: Front, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    answer = await ask(plane, method, path, body=raw, **more)
    return answer.status, json.loads(answer.body) if answer.body else None


def test_rest_apis_are_served_whatever_emulator_is_behind(moto_server: str) -> None:
    async def scenario() -> None:
        plane = front(HttpEmulator(moto_server))
        _, api = await json_of(plane, "POST", "/restapis", {"name": "orders"}, caller=GATEWAY)
        document = json.dumps(openapi({"/a": {"get": mock('{"a": 1}')}})).encode()
        path = f"/restapis/{api['id']}"
        status, _ = await json_of(plane, "PUT", path, document, caller=GATEWAY, query="mode=overwrite")
        assert status == 200
        status, _ = await json_of(plane, "POST", f"{path}/deployments", {"stageName": "dev"}, caller=GATEWAY)
        assert status == 201
        assert await json_of(plane, "GET", f"/_aws/execute-api/{api['id']}/dev/a") == (200, {"a": 1})

    asyncio.run(scenario())


def test_aliases_and_buckets_have_awss_rules_whatever_emulator_is_behind(moto_server: str) -> None:
    options: dict[str, Any] = {
        "endpoint_url": moto_server, "region_name": REGION, "aws_access_key_id": "x", "aws_secret_access_key": "x",
    }  # fmt: skip
    role = boto3.client("iam", **options).create_role(RoleName="plane", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("app.py", "")
    boto3.client("lambda", **options).create_function(
        FunctionName="plane",
        Runtime="python3.12",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": memory.getvalue()},
    )

    async def scenario() -> None:
        plane = front(HttpEmulator(moto_server))
        root = "/2015-03-31/functions/plane"
        alias = {"Name": "live", "FunctionVersion": "99"}
        status, document = await json_of(plane, "POST", f"{root}/aliases", alias, caller=LAMBDA)
        assert (status, document["Message"].endswith(":function:plane:99")) == (404, True)
        status, version = await json_of(plane, "POST", f"{root}/versions", {}, caller=LAMBDA)
        assert (status, version["Version"]) == (201, "1")
        status, _ = await json_of(plane, "POST", f"{root}/aliases", {**alias, "FunctionVersion": "1"}, caller=LAMBDA)
        assert status == 201
        storage = Caller(ACCOUNT, REGION, "s3")
        assert (await ask(plane, "PUT", "/plane-bucket", caller=storage)).status == 200
        block = await ask(plane, "GET", "/plane-bucket", query="publicAccessBlock", caller=storage)
        assert block.body.count(b">true<") == 4

    asyncio.run(scenario())


def test_what_is_nobodys_is_passed_on() -> None:
    async def scenario() -> None:
        plane = front(TableEmulator(lambda call: Answer(500)))
        for path, caller in (
            ("/", None),
            ("/v2/apis", GATEWAY),
            ("/domainnames", GATEWAY),
            ("/tags/arn%3Aaws%3Aapigateway%3Ar%3A%3A%2Fvpclinks%2Fx", GATEWAY),
            ("/2015-03-31/functions/f", LAMBDA),
            ("/2015-03-31/functions/f/aliases", LAMBDA),
            ("/_aws/execute-api/unknown/dev", None),
        ):
            assert (await ask(plane, "GET", path, caller=caller)).status == 418, path
        assert (await json_of(plane, "GET", IDENTITY)) == (200, {"instance": "me"})

    asyncio.run(scenario())


def invoke_answers(weights: dict[str, float]) -> TableEmulator:
    def answer(call: Call) -> Answer:
        if call.path.endswith("/aliases/live"):
            routing = {"RoutingConfig": {"AdditionalVersionWeights": weights}} if weights else {}
            return Answer.of_json({"FunctionVersion": "1", **routing})
        executed = (call.query or {}).get("Qualifier", "$LATEST")
        return Answer(200, (("x-amz-executed-version", "1" if executed == "live" else executed),), b"{}")

    return TableEmulator(answer)


@pytest.mark.parametrize(
    ("weights", "chance", "qualifier"),
    [
        ({}, 0.0, "live"),
        ({"2": 0.25}, 0.2499, "2"),
        ({"2": 0.25}, 0.25, "1"),
        ({"2": 0.0}, 0.0, "1"),
        ({"2": 1.0}, 0.9999, "2"),
    ],
)
def test_a_weight_is_the_share_of_its_version(weights: dict[str, float], chance: float, qualifier: str) -> None:
    async def scenario() -> None:
        emulator = invoke_answers(weights)
        invoker = Invoker(emulator, Journal(emulator), chance=lambda: chance)
        await invoker.invoke(Function(ACCOUNT, REGION, "orders", "live"), b"{}")
        assert emulator.calls[-1].query == {"Qualifier": qualifier}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("qualifier", "answer", "counted"),
    [
        (
            "live",
            Answer(200, (("x-amz-executed-version", "7"),)),
            {"Invocations": 1.0, "Errors": 0.0, "Throttles": 0.0},
        ),
        (
            "live",
            Answer(200, (("x-amz-executed-version", "7"), ("x-amz-function-error", "Unhandled"))),
            {"Invocations": 1.0, "Errors": 1.0, "Throttles": 0.0},
        ),
        ("live", Answer(429), {"Throttles": 1.0}),
        ("live", Answer(404), {}),
        ("live", Answer(204), {}),
    ],
)
def test_invocations_are_counted_by_alias_and_version(
    qualifier: str, answer: Answer, counted: dict[str, float]
) -> None:
    async def scenario() -> None:
        emulator = TableEmulator(lambda call: answer if call.path.endswith("/invocations") else Answer(404))
        journal = Journal(emulator)
        await Invoker(emulator, journal).invoke(Function(ACCOUNT, REGION, "orders", qualifier), b"{}")
        emulator.calls.clear()
        await journal.flush()
        found = [metric for call in emulator.calls for metric in metrics_of(call)]
        by_alias = (("FunctionName", "orders"), ("Resource", "orders:live"))
        values = {name: value for name, dimensions, value in found if dimensions == by_alias and name != "Duration"}
        assert values == counted
        if answer.header("x-amz-executed-version"):
            assert (*by_alias, ("ExecutedVersion", "7")) in {dimensions for _, dimensions, _ in found}

    asyncio.run(scenario())


def metrics_of(call: Call) -> list[tuple[str, tuple[tuple[str, str], ...], float]]:
    """Name, dimensions and value of every datum of a PutMetricData in the query protocol."""
    form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
    found = []
    for number in range(1, len(form)):
        at = f"MetricData.member.{number}"
        if f"{at}.MetricName" not in form:
            break
        dimensions = tuple(
            (form[f"{at}.Dimensions.member.{i}.Name"], form[f"{at}.Dimensions.member.{i}.Value"])
            for i in range(1, 10)
            if f"{at}.Dimensions.member.{i}.Name" in form
        )
        found.append((form[f"{at}.MetricName"], dimensions, float(form[f"{at}.Value"])))
    return found


def test_the_journal_is_written_before_it_is_read() -> None:
    async def scenario() -> None:
        emulator = TableEmulator(lambda call: Answer(200))
        journal = Journal(emulator)
        for value in range(250):
            journal.measure(Metric(LAMBDA, "AWS/Lambda", "Duration", "Milliseconds", (("FunctionName", "f"),)), value)
        stream = LogStream(GATEWAY, "group", "stream")
        journal.log(stream, 2, "second")
        journal.log(stream, 1, "first")
        assert emulator.calls == []
        await journal.flush()
        values = [value for call in emulator.calls for _, _, value in metrics_of(call)]
        assert values == [float(value) for value in range(250)]
        operations = Counter(dict(call.headers).get("x-amz-target") for call in emulator.calls)
        assert operations["Logs_20140328.CreateLogStream"] == operations["Logs_20140328.PutLogEvents"] == 1
        events = json.loads(emulator.calls[-1].body)["logEvents"]
        assert [event["message"] for event in events] == ["first", "second"]
        emulator.calls.clear()
        await journal.flush()
        assert emulator.calls == []

    asyncio.run(scenario())


def test_the_journal_is_written_by_itself_soon() -> None:
    async def scenario() -> None:
        emulator = TableEmulator(lambda call: Answer(200))
        Journal(emulator).measure(Metric(LAMBDA, "AWS/Lambda", "Errors", "Count", ()), 1.0)
        for _ in range(500):
            if emulator.calls:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("nothing was written")

    asyncio.run(scenario())
