"""Layers: versions that are found again instead of being published twice."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from pipeline.applying.aws_client import AwsClient
from pipeline.config.validation import Checker
from pipeline.model.resource import Mark, Observed, Resource
from pipeline.model.scope import Scope
from pipeline.planning.diff import diff
from pipeline.resources.base import Aws, ResourceType
from pipeline.resources.registry import registry
from tests.contract.prerequisites import archive_digest, archive_place, of
from tests.resources.functions import target
from tests.support.aws import SCOPE, FakeClock, local_client
from tests.support.faults import Recorder


@pytest.fixture
def aws(aws_environment: None) -> Iterator[AwsClient]:
    with mock_aws():
        client = local_client(FakeClock())
        client.scope = SCOPE
        client.artifacts = archive_place
        of("lambda.layer").prepare(client)
        yield client


def kind() -> ResourceType:
    return registry()["lambda.layer"]


def layer(number: int = 0, **properties: Any) -> Resource:
    raw = {"name": "orders-shared", "path": "layers/shared", "compatible_runtimes": ["python3.13"], **properties}
    checker = Checker(kind().spec.schema, kind().name)
    full = {**kind().canonical(checker.with_defaults(raw), SCOPE), "code": archive_digest(number)}
    return Resource("lambda.layer", "orders-shared", full)


def read(aws: Aws, resource: Resource) -> Observed | None:
    return kind().read(aws, [target(resource)]).get(resource.address)


def differing(resource: Resource, observed: Observed | None) -> set[str]:
    assert observed is not None
    return {change.path for change in diff(kind().spec, resource.properties, observed.properties)}


def versions(aws: Aws) -> list[dict[str, Any]]:
    return aws.pages("lambda", "ListLayerVersions", "LayerVersions", LayerName="orders-shared")


def test_the_mark_and_the_digest_stand_in_the_description(aws: AwsClient) -> None:
    outputs = kind().create(aws, layer(description="What all handlers need"))
    (version,) = versions(aws)
    assert version["Description"] == f"pipeline:orders/dev {archive_digest(0)} What all handlers need"
    arn = "arn:aws:lambda:us-east-1:123456789012:layer:orders-shared"
    assert outputs == {"arn": arn, "version": 1, "version_arn": f"{arn}:1"}
    observed = read(aws, layer(description="What all handlers need"))
    assert observed is not None
    assert observed.mark == Mark("orders", "dev", "lambda.layer/orders-shared")
    assert differing(layer(description="What all handlers need"), observed) == set()


@pytest.mark.parametrize(
    "changed",
    [
        layer(1),
        layer(description="new"),
        layer(license="MIT"),
        layer(architectures=["arm64"]),
        layer(compatible_runtimes=["python3.13", "python3.14"]),
    ],
)
def test_every_change_is_a_new_version_and_the_old_one_stays(aws: AwsClient, changed: Resource) -> None:
    kind().create(aws, layer())
    observed = read(aws, changed)
    paths = differing(changed, observed)
    assert len(paths) == 1
    assert observed is not None
    outputs = kind().update(aws, changed, observed, frozenset(paths))
    assert outputs["version"] == 2
    assert len(versions(aws)) == 2
    assert differing(changed, read(aws, changed)) == set()


def test_the_order_of_runtimes_means_nothing(aws: AwsClient) -> None:
    kind().create(aws, layer(compatible_runtimes=["python3.13", "python3.14"]))
    turned = layer(compatible_runtimes=["python3.14", "python3.13"])
    assert kind().create(aws, turned)["version"] == 1


def test_an_old_content_that_comes_back_is_found_again(aws: AwsClient) -> None:
    kind().create(aws, layer(0))
    kind().create(aws, layer(1))
    observed = read(aws, layer(0))
    assert observed is not None
    assert observed.outputs["version"] == 1
    assert differing(layer(0), observed) == set()


def test_a_run_that_died_after_publishing_publishes_no_second_one(aws: AwsClient) -> None:
    first, again = (kind().create(aws, layer()) for _ in range(2))
    assert first == again
    assert len(versions(aws)) == 1


def test_what_only_packaging_uses_is_no_difference(aws: AwsClient) -> None:
    kind().create(aws, layer())
    moved = layer(path="elsewhere", requirements="layers/requirements.txt", exclude=["*.md"])
    assert differing(moved, read(aws, moved)) == set()


def test_a_layer_of_somebody_else_is_shown_as_such(aws: AwsClient) -> None:
    place = {"S3Bucket": "orders-archives", "S3Key": archive_place(archive_digest(0))["key"]}
    aws.call("lambda", "PublishLayerVersion", LayerName="orders-shared", Description="by hand", Content=place)
    observed = read(aws, layer())
    assert observed is not None
    assert observed.mark is None
    assert observed.markable


def test_a_layer_of_another_environment_keeps_its_mark(aws: AwsClient, aws_environment: None) -> None:
    other = local_client(FakeClock())
    other.scope = Scope("orders", "staging", SCOPE.account, SCOPE.region)
    other.artifacts = archive_place
    kind().create(other, layer())
    observed = read(aws, layer())
    assert observed is not None
    assert observed.mark == Mark("orders", "staging", "lambda.layer/orders-shared")


def test_our_version_goes_before_a_newer_one_of_somebody_else(aws: AwsClient) -> None:
    kind().create(aws, layer())
    place = {"S3Bucket": "orders-archives", "S3Key": archive_place(archive_digest(0))["key"]}
    aws.call("lambda", "PublishLayerVersion", LayerName="orders-shared", Description="by hand", Content=place)
    observed = read(aws, layer(1))
    assert observed is not None
    assert observed.outputs["version"] == 1


def test_deleting_leaves_the_versions_of_others(aws: AwsClient) -> None:
    kind().create(aws, layer(0))
    kind().create(aws, layer(1))
    place = {"S3Bucket": "orders-archives", "S3Key": archive_place(archive_digest(0))["key"]}
    aws.call("lambda", "PublishLayerVersion", LayerName="orders-shared", Description="by hand", Content=place)
    observed = read(aws, layer(1))
    assert observed is not None
    recorder = Recorder(aws)
    kind().delete(recorder, observed)
    kind().delete(recorder, observed)
    assert recorder.counts["lambda:DeleteLayerVersion"] == 2
    assert [version["Description"] for version in versions(aws)] == ["by hand"]


def problems(**properties: Any) -> list[str]:
    return [problem.message for problem in kind().check(layer(**properties), SCOPE)]


def test_a_layer_has_content() -> None:
    assert problems() == []
    assert problems(path=None, requirements="requirements.txt") == []
    assert problems(path=None) == ["a layer has a path, requirements, or both"]


def test_the_description_leaves_room_for_the_mark() -> None:
    assert problems(description="x" * 160) == []
    (message,) = problems(description="x" * 200)
    assert message.startswith("the description is 36 characters too long")


def test_white_space_around_the_description_is_dropped(aws: AwsClient) -> None:
    wanted = layer(description="  shared \n")
    kind().create(aws, wanted)
    assert differing(wanted, read(aws, wanted)) == set()
