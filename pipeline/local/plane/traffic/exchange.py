"""One request on its way through a stage: everything that events, templates and logs are made from."""

import random
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.local.plane.asgi import Request
from pipeline.local.plane.rest.model import Deployment, RestApi, Wire
from pipeline.local.plane.traffic.paths import Match, Target

_CONTEXT = re.compile(r"\$context\.([A-Za-z0-9_.-]*[A-Za-z0-9_])")


@dataclass(frozen=True)
class Served:
    """What a stage serves to one request: a deployment, its variables, and whether the canary was chosen."""

    deployment: Deployment
    variables: Mapping[str, str]
    canary: bool


@dataclass(frozen=True)
class Exchange:
    """A request that was matched with a method of what a stage serves. `now` in seconds since the epoch.

    `authorizer` is what an authorizer says of the caller.
    """

    api: RestApi
    target: Target
    served: Served
    request: Request
    match: Match
    method: Wire
    request_id: str
    now: float
    authorizer: Mapping[str, Any] | None = None

    @property
    def context(self) -> Mapping[str, str]:
        """The variables `$context.…` of templates and access logs, as texts."""
        own = self.request
        return {
            "accountId": self.api.account,
            "apiId": self.api.id,
            "deploymentId": self.served.deployment.id,
            "domainName": domain(self.api),
            "domainPrefix": self.api.id,
            "extendedRequestId": extended(self.request_id),
            "httpMethod": own.method,
            "identity.sourceIp": own.client,
            "identity.userAgent": own.header("user-agent") or "",
            "identity.caller": "-",
            "identity.user": "-",
            "isCanaryRequest": "true" if self.served.canary else "false",
            "path": f"/{self.target.stage}{self.target.path}",
            "protocol": "HTTP/1.1",
            "requestId": self.request_id,
            "requestTime": request_time(self.now),
            "requestTimeEpoch": str(int(self.now * 1000)),
            "resourceId": self.match.resource.id,
            "resourcePath": self.match.resource.path,
            "stage": self.target.stage,
        }


def served(api: RestApi, stage: Wire, chance: Callable[[], float] = random.random) -> Served:
    """What the stage serves now: by chance the canary, with its variables over the stage's own."""
    variables: dict[str, str] = dict(stage.get("variables") or {})
    canary: Wire | None = stage.get("canarySettings")
    if canary is None or chance() * 100.0 >= canary["percentTraffic"]:
        return Served(api.deployments[stage["deploymentId"]], variables, canary=False)
    overridden = variables | dict(canary.get("stageVariableOverrides") or {})
    return Served(api.deployments[canary["deploymentId"]], overridden, canary=True)


def domain(api: RestApi) -> str:
    """The host that AWS would serve the API at."""
    return f"{api.id}.execute-api.{api.region}.amazonaws.com"


def extended(request_id: str) -> str:
    """An extended request id, as short and opaque as AWS's."""
    return f"{request_id.replace('-', '')[:15]}="


def request_time(now: float) -> str:
    """As in access logs: `24/Nov/2026:09:30:00 +0000`."""
    return datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


def new_request_id() -> str:
    """A request id."""
    return str(uuid.uuid4())


def access_line(form: str, context: Mapping[str, str]) -> str:
    """A line of the access log: `$context.…` filled in, `-` for what is not known."""
    return _CONTEXT.sub(lambda found: context.get(found[1]) or "-", form)


def null_if_empty(mapping: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Proxy events say null where there is nothing."""
    return mapping or None
