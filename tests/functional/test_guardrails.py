"""Versions of a guardrail through releases: what a rollback finds gone, and what AWS has no room for."""

import pytest

from tests.functional.support import Service, changing
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow

GUARDRAIL = "bedrock.guardrail/shop-talk"
SPEC = """guardrails:
  - name: shop-talk
    word_policy: {wordsConfig: [{text: darn}]}
"""
USE = "handler: handlers.stock.handle\n    environment: {GUARD: '${bedrock.guardrail/shop-talk.version}'}"


@pytest.fixture
def guarded(shop: Service) -> Service:
    """Release 1 has version 1 of a guardrail, which a function names."""
    shop.edit("aws/bedrock/guardrails.yaml", SPEC)
    shop.replace("aws/lambda/functions.yaml", "handler: handlers.stock.handle", USE)
    result = shop.run("deploy")
    assert result.code == 0, result.err
    return shop


def named(shop: Service) -> str:
    """The version that the function names which callers get."""
    live = shop.aws().call("lambda", "GetFunction", FunctionName="shop-stock", Qualifier="live")
    return str(live["Configuration"]["Environment"]["Variables"]["GUARD"])


def guardrail_of(shop: Service) -> str:
    (found,) = shop.aws().pages("bedrock", "ListGuardrails", "guardrails")
    return str(found["id"])


def words(shop: Service, version: str) -> list[str]:
    found = shop.aws().call("bedrock", "GetGuardrail", guardrailIdentifier=guardrail_of(shop), guardrailVersion=version)
    return [word["text"] for word in found["wordPolicy"]["words"]]


def test_a_rollback_makes_a_version_again_that_is_gone_before_anything_names_it(
    guarded: Service, proxy: FaultProxy
) -> None:
    """The function does not serve its old version, which would fail with every question, but one made anew."""
    guarded.replace("aws/bedrock/guardrails.yaml", "darn", "heck")
    assert guarded.run("deploy").code == 0
    assert named(guarded) == "2"
    made = guardrail_of(guarded)
    guarded.aws().call("bedrock", "DeleteGuardrail", guardrailIdentifier=made, guardrailVersion="1")
    looked = guarded.run("rollback", "--to", "1", "--dry-run").json
    anew = {move["address"]: move["anew"] for move in looked["moves"]}
    reason = "version 1 of its guardrail shop-talk was deleted since"
    assert anew == {"lambda.function/shop-stock": reason, "lambda.function/shop-orders": None} | {
        address: None for address in anew if address.startswith("apigateway")
    }
    done = guarded.run("rollback", "--to", "1")
    assert done.code == 0, done.err
    assert (named(guarded), words(guarded, "3")) == ("3", ["darn"])

    for _ in range(17):
        guarded.aws().call("bedrock", "CreateGuardrailVersion", guardrailIdentifier=made)
        guarded.aws().call("bedrock", "GetGuardrail", guardrailIdentifier=made)
    assert "has 19 of the 20 versions" in guarded.run("plan").out
    guarded.aws().call("bedrock", "CreateGuardrailVersion", guardrailIdentifier=made)
    guarded.aws().call("bedrock", "GetGuardrail", guardrailIdentifier=made)
    guarded.replace("aws/bedrock/guardrails.yaml", "heck", "drat")
    proxy.reset()
    refused = guarded.run("deploy", "--clear-hold")
    assert refused.code == 4
    assert f"{GUARDRAIL}: AWS keeps 20 versions of a guardrail" in refused.err
    assert f"delete-guardrail --guardrail-identifier {made} --guardrail-version 2" in refused.err
    assert changing(proxy) == []
    guarded.replace("aws/bedrock/guardrails.yaml", "drat", "heck")
    assert "blocked" not in guarded.run("plan").out, "there is a version that says this"

    guarded.aws().call("bedrock", "DeleteGuardrail", guardrailIdentifier=made, guardrailVersion="2")
    guarded.aws().call("bedrock", "CreateGuardrailVersion", guardrailIdentifier=made)
    proxy.reset()
    impossible = guarded.run("rollback", "--to", "2")
    assert (impossible.code, changing(proxy)) == (4, [])
    assert "it cannot serve any more" in impossible.err
    assert "AWS keeps 20 versions of a guardrail" in impossible.err
    proxy.fail("bedrock:GetGuardrail", "AccessDeniedException", "no", times=None, status=403)
    assert guarded.run("rollback", "--to", "2", "--dry-run").code == 0, "who may not ask rolls back all the same"
