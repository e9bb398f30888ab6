"""`pipeline doctor` from the outside: quiet when all is well, exact when it is not, and able to mend what is safe."""

import json
import time

import pytest

from tests.functional.support import LEDGER, Service, changing, ledger_document
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow  # the checks themselves are tested without an AWS

# moto has neither quotas nor the simulator; metrics of services it never writes.
QUIET = (
    "account",
    "api-permission",
    "drift",
    "hold",
    "stale-lock",
    "recent-errors",
    "failed-answers",
    "integration-timeout",
)


def of_checks(*names: str) -> list[str]:
    return [option for name in names for option in ("--check", name)]


def test_a_sound_environment_has_no_findings(shop: Service, proxy: FaultProxy) -> None:
    shop.run("deploy")
    proxy.reset()
    done = shop.run("doctor", *of_checks(*QUIET))
    assert done.code == 0, done.err
    assert (done.json["findings"], set(done.json["fine"])) == ([], set(QUIET))
    assert changing(proxy) == []


def test_what_cannot_be_looked_at_stops_nothing(shop: Service, proxy: FaultProxy) -> None:
    shop.run("deploy")
    proxy.fail("logs:FilterLogEvents", "AccessDeniedException", "not authorized", times=None)
    done = shop.run("doctor", *of_checks("recent-errors", "account"))
    assert done.code == 0
    (hindrance,) = done.json["not_looked_at"]
    assert (hindrance["checks"], hindrance["cause"]) == (
        ["recent-errors"], "logs:FilterLogEvents answered AccessDeniedException"
    )  # fmt: skip
    assert (done.json["findings"], done.json["fine"], done.json["summary"]["unknown"]) == ([], ["account"], 1)
    assert shop.run("doctor", "--fix", "recent-errors", "--yes").code == 1, "nobody knows whether it is well"


def test_nobody_signed_in_is_one_finding(shop: Service, proxy: FaultProxy) -> None:
    proxy.fail("sts:GetCallerIdentity", "ExpiredToken", "it has expired", times=None)
    done = shop.run("doctor")
    assert done.code == 1
    assert [f["id"] for f in done.json["findings"] if f["severity"] == "error"] == ["credentials"]
    (hindrance,) = done.json["not_looked_at"]
    assert len(hindrance["checks"]) == done.json["summary"]["unknown"] > 8


def test_before_the_first_deploy_it_finds_its_way(shop: Service) -> None:
    assert shop.run("doctor", *of_checks("drift", "api-permission", "stale-lock", "hold")).json["findings"] == []


def test_errors_of_functions_end_with_exit_1(shop: Service) -> None:
    shop.run("deploy")
    aws, group = shop.aws(), "/aws/lambda/shop-orders"
    aws.call("logs", "CreateLogStream", logGroupName=group, logStreamName="s")
    frame = '  File "/var/task/handlers/orders.py", line 3, in handle'
    text = f"[ERROR] KeyError: 'id'\nTraceback (most recent call last):\n{frame}"
    events = [{"timestamp": int(time.time() * 1000), "message": text}]
    aws.call("logs", "PutLogEvents", logGroupName=group, logStreamName="s", logEvents=events)
    done = shop.run("doctor", *of_checks("recent-errors"))
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert "KeyError: 'id'" in finding["finding"]
    assert "at handlers/orders.py:3" in finding["evidence"]


def test_a_permission_that_is_gone_comes_back(shop: Service) -> None:
    shop.run("deploy")
    aws = shop.aws()
    where = {"FunctionName": "shop-orders", "Qualifier": "live"}
    before = json.loads(aws.call("lambda", "GetPolicy", **where)["Policy"])["Statement"]
    for statement in before:
        aws.call("lambda", "RemovePermission", StatementId=statement["Sid"], **where)
    found = shop.run("doctor", *of_checks("api-permission"))
    assert found.code == 1
    assert found.json["findings"][0]["fixable"] is True
    assert shop.run("doctor", "--fix", "api-permission").code == 4, "nobody agreed"
    mended = shop.run("doctor", "--fix", "api-permission", "--yes")
    assert mended.code == 0, mended.err
    assert len(mended.json["mended"]) == 1
    after = json.loads(aws.call("lambda", "GetPolicy", **where)["Policy"])["Statement"]
    assert {s["Sid"] for s in after} == {s["Sid"] for s in before}
    assert shop.run("doctor", *of_checks("api-permission")).json["findings"] == []


def test_mending_leaves_alone_what_is_not_safe(shop: Service) -> None:
    shop.run("deploy")
    shop.aws().call("lambda", "UpdateFunctionConfiguration", FunctionName="shop-orders", Timeout=77)
    done = shop.run("doctor", "--fix", "drift", "--yes")
    assert done.code == 1
    assert done.json["mended"] == []
    assert shop.aws().call("lambda", "GetFunctionConfiguration", FunctionName="shop-orders")["Timeout"] == 77


def test_a_stale_lock_is_freed(shop: Service) -> None:
    shop.run("deploy")
    aws = shop.aws()
    lock = ledger_document(shop, "lock.json") | {"held": True, "host": "gone", "expires": 1.0, "run": "dead"}
    aws.call("s3", "PutObject", Bucket=LEDGER, Key="lock.json", Body=json.dumps(lock).encode())
    (finding,) = shop.run("doctor", *of_checks("stale-lock")).json["findings"]
    assert (finding["fixable"], finding["severity"]) == (True, "warning")
    assert shop.run("doctor", "--fix", "stale-lock", "--yes").code == 0
    assert ledger_document(shop, "lock.json")["held"] is False


@pytest.mark.parametrize("option", ["--check", "--fix"])
def test_there_is_no_such_check(shop: Service, option: str) -> None:
    assert shop.run("doctor", option, "nonsense").code == 2
