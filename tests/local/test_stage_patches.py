"""UpdateStage's patch operations; what AWS answers was recorded (see the module under test)."""

from typing import Any

import pytest

from pipeline.local.plane.refusal import Refusal
from pipeline.local.plane.rest.model import Wire
from pipeline.local.plane.rest.stage_patches import patched

DEPLOYMENTS = frozenset({"one", "two"})


def stage(**more: Any) -> Wire:
    return {"stageName": "dev", "deploymentId": "one", "methodSettings": {}, "tracingEnabled": False, **more}


def patch(target: Wire, *operations: tuple[str, str, str | None], may_log: bool = True) -> Wire:
    """Operations as (op, path, value); of a copy the value is its source."""
    wire: list[Wire] = []
    for op, path, value in operations:
        given = {} if value is None else {"from" if op == "copy" else "value": value}
        wire.append({"op": op, "path": path, **given})
    return patched(target, wire, deployments=DEPLOYMENTS, may_log=may_log)


def canary(deployment: str = "two", percent: float = 10.0, **overrides: str) -> Wire:
    settings: Wire = {"deploymentId": deployment, "percentTraffic": percent, "useStageCache": False}
    return {**settings, "stageVariableOverrides": overrides} if overrides else settings


def refused(target: Wire, *operations: tuple[str, str, str | None], may_log: bool = True) -> str:
    before = repr(target)
    with pytest.raises(Refusal) as refusal:
        patch(target, *operations, may_log=may_log)
    assert refusal.value.code == "BadRequestException"
    assert repr(target) == before
    return refusal.value.message


def test_a_stage_moves_to_another_deployment() -> None:
    assert patch(stage(), ("replace", "/deploymentId", "two"))["deploymentId"] == "two"
    assert refused(stage(), ("replace", "/deploymentId", "three")) == "Deployment id does not exist"


def test_variables_come_change_and_go_one_by_one() -> None:
    changed = patch(
        stage(variables={"a": "1", "b": "2"}), ("replace", "/variables/a", "3"), ("remove", "/variables/b", None)
    )
    assert changed["variables"] == {"a": "3"}
    assert "variables" not in patch(changed, ("remove", "/variables/a", None))
    assert patch(stage(), ("add", "/variables/new", "x"))["variables"] == {"new": "x"}


@pytest.mark.parametrize(("name", "value"), [("a-b", "x"), ("a", "with space"), ("a", "x" * 513), ("n" * 65, "x")])
def test_variables_that_aws_cannot_hold_are_refused(name: str, value: str) -> None:
    assert "is not valid" in refused(stage(), ("replace", f"/variables/{name}", value))


def test_a_method_setting_brings_its_defaults() -> None:
    changed = patch(
        stage(), ("replace", "/*/*/throttling/rateLimit", "50.5"), ("replace", "/*/*/metrics/enabled", "true")
    )
    settings = changed["methodSettings"]["*/*"]
    assert settings["throttlingRateLimit"] == 50.5
    assert settings["throttlingBurstLimit"] == 5000
    assert settings["metricsEnabled"] is True
    assert settings["dataTraceEnabled"] is False


def test_method_settings_go_as_a_whole_only() -> None:
    changed = patch(stage(), ("replace", "/~1orders/GET/throttling/burstLimit", "7"))
    assert list(changed["methodSettings"]) == ["~1orders/GET"]
    assert patch(changed, ("remove", "/~1orders/GET", None))["methodSettings"] == {}
    message = refused(changed, ("remove", "/~1orders/GET/throttling/burstLimit", None))
    assert message.startswith("Cannot remove method setting ~1orders/GET/throttling/burstLimit because")


@pytest.mark.parametrize("path", ["/nothing", "/*/*/throttling", "/*/*/throttling/nothing", "/canarySettings/badPath"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    assert refused(stage(), ("replace", path, "1")).startswith(
        f"Invalid method setting path: {path}. Must be one of: ["
    )


def test_logs_need_a_role_of_the_account() -> None:
    asked = ("replace", "/*/*/logging/loglevel", "INFO")
    assert "CloudWatch Logs role ARN must be set in account settings" in refused(stage(), asked, may_log=False)
    assert patch(stage(), asked)["methodSettings"]["*/*"]["loggingLevel"] == "INFO"
    assert patch(stage(), ("replace", "/*/*/logging/loglevel", "OFF"), may_log=False)
    assert "logging level" in refused(stage(), ("replace", "/*/*/logging/loglevel", "DEBUG"))


def test_access_logs_name_a_group_and_hold_a_request_id() -> None:
    group = "arn:aws:logs:eu-west-1:123456789012:log-group:access"
    where, what = ("replace", "/accessLogSettings/destinationArn", group), "/accessLogSettings/format"
    changed = patch(stage(), where, ("replace", what, "$context.requestId"))
    assert changed["accessLogSettings"] == {"destinationArn": group, "format": "$context.requestId"}
    assert "accessLogSettings" not in patch(changed, ("remove", "/accessLogSettings", None))
    assert "$context.requestId" in refused(stage(), where, ("replace", what, "$context.status"))
    wildcard = ("replace", "/accessLogSettings/destinationArn", f"{group}:*")
    assert "destination" in refused(stage(), wildcard, ("replace", what, "$context.requestId"))
    assert "role ARN" in refused(stage(), where, ("replace", what, "$context.requestId"), may_log=False)


def test_percent_on_a_stage_without_canary_makes_one_of_the_same_deployment() -> None:
    assert patch(stage(), ("replace", "/canarySettings/percentTraffic", "50"))["canarySettings"] == canary("one", 50.0)
    assert patch(stage(), ("replace", "/canarySettings/deploymentId", "two"))["canarySettings"] == canary("two", 0.0)


def test_promotion_copies_deployment_and_overrides_and_leaves_the_canary() -> None:
    before = stage(variables={"mode": "old", "kept": "yes"}, canarySettings=canary("two", 50.0, mode="new"))
    after = patch(
        before,
        ("replace", "/canarySettings/percentTraffic", "0.0"),
        ("copy", "/deploymentId", "/canarySettings/deploymentId"),
        ("copy", "/variables", "/canarySettings/stageVariableOverrides"),
    )
    assert after["deploymentId"] == "two"
    assert after["variables"] == {"mode": "new", "kept": "yes"}
    assert after["canarySettings"] == canary("two", 0.0, mode="new")
    assert "canarySettings" not in patch(after, ("remove", "/canarySettings", None))


def test_there_is_nothing_to_promote_without_a_canary() -> None:
    copy = ("copy", "/deploymentId", "/canarySettings/deploymentId")
    assert refused(stage(), copy) == "Promotion not available. Canary does not exist."


def test_only_the_canary_is_copied_and_only_to_the_stage() -> None:
    wrong = ("copy", "/canarySettings/deploymentId", "/deploymentId")
    assert refused(stage(canarySettings=canary()), wrong).startswith(
        "Invalid copy operation with path: /canarySettings/"
    )


def test_canary_settings_are_replaced_never_added_and_removed_as_a_whole() -> None:
    with_canary = stage(canarySettings=canary(mode="new"))
    add = ("add", "/canarySettings/deploymentId", "two")
    assert refused(with_canary, add) == "Invalid add operation with path: /canarySettings/deploymentId"
    assert refused(with_canary, ("replace", "/canarySettings/deploymentId", "three")) == "Deployment id does not exist"
    inner = "canarySettings/stageVariableOverrides"
    assert refused(with_canary, ("remove", f"/{inner}", None)).startswith(
        f"Cannot remove method setting {inner} because"
    )
    changed = patch(with_canary, ("replace", f"/{inner}/mode", "newer"))
    assert changed["canarySettings"]["stageVariableOverrides"] == {"mode": "newer"}


@pytest.mark.parametrize("percent", ["-1", "100.1", "many"])
def test_a_percentage_is_between_0_and_100(percent: str) -> None:
    assert "between 0.0 and 100.0" in refused(stage(), ("replace", "/canarySettings/percentTraffic", percent))
