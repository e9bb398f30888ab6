import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from importlib import resources
from threading import Event, Thread
from typing import Any

import botocore.session
import pytest

from pipeline.applying.pacing import LAG, Bucket, Pacer, Rate, Serial, bare_name
from pipeline.errors import Interrupted
from tests.support.aws import REGION, FakeClock

SESSION = botocore.session.Session()
DATA = json.loads(resources.files("pipeline.applying").joinpath("pacing.json").read_text())


@pytest.fixture
def pacer(clock: FakeClock) -> Pacer:
    return Pacer.load(clock)


def delays(pacer: Pacer, service: str, operation: str, count: int, **params: Any) -> list[float]:
    return [round(pacer.delay(service, operation, REGION, params), 3) for _ in range(count)]


def test_a_bucket_starts_full_and_then_hands_out_places_in_a_queue() -> None:
    bucket = Bucket(rate=2, burst=3, now=0)
    assert [bucket.take(0) for _ in range(6)] == [0, 0, 0, 0.5, 1, 1.5]
    assert bucket.take(2) == 0
    assert [bucket.take(100) for _ in range(4)] == [0, 0, 0, 0.5]


def test_an_emptied_bucket_has_nothing_saved() -> None:
    bucket = Bucket(rate=2, burst=30, now=0)
    bucket.empty(0)
    assert bucket.take(0) == 0.5
    bucket.empty(0)
    assert bucket.take(0) == 1


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("apigateway", "CreateRestApi", [0, 3, 6]),
        ("apigateway", "CreateDeployment", [0, 5, 10]),
        ("apigateway", "PutRestApi", [0, 1, 2]),
        ("apigateway", "DeleteRestApi", [0, 30, 60]),
        ("apigateway", "UpdateAccount", [0, 20, 40]),
        ("apigatewayv2", "CreateDomainName", [0, 30, 60]),
        ("acm", "ListCertificates", [0, 1, 2]),
        ("s3", "PutObject", [0, 0, 0]),
        ("sts", "GetCallerIdentity", [0, 0, 0]),
    ],
)
def test_rates_of_the_documentation(pacer: Pacer, service: str, operation: str, expected: list[float]) -> None:
    lags = [0, LAG, 2 * LAG] if any(expected) else [0, 0, 0]
    assert delays(pacer, service, operation, 3) == [pytest.approx(a + b) for a, b in zip(expected, lags, strict=True)]


def test_all_calls_of_api_gateway_share_one_more_bucket(pacer: Pacer) -> None:
    delays(pacer, "apigateway", "PutMethod", 20)
    delays(pacer, "apigatewayv2", "CreateRoute", 20)
    assert delays(pacer, "apigateway", "UpdateStage", 2) == [0.1, 0.2]


def test_lambda_has_three_classes(pacer: Pacer) -> None:
    assert delays(pacer, "lambda", "CreateAlias", 31)[-1] == 0.067
    assert delays(pacer, "lambda", "GetPolicy", 1) == [0]
    assert delays(pacer, "lambda", "GetFunction", 101)[-1] == 0.01
    assert delays(pacer, "lambda", "Invoke", 200)[-1] == 0


def test_time_refills(pacer: Pacer, clock: FakeClock) -> None:
    delays(pacer, "apigateway", "CreateRestApi", 1)
    clock.seconds = 2
    assert delays(pacer, "apigateway", "CreateRestApi", 1) == [pytest.approx(1 + LAG)]


def test_regions_have_buckets_of_their_own_but_global_services_do_not(pacer: Pacer) -> None:
    assert pacer.delay("apigateway", "CreateRestApi", "us-east-1", {}) == 0
    assert pacer.delay("apigateway", "CreateRestApi", "eu-west-1", {}) == 0
    for _ in range(5):
        pacer.delay("route53", "GetChange", "us-east-1", {})
    assert pacer.delay("route53", "GetChange", "eu-west-1", {}) > 0


def test_limits_per_object(pacer: Pacer) -> None:
    assert delays(pacer, "cognito-idp", "UpdateUserPoolClient", 6, UserPoolId="a")[-1] > 0
    assert delays(pacer, "cognito-idp", "UpdateUserPoolClient", 1, UserPoolId="b") == [0]


def test_a_throttled_answer_spends_what_was_saved(pacer: Pacer) -> None:
    pacer.throttled("lambda", "CreateAlias", REGION, {})
    assert delays(pacer, "lambda", "TagResource", 2) == [0.067, 0.133]


def test_the_least_time_is_that_of_the_slowest_class(pacer: Pacer) -> None:
    assert pacer.minimum_seconds({}) == 0
    assert pacer.minimum_seconds({("apigateway", "CreateRestApi"): 1, ("lambda", "CreateFunction"): 6}) == 0
    assert pacer.minimum_seconds({("apigateway", "CreateRestApi"): 2}) == pytest.approx(3)
    two_apis = {("apigateway", "CreateRestApi"): 2, ("apigateway", "CreateDeployment"): 2}
    assert pacer.minimum_seconds(two_apis) == pytest.approx(5)
    assert pacer.minimum_seconds({("apigateway", "CreateDomainName"): 2}) == pytest.approx(30)
    two_hundred = {("lambda", name): 200 for name in ("CreateFunction", "CreateAlias", "AddPermission")}
    assert pacer.minimum_seconds(two_hundred) == pytest.approx((600 - 30) / 15)


@pytest.mark.parametrize(
    ("service", "operation", "params", "other"),
    [
        ("apigateway", "PutMethod", {"restApiId": "a"}, {"restApiId": "b"}),
        ("apigatewayv2", "CreateRoute", {"ApiId": "a"}, {"ApiId": "b"}),
        ("lambda", "AddPermission", {"FunctionName": "f"}, {"FunctionName": "g"}),
        ("dynamodb", "UpdateTable", {"TableName": "t"}, {"TableName": "u"}),
        ("s3", "PutBucketPolicy", {"Bucket": "a"}, {"Bucket": "b"}),
        ("route53", "ChangeResourceRecordSets", {"HostedZoneId": "z"}, {"HostedZoneId": "y"}),
    ],
)
def test_one_writer_per_object(
    pacer: Pacer, service: str, operation: str, params: dict[str, str], other: dict[str, str]
) -> None:
    stop = Event()
    with pacer.alone(service, operation, REGION, params, None):
        with pacer.alone(service, operation, REGION, other, None):
            pass
        stop.set()
        with pytest.raises(Interrupted), pacer.alone(service, operation, REGION, params, stop):
            pass
    with pacer.alone(service, operation, REGION, params, None):
        pass


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (
            ("lambda", "AddPermission", {"FunctionName": "f", "Qualifier": "live"}),
            ("lambda", "TagResource", {"Resource": "arn:aws:lambda:us-east-1:123456789012:function:f"}),
        ),
        (
            ("dynamodb", "UpdateTimeToLive", {"TableName": "t"}),
            ("dynamodb", "TagResource", {"ResourceArn": "arn:aws:dynamodb:us-east-1:123456789012:table/t"}),
        ),
        (("apigateway", "UpdateAccount", {}), ("apigateway", "UpdateAccount", {"patchOperations": []})),
    ],
)
def test_an_object_is_the_same_by_name_and_by_arn(
    pacer: Pacer, one: tuple[str, str, dict[str, Any]], two: tuple[str, str, dict[str, Any]]
) -> None:
    assert pacer._lock(one[0], one[1], REGION, one[2]) is pacer._lock(two[0], two[1], REGION, two[2])
    assert pacer._lock(one[0], one[1], REGION, one[2]) is not pacer._lock(one[0], one[1], "eu-west-1", one[2])


@pytest.mark.parametrize(("service", "operation"), [("lambda", "GetFunction"), ("s3", "PutObject"), ("iam", "PutRole")])
def test_others_need_no_lock(pacer: Pacer, service: str, operation: str) -> None:
    params = {"FunctionName": "f", "Bucket": "b", "RoleName": "r"}
    assert pacer._lock(service, operation, REGION, params) is None


def test_waiting_for_the_other_writer(pacer: Pacer) -> None:
    order: list[str] = []
    params = {"FunctionName": "f"}
    entered = Event()

    def second() -> None:
        entered.set()
        with pacer.alone("lambda", "AddPermission", REGION, params, None):
            order.append("second")

    with pacer.alone("lambda", "AddPermission", REGION, params, None):
        thread = Thread(target=second)
        thread.start()
        entered.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("f", "f"),
        ("arn:aws:lambda:us-east-1:123456789012:function:f:live", "f"),
        ("arn:aws:dynamodb:us-east-1:123456789012:table/t", "t"),
        ("arn:aws:iam::123456789012:role/path/r", "r"),
        ("arn:aws:apigateway:us-east-1::/restapis/abc", "abc"),
    ],
)
def test_bare_name(value: str, name: str) -> None:
    assert bare_name(value) == name


def described() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(service, pattern, parameters) of every row."""
    for row in DATA["rates"]:
        for service in row["services"]:
            for pattern in (*row["operations"], *row.get("excluding", ())):
                yield service, pattern, (row["per"],) if "per" in row else ()
    for row in DATA["serial"]:
        for pattern in row["operations"]:
            yield row["service"], pattern, tuple(row["by"])


@pytest.mark.parametrize(("service", "pattern", "parameters"), list(described()))
def test_every_row_speaks_of_operations_and_parameters_that_exist(
    service: str, pattern: str, parameters: tuple[str, ...]
) -> None:
    model = SESSION.get_service_model(service)
    shapes = [model.operation_model(name).input_shape for name in model.operation_names if fnmatchcase(name, pattern)]
    assert shapes
    assert not parameters or {m for shape in shapes if shape for m in shape.members}.intersection(parameters)


def test_every_row_has_a_source() -> None:
    assert all(row["source"] for row in (*DATA["rates"], *DATA["serial"]))


def test_rates_read_from_rows() -> None:
    assert Rate.from_json({"services": ["a"], "operations": ["X"], "rate": 15}).burst == 15
    assert Rate.from_json({"services": ["a"], "operations": ["X"], "every": 4}).rate == 0.25
    assert Serial("a", ("Put*",), ("Id",)).key("PutX", {}) is None
