"""What is removed of what releases outside of the window name: never what anybody uses."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import pytest

from pipeline.errors import AwsError, FailedCall, Interrupted, PipelineError
from pipeline.model.delivery import Retention
from pipeline.model.release import Release
from pipeline.model.report import Pruned
from pipeline.model.resource import Resource
from pipeline.releasing.retention import AT_ONCE, WINDOW, noted, prune
from pipeline.releasing.store import Ledger
from tests.support.aws import SCOPE
from tests.support.fake_s3 import FakeS3

T = TypeVar("T")
BUCKET = "ledger"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Account:
    """An `Aws` with one function, a REST API and a WebSocket API; `deleted` is what went. `refuse` by name or id."""

    scope = SCOPE

    def __init__(self) -> None:
        self.versions: list[dict[str, str]] = []
        self.aliases: list[dict[str, Any]] = []
        self.stages: list[dict[str, Any]] = []
        self.websocket_stages: list[dict[str, Any]] = []
        self.functions: list[dict[str, Any]] = []
        self.guardrails: list[dict[str, str]] = []
        self.refuse: dict[str, PipelineError] = {}
        self.deleted: list[str] = []

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        if operation == "GetStages":
            self._check("stages")
            return {"item": self.stages}
        what = (
            params.get("VersionNumber")
            or params.get("guardrailVersion")
            or params.get("Qualifier")
            or params.get("deploymentId")
            or params.get("DeploymentId")
        )
        assert what, "without a qualifier the whole function would go"
        self._check(what)
        self.deleted.append(f"{service}:{what}")
        return {}

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[Any]:
        self._check(key.lower())
        listed = {"Aliases": self.aliases, "Versions": self.versions, "Items": self.websocket_stages}
        return {**listed, "Functions": self.functions, "guardrails": self.guardrails}[key]

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        return self.call(service, operation, **params)

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        return [thunk() for thunk in thunks]

    def wait(self, what: str, poll: Callable[[], T | None], *, every: float, budget: float) -> T:
        raise AssertionError("nothing here is waited for")

    def artifact(self, digest: str) -> dict[str, str]:
        raise AssertionError("nothing here is uploaded")

    def _check(self, what: str) -> None:
        if error := self.refuse.get(what):
            raise error


def refusal(code: str, message: str = "no") -> AwsError:
    return AwsError(FailedCall("lambda", "DeleteFunction", code, message))


DESIRED = (
    Resource("lambda.function", "f", {}),
    Resource("apigateway.rest_api", "rest", {}),
    Resource("apigatewayv2.api", "chat", {}),
)


def release(number: int, **more: Any) -> Release:
    """Release n serves version n, api deployments rn and wn."""
    return Release(
        number, SCOPE.service, SCOPE.environment, SCOPE.region, SCOPE.account, None,
        created=f"2026-11-{number:02}T00:00:00Z", actor="ada", run=f"run-{number}", desired=DESIRED,
        functions={"f": {"version": str(number)}},
        apis={"rest": {"deployment": f"r{number}"}, "chat": {"deployment": f"w{number}"}},
        outputs={"apigateway.rest_api/rest": {"id": "rest"}, "apigatewayv2.api/chat": {"id": "chat"}}, **more,
    )  # fmt: skip


@pytest.fixture
def aws() -> Account:
    account = Account()
    account.versions = [{"Version": "$LATEST"}, *({"Version": str(number)} for number in range(1, 24))]
    return account


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(FakeS3(SCOPE, [BUCKET]), BUCKET)


def after(aws: Account, ledger: Ledger, *numbers: int, keep: int = 1) -> Pruned:
    """Records the releases and clears away after the last."""
    for number in numbers:
        ledger.put_copy(release(number))
    return prune(aws, ledger, release(numbers[-1]), Retention(keep, 0), NOW)


def test_what_only_older_releases_name_goes(aws: Account, ledger: Ledger) -> None:
    pruned = after(aws, ledger, 1, 2, 3, keep=2)
    assert sorted(aws.deleted) == ["apigateway:r1", "apigatewayv2:w1", "lambda:1"]
    assert (pruned.versions, pruned.deployments, pruned.problems) == (1, 2, ())
    aws.deleted.clear()
    assert after(aws, ledger, 4, keep=2).versions == 1
    assert sorted(aws.deleted) == ["apigateway:r2", "apigatewayv2:w2", "lambda:2"]


def test_before_the_first_release_there_is_nothing_to_look_for(aws: Account) -> None:
    store = FakeS3(SCOPE, [BUCKET])
    assert prune(aws, Ledger(store, BUCKET), release(1), Retention(1, 0), NOW) == Pruned()
    assert [operation for operation, _ in store.calls] == ["GetObject", "PutObject"]


def test_what_was_read_before_is_not_read_again(aws: Account, ledger: Ledger) -> None:
    after(aws, ledger, 1, 2, keep=2)
    known = noted(ledger)
    store = cast("FakeS3", ledger.aws)
    store.calls.clear()
    pruned = prune(aws, ledger, release(3), Retention(2, 0), NOW, lambda: known)
    assert (pruned.versions, pruned.problems) == (1, ())
    assert [operation for operation, params in store.calls if params.get("Key") == WINDOW] == ["PutObject"]


def layered(number: int, layer: int) -> Release:
    """Release `number`, whose functions were published with this version of a layer."""
    found = release(number)
    outputs = {**found.outputs, "lambda.layer/words": {"version": layer}}
    return replace(found, desired=(*DESIRED, Resource("lambda.layer", "words", {})), outputs=outputs)


def test_versions_of_a_layer_go_with_the_releases_and_never_while_a_function_names_them(
    aws: Account, ledger: Ledger
) -> None:
    arn = SCOPE.arn("lambda", "layer:words:{}")
    aws.functions = [{"FunctionName": "of-somebody-else", "Layers": [{"Arn": arn.format(2)}]}, {"FunctionName": "f"}]
    for number, layer in ((1, 1), (2, 2), (3, 3), (4, 3)):
        ledger.put_copy(layered(number, layer))
    pruned = prune(aws, ledger, layered(5, 4), Retention(2, 0), NOW)
    assert (pruned.layers, pruned.problems) == (1, ()), "3 is inside the window, 2 is in use"
    assert [name for name in aws.deleted if name in ("lambda:1", "lambda:2", "lambda:3")].count("lambda:1") == 2
    aws.deleted.clear()
    aws.refuse["functions"] = refusal("AccessDeniedException")
    pruned = prune(aws, ledger, layered(6, 4), Retention(1, 0), NOW)
    assert pruned.layers == 0
    assert "looking which layers are in use" in pruned.problems[0]


def guarded(number: int, version: int) -> Release:
    """Release `number`, whose functions name this version of a guardrail."""
    found = release(number)
    outputs = {**found.outputs, "bedrock.guardrail/talk": {"id": "gr1", "version": str(version)}}
    return replace(found, desired=(*DESIRED, Resource("bedrock.guardrail", "talk", {})), outputs=outputs)


def test_versions_of_a_guardrail_go_with_the_last_release_that_names_them(aws: Account, ledger: Ledger) -> None:
    """Version 91 serves again since release 3, as after a rollback."""
    for number, version in ((1, 91), (2, 92), (3, 91)):
        ledger.put_copy(guarded(number, version))
    pruned = prune(aws, ledger, guarded(4, 93), Retention(2, 0), NOW)
    assert (pruned.guardrails, pruned.problems) == (1, ())
    assert [name for name in aws.deleted if name.startswith("bedrock")] == ["bedrock:92"]


def test_what_was_published_in_vain_goes_where_room_is_scarce(aws: Account, ledger: Ledger) -> None:
    """Before the releases that are kept fill all that AWS has room for; never what somebody else published."""
    listed = [("92", "release 2"), ("17", "release 2, commit 1a2b3c4"), ("16", "by hand"), ("15", "release 1")]
    aws.guardrails = [{"version": v, "description": text} for v, text in [*listed, ("93", "release 4"), ("DRAFT", "")]]
    for number, version in ((1, 91), (2, 15), (3, 92)):
        ledger.put_copy(guarded(number, version))
    pruned = prune(aws, ledger, guarded(4, 92), Retention(9, 0), NOW)
    assert (pruned.guardrails, pruned.problems) == (1, ())
    assert aws.deleted == ["bedrock:17"]
    aws.refuse["guardrails"] = refusal("AccessDeniedException")
    (problem,) = prune(aws, ledger, guarded(5, 92), Retention(9, 0), NOW).problems
    assert problem.startswith("looking at the versions of guardrail gr1: ")


def test_what_an_alias_is_on_stays_its_weights_too(aws: Account, ledger: Ledger) -> None:
    weights = {"AdditionalVersionWeights": {"1": 0.1}}
    aws.aliases = [{"FunctionVersion": "2"}, {"FunctionVersion": "4", "RoutingConfig": weights}]
    after(aws, ledger, 1, 2, 3, 4)
    assert [gone for gone in aws.deleted if gone.startswith("lambda")] == ["lambda:3"]


def test_what_a_stage_is_on_stays_its_canary_too(aws: Account, ledger: Ledger) -> None:
    aws.stages = [{"deploymentId": "r4", "canarySettings": {"deploymentId": "r1"}}, {"deploymentId": "r2"}]
    aws.websocket_stages = [{"DeploymentId": "w4"}, {"DeploymentId": "w3"}, {}]
    after(aws, ledger, 1, 2, 3, 4)
    gone = [gone for gone in aws.deleted if not gone.startswith("lambda")]
    assert sorted(gone) == ["apigateway:r3", "apigatewayv2:w1", "apigatewayv2:w2"]


def test_what_a_run_that_died_published_goes_when_it_is_old(aws: Account, ledger: Ledger) -> None:
    made = "2026-01-01T00:00:00.000+0000"
    aws.versions += [
        {"Version": "30", "Description": "release 2, commit 1a2b3c4: f", "LastModified": made},
        {"Version": "31", "Description": "by hand", "LastModified": made},
        {"Version": "32", "Description": "release 3", "LastModified": "2026-11-23T23:00:00.000+0000"},
    ]
    after(aws, ledger, 1, 2)
    assert [gone for gone in aws.deleted if gone.startswith("lambda")] == ["lambda:1", "lambda:30"]


@pytest.mark.parametrize("what", ["1", "r1", "w1", "versions", "aliases", "stages", "items"])
def test_a_refusal_is_told_hinders_nothing_else_and_is_tried_again(aws: Account, ledger: Ledger, what: str) -> None:
    aws.refuse = {what: refusal("AccessDeniedException", "you may not")}
    pruned = after(aws, ledger, 1, 2)
    assert len(pruned.problems) == 1
    assert "you may not" in pruned.problems[0]
    assert len(aws.deleted) == 2
    aws.refuse = {}
    aws.deleted.clear()
    assert after(aws, ledger, 3).problems == ()
    assert {"lambda:1", "apigateway:r1", "apigatewayv2:w1"} <= set(aws.deleted)


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "NotFoundException"])
def test_functions_and_apis_that_are_gone_have_nothing_left(aws: Account, ledger: Ledger, code: str) -> None:
    aws.refuse = dict.fromkeys(["aliases", "stages", "items"], refusal(code))
    assert after(aws, ledger, 1, 2) == Pruned()
    assert aws.deleted == []


def test_long_neglect_is_made_good_a_piece_at_a_time(aws: Account, ledger: Ledger) -> None:
    assert after(aws, ledger, *range(1, 23)).versions == AT_ONCE
    assert after(aws, ledger, 23).versions == 2


def test_a_run_that_is_asked_to_stop_stops(aws: Account, ledger: Ledger) -> None:
    aws.refuse = {"1": Interrupted("stopped")}
    with pytest.raises(Interrupted):
        after(aws, ledger, 1, 2)


def test_a_release_that_a_rollback_brought_back_is_needed(aws: Account, ledger: Ledger) -> None:
    for number in (1, 2):
        ledger.put_copy(release(number))
    third = replace(release(3), functions=release(1).functions, apis=release(1).apis, restores=1)
    prune(aws, ledger, third, Retention(1, 0), NOW)
    assert sorted(aws.deleted) == ["apigateway:r2", "apigatewayv2:w2", "lambda:2"]
