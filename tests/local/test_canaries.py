"""Canaries on the embedded AWS: requests over HTTP are really shared, and counted by the version that served them."""

import json
import time
from collections import Counter
from collections.abc import Callable

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.clients import connect
from pipeline.model.release import Release
from pipeline.model.scope import Scope
from pipeline.model.shift import Rollout, Shift, Way
from pipeline.model.strategy import Step, Strategy
from pipeline.releasing.metrics import CloudWatch
from pipeline.releasing.shifting import Traffic
from tests.local.support import ECHO, Account, http, openapi, proxy

pytestmark = pytest.mark.emulator

FAILS = """
def handler(event, context):
    raise RuntimeError("broken")
"""
QUALIFIER = "${stageVariables.alias}"


@pytest.fixture
def aws(account: Account) -> AwsClient:
    keys = {"AWS_ACCESS_KEY_ID": account.account, "AWS_SECRET_ACCESS_KEY": "test"}
    client = connect(account.region, environment={"AWS_ENDPOINT_URL": account.aws.endpoint, **keys})
    client.scope = Scope("shop", "dev", account.account, account.region)
    return client


def rolled_out(account: Account, *shifts: Shift) -> Rollout:
    release = Release(2, "shop", "dev", account.region, account.account, None, "", "ada", "run")
    return Rollout(release, Strategy("canary", (Step(50, 60),)), shifts, "", time.time(), base=1)


def two_versions(account: Account, name: str, code: str | None = None) -> str:
    """A function whose alias serves its first version, and an API that calls it through the alias of the stage."""
    arn = account.function(name)
    account.publish(name, code or ECHO)
    account.alias(name)
    api = account.api(name, openapi({"/": {"get": proxy(f"{arn}:{QUALIFIER}")}}, title=name))
    variables = [{"op": "replace", "path": "/variables/alias", "value": "live"}]
    account.client("apigateway").update_stage(restApiId=api, stageName="dev", patchOperations=variables)
    account.allow(api, name)
    return api


def test_a_bad_version_fails_its_share_of_the_requests_and_is_seen(
    account: Account, aws: AwsClient, unique: Callable[[str], str]
) -> None:
    name = unique("weighted")
    api = two_versions(account, name, FAILS)
    shift = Shift(f"lambda.function/{name}", "alias", name, "live", "1", "2", Way.WEIGHTS)
    rollout = rolled_out(account, shift)
    traffic = Traffic(aws, rollout.shifts)
    traffic.share(50)
    answers = Counter(http(account.url(api)).status for _ in range(40))
    assert answers[200] > 5
    assert answers[502] > 5
    [sample] = CloudWatch(aws, rollout).samples(rollout.began, time.time())
    assert (sample.canary.requests, sample.canary.errors) == (answers[502], answers[502])
    assert (sample.stable.requests, sample.stable.errors) == (answers[200], 0)
    assert sample.stable.p50 is not None
    traffic.revert()
    assert {http(account.url(api)).status for _ in range(10)} == {200}


def test_a_canary_of_a_stage_reaches_the_new_version_and_nothing_else(
    account: Account, aws: AwsClient, unique: Callable[[str], str]
) -> None:
    """One request meets one release: the new path and the new version, or the old ones."""
    name = unique("staged")
    api = two_versions(account, name)
    gateway = account.client("apigateway")
    before = gateway.get_stage(restApiId=api, stageName="dev")["deploymentId"]
    document = openapi({"/": {"get": proxy(f"{account.arn(name)}:{QUALIFIER}")},
                        "/new": {"get": proxy(f"{account.arn(name)}:{QUALIFIER}")}}, title=name)  # fmt: skip
    gateway.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(document).encode())
    after = gateway.create_deployment(restApiId=api)["id"]
    function = Shift(f"lambda.function/{name}", "alias", name, "live", "1", "2", Way.STAGE)
    stage = Shift(f"apigateway.rest_api/{name}", "stage", api, "dev", before, after, Way.STAGE)
    rollout = rolled_out(account, function, stage)
    traffic = Traffic(aws, rollout.shifts)
    traffic.share(50)
    answers = [http(account.url(api) + "/new") for _ in range(30)]
    assert {answer.status for answer in answers} == {200, 403}
    assert {answer.json()["version"] for answer in answers if answer.status == 200} == {"2"}
    [sample] = [one for one in CloudWatch(aws, rollout).samples(rollout.began, time.time()) if one.kind == "function"]
    assert sample.canary.requests == sum(answer.status == 200 for answer in answers)
    traffic.promote()
    assert {http(account.url(api) + "/new").json()["version"] for _ in range(10)} == {"2"}
    assert "canarySettings" not in gateway.get_stage(restApiId=api, stageName="dev")
