"""Invoking a function: an alias with weights picks its version, and every invocation is counted as on AWS.

https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pipeline.local.plane.asgi import Answer, Headers
from pipeline.local.plane.emulator import Call, Emulator
from pipeline.local.plane.functions.names import Function
from pipeline.local.plane.journal import Journal, Metric

_FUNCTIONS = "/2015-03-31/functions"
_NAMESPACE = "AWS/Lambda"


@dataclass(frozen=True)
class Invoker:
    """Invokes functions of the emulator behind. `chance` gives numbers from 0 up to 1."""

    emulator: Emulator
    journal: Journal
    chance: Callable[[], float] = random.random
    clock: Callable[[], float] = time.perf_counter

    async def invoke(self, function: Function, payload: bytes, headers: Headers = ()) -> Answer:
        """The emulator's answer to Invoke, as it is."""
        chosen = await self._chosen(function)
        begun = self.clock()
        answer = await self.emulator.call(
            Call(
                function.caller,
                "POST",
                f"{_FUNCTIONS}/{quote(function.name, safe='')}/invocations",
                {"Qualifier": chosen.qualifier} if chosen.qualifier else None,
                headers,
                payload,
            )
        )
        self._count(function, answer, (self.clock() - begun) * 1000.0)
        return answer

    async def _chosen(self, function: Function) -> Function:
        """The version that the weights of an alias give this invocation; without weights what was asked for."""
        if not function.is_alias:
            return function
        alias = await self.alias(function)
        weights: Mapping[str, float] = ((alias or {}).get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        if not weights:
            return function
        left = self.chance()
        for version, weight in weights.items():
            if left < weight:
                return function.qualified(version)
            left -= weight
        return function.qualified(str((alias or {})["FunctionVersion"]))

    async def alias(self, function: Function) -> dict[str, Any] | None:
        """The alias as GetAlias shows it; None when there is none."""
        path = f"{_FUNCTIONS}/{quote(function.name, safe='')}/aliases/{quote(function.qualifier or '', safe='')}"
        answer = await self.emulator.call(Call(function.caller, "GET", path))
        return dict(json.loads(answer.body)) if answer.status == 200 else None

    def _count(self, function: Function, answer: Answer, milliseconds: float) -> None:
        throttled = answer.status == 429
        if answer.status not in {200, 202} and not throttled:
            return
        values = {"Throttles": (1.0 if throttled else 0.0, "Count")}
        if not throttled:
            failed = answer.header("x-amz-function-error") is not None
            values["Invocations"] = (1.0, "Count")
            values["Errors"] = (1.0 if failed else 0.0, "Count")
        if answer.status == 200:
            values["Duration"] = (milliseconds, "Milliseconds")
        executed = answer.header("x-amz-executed-version")
        for dimensions in self._dimensions(function, executed):
            for name, (value, unit) in values.items():
                self.journal.measure(Metric(function.caller, _NAMESPACE, name, unit, dimensions), value)

    def _dimensions(self, function: Function, executed: str | None) -> list[tuple[tuple[str, str], ...]]:
        named = (("FunctionName", function.name),)
        resource = (*named, ("Resource", function.resource))
        found: list[tuple[tuple[str, str], ...]] = [resource]
        if not self.emulator.counts_invocations:
            found.append(named)
        if function.is_alias and executed is not None:
            found.append((*resource, ("ExecutedVersion", executed)))
        return found
