"""What hangs on a function's alias, and what of a function is not its version's."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from pipeline.config.validation import Checker
from pipeline.errors import AwsError, PipelineError
from pipeline.model.access import Grant
from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Expression, Reference
from pipeline.planning.diff import diff
from pipeline.resources.base import Aws, Target
from pipeline.resources.registry import registry
from tests.contract.prerequisites import of
from tests.support import moto_extension
from tests.support.aws import SCOPE, FakeClock, local_client
from tests.support.faults import Recorder

FUNCTION = registry()["lambda.function"]


def function(**more: Any) -> Resource:
    checker = Checker(FUNCTION.spec.schema, FUNCTION.name)
    properties = checker.with_defaults({"name": "orders-list", "runtime": "python3.13", **more})
    return Resource("lambda.function", "orders-list", FUNCTION.canonical(properties, SCOPE))


def derived(**more: Any) -> dict[str, Resource]:
    resource = function(**more)
    return {one.type: one for one in (*FUNCTION.derive(resource, SCOPE), *FUNCTION.compose(resource, (), SCOPE)[1])}


ATTACHED = ("lambda.provisioned_concurrency", "lambda.function_url", "lambda.event_invoke_config")


def test_nothing_hangs_on_a_function_that_asks_for_nothing() -> None:
    assert not set(ATTACHED) & set(derived())


def test_each_attachment_is_a_resource_of_the_alias_that_comes_after_the_function() -> None:
    found = derived(alias="blue", provisioned_concurrency=2, url={}, **{"async": {"max_retries": 0}})
    for kind in ATTACHED:
        one = found[kind]
        assert one.name == "orders-list:blue"
        assert one.dependencies == ("lambda.function/orders-list",)
        assert registry()[kind].canonical(one.properties, SCOPE) == one.properties
        assert registry()[kind].check(one, SCOPE) == []
    assert found["lambda.function_url"].properties["auth"] == "AWS_IAM"
    assert found["lambda.event_invoke_config"].properties["max_age"] == 21600


def test_what_only_derives_is_no_difference_of_the_function() -> None:
    """References in it would differ for ever: AWS keeps none of it with the function."""
    queue = Expression((Reference("sqs.queue/q", "arn"),))
    bare, full = function(), function(provisioned_concurrency=2, url={}, **{"async": {"on_failure": queue}})
    assert diff(FUNCTION.spec, full.properties, bare.properties) == ()


def test_the_role_of_the_function_may_do_what_its_attachments_need() -> None:
    queue = Expression((Reference("sqs.queue/q", "arn"),))
    role = derived(
        access=[{"table": "t", "allow": "read"}],
        vpc={"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
        dead_letter="q",
        **{"async": {"on_failure": queue, "on_success": "arn:aws:sns:us-east-1:123456789012:done"}},
    )["iam.role"]
    statements = role.properties["policies"]["Access"]["Statement"]
    assert statements["OnFailure"]["Action"] == ["sqs:SendMessage"]
    assert [str(arn) for arn in statements["OnFailure"]["Resource"]] == ["${sqs.queue/q.arn}"]
    assert statements["OnSuccess"]["Action"] == ["sns:Publish"]
    assert statements["DeadLetter"]["Action"] == ["sqs:SendMessage"]
    assert "ec2:CreateNetworkInterface" in statements["NetworkInterfaces"]["Action"]
    assert statements["NotByCode"]["Effect"] == "Deny"
    assert "lambda:SourceFunctionArn" in str(statements["NotByCode"]["Condition"])
    assert registry()["iam.role"].warn(role, SCOPE) == []


def test_more_cannot_be_kept_ready_than_is_reserved() -> None:
    (problem,) = FUNCTION.check(function(reserved_concurrency=1, provisioned_concurrency=2), SCOPE)
    assert problem.path == ("provisioned_concurrency",)
    assert FUNCTION.check(function(reserved_concurrency=2, provisioned_concurrency=2), SCOPE) == []


def test_the_order_of_subnets_is_no_difference() -> None:
    one = function(vpc={"subnets": ["b", "a"], "security_groups": ["d", "c"]})
    other = function(vpc={"subnets": ["a", "b"], "security_groups": ["c", "d"]})
    assert one.properties["vpc"] == other.properties["vpc"]


@pytest.fixture
def aws(aws_environment: None) -> Iterator[Aws]:
    moto_extension.register()
    with mock_aws():
        client = local_client(FakeClock())
        client.scope = SCOPE
        of("lambda.function_url").prepare(client)
        yield client


def attachment(kind: str, **more: Any) -> Resource:
    found = registry()[kind]
    declared = {"name": "orders-list:live", "function": "orders-list", **more}
    properties = found.canonical(Checker(found.spec.schema, kind).with_defaults(declared), SCOPE)
    return Resource(kind, "orders-list:live", properties)


def seen(aws: Aws, resource: Resource) -> Observed:
    found = registry()[resource.type].read(aws, [Target(resource, {})])[resource.address]
    assert found is not None
    return found


def policy(aws: Aws) -> str:
    answer = aws.found("lambda", "GetPolicy", FunctionName="orders-list", Qualifier="live") or {}
    return str(answer.get("Policy", ""))


def test_cors_settings_that_say_nothing_are_none() -> None:
    """AWS gives none back, so they would differ for ever."""
    for cors in ({}, {"origins": [], "max_age": 0}):
        assert attachment("lambda.function_url", cors=cors).properties["cors"] is None
        assert derived(url={"cors": cors})["lambda.function_url"].properties["cors"] is None


@pytest.mark.parametrize("place", ["dead_letter", "on_failure", "on_success"])
def test_events_do_not_go_to_fifo_queues(place: str) -> None:
    queue = Expression((Reference("sqs.queue/dead.fifo", "arn"),))
    wanted = function(**({place: queue} if place == "dead_letter" else {"async": {place: queue}}))
    (found,) = FUNCTION.check(wanted, SCOPE)
    assert found.message == "events do not go to FIFO queues and topics"
    assert found.path[-1] == place


def test_only_an_open_url_admits_everybody_and_only_through_itself(aws: Aws) -> None:
    kind = registry()["lambda.function_url"]
    closed, opened = attachment(kind.name), attachment(kind.name, auth="NONE")
    kind.create(aws, closed)
    assert policy(aws) == ""
    recorder = Recorder(aws)
    kind.update(recorder, opened, seen(aws, closed), frozenset({"auth", "open"}))
    added = [call.name for call in recorder.changing]
    assert added == ["lambda:UpdateFunctionUrlConfig", "lambda:AddPermission", "lambda:AddPermission"]
    assert '"lambda:InvokedViaFunctionUrl":"true"' in policy(aws)
    assert '"lambda:FunctionUrlAuthType":"NONE"' in policy(aws)
    kind.update(aws, closed, seen(aws, opened), frozenset({"auth", "open"}))
    assert policy(aws) == ""


def test_a_statement_that_somebody_removed_is_drift_of_the_url(aws: Aws) -> None:
    kind, opened = registry()["lambda.function_url"], attachment("lambda.function_url", auth="NONE")
    kind.create(aws, opened)
    aws.call("lambda", "RemovePermission", FunctionName="orders-list", Qualifier="live", StatementId="pipeline-url")
    found = seen(aws, opened)
    assert found.properties["open"] == "half: pipeline-url-invoke alone"
    kind.update(aws, opened, found, frozenset({"open"}))
    assert seen(aws, opened).properties["open"] is True


def test_an_open_url_is_warned_about_and_widens_access() -> None:
    kind = registry()["lambda.function_url"]
    opened, closed = attachment(kind.name, auth="NONE"), attachment(kind.name)
    assert [problem.message for problem in kind.warn(opened, SCOPE)] == [
        "everybody on the internet may call this function"
    ]
    alias = "arn:aws:lambda:us-east-1:123456789012:function:orders-list:live"
    assert kind.grants(opened.properties, SCOPE) == [Grant("*", "lambda:InvokeFunctionUrl", alias)]
    assert (kind.warn(closed, SCOPE), kind.grants(closed.properties, SCOPE)) == ([], [])


class Allocating(Recorder):
    """Provisioned concurrency that takes a few looks, and then has `status`."""

    def __init__(self, inner: Aws, looks: int, status: str) -> None:
        super().__init__(inner)
        self.looks, self.status = looks, status

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        answer = super().call(service, operation, region=region, **params)
        if operation != "GetProvisionedConcurrencyConfig":
            return answer
        return self._ended(answer)

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        answer = super().found(service, operation, **params)
        return self._ended(answer) if answer and operation == "GetProvisionedConcurrencyConfig" else answer

    def _ended(self, answer: dict[str, Any]) -> dict[str, Any]:
        self.looks -= 1
        ended = {"Status": self.status, "StatusReason": "FUNCTION_ERROR_INIT_FAILURE"}
        return {**answer, **({"Status": "IN_PROGRESS"} if self.looks > 0 else ended)}


def test_instances_are_awaited(aws: Aws) -> None:
    kind, wanted = (
        registry()["lambda.provisioned_concurrency"],
        attachment("lambda.provisioned_concurrency", executions=2),
    )
    slow = Allocating(aws, looks=4, status="READY")
    kind.create(slow, wanted)
    assert slow.looks == 0


def test_why_instances_could_not_be_made_is_told_and_the_next_run_asks_again(aws: Aws) -> None:
    kind, wanted = (
        registry()["lambda.provisioned_concurrency"],
        attachment("lambda.provisioned_concurrency", executions=2),
    )
    with pytest.raises(PipelineError, match="FUNCTION_ERROR_INIT_FAILURE"):
        kind.create(Allocating(aws, looks=2, status="FAILED"), wanted)
    found = kind.read(Allocating(aws, looks=0, status="FAILED"), [Target(wanted, {})])[wanted.address]
    (change,) = diff(kind.spec, wanted.properties, found.properties)
    assert (change.path, change.before) == ("state", "failed: FUNCTION_ERROR_INIT_FAILURE")


def test_an_alias_that_shares_its_traffic_keeps_its_instances_as_they_are(aws: Aws) -> None:
    """Lambda refuses; a canary has to end first."""
    aws.call("lambda", "UpdateFunctionConfiguration", FunctionName="orders-list", Timeout=9)
    aws.call("lambda", "PublishVersion", FunctionName="orders-list")
    shares = {"AdditionalVersionWeights": {"2": 0.1}}
    aws.call("lambda", "UpdateAlias", FunctionName="orders-list", Name="live", RoutingConfig=shares)
    wanted = attachment("lambda.provisioned_concurrency", executions=2)
    with pytest.raises(AwsError) as refused:
        registry()[wanted.type].create(aws, wanted)
    assert refused.value.hint == "finish the canary before changing provisioned concurrency"
