"""Dashboards: what CloudWatch takes without showing it, and the body as JSON."""

import json
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import AwsError
from pipeline.model.resource import Resource
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, converge, declared
from tests.support.aws import SCOPE, FakeClock
from tests.support.fake_transport import FakeTransport, Reply

KIND = registry()["cloudwatch.dashboard"]
TEXT = {"type": "text", "properties": {"markdown": "# Orders"}}


def dashboard(*widgets: Any, **more: Any) -> Case:
    item = {"name": "orders", "body": {"widgets": list(widgets), **more}}
    return Case(KIND, Resource(KIND.name, "orders", declared(KIND, item, SCOPE)))


def graph(*metrics: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "metric", "properties": {"region": "us-east-1", "metrics": list(metrics), **properties}}


def problems(case: Case) -> list[str]:
    return [problem.message for problem in KIND.check(case.resource, SCOPE)]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (dashboard(TEXT, widget=1), "a dashboard has no widget"),
        (dashboard(widgets="none"), "a dashboard has a list of widgets"),
        (dashboard("text"), "a widget is a mapping with type and properties"),
        (dashboard({"type": "text"}), "a widget has a type and properties"),
        (dashboard({"properties": {}}), "a widget has a type and properties"),
        (dashboard({"type": "chart", "properties": {}}), "there is no widget of the type chart"),
        (dashboard(graph(region="")), "a metric widget names its region"),
        (dashboard({**TEXT, "width": 25}), "a width of 25; a dashboard has 24 columns"),
        (dashboard(*[TEXT] * 501), "501 widgets; CloudWatch allows 500"),
        (dashboard(graph(*[["A", "b"]] * 501)), "501 metrics; CloudWatch allows 500 in a widget"),
        (dashboard(*[graph(*[["A", "b"]] * 500)] * 6), "3000 metrics; CloudWatch allows 2500 altogether"),
    ],
)
def test_what_cloudwatch_refuses_or_does_not_show(case: Case, message: str) -> None:
    assert problems(case) == [message]


def test_a_good_body_has_no_problems() -> None:
    assert problems(dashboard(TEXT, graph(["AWS/Lambda", "Errors"]), periodOverride="inherit", start="-PT6H")) == []


def test_messages_of_an_answer_of_200_are_errors(clock: FakeClock) -> None:
    said = [
        {"DataPath": "/widgets/0/properties/metrics", "Message": "should be an array"},
        {"Message": "something else"},
    ]
    replies: dict[str, list[Reply]] = {"cloudwatch:PutDashboard": [{"DashboardValidationMessages": said}]}
    aws = AwsClient(FakeTransport(replies), clock)
    aws.scope = SCOPE
    with pytest.raises(AwsError, match="/widgets/0/properties/metrics: should be an array; body: something else"):
        KIND.create(aws, dashboard(TEXT).resource)


def test_the_body_is_compared_as_json(aws: AwsClient) -> None:
    wanted = dashboard(TEXT, graph(["AWS/Lambda", "Errors"]))
    body = json.dumps(wanted.resource.properties["body"], indent=4)
    aws.call("cloudwatch", "PutDashboard", DashboardName="orders", DashboardBody=body)
    observed = wanted.read(aws)
    assert observed is not None
    assert wanted.differences(observed) == set()


def test_a_dashboard_that_was_changed_is_put_right(aws: AwsClient) -> None:
    carry_out(aws, dashboard(TEXT))
    aws.call("cloudwatch", "PutDashboard", DashboardName="orders", DashboardBody='{"widgets": []}')
    observed = dashboard(TEXT).read(aws)
    assert observed is not None
    assert dashboard(TEXT).differences(observed) == {"body.widgets"}
    converge(aws, dashboard(TEXT))


def test_a_body_that_is_no_json_is_replaced(clock: FakeClock) -> None:
    replies: dict[str, list[Reply]] = {"cloudwatch:GetDashboard": [{"DashboardBody": "widgets:"}]}
    aws = AwsClient(FakeTransport(replies), clock)
    aws.scope = SCOPE
    observed = dashboard(TEXT).read(aws)
    assert observed is not None
    assert dashboard(TEXT).differences(observed) == {"body.text", "body.widgets"}
