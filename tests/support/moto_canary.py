"""What moto leaves out of canaries: settings of a stage, and percentiles of CloudWatch.

moto ignores `canarySettings` and breaks down over `copy`. The patch operations are those of the embedded AWS, whose
tests hold them against what was recorded from AWS.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.apigateway.models import Stage
from moto.cloudwatch import urls as cloudwatch_urls
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult

from pipeline.local.plane.refusal import Refusal
from pipeline.local.plane.rest.stage_patches import patched

_OURS = ("/canarySettings", "/deploymentId", "/variables")


def register() -> None:
    """Makes moto's CloudWatch answer as below."""
    for path, handler in list(cloudwatch_urls.url_paths.items()):
        if handler == CloudWatchResponse.dispatch:
            cloudwatch_urls.url_paths[path] = CloudWatch.dispatch


def settings_of(stage: Stage) -> dict[str, Any]:
    """`canarySettings` as GetStage shows them; nothing where there is no canary."""
    settings = getattr(stage, "canary_settings", None)
    return {"canarySettings": settings} if settings else {}


def patch(stage: Stage, operations: Sequence[Mapping[str, Any]], deployments: Sequence[str]) -> list[dict[str, Any]]:
    """Carries out what concerns the canary, deployment and variables; the operations that are left for moto."""
    ours = [dict(o) for o in operations if o["path"].startswith(_OURS)]
    known = {
        "stageName": stage.name,
        "deploymentId": stage.deployment_id,
        "variables": dict(stage.variables),
        "methodSettings": {},
        **settings_of(stage),
    }
    try:
        changed = patched(known, ours, deployments=frozenset(deployments), may_log=True)
    except Refusal as refusal:
        raise JsonRESTError("BadRequestException", str(refusal)) from refusal
    stage.deployment_id, stage.variables = changed["deploymentId"], changed.get("variables", {})
    stage.canary_settings = changed.get("canarySettings")  # type: ignore[attr-defined]  # kept on moto's own object, so that its reset clears it
    return [dict(o) for o in operations if not o["path"].startswith(_OURS)]


class CloudWatch(CloudWatchResponse):
    """CloudWatch's metrics."""

    def get_metric_data(self) -> ActionResult:
        """AWS knows percentiles, and one value for each period that has any, from the start that was asked for."""
        params = self._get_params()
        start, end = (_time(params[key]) for key in ("StartTime", "EndTime"))
        results = [self._answer(query, start, end) for query in params["MetricDataQueries"]]
        return ActionResult({"MetricDataResults": results})

    def _answer(self, query: Mapping[str, Any], start: datetime, end: datetime) -> dict[str, Any]:
        wanted = query["MetricStat"]
        metric, period = wanted["Metric"], timedelta(seconds=int(wanted["Period"]))
        named = sorted((d["Name"], d["Value"]) for d in metric.get("Dimensions", []))
        data = [
            (_time(one.timestamp), float(one.value))  # type: ignore[attr-defined]  # its kinds have one
            for one in self.cloudwatch_backend.get_all_metrics()
            if (one.namespace, one.name) == (metric["Namespace"], metric["MetricName"])
            and sorted((d.name, d.value) for d in one.dimensions) == named
        ]
        found: dict[int, list[float]] = {}
        for when, value in data:
            if start <= when < end:
                found.setdefault((when - start) // period, []).append(value)
        values = [_statistic(found[number], wanted["Stat"]) for number in sorted(found)]
        times = [start + number * period for number in sorted(found)]
        return {"id": query["Id"], "label": query["Id"], "values": values, "timestamps": times,
                "status_code": "Complete"}  # fmt: skip


def _statistic(values: Sequence[float], name: str) -> float:
    if name in ("Sum", "Average"):
        return sum(values) / (1 if name == "Sum" else len(values))
    if name == "Maximum":
        return max(values)
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * float(name[1:]) / 100))]


def _time(value: Any) -> datetime:
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
