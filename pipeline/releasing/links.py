"""Links into the AWS console: to the metrics and the logs of what was measured. Pure."""

from urllib.parse import quote

from pipeline.model.scope import Scope
from pipeline.model.shift import Rollout

_FUNCTION = "lambda.function"
_DOMAINS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


def links_of(rollout: Rollout, scope: Scope) -> dict[str, str]:
    """What is linked -> URL: the alarms, and the metrics and logs of every function that shifts."""
    names = sorted({s.owner for s in rollout.shifts if s.moves and s.address.startswith(f"{_FUNCTION}/")})
    found = {}
    for name in names:
        found[f"{name} metrics"] = f"{_home(scope, 'lambda')}#/functions/{name}?tab=monitoring"
        group = quote(quote(f"/aws/lambda/{name}", safe=""), safe="").replace("%", "$")
        found[f"{name} logs"] = f"{_home(scope, 'cloudwatch')}#logsV2:log-groups/log-group/{group}"
    for alarm in rollout.strategy.analysis.alarms:
        found[f"alarm {alarm}"] = f"{_home(scope, 'cloudwatch')}#alarmsV2:alarm/{quote(alarm, safe='')}"
    return found


def _home(scope: Scope, service: str) -> str:
    domain = _DOMAINS.get(scope.partition, "console.aws.amazon.com")
    return f"https://{scope.region}.{domain}/{service}/home?region={scope.region}"
