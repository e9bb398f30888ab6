"""Every property of every type by itself: made so, changed to that and back, seen when somebody else changes it.

Trying them takes a quarter of an hour: `tox -e soak`. That they can be tried is checked each time.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from pipeline.config.validation import Checker
from pipeline.planning.diff import diff
from pipeline.resources.base import ResourceType
from pipeline.resources.registry import registry
from tests.contract import prerequisites
from tests.contract.conftest import Account
from tests.contract.engine import Case, carry_out, case
from tests.contract.test_lifecycle import begin
from tests.contract.variations import variants
from tests.support.faults import Recorder

soak = pytest.mark.skipif(not os.environ.get("SOAK"), reason="a quarter of an hour; run by tox -e soak")
made = [pytest.param(kind, id=name) for name, kind in registry().items() if kind.spec.lookup is None]

# References and aliases of the examples, of which there is one of each.
REFERENCES = {
    "alias", "api", "bucket", "certificate", "distribution", "http_api", "region", "source", "stage", "user_pool",
    "zone",
}  # fmt: skip
# What only means something together with what the examples do not have.
UNVARIED: Mapping[str, set[str]] = {
    "application-autoscaling.scalable_target": {"resource_id"},
    "cloudfront.distribution": {"origin", "web_acl"},
    "cognito-idp.user_pool": {"alias_attributes"},
    "cognito-idp.user_pool_client": {"identity_providers"},
    "dynamodb.table": {"partition_key"},
    "iam.policy": {"path"},
    "iam.role": {"path"},
    "iam.role_policy": {"policy"},
    "lambda.function": {"access", "exclude", "include", "layers"},
    "lambda.layer": {"architectures", "exclude", "include", "requirements"},
}
# What says how something else is made, or is AWS's choice once nobody speaks of it.
UNSEEN: Mapping[str, set[str]] = {
    "apigateway.rest_api": {"cors", "endpoints"},  # the answers of errors follow from both
    "cognito-idp.user_pool": {"attributes", "tier"},
    "cognito-idp.user_pool_client": {"read_attributes", "write_attributes"},
    "dynamodb.table": {"read_capacity", "write_capacity", "indexes"},  # autoscaling decides
    "lambda.function": {"log_retention_days", "url", "async", "provisioned_concurrency"},  # others follow from them
    "lambda.layer": {"compatible_runtimes", "description", "license"},  # what was published stays
    "s3.site": {"config", "exclude", "root"},  # packaging reads them
}
# What moto keeps no part of, or does not know; what no author writes.
FORGOTTEN: Mapping[str, set[str]] = {
    "iam.role_policy": {"role"},  # which is named, and not written as an ARN
    "application-autoscaling.scalable_target": {"dimension"},
    "bedrock.guardrail": {"kms_key"},
    "dynamodb.table": {"table_class", "kms_key"},
    "logs.log_group": {"kms_key"},
}
# Derived from others by `compose`, without which there is nothing to carry out.
COMPOSED = {"cloudwatch.composite_alarm": {"any_of", "rule", "thresholds", "watch"}, "cloudwatch.dashboard": {"body"}}


def varied(kind: ResourceType, number: int) -> Iterator[tuple[set[str], Mapping[str, Any]]]:
    """Valid variants of an example, each with the properties that it changes."""
    checker, example = Checker(kind.spec.schema, kind.name), kind.spec.examples[number]
    seen = set()
    for variant in variants(kind.name, kind.spec.schema, example):
        text = json.dumps(variant, sort_keys=True)
        if text not in seen and not checker.complaints(variant):
            seen.add(text)
            yield {key for key in {*variant, *example} if variant.get(key) != example.get(key)}, variant


@pytest.mark.parametrize("kind", made)
def test_every_property_has_variants(kind: ResourceType) -> None:
    written = {key for key, sub in kind.spec.schema["properties"].items() if not {"readOnly", "engine"} & {*sub}}
    names = {name for number in (0, 1) for changed, _ in varied(kind, number) for name in changed}
    assert written - names - REFERENCES - {"name"} == UNVARIED.get(kind.name, set())


@soak
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("kind", made)
def test_each_property_by_itself(account: Account, kind: ResourceType, number: int) -> None:
    left_out = FORGOTTEN.get(kind.name, set()) | COMPOSED.get(kind.name, set())
    wrong = []
    for changed, example in varied(kind, number):
        if not changed & left_out:
            wrong += [f"{sorted(changed)}: {finding}" for finding in _tried(account, kind, number, changed, example)]
    assert wrong == []


def _tried(
    account: Account, kind: ResourceType, number: int, changed: set[str], example: Mapping[str, Any]
) -> Iterator[str]:
    aws = begin(account, kind)
    usual, other = case(kind, number, aws), _other(kind, number, example, account)
    changes = diff(kind.spec, other.resource.properties, usual.resource.properties)
    paths = {change.path for change in changes}
    if kind.check(other.resource, aws.scope) or not paths:
        return  # it means something only together with another property, or the same
    yield from _carried_out(account, other, "made")
    if any(change.forces_replacement for change in changes):
        return
    begin(account, kind)
    carry_out(account.process(), usual)
    for wanted, what in ((other, "changed"), (usual, "changed back")):
        found = wanted.read(account.process())
        assert found is not None
        seen = wanted.differences(found) | prerequisites.of(kind.name).echoed
        if not paths <= seen and not changed & UNSEEN.get(kind.name, set()):
            yield f"{what}: {sorted(paths - seen)} is not seen"
        yield from _carried_out(account, wanted, what)


def _carried_out(account: Account, wanted: Case, what: str) -> Iterator[str]:
    """One run makes it as declared, and a second one has nothing to do."""
    carry_out(account.process(), wanted)
    found = wanted.read(account.process())
    assert found is not None
    if differing := wanted.differences(found):
        yield f"{what}: still differs in {sorted(differing)}"
    again = Recorder(account.process())
    carry_out(again, wanted)
    if again.changing:
        yield f"{what}: a second run calls {[call.name for call in again.changing]}"


def _other(kind: ResourceType, number: int, example: Mapping[str, Any], account: Account) -> Case:
    """The variant in the place of the example."""
    examples = (*kind.spec.examples[:number], example, *kind.spec.examples[number + 1 :])
    return case(ResourceType(kind.module, replace(kind.spec, examples=examples)), number, account.process())
