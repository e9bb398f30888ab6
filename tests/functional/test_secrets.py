"""Secrets reach the functions and nothing else: no output, no error, no plan, no ledger."""

import pytest

from tests.functional.support import Service
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow

SECRET = 'hunter2"{hunter2}'
ECHO = f"1 validation error detected: Value '{{KEY={SECRET}}}' at 'environment.variables' failed to satisfy constraint"


@pytest.fixture
def guarded(shop: Service) -> Service:
    """The shop with a secret in the environment of its functions."""
    shop.aws().call("ssm", "PutParameter", Name="/shop/key", Value=SECRET, Type="SecureString")
    for name in ("test", "live"):
        shop.edit(f"environments/{name}.env", lambda text: text + "API_KEY=ssm:/shop/key\n")
    shop.replace("aws/lambda/functions.yaml", "GREETING: ${GREETING}", "GREETING: ${GREETING}\n    KEY: ${API_KEY}")
    return shop


def written(proxy: FaultProxy) -> bytes:
    """All that was written into buckets."""
    calls = zip(proxy.calls, proxy.requests, strict=True)
    return b"".join(request.body for call, request in calls if call.name == "s3:PutObject")


@pytest.mark.parametrize("operation", ["CreateFunction", "UpdateFunctionConfiguration"])
def test_an_error_that_repeats_what_was_sent_shows_no_secret(
    guarded: Service, proxy: FaultProxy, operation: str
) -> None:
    if operation.startswith("Update"):
        assert guarded.run("deploy").code == 0
        guarded.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    proxy.fail(f"lambda:{operation}", "ValidationException", ECHO, times=None)
    result = guarded.run("deploy")
    assert result.code == 1
    assert "at 'environment.variables' failed to satisfy constraint" in result.err
    assert "hunter2" not in result.out + result.err
    assert b"at 'environment.variables' failed" in written(proxy)
    assert b"hunter2" not in written(proxy)


def test_github_is_told_to_mask_it(guarded: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = guarded.run("plan")
    assert result.code == 0
    assert f"::add-mask::{SECRET}" in result.err.splitlines()
    assert "hunter2" not in result.out + "".join(line for line in result.err.splitlines() if "add-mask" not in line)


def test_a_secret_that_leaves_the_specs_is_not_shown_on_its_way_out(guarded: Service, proxy: FaultProxy) -> None:
    assert guarded.run("deploy").code == 0
    guarded.replace("aws/lambda/functions.yaml", "\n    KEY: ${API_KEY}", "")
    proxy.reset()
    planned, deployed = guarded.run("plan"), guarded.run("deploy")
    assert deployed.code == 0, deployed.err
    assert "environment.KEY" in planned.out
    assert "hunter2" not in planned.out + planned.err + deployed.out + deployed.err
    assert b"hunter2" not in written(proxy)
    function = guarded.aws().call("lambda", "GetFunctionConfiguration", FunctionName="shop-stock")
    assert "KEY" not in function["Environment"]["Variables"]


def test_a_value_set_by_hand_is_not_shown(guarded: Service) -> None:
    """Nobody knows whether it is one."""
    assert guarded.run("deploy").code == 0
    variables = {"GREETING": "hello # not a comment", "KEY": SECRET, "OTHER": "hunter2-too"}
    aws = guarded.aws()
    aws.call("lambda", "UpdateFunctionConfiguration", FunctionName="shop-stock", Environment={"Variables": variables})
    planned = guarded.run("plan")
    assert "environment.OTHER" in planned.out
    assert "hunter2" not in planned.out + planned.err


def test_a_secret_that_holds_no_text_is_bad_input(guarded: Service) -> None:
    guarded.aws().call("secretsmanager", "CreateSecret", Name="binary", SecretBinary=b"hunter2")
    for name in ("test", "live"):
        guarded.replace(f"environments/{name}.env", "ssm:/shop/key", "secretsmanager:binary")
    result = guarded.run("plan")
    assert result.code == 2
    assert "secretsmanager:binary" in result.err
