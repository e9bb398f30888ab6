"""A deploy whose traffic shifts in steps, in this process: time that only passes by sleeping, and visitors."""

import io
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from threading import Event as Flag
from typing import Any

from pipeline.applying.aws_client import AwsClient
from pipeline.applying.operations import operations
from pipeline.commands.workspace import Clock, Workspace
from pipeline.releasing.rollouts import Rollouts
from pipeline.reporting.console import Console
from pipeline.rollout.events import Event
from tests.functional.support import Service

BEGIN = float(int(time.time() // 60 * 60))


@dataclass
class FakeTime:
    """Time that passes by sleeping alone. `meanwhile` is called with the seconds of each pause, before it."""

    seconds: float = BEGIN
    meanwhile: Callable[[float], None] = lambda seconds: None

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.meanwhile(seconds)
        self.seconds += seconds


@dataclass
class Visitors:
    """People who use the service: at each pause they call every function through its alias, as its weights say.

    `errors` maps (function, version) to the share of calls that fail, `latency` to milliseconds.
    """

    service: Service
    clock: FakeTime
    rate: float = 4.0  # requests a second, of each function
    functions: tuple[str, ...] = ("shop-orders", "shop-stock")
    errors: dict[tuple[str, str], float] = field(default_factory=dict)
    latency: dict[tuple[str, str], float] = field(default_factory=dict)
    shares: list[dict[str, float]] = field(default_factory=list)
    waiting: float = 0.0

    def __call__(self, seconds: float) -> None:
        """They come in groups: every ten seconds."""
        self.waiting += seconds
        if self.waiting >= 10.0:
            for name in self.functions:
                self._call(name, round(self.rate * self.waiting))
            self.waiting = 0.0

    @cached_property
    def aws(self) -> AwsClient:
        return self.service.aws()

    def _call(self, name: str, requests: int) -> None:
        alias = self.aws.call("lambda", "GetAlias", FunctionName=name, Name="live")
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        shares = {alias["FunctionVersion"]: 1 - sum(weights.values()), **weights}
        self.shares.append(shares)
        through = self._through_canary(name)
        for version, share in shares.items():
            if count := round(requests * share * (1 - through[1])):
                self._count(name, version, count)
        if count := round(requests * through[1]):
            self._count(name, through[0], count, "canary")

    def _through_canary(self, name: str) -> tuple[str, float]:
        """The version that the canary of the API's stage reaches, and its share of the requests."""
        for api in self.aws.pages("apigateway", "GetRestApis", "items"):
            stage = self.aws.call("apigateway", "GetStage", restApiId=api["id"], stageName="test")
            if canary := stage.get("canarySettings"):
                assert canary["deploymentId"] != stage["deploymentId"]
                assert canary["stageVariableOverrides"] == {"alias": "canary"}
                alias = self.aws.call("lambda", "GetAlias", FunctionName=name, Name="canary")
                return alias["FunctionVersion"], canary["percentTraffic"] / 100
        return "", 0.0

    def _count(self, name: str, version: str, count: int, alias: str = "live") -> None:
        failed = round(count * self.errors.get((name, version), 0.0))
        named = {"FunctionName": name, "Resource": f"{name}:{alias}", "ExecutedVersion": version}
        dimensions = [{"Name": key, "Value": value} for key, value in named.items()]
        when = datetime.fromtimestamp(self.clock.now(), UTC)
        took = self.latency.get((name, version), 20.0)
        values = {"Invocations": float(count), "Errors": float(failed), "Duration": took}
        data = [
            {"MetricName": metric, "Dimensions": dimensions, "Timestamp": when, "Value": value}
            for metric, value in values.items()
        ]
        self.aws.call("cloudwatch", "PutMetricData", Namespace="AWS/Lambda", MetricData=data)


class Killed(Exception):
    """The process is gone. Nothing of the product is to catch it, but its threads have to end."""


@dataclass
class Doom:
    """A transport that works until its process dies: at the nth changing call, or when it is told to."""

    inner: Any
    left: int | None
    dead: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def send(self, service: str, operation: str, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if self.dead:
            raise Killed
        answer: dict[str, Any] = self.inner.send(service, operation, region, params)
        if self.left is not None and operations().get(service, operation).mutating:
            self.left -= 1
            self.dead = self.left <= 0
        if self.dead:
            raise Killed
        return answer


@dataclass
class Nap:
    """A transport whose machine sleeps for an hour after its nth changing call; `meanwhile` happens then.

    Writes of the journal do not count: how many there are depends on how busy the machine is.
    """

    inner: Any
    left: int
    meanwhile: Callable[[], None]
    slept: float = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def monotonic(self) -> float:
        return time.monotonic() + self.slept

    def send(self, service: str, operation: str, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.inner.send(service, operation, region, params)
        if operations().get(service, operation).mutating and not str(params.get("Key")).startswith("runs/"):
            self.left -= 1
            if self.left == 0:
                self.slept = 3600.0
                self.meanwhile()
        return answer


@dataclass(frozen=True)
class Rig:
    """A service, its time and its visitors."""

    service: Service
    clock: FakeTime
    visitors: Visitors
    dooms: list[Doom] = field(default_factory=list)

    @classmethod
    def of(cls, service: Service, rollout: str) -> "Rig":
        """`rollout` is the section of pipeline.yaml."""
        text = (service.root / "pipeline.yaml").read_text(encoding="utf-8")
        service.edit("pipeline.yaml", f"{text}rollout: {rollout}\n")
        clock = FakeTime()
        visitors = Visitors(service, clock)
        clock.meanwhile = visitors
        return cls(service, clock, visitors)

    def workspace(self) -> Workspace:
        """The surroundings of one command; what it says is in `console.err`."""
        return Workspace(
            root=self.service.root,
            environment_name="test",
            local=False,
            console=Console(io.StringIO(), io.StringIO()),
            clock=Clock(self.clock.now, time.monotonic, self.clock.sleep),
            stop=Flag(),
            environ={**os.environ, **self.service.credentials("deploy")},
        )

    def doomed(self, left: int | None, *, by_ledger: bool = False) -> Workspace:
        """The same for a process that dies at its nth changing call; `by_ledger` for commands that read no specs."""
        space = self.workspace().without_specs() if by_ledger else self.workspace()
        doom = Doom(space.aws.transport, left)
        space.aws.transport = doom
        space.aws._means = replace(space.aws._means, transport=doom)
        self.dooms.append(doom)
        return space

    def asleep(self, left: int, meanwhile: Callable[[], None]) -> Workspace:
        """The same for a machine that sleeps after its nth changing call, while another one does something."""
        plain = self.workspace().without_specs()
        nap = Nap(plain.aws.transport, left, meanwhile)
        space = replace(plain, clock=replace(plain.clock, monotonic=nap.monotonic))
        space.aws.transport = nap
        space.aws._means = replace(space.aws._means, transport=nap)
        return space

    def die(self) -> None:
        """Ends the last of them now."""
        self.dooms[-1].dead = True
        raise Killed

    def at(self, seconds: float, what: Callable[[], None]) -> None:
        """Lets something happen once, so long after now."""
        due = [self.clock.now() + seconds]

        def meanwhile(passing: float) -> None:
            self.visitors(passing)
            if due and self.clock.now() >= due[0]:
                due.clear()
                what()

        self.clock.meanwhile = meanwhile

    def happens(self, event: Event) -> None:
        """Somebody says something in another process."""
        found = Rollouts(self.workspace().without_specs().ledger)
        found.look()
        found.report(event)

    def rollout(self) -> Any:
        """The rollout in the ledger."""
        found = self.workspace().without_specs().ledger.document("rollout.json")
        return found[0] if found else None

    def aliases(self, name: str = "shop-stock") -> Mapping[str, Any]:
        """The alias `live` of a function: its version, and the weights beside it."""
        found = self.service.aws().call("lambda", "GetAlias", FunctionName=name, Name="live")
        weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return {"version": found["FunctionVersion"], "weights": weights}

    def change(self, stock: int) -> None:
        """Another release: the code of all functions."""
        path = self.service.root / "code" / "handlers" / "stock.py"
        lines = path.read_text(encoding="utf-8")
        import re

        path.write_text(re.sub(r'"stock": \d+', f'"stock": {stock}', lines), encoding="utf-8")


def document(text: str) -> Any:
    """A JSON document."""
    return json.loads(text)
