"""Shows a canary at work: a copy of the service on an embedded AWS of its own, requests, a good and a bad release."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.commands.delivering import deploy
from pipeline.commands.regions import each_region
from pipeline.commands.requesting import DeployRequest
from pipeline.commands.workspace import Workspace
from pipeline.demonstrating.copying import copy_service, set_rollout
from pipeline.demonstrating.faults import Fault, Route, breaking, routes_of
from pipeline.demonstrating.load import RATE, Load, Tally, ask
from pipeline.errors import BadInput, PipelineError
from pipeline.local import supervisor
from pipeline.model.report import Canary, DeployReport
from pipeline.model.rollout import Outcome
from pipeline.reporting.console import Console
from pipeline.reporting.rollout_text import strategy_line
from pipeline.reporting.style import counted

_MINUTE = 60.0
# Seconds of requests before the bad release comes, and after it is gone. What shows in the figures of the API alone is
# compared with whole minutes before.
_WARM, _BEFORE, _AFTERWARDS = 5.0, 30.0, 3.0
_MOST_ROUTES = 3


@dataclass(frozen=True)
class Demonstration:
    """What was seen: `requests` before the second release, beside it, and after it was promoted or taken back."""

    fault: Fault
    told: str
    environment: str
    canary: Canary
    requests: Mapping[str, Tally]
    seconds: float

    @property
    def as_expected(self) -> bool:
        """True when a bad release was taken back, or a good one promoted."""
        wanted = Outcome.PROMOTED if self.fault is Fault.NONE else Outcome.REVERTED
        return self.canary.rollout.status.outcome is wanted

    @property
    def serving(self) -> int:
        """The release that has all traffic in the end."""
        rollout = self.canary.rollout
        return rollout.release.number if rollout.status.outcome is Outcome.PROMOTED else rollout.base

    def to_json(self) -> dict[str, Any]:
        """The document of `local demo`."""
        return {
            "environment": self.environment,
            "release": self.serving,
            "fault": str(self.fault),
            "what": self.told,
            "as_expected": self.as_expected,
            "requests": {name: tally.to_json() for name, tally in self.requests.items()},
            "canary": self.canary.to_json(),
            "seconds": round(self.seconds, 1),
        }


def demonstrate(space: Workspace, fault: Fault) -> Demonstration:
    """Deploys the service as it is, then with a fault, while requests come in. Nothing of the checkout is touched."""
    began = space.clock.monotonic()
    with TemporaryDirectory(prefix="pipeline-demo-") as place:
        root = Path(place).resolve()
        copy_service(space.root, root)
        space = replace(space, root=root, local=True, environment_name=_environment(space, root))
        set_rollout(root, space.name)
        space = next(each_region(space))
        with _embedded(root):
            return _shown(space, fault, began)


def _environment(space: Workspace, root: Path) -> str:
    known = sorted(path.stem for path in (root / "environments").glob("*.env"))
    chosen = space.environment_name or ("dev" if "dev" in known else next(iter(known), None))
    if chosen is None:
        raise BadInput("there is no environment to show anything in", hint="add environments/dev.env")
    return chosen


@contextmanager
def _embedded(root: Path) -> Iterator[None]:
    try:
        yield
    finally:
        supervisor.stop(root)


def _shown(space: Workspace, fault: Fault, began: float) -> Demonstration:
    say, name = space.console.say, space.environment.name
    quiet = replace(space, console=Console(space.console.out, space.console.err, space.console.format, quiet=True))
    first = deploy(quiet, DeployRequest())
    say(f"release 1 of {first.service} is live in {name}: {counted(len(first.functions), 'function')}")
    routes = _answering(quiet, first)
    urls = [_url(first, route) for route in routes]
    broken = breaking(space.root, space.loaded.project.code.root, space.loaded.desired[name], fault, routes[0])
    with Load(urls) as load:
        say(f"{RATE:g} requests a second from now on: {', '.join(map(str, routes))}")
        _warm(space, fault)
        broken.carry_out()
        again = replace(space, seconds={}, tried=[])
        say(f"release 2: {broken.told}; {strategy_line(again.loaded.project.rollout_for(name))}\n")
        canary = _rolled_out(deploy(again, DeployRequest()), broken.told)
        ended = space.clock.now()
        say("")
        space.clock.sleep(_AFTERWARDS)
        answers = load.answers
    since = canary.rollout.began
    requests = {
        "before": Tally.of(answers, 0, since),
        "during": Tally.of(answers, since, ended),
        "after": Tally.of(answers, ended, ended + _MINUTE),
    }
    return Demonstration(fault, broken.told, name, canary, requests, space.clock.monotonic() - began)


def _rolled_out(report: DeployReport, told: str) -> Canary:
    if report.canary is None:
        raise PipelineError(f"{told}: nothing of that could share its traffic with what served before")
    return report.canary


def _answering(space: Workspace, report: DeployReport) -> Sequence[Route]:
    """The routes that answer well. BadInput without any: nobody could be seen to fail."""
    found = routes_of(space.loaded.desired[space.environment.name])
    chosen = [route for route in found if 200 <= ask(_url(report, route)).status < 400][:_MOST_ROUTES]
    if not chosen:
        hint = "add a route that anybody may ask with GET, without parameters, such as /health"
        raise BadInput("sending requests: no route of a REST or HTTP API answers a plain GET", hint=hint)
    return chosen


def _url(report: DeployReport, route: Route) -> str:
    return f"{str(report.outputs[f'{route.api}.url']).rstrip('/')}{route.path}"


def _warm(space: Workspace, fault: Fault) -> None:
    """Lets release 1 serve for a while."""
    if not fault.takes_history:
        space.clock.sleep(_WARM)
        return
    left = _MINUTE - space.clock.now() % _MINUTE
    left += _MINUTE if left < _BEFORE else 0
    space.console.say(f"{left:.0f} s of them first, to compare with: the figures of an API are by the minute")
    space.clock.sleep(left)
