"""What is told of alarms that nobody declares, of domains of another kind of API, of defaults in a wrong place."""

from pathlib import Path

from pipeline.config.loading import load
from pipeline.resources.registry import registry
from tests.config.support import DEV, ENV, HANDLER, TODAY, Files, told, write

BASE: Files = {"pipeline.yaml": "environments:\n  dev: dev\n", ENV: DEV, "backend/handlers/orders.py": HANDLER}
TOPICS = "topics: [{name: news}]\n"
ALARMS = """\
alarms:
  - {name: slow, namespace: Orders, metric: Slow, statistic: Sum, threshold: 1, comparison: GreaterThanThreshold}
composite_alarms:
  - name: health
    actions: [news]
    rule: ALARM(slow) OR %s
"""
APIS = """\
http_api:
  name: shop
  endpoints: [{path: /x, methods: [GET], function: orders}]
functions: [{name: orders, runtime: python3.13}]
"""
DOMAIN = "api_domain: {name: api.orders.example.com, api: shop}\n"


def findings(tmp_path: Path, **files: str) -> list[str]:
    written = {f"aws/{name}.yaml": text for name, text in files.items()}
    return told(load(write(tmp_path, {**BASE, **written}), ["dev"], registry(), TODAY))


def test_an_alarm_that_nobody_declares_is_told(tmp_path: Path) -> None:
    assert findings(tmp_path, topics=TOPICS, alarms=ALARMS % 'OK("slow")') == []
    (warning,) = findings(tmp_path, topics=TOPICS, alarms=ALARMS % "ALARM(slaw)")
    assert warning.startswith('aws/alarms.yaml:6:11: warning: no alarm slaw is declared here: did you mean "slow"?')


def test_the_domain_of_another_kind_of_api_is_declared_elsewhere(tmp_path: Path) -> None:
    result = load(
        write(tmp_path, {**BASE, "aws/api.yaml": APIS, "aws/domain.yaml": DOMAIN}), ["dev"], registry(), TODAY
    )
    hints = [finding.hint for finding in result.diagnostics if "apigateway.rest_api/shop" in finding.message]
    assert hints == ["declare the domain under http_domain: shop is an apigatewayv2.http_api"]


def test_defaults_in_a_wrong_place_are_one_error(tmp_path: Path) -> None:
    text = "functions: [{name: orders}]\ndefaults: {runtime: python3.13}\nqueues: [{name: jobs}]\n"
    (error,) = findings(tmp_path, both=text)
    assert error.startswith(
        "aws/both.yaml:2:1: defaults are for one collection, and this file has 2: functions, queues"
    )
