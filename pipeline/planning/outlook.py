"""How the traffic of a plan is going to shift, as far as a plan can tell. Pure."""

from collections.abc import Iterable, Iterator

from pipeline.model.plan import Action, Change, Plan, Traffic
from pipeline.model.resource import DesiredState, Resource
from pipeline.model.strategy import Engine, Strategy
from pipeline.planning.ways import (
    FUNCTION,
    FUNCTIONS_ALONE,
    IS_PROVISIONED,
    OTHER_QUEUE,
    OTHER_ROLE,
    PROVISIONED,
    Moving,
    choose,
)
from pipeline.reporting.rollout_text import how, strategy_line

_API = ("apigateway.", "apigatewayv2.")
# Properties that no version and no api deployment holds: a change of these alone moves nothing.
_UNSHIFTED = frozenset(
    {"tags", "mark", "access_logs", "throttling", "metrics", "tracing", "description", "endpoint_type"}
)
_OBSTACLES = {"role": OTHER_ROLE, "dead_letter": OTHER_QUEUE}


def traffic_of(plan: Plan, desired: DesiredState, strategy: Strategy, *, first: bool) -> Traffic | None:
    """What is going to shift, and how; None where everything is moved at once anyway. `first`: nothing serves yet."""
    if not strategy.steps or first:
        return None
    resources = tuple(desired)
    chosen = choose(resources, _moving(plan.changes, resources, strategy.engine))
    ways = tuple((each.address, how(each.way, each.reason, each.sources)) for each in chosen if each.moves)
    return Traffic(strategy_line(strategy), ways) if ways else None


def _moving(changes: Iterable[Change], resources: Iterable[Resource], engine: Engine) -> Iterator[Moving]:
    others = FUNCTIONS_ALONE if engine == "codedeploy" else None
    ready = {str(r.properties.get("function")) for r in resources if r.type == PROVISIONED}
    for change in changes:
        if change.type != FUNCTION and not change.type.startswith(_API):
            continue
        if change.action in (Action.CREATE, Action.REPLACE):
            yield Moving(change.address, new=True)
        elif change.action is Action.UPDATE:
            roots = {field.path.partition(".")[0] for field in change.fields}
            name = change.address.partition("/")[2]
            obstacle = next((text for root, text in _OBSTACLES.items() if root in roots), None)
            if change.type == FUNCTION and name in ready:
                obstacle = IS_PROVISIONED
            if roots - _UNSHIFTED:
                yield Moving(change.address, obstacle if change.type == FUNCTION else others)
