"""A release that shifts in steps: promoted, taken back, steered, continued; on moto, with time that does not pass."""

import io
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from pipeline.commands.delivering import deploy
from pipeline.commands.removing import destroy, plan_removal
from pipeline.commands.requesting import DeployRequest
from pipeline.commands.resuming import resume
from pipeline.commands.rolling_back import rollback_to
from pipeline.commands.steering import abortion, promotion, steer
from pipeline.commands.workspace import Workspace
from pipeline.errors import PipelineError, Refused
from pipeline.model.report import RollbackReport, RolloutReport
from pipeline.model.rollout import Outcome
from pipeline.model.shift import Rollout
from pipeline.planning.planner import Consent
from pipeline.rollout.events import Event, PauseRequested
from tests.functional.canary import Killed, Rig
from tests.functional.support import Service, changing, world
from tests.support import moto_extension
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow

moto_extension.register()

CANARY = "{strategy: canary, canary: {weight: 10, bake: 1m}, analysis: {metric_delay: 10s, interval: 1m}}"


MINE = """alarms:
  - {name: mine, namespace: x, metric: y, statistic: Sum, threshold: 1, comparison: GreaterThanThreshold}
"""


@pytest.fixture
def rig(shop: Service) -> Rig:
    """Release 1 serves, release 2 is ready to be deployed."""
    rig = Rig.of(shop, CANARY)
    assert deploy(rig.workspace(), DeployRequest()).release == 1
    rig.change(4)
    return rig


def test_a_good_release_is_promoted(rig: Rig) -> None:
    report = deploy(rig.workspace(), DeployRequest())
    assert (report.release, report.exit_code) == (2, 0)
    document = report.to_json()
    step = document["canary"]["steps"][0]
    assert (step["weight"], step["verdict"]) == (10, "successful")
    assert step["canary"]["requests"] >= 50
    assert document["functions"]["shop-stock"]["version"] == "2"
    assert rig.aliases() == {"version": "2", "weights": {}}
    assert {"1": 0.9, "2": 0.1} in rig.visitors.shares
    assert rig.rollout()["status"]["outcome"] == "promoted"


def test_a_release_with_errors_is_taken_back(rig: Rig) -> None:
    rig.visitors.errors["shop-orders", "2"] = 0.3
    report = deploy(rig.workspace(), DeployRequest())
    assert (report.release, report.exit_code) == (1, 5)
    canary = report.to_json()["canary"]
    assert canary["outcome"] == "reverted"
    assert "worse with" in canary["reason"]
    assert canary["links"]
    assert rig.aliases("shop-orders") == rig.aliases("shop-stock") == {"version": "1", "weights": {}}
    assert rig.service.run("drift").json["summary"]["drift"] == 0, "what it left is nobody's drift"
    rig.change(5)
    assert rig.service.run("plan").json["summary"]["drift"] == 0


def told(space: Workspace) -> str:
    """What a command said to people."""
    assert isinstance(space.console.err, io.StringIO)
    return space.console.err.getvalue()


def stage_of(rig: Rig) -> dict[str, Any]:
    aws = rig.service.aws()
    [api] = aws.pages("apigateway", "GetRestApis", "items")
    return aws.call("apigateway", "GetStage", restApiId=api["id"], stageName="test")


@pytest.mark.parametrize("bad", [False, True])
def test_a_changed_definition_shifts_by_a_canary_on_the_stage(rig: Rig, bad: bool) -> None:
    """One request meets one release: the canary's requests reach the new versions, all others the old ones."""
    before = stage_of(rig)
    rig.service.replace("aws/api-gateway/api.yml", "path: /stock", "path: /shelves")
    if bad:
        rig.visitors.errors["shop-stock", "2"] = 0.4
    seen: list[dict[str, Any]] = []
    rig.at(20, lambda: seen.extend([stage_of(rig), world(rig.service)["functions"]["shop-stock"]]))
    report = deploy(rig.workspace(), DeployRequest())
    assert report.exit_code == (5 if bad else 0)
    during, function = seen
    assert during["deploymentId"] == before["deploymentId"]
    assert (during["canarySettings"]["percentTraffic"], during["variables"]) == (10.0, {"alias": "live"})
    assert function["aliases"] == {"live": "1", "canary": "2"}
    assert all(len(shares) == 1 for shares in rig.visitors.shares)
    after = stage_of(rig)
    assert "canarySettings" not in after
    assert after["variables"] == {"alias": "live"}
    assert (after["deploymentId"] == before["deploymentId"]) is bad
    assert world(rig.service)["functions"]["shop-stock"]["aliases"].get("canary") is None
    assert rig.aliases()["version"] == ("1" if bad else "2")
    ways = {s["address"]: s["way"] for s in report.to_json()["canary"]["shifts"]}
    assert set(ways.values()) == {"stage"}


def steered(rig: Rig, kind: str, event_of: Callable[[Workspace], Callable[[Rollout], Event]]) -> RolloutReport:
    """What a command says that somebody calls elsewhere."""
    space = rig.workspace()
    return steer(space, kind, event_of(space))


def test_a_pause_ends_the_run_and_what_waits_is_protected(rig: Rig) -> None:
    """A plain deploy of something else is refused; resume goes on from the ledger."""
    rig.at(20, lambda: rig.happens(PauseRequested("eve", "lunch")))
    report = deploy(rig.workspace(), DeployRequest())
    document = report.to_json()
    assert (report.exit_code, report.release) == (0, 1)
    assert "paused by eve: lunch" in document["canary"]["waiting"]
    assert rig.aliases() == {"version": "1", "weights": {"2": 0.1}}
    assert resume(rig.workspace(), due=True).report is not None
    assert rig.aliases()["weights"] == {"2": 0.1}
    rig.change(5)
    with pytest.raises(Refused, match="is being rolled out"):
        deploy(rig.workspace(), DeployRequest())
    done = resume(rig.workspace())
    assert done.exit_code == 0
    assert rig.aliases() == {"version": "2", "weights": {}}
    assert rig.workspace().ledger.release(2).functions["shop-stock"]["version"] == "2"


def test_abort_without_a_run_takes_it_back_and_another_deploy_is_free(rig: Rig) -> None:
    deploy(rig.workspace(), DeployRequest(detach=True))
    assert rig.aliases()["weights"] == {"2": 0.1}
    report = steered(rig, "abort", lambda space: abortion(space, "enough"))
    assert (report.release, report.canary.rollout.status.outcome) == (1, Outcome.REVERTED)
    assert rig.aliases() == {"version": "1", "weights": {}}
    assert resume(rig.workspace()).journal is None
    with pytest.raises(Refused, match="no release is being rolled out"):
        steered(rig, "abort", lambda space: abortion(space, ""))


def test_what_is_under_way_is_shown_and_not_destroyed(rig: Rig) -> None:
    deploy(rig.workspace(), DeployRequest(detach=True))
    document = rig.service.run("releases").json
    assert (document["releases"][0]["release"], document["rollout"]["weight"]) == (1, 10)
    assert "pipeline resume --env test" in document["rollout"]["waiting"]
    with pytest.raises(Refused, match="is being rolled out"):
        plan_removal(rig.workspace(), Consent())
    rig.change(5)
    warnings = [warning["message"] for warning in rig.service.run("plan").json["warnings"]]
    assert any("is being rolled out" in text for text in warnings)


def test_a_detached_rollout_goes_on_by_a_schedule(rig: Rig) -> None:
    report = deploy(rig.workspace(), DeployRequest(detach=True))
    assert "it is looked at next in" in str(report.to_json()["canary"]["waiting"])
    for _ in range(4):
        rig.clock.sleep(20.0)
        resume(rig.workspace(), due=True)
    assert rig.aliases() == {"version": "2", "weights": {}}
    assert rig.workspace().ledger.release(2).number == 2


def test_a_hotfix_takes_its_place(rig: Rig) -> None:
    deploy(rig.workspace(), DeployRequest(detach=True))
    rig.change(5)
    report = deploy(rig.workspace(), DeployRequest(hotfix=True))
    assert (report.release, report.exit_code) == (3, 0), "release 2 was taken back, and nothing else is called so"
    assert rig.aliases() == {"version": "3", "weights": {}}
    assert rig.workspace().ledger.release(3).hotfix


def test_promote_gives_it_all(rig: Rig) -> None:
    deploy(rig.workspace(), DeployRequest(detach=True))
    report = steered(rig, "promote", lambda space: promotion(space, everything=False))
    assert report.release == 2
    assert rig.aliases() == {"version": "2", "weights": {}}
    assert deploy(rig.workspace(), DeployRequest()).changed is False


def test_a_rollback_takes_the_canary_back_and_holds(rig: Rig) -> None:
    deploy(rig.workspace(), DeployRequest(detach=True))
    space = rig.workspace()
    report = rollback_to(space, "previous")
    assert "back from release 2 (" in told(space)
    assert "which is being rolled out, at 10 %, to release 1 (" in told(space)
    assert "lambda.function/shop-stock   1 and a canary → 1" in told(space)
    document = report.to_json()
    assert (document["release"], document["restores"], document["from"]) == (3, 1, 2)
    assert rig.aliases() == {"version": "1", "weights": {}}
    assert rig.rollout()["status"]["outcome"] == "reverted"
    assert report.hold is not None
    assert report.hold.reason == "release 2 was rolled back to release 1"


def watch(rig: Rig, *alarms: str) -> None:
    listed = f"alarms: {json.dumps(alarms)}, metric_delay"
    rig.service.edit("pipeline.yaml", lambda text: re.sub(r"(alarms: \[.*\], )?metric_delay", listed, text))


def test_an_alarm_that_there_is_not_is_told_before_anything_is_changed(rig: Rig, proxy: FaultProxy) -> None:
    """By the line that names it; one that the specs declare may be new. What cannot be asked is told before traffic."""
    rig.service.aws().call(
        "cloudwatch", "PutMetricAlarm", AlarmName="there", Namespace="x", MetricName="y", Period=60, Statistic="Sum",
        EvaluationPeriods=1, Threshold=1.0, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    rig.service.edit("aws/cloudwatch/alarms.yaml", MINE)
    watch(rig, "there", "mine", "${SERVICE_NAME}-nowhere")
    proxy.reset()
    with pytest.raises(Refused) as caught:
        deploy(rig.workspace(), DeployRequest())
    (finding,) = caught.value.diagnostics
    lines = rig.service.root.joinpath("pipeline.yaml").read_text(encoding="utf-8").splitlines()
    assert finding.file == "pipeline.yaml"
    assert "nowhere" in lines[(finding.line or 0) - 1]
    assert finding.message == "rollout.analysis.alarms[2]: there is no alarm shop-nowhere in eu-west-1"
    assert changing(proxy) == []

    watch(rig, "nowhere")
    rig.service.edit("aws/cloudwatch/alarms.yaml", "alarms: []\n")
    proxy.fail("cloudwatch:DescribeAlarms", "AccessDenied", "not now", status=403)
    with pytest.raises(Refused, match="release 2: nothing has moved") as late:
        deploy(rig.workspace(), DeployRequest())
    assert "there is no alarm nowhere" in str(late.value.diagnostics[0])
    assert rig.aliases() == {"version": "1", "weights": {}}

    watch(rig, "there", "mine")
    rig.service.edit("aws/cloudwatch/alarms.yaml", MINE)
    assert deploy(rig.workspace(), DeployRequest()).release == 2


def test_what_is_no_longer_declared_goes_after_the_promotion_alone(rig: Rig) -> None:
    rig.service.edit("aws/s3/buckets.yaml", "buckets: []\n")
    rig.service.replace("aws/api-gateway/api.yml", "methods: [GET, POST, OPTIONS]", "methods: [GET, OPTIONS]")
    deploy(rig.workspace(), DeployRequest(Consent(include_data=True), detach=True))
    there = world(rig.service)
    assert len(there["buckets"]) == 2
    assert there["functions"]["shop-orders"]["permissions"] == 3
    steered(rig, "promote", lambda space: promotion(space, everything=True))
    there = world(rig.service)
    assert len(there["buckets"]) == 1
    assert there["functions"]["shop-orders"]["permissions"] == 2
    assert there["functions"]["shop-orders"]["aliases"] == {"live": "2", "previous": "1"}


# Calls of a small canary after which it dies; `tox -e soak` tries every one.
POSITIONS = range(1, 34) if os.environ.get("SOAK") else (6, 16)


@pytest.mark.parametrize("position", POSITIONS)
def test_killed_anywhere_the_next_deploy_goes_on(rig: Rig, position: int) -> None:
    with suppress(Killed, PipelineError):
        deploy(rig.doomed(position), DeployRequest())
    rig.clock.seconds += 700.0  # until the lease of the dead one is over
    report = deploy(rig.workspace(), DeployRequest())
    assert (report.release, report.exit_code) == (2, 0)
    assert rig.aliases() == rig.aliases("shop-orders") == {"version": "2", "weights": {}}
    assert deploy(rig.workspace(), DeployRequest()).changed is False


@pytest.mark.parametrize("position", range(1, 20) if os.environ.get("SOAK") else (3, 9))
def test_a_rollback_that_dies_in_a_canary_is_ended_by_the_next_one(rig: Rig, position: int) -> None:
    """Wherever it dies, the same command ends it: the canary has no share any more, release 1 serves, and it holds."""
    rig.change(5)
    assert deploy(rig.workspace(), DeployRequest(hotfix=True)).release == 2
    rig.change(6)
    deploy(rig.workspace(), DeployRequest(detach=True))
    with suppress(Killed, PipelineError):
        rollback_to(rig.doomed(position, by_ledger=True), "previous")
    died = rig.dooms[-1].dead
    rig.clock.seconds += 700.0
    if rig.rollout()["status"]["outcome"] == "reverted":
        with pytest.raises(Refused):
            deploy(rig.workspace(), DeployRequest())
    ended = resume(rig.workspace()) if position % 3 == 0 else None
    if died and (ended is None or not isinstance(ended.report, RollbackReport)):
        rollback_to(rig.workspace(), "previous")
    assert rig.aliases() == rig.aliases("shop-orders") == {"version": "2", "weights": {}}
    assert rig.rollout()["status"]["outcome"] == "reverted"
    current = rig.workspace().ledger.head().current
    assert current is not None
    assert (current.number, current.restores) == (4, 2)
    assert current.hold is not None
    assert current.hold.reason == "release 3 was rolled back to release 2"


# Calls of a small canary at which its promotion dies, and of the rollback after it; 99 is after its end.
DEATHS = [(n, m) for n in range(18, 34) for m in (2, 4, 7, 11, 15, 99)] if os.environ.get("SOAK") else [(24, 4)]


@pytest.mark.parametrize(("promotion_dies", "rollback_dies"), DEATHS)
def test_a_rollback_after_a_promotion_that_died_leads_to_what_served(
    rig: Rig, promotion_dies: int, rollback_dies: int
) -> None:
    """Whatever of both was done: release 1 has all traffic, and a deploy of the bad one is held back."""
    with suppress(Killed, PipelineError):
        deploy(rig.doomed(promotion_dies), DeployRequest())
    rig.clock.seconds += 700.0
    with suppress(Killed, PipelineError):
        rollback_to(rig.doomed(rollback_dies, by_ledger=True), "1")
    rig.clock.seconds += 700.0
    rollback_to(rig.workspace(), "1")
    assert rig.aliases() == rig.aliases("shop-orders") == {"version": "1", "weights": {}}
    current = rig.workspace().ledger.head().current
    assert current is not None
    assert current.restores == 1
    with pytest.raises(Refused):
        deploy(rig.workspace(), DeployRequest())


# The ninth records the release in the end: after that there is nothing left to hinder.
@pytest.mark.parametrize("position", range(1, 9) if os.environ.get("SOAK") else (3,))
def test_a_rollback_that_lost_its_lock_changes_nothing_any_more(rig: Rig, position: int) -> None:
    """Its machine slept, and another run has rolled back and deployed since: what that left stays."""
    deploy(rig.workspace(), DeployRequest(hotfix=True))
    seen: list[object] = []

    def meanwhile() -> None:
        rig.clock.seconds += 3600.0
        rollback_to(rig.workspace(), "1")
        rig.change(5)
        deploy(rig.workspace(), DeployRequest(clear_hold=True))
        seen.append((rig.aliases(), rig.aliases("shop-orders"), rig.workspace().ledger.head().current))

    with pytest.raises(PipelineError):
        rollback_to(rig.asleep(position, meanwhile), "1")
    assert (rig.aliases(), rig.aliases("shop-orders"), rig.workspace().ledger.head().current) == seen[0]


def test_something_else_takes_back_what_a_dead_run_left(rig: Rig) -> None:
    rig.at(20, rig.die)
    with pytest.raises(Killed):
        deploy(rig.doomed(None), DeployRequest())
    assert rig.aliases()["weights"] == {"2": 0.1}
    rig.clock.seconds += 700.0
    rig.change(5)
    report = deploy(rig.workspace(), DeployRequest())
    assert (report.release, report.exit_code) == (3, 0)
    assert report.plan.summary["drift"] == 0
    assert rig.aliases() == {"version": "3", "weights": {}}


def with_a_topic(rig: Rig) -> None:
    """Release 2 declares a topic, and is taken back; nothing declares the topic any more."""
    rig.service.edit("aws/sns/topics.yaml", "topics:\n  - name: shop-new\n")
    deploy(rig.workspace(), DeployRequest(detach=True))
    rig.service.edit("aws/sns/topics.yaml", "topics: []\n")
    steered(rig, "abort", lambda space: abortion(space, ""))
    assert topics_of(rig) == 1


def topics_of(rig: Rig) -> int:
    return len(rig.service.aws().pages("sns", "ListTopics", "Topics"))


def test_what_a_run_made_that_broke_goes_though_a_canary_was_taken_back_since(rig: Rig, proxy: FaultProxy) -> None:
    """No release ever named it, and the abort was the last run."""
    rig.service.edit("aws/sns/topics.yaml", "topics:\n  - name: shop-new\n")
    proxy.fail("lambda:PublishVersion", "ValidationException", "no", times=None, status=400)
    with pytest.raises(PipelineError):
        deploy(rig.workspace(), DeployRequest())
    proxy.reset()
    rig.service.edit("aws/sns/topics.yaml", "topics: []\n")
    deploy(rig.workspace(), DeployRequest(detach=True))
    steered(rig, "abort", lambda space: abortion(space, ""))
    assert topics_of(rig) == 1
    rig.change(5)
    report = deploy(rig.workspace(), DeployRequest(hotfix=True))
    assert (topics_of(rig), report.plan.summary["drift"]) == (0, 0)


def test_what_a_release_made_in_vain_goes_with_the_next_one(rig: Rig) -> None:
    """Also when that is another one that is taken back first."""
    with_a_topic(rig)
    rig.change(5)
    deploy(rig.workspace(), DeployRequest(detach=True))
    steered(rig, "abort", lambda space: abortion(space, ""))
    assert topics_of(rig) == 1
    rig.change(6)
    deploy(rig.workspace(), DeployRequest(detach=True))
    steered(rig, "promote", lambda space: promotion(space, everything=True))
    assert topics_of(rig) == 0
    assert deploy(rig.workspace(), DeployRequest()).changed is False


def test_what_a_release_made_in_vain_goes_with_the_environment(rig: Rig) -> None:
    with_a_topic(rig)
    space = rig.workspace()
    destroy(space, plan_removal(space, Consent(include_data=True)))
    assert topics_of(rig) == 0


def test_what_a_rollback_took_back_is_left_to_the_next_deploy(rig: Rig) -> None:
    rig.service.edit("aws/sns/topics.yaml", "topics:\n  - name: shop-new\n")
    deploy(rig.workspace(), DeployRequest(detach=True))
    rollback_to(rig.workspace().without_specs(), "previous")
    assert topics_of(rig) == 1
    rig.service.edit("aws/sns/topics.yaml", "topics: []\n")
    rig.change(6)
    deploy(rig.workspace(), DeployRequest(detach=True, clear_hold=True))
    steered(rig, "promote", lambda space: promotion(space, everything=True))
    assert topics_of(rig) == 0
