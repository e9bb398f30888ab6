"""What APIs of every kind are declared with: access logs, and leave to invoke the functions behind them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.model.resource import Resource
from pipeline.model.values import Expression, Properties, Reference


def access_logs(properties: Properties, stage: str) -> dict[str, Any] | None:
    """The settings of the access logs with their destination; on unless they are declared false."""
    declared = properties.get("access_logs", True)
    if not declared:
        return None
    group = Expression((Reference(f"logs.log_group/{_log_group(properties['name'], stage)}", "arn"),))
    settings = declared if isinstance(declared, Mapping) else {}
    return {"retention_days": 30, "format": "json", "destination": group, **settings}


def _log_group(name: str, stage: str) -> str:
    # $default is no name for a group.
    return f"/aws/apigateway/{name}/{stage.removeprefix('$')}"


def log_group(resource: Resource) -> Iterator[Resource]:
    """The group that has a line for each request."""
    wanted = resource.properties
    if logs := wanted["access_logs"]:
        name = _log_group(resource.name, wanted["stage"])
        group = {"name": name, "retention_days": logs["retention_days"], "tags": dict(wanted.get("tags") or {})}
        yield Resource("logs.log_group", name, group, source=resource.source, adopt=True)


def permission(api: Resource, function: str, name: str, paths: Sequence[str]) -> Resource:
    """Leave for an API to invoke a function, for each of these paths of its execution ARN."""
    execution = Reference(api.address, "execution_arn")
    properties = {
        "name": name,
        "function": function,
        "alias": api.properties["alias"],
        "principal": "apigateway.amazonaws.com",
        "source_arns": [Expression((execution, path)) for path in paths],
    }
    return Resource("lambda.permission", name, properties, (f"lambda.function/{function}",), api.source)
