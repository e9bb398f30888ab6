"""AWS CodeDeploy as the engine of a rollout: it shifts the aliases and watches the alarms, we start, watch and stop it.

One application for the service and environment, one deployment group and one deployment for each function: CodeDeploy
deploys one function at a time. When one fails while nobody looks, CodeDeploy rolls it back: by another deployment,
of the revision that it deployed successfully last, which need not be what served. So that is ended as well, and what
served is served again by us. What it cannot shift (definitions of APIs, functions whose alias AWS does not share)
moves with the promotion, as it does with our own engine. The rollout in the ledger is the same, and so are its ends.
https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-lambda.html
https://docs.aws.amazon.com/codedeploy/latest/userguide/deployments-rollback-and-redeploy.html
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any

from pipeline.errors import AwsError, Interrupted, PipelineError, Refused
from pipeline.model.scope import Scope
from pipeline.model.shift import Rollout, Shift, Way
from pipeline.model.strategy import Strategy
from pipeline.releasing.driver import LOOK_EVERY, Shifter, Surroundings
from pipeline.releasing.rollouts import Rollouts
from pipeline.releasing.traffic import Kind
from pipeline.resources.base import Aws
from pipeline.rollout.codedeploy import application, role_name
from pipeline.rollout.events import AbortRequested, Approved, Event, Promoted, Reverted, Wait, WeightSet

_ENGINE = "CodeDeploy"
_ENDED = ("Succeeded", "Failed", "Stopped")
_UNENDED = ["Created", "Queued", "InProgress", "Baking", "Ready"]
_MISSING = ("ApplicationDoesNotExistException", "DeploymentGroupDoesNotExistException")
_STOPPED_WITHIN = 300.0
# Not when it is stopped: whoever does that (we, or a person, whom we notice) says what is to serve.
_ROLL_BACK_ON = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]
_ROLLS_BACK_WITHIN, _LOOKS = 20.0, 2.0  # seconds until a failed deployment names the one that rolls it back


class CodeDeploy:
    """Drives a rollout whose traffic CodeDeploy shifts."""

    def __init__(self, aws: Aws, rollouts: Rollouts, shifter: Shifter, surroundings: Surroundings) -> None:
        self._aws, self._rollouts, self._shifter, self._around = aws, rollouts, shifter, surroundings

    def drive(self, *, attended: bool = True) -> Rollout:
        """The rollout when it has ended; without `attended` also while CodeDeploy is at work."""
        while True:
            rollout = self._rollouts.current
            self._around.tell(rollout, Wait(self._around.now()))
            status = rollout.status
            if status.outcome.finished:
                return rollout
            if status.outcome == "aborted":
                self._stop()
                self._shifter.revert()
                self._record(Reverted(self._around.now()))
            elif status.step >= len(rollout.strategy.steps):
                self._stop()
                self._record(self._promoted())
            elif (event := self._watched(rollout)) is not None:
                self._record(event)
            elif not attended:
                return rollout
            else:
                self._around.sleep(LOOK_EVERY)
                self._rollouts.look_again()

    def _record(self, event: Event) -> None:
        self._around.guard()
        self._rollouts.report(event)
        self._around.note("rollout", {"happened": type(event).__name__})

    def _promoted(self) -> Event:
        try:
            self._shifter.promote()
        except (Interrupted, Refused):
            raise
        except PipelineError as error:
            return AbortRequested(_ENGINE, f"shifting the traffic: {error}")
        return Promoted(self._around.now())

    def _watched(self, rollout: Rollout) -> Event | None:
        """What follows from how the deployments are; None: they are at work."""
        try:
            deployments = self._started(rollout)
            found = self._aws.gather([partial(self._look, one) for one in deployments.values()])
        except (Interrupted, Refused):
            raise
        except PipelineError as error:
            return AbortRequested(_ENGINE, f"deploying by CodeDeploy: {error}")
        if rollout.status.since is None:
            return WeightSet(rollout.strategy.steps[0].weight, self._around.now())
        states = dict(zip(deployments, found, strict=True))
        for name, deployment in states.items():
            if deployment["status"] in ("Failed", "Stopped"):
                return AbortRequested(_ENGINE, f"{name}: {_reason(deployment)}")
        if all(deployment["status"] == "Succeeded" for deployment in states.values()):
            return Approved(_ENGINE, rollout.status.step, everything=True)
        return None

    def _started(self, rollout: Rollout) -> Mapping[str, str]:
        """Function -> the id of its deployment; what is missing is made, and remembered at once."""
        known: dict[str, str] = dict(rollout.engine.get("deployments", {}))
        missing = [shift for shift in _shared(rollout) if shift.owner not in known]
        if missing:
            self._around.guard()
            config = self._prepare(rollout.strategy)
            made = self._aws.gather([partial(self._deploy, rollout, shift, config) for shift in missing])
            known |= {shift.owner: one for shift, one in zip(missing, made, strict=True)}
            self._rollouts.remember({"deployments": known})
        return known

    def _prepare(self, strategy: Strategy) -> str:
        """The application and the deployment configuration, made where they are missing; the latter's name."""
        scope = self._aws.scope
        self._make("CreateApplication", "ApplicationAlreadyExistsException",
                   applicationName=application(scope), computePlatform="Lambda")  # fmt: skip
        name, routing = configuration(scope, strategy)
        self._make("CreateDeploymentConfig", "DeploymentConfigAlreadyExistsException",
                   deploymentConfigName=name, computePlatform="Lambda", trafficRoutingConfig=routing)  # fmt: skip
        return name

    def _make(self, operation: str, exists: str, **params: Any) -> None:
        try:
            self._aws.call("codedeploy", operation, **params)
        except AwsError as error:
            if error.code != exists:
                raise

    def _deploy(self, rollout: Rollout, shift: Shift, config: str) -> str:
        """The id of the function's deployment; one that a run that died began is taken."""
        self._group(shift.owner, rollout.strategy.analysis.alarms, config)
        where = {"applicationName": application(self._aws.scope), "deploymentGroupName": shift.owner}
        content = app_spec(shift)
        for one in self._unended(shift.owner):
            revision = self._look(one).get("revision") or {}
            if (revision.get("appSpecContent") or revision.get("string") or {}).get("content") == content:
                return one
        digest = sha256(content.encode()).hexdigest()
        spec = {"revisionType": "AppSpecContent", "appSpecContent": {"content": content, "sha256": digest}}
        text = f"release {rollout.release.number} of {rollout.release.commit or 'no commit'}"
        answer = self._aws.call("codedeploy", "CreateDeployment", revision=spec, description=text, **where)
        return str(answer["deploymentId"])

    def _group(self, function: str, alarms: Sequence[str], config: str) -> None:
        scope = self._aws.scope
        wanted: dict[str, Any] = {
            "deploymentConfigName": config,
            "serviceRoleArn": scope.arn("iam", f"role/{role_name(scope)}", regional=False),
            "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
            "autoRollbackConfiguration": {"enabled": True, "events": _ROLL_BACK_ON},
            "alarmConfiguration": {"enabled": bool(alarms), "alarms": [{"name": name} for name in alarms]},
        }
        named = {"applicationName": application(scope)}
        there = self._aws.found("codedeploy", "GetDeploymentGroup", deploymentGroupName=function, **named)
        if there is None:
            self._make("CreateDeploymentGroup", "DeploymentGroupAlreadyExistsException",
                       deploymentGroupName=function, **named, **wanted)  # fmt: skip
        else:
            self._aws.call(
                "codedeploy", "UpdateDeploymentGroup", currentDeploymentGroupName=function, **named, **wanted
            )

    def _look(self, deployment: str) -> Mapping[str, Any]:
        found: Mapping[str, Any]
        found = self._aws.call("codedeploy", "GetDeployment", deploymentId=deployment)["deploymentInfo"]
        return found

    def _stop(self) -> None:
        """Stops what is still at work, and waits until it is: only one may move an alias.

        AWS is asked besides the ledger: a run that died, or one refused call, leaves deployments that nobody noted. Of
        those that failed, what rolls them back is stopped, too.
        """
        noted: list[str] = list(self._rollouts.current.engine.get("deployments", {}).values())
        asked = [partial(self._unended, shift.owner) for shift in _shared(self._rollouts.current)]
        deployments = sorted({*noted, *(one for found in self._aws.gather(asked) for one in found)})
        self._aws.gather([partial(self._stop_one, one) for one in deployments])

    def _unended(self, function: str) -> list[str]:
        """The deployments of a function that are at work; none where it has no group yet."""
        try:
            found: list[str] = self._aws.pages(
                "codedeploy",
                "ListDeployments",
                "deployments",
                applicationName=application(self._aws.scope),
                deploymentGroupName=function,
                includeOnlyStatuses=_UNENDED,
            )
        except AwsError as error:
            if error.code not in _MISSING:
                raise
            return []
        return found

    def _stop_one(self, deployment: str) -> None:
        found = self._look(deployment)
        if found["status"] == "Failed":
            found = self._with_rollback(deployment)
        if another := (found.get("rollbackInfo") or {}).get("rollbackDeploymentId"):
            self._stop_one(str(another))
        if found["status"] in _ENDED:
            return
        try:
            self._aws.call("codedeploy", "StopDeployment", deploymentId=deployment, autoRollbackEnabled=False)
        except AwsError as error:
            if error.code != "DeploymentAlreadyCompletedException":
                raise

        def ended() -> bool | None:
            return True if self._look(deployment)["status"] in _ENDED else None

        self._aws.wait(f"CodeDeploy to stop {deployment}", ended, every=2.0, budget=_STOPPED_WITHIN)

    def _with_rollback(self, deployment: str) -> Mapping[str, Any]:
        """A failed deployment once it says what rolls it back, or that nothing does; that may take a moment."""
        deadline = self._around.now() + _ROLLS_BACK_WITHIN
        while not (found := self._look(deployment)).get("rollbackInfo") and self._around.now() < deadline:
            self._around.sleep(_LOOKS)
        return found


def configuration(scope: Scope, strategy: Strategy) -> tuple[str, dict[str, Any]]:
    """The name and the traffic routing of the deployment configuration that a strategy is.

    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_TrafficRoutingConfig.html
    """
    first = strategy.steps[0]
    percent, minutes = int(first.weight), first.bake // 60
    name = f"{application(scope)}-{strategy.name}-{percent}-percent-{minutes}-minutes"
    if strategy.name == "linear":
        shape = {"linearPercentage": percent, "linearInterval": minutes}
        return name, {"type": "TimeBasedLinear", "timeBasedLinear": shape}
    shape = {"canaryPercentage": percent, "canaryInterval": minutes}
    return name, {"type": "TimeBasedCanary", "timeBasedCanary": shape}


def app_spec(shift: Shift) -> str:
    """https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html"""
    properties = {
        "Name": shift.owner,
        "Alias": shift.name,
        "CurrentVersion": shift.stable,
        "TargetVersion": shift.canary,
    }
    resource = {shift.owner: {"Type": "AWS::Lambda::Function", "Properties": properties}}
    return json.dumps({"version": 0.0, "Resources": [resource]}, sort_keys=True)


def _shared(rollout: Rollout) -> list[Shift]:
    return [s for s in rollout.shifts if Kind(s.kind) is Kind.ALIAS and s.way is Way.WEIGHTS and s.moves]


def _reason(deployment: Mapping[str, Any]) -> str:
    error = deployment.get("errorInformation") or {}
    text = error.get("message") or f"the deployment is {str(deployment['status']).lower()}"
    return f"{text} ({error['code']})" if error.get("code") else text
