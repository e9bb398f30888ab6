"""What AWS CodeDeploy can shift, as an engine in place of our own, and what it is called there. Pure.

Its limits: https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html (2,880 minutes in all, ten alarms);
its two shapes: https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_TrafficRoutingConfig.html
"""

from collections.abc import Sequence

from pipeline.model.scope import Scope
from pipeline.rollout.problems import Problem

_MOST_MINUTES = 2880
_MOST_ALARMS = 10


def application(scope: Scope) -> str:
    """The name of the application of an environment."""
    return f"{scope.service}-{scope.environment}"


def role_name(scope: Scope) -> str:
    """The role that CodeDeploy shifts with, which the specs have to declare.

    https://docs.aws.amazon.com/codedeploy/latest/userguide/getting-started-create-service-role.html
    """
    return f"{scope.service}-{scope.environment}-codedeploy"


def problems(name: str, steps: Sequence[tuple[float, int]], alarms: Sequence[str]) -> list[Problem]:
    """What of a strategy with `steps` (weight, bake in seconds) CodeDeploy cannot do."""
    if name == "steps":
        text = "is codedeploy, which has no steps of your own and no gates"
        return [Problem(("engine",), text, "strategy: canary or linear, or engine: pipeline")]
    return [*_shifting(name, steps), *_judging(steps, alarms)]


def _shifting(name: str, steps: Sequence[tuple[float, int]]) -> list[Problem]:
    if not steps:
        return []
    found = []
    weight, bake = steps[0]
    if weight != int(weight):
        text = f"is {weight:g}: engine codedeploy takes whole percents"
        found.append(Problem((name, "weight"), text))
    total = sum(seconds for _, seconds in steps) / 60
    key = (name, "bake" if name == "canary" else "every")
    if bake % 60:
        found.append(Problem(key, f"is {bake} s: engine codedeploy takes whole minutes"))
    elif total > _MOST_MINUTES:
        text = f"adds up to {total:g} minutes: at most {_MOST_MINUTES} are allowed by engine codedeploy"
        found.append(Problem(key, text))
    return found


def _judging(steps: Sequence[tuple[float, int]], alarms: Sequence[str]) -> list[Problem]:
    if len(alarms) > _MOST_ALARMS:
        text = f"has {len(alarms)} items: at most {_MOST_ALARMS} are allowed by engine codedeploy"
        return [Problem(("analysis", "alarms"), text)]
    if steps and not alarms:
        hint = "add analysis.alarms, or use engine: pipeline"
        return [Problem(("engine",), "is codedeploy, which judges by alarms alone, but none is named", hint)]
    return []
