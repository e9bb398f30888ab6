"""CloudWatch dashboards.

A dashboard is a name and a body of JSON; putting it replaces it. CloudWatch takes bodies that show nothing and says so
in messages of an answer of 200, which are errors here: the widget that they speak of stays empty.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.errors import AwsError, FailedCall
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs
from pipeline.resources._stack_dashboard import body as body_of
from pipeline.resources.base import Aws, Problem, Target, read_each

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
WIDGETS = ("text", "metric", "log", "alarm", "explorer", "custom", "trace")
KEYS = ("widgets", "start", "end", "periodOverride", "variables")
MOST_WIDGETS, METRICS_PER_WIDGET, MOST_METRICS = 500, 500, 2500
WIDEST = 24


def compose(resource: Resource, stack: Sequence[Resource], scope: Scope) -> tuple[Resource, tuple[Resource, ...]]:
    """Without a body of its author the dashboard shows what the service declares."""
    if resource.properties.get("body") is not None:
        return resource, ()
    return replace(resource, properties={**resource.properties, "body": body_of(stack, scope)}), ()


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """What CloudWatch refuses of a body, or takes and does not show."""
    body = resource.properties.get("body")
    if body is None:
        return
    for key in sorted(body.keys() - {*KEYS}):
        yield Problem(f"a dashboard has no {key}", ("body", key), f"one of {', '.join(KEYS)}")
    widgets = body.get("widgets")
    if not isinstance(widgets, (list, tuple)):
        yield Problem("a dashboard has a list of widgets", ("body",), "add widgets")
        return
    if len(widgets) > MOST_WIDGETS:
        yield Problem(f"{len(widgets)} widgets; CloudWatch allows {MOST_WIDGETS}", ("body", "widgets"))
    counts = [len(_metrics(widget)) for widget in widgets]
    if sum(counts) > MOST_METRICS:
        yield Problem(f"{sum(counts)} metrics; CloudWatch allows {MOST_METRICS} altogether", ("body", "widgets"))
    for index, (widget, count) in enumerate(zip(widgets, counts, strict=True)):
        path = ("body", "widgets", index)
        yield from _check_widget(widget, path)
        if count > METRICS_PER_WIDGET:
            yield Problem(f"{count} metrics; CloudWatch allows {METRICS_PER_WIDGET} in a widget", path)


def _check_widget(widget: Any, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if not isinstance(widget, Mapping):
        yield Problem("a widget is a mapping with type and properties", path)
        return
    kind, properties = widget.get("type"), widget.get("properties")
    if isinstance(kind, str) and kind not in WIDGETS:
        yield Problem(f"there is no widget of the type {kind}", (*path, "type"), f"one of {', '.join(WIDGETS)}")
    if kind is None or not isinstance(properties, Mapping):
        yield Problem("a widget has a type and properties", path)
    elif kind == "metric" and not properties.get("region"):
        yield Problem("a metric widget names its region", (*path, "properties"), "add region: ${AWS_REGION}")
    width = widget.get("width", 1)
    if isinstance(width, int) and not 1 <= width <= WIDEST:
        yield Problem(f"a width of {width}; a dashboard has {WIDEST} columns", (*path, "width"))


def _metrics(widget: Any) -> Sequence[Any]:
    properties = widget.get("properties") if isinstance(widget, Mapping) else None
    found = properties.get("metrics") if isinstance(properties, Mapping) else None
    return found if isinstance(found, (list, tuple)) else ()


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each dashboard by its name."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    found = aws.found("cloudwatch", "GetDashboard", DashboardName=target.name)
    if found is None:
        return None
    properties = {"name": target.name, "body": _parsed(found["DashboardBody"])}
    return Observed(target.address, properties, {"arn": _arn(aws.scope, target.name)}, None, markable=False)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        # Put by something that CloudWatch did not check; the next change replaces it.
        return {"text": text}


def create(aws: Aws, resource: Resource) -> Outputs:
    """The whole dashboard. Raises AwsError with what CloudWatch says against the body."""
    body = json.dumps(resource.properties["body"], sort_keys=True, ensure_ascii=False)
    answer = aws.call("cloudwatch", "PutDashboard", DashboardName=resource.name, DashboardBody=body)
    messages = [
        f"{one.get('DataPath') or 'body'}: {one.get('Message', 'refused')}"
        for one in answer.get("DashboardValidationMessages") or ()
    ]
    if messages:
        hint = "mend the body of the dashboard: CloudWatch keeps it and does not show these widgets"
        raise AwsError(FailedCall("cloudwatch", "PutDashboard", "Invalid", "; ".join(messages)), hint=hint)
    return {"arn": _arn(aws.scope, resource.name)}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """The whole dashboard anew."""
    return create(aws, resource)


def delete(aws: Aws, observed: Observed) -> None:
    """The dashboard."""
    aws.found("cloudwatch", "DeleteDashboards", DashboardNames=[observed.properties["name"]])


def _arn(scope: Scope, name: str) -> str:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html"""
    return scope.arn("cloudwatch", f"dashboard/{name}", regional=False)
