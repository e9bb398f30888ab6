"""What the schema of every resource type must say, and that its examples keep to it."""

from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
import pytest
from jsonschema import Draft202012Validator

from pipeline.model.resource import Resource
from pipeline.model.values import SENSITIVE, Secret, transform
from pipeline.planning.diff import diff
from pipeline.planning.planner import MARK
from pipeline.resources.base import ResourceType
from pipeline.resources.registry import registry
from tests.contract.engine import declared
from tests.support.aws import SCOPE

VERBS = ("read", "create", "update", "delete")
# Types that no author writes: they follow from others.
DERIVED = {
    "application-autoscaling.scalable_target",
    "iam.role_policy",
    "lambda.event_invoke_config",
    "lambda.function_url",
    "lambda.permission",
    "lambda.provisioned_concurrency",
    "s3.bucket_grant",
}
# Types that AWS knows by ids of its own.
RENAMABLE = {
    "acm.certificate",
    "apigateway.rest_api",
    "apigatewayv2.api",
    "apigatewayv2.http_api",
    "bedrock.guardrail",
    "cloudfront.cache_policy",
    "cloudfront.distribution",
    "cloudfront.origin_access_control",
    "cloudfront.response_headers_policy",
    "cognito-idp.user_pool",
    "cognito-idp.user_pool_client",
    "lambda.event_source_mapping",
}
HIDDEN = "hunter2-hunter2"

every_type = pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in registry().items()])
every_example = pytest.mark.parametrize(
    ("kind", "example"),
    [
        pytest.param(kind, example, id=f"{name}-{number}")
        for name, kind in registry().items()
        for number, example in enumerate(kind.spec.examples)
    ],
)


def nested(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(dotted path, schema) of every declared property, at any depth."""
    for key, sub in schema.get("properties", {}).items():
        yield f"{path}{key}", sub
        yield from nested(sub, f"{path}{key}.")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), Mapping):
            yield from nested(schema[word], f"{path}*.")
    for word in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(word, ()):
            yield from nested(branch, path)


@every_type
def test_the_schema_is_valid(kind: ResourceType) -> None:
    Draft202012Validator.check_schema(kind.spec.schema)
    assert kind.spec.schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert kind.spec.schema["type"] == "object"


@every_type
def test_the_type_is_named_after_its_service(kind: ResourceType) -> None:
    service, _, thing = kind.name.partition(".")
    assert service in botocore.session.Session().get_available_services()
    assert kind.module.__name__ == f"pipeline.resources.{service.replace('-', '_')}_{thing}"


@every_type
def test_metadata_is_complete(kind: ResourceType) -> None:
    schema = kind.spec.schema
    assert schema["title"]
    assert schema["description"].endswith(".")
    assert kind.spec.collections or kind.name in DERIVED
    assert set(kind.spec.primary_identifier) <= set(schema["properties"])
    assert MARK not in schema["properties"]  # else a change of it would be taken for one of the ownership mark
    assert set(schema.get("required", ())) <= set(schema["properties"])
    assert set(kind.spec.primary_identifier) <= {*kind.spec.create_only, *kind.spec.read_only}
    assert kind.spec.renamable is (kind.name in RENAMABLE)
    for paths in (kind.spec.create_only, kind.spec.read_only, kind.spec.write_only, kind.spec.sensitive):
        assert {path.split(".")[0] for path in paths} <= set(schema["properties"])


@every_type
def test_every_property_is_described(kind: ResourceType) -> None:
    missing = [path for path, sub in nested(kind.spec.schema) if not str(sub.get("description", "")).endswith(".")]
    assert missing == []


@every_type
def test_outputs_are_marked_as_such(kind: ResourceType) -> None:
    marked = {path for path, sub in nested(kind.spec.schema) if sub.get("readOnly")}
    assert marked == set(kind.spec.read_only)
    assert set(kind.spec.volatile_outputs) <= marked


@every_type
def test_the_verbs_are_there_and_described(kind: ResourceType) -> None:
    for verb in VERBS if kind.spec.lookup is None else ("read",):
        function = getattr(kind.module, verb)
        assert function.__doc__, verb
    assert kind.module.__doc__


@every_type
def test_there_are_two_examples_of_one_resource(kind: ResourceType) -> None:
    if kind.spec.lookup is not None:
        return  # never updated
    create, update, *_ = kind.spec.examples
    assert create["name"] == update["name"]
    assert create != update


@every_example
def test_examples_are_valid(kind: ResourceType, example: Mapping[str, Any]) -> None:
    errors = [error.message for error in Draft202012Validator(dict(kind.spec.schema)).iter_errors(example)]
    assert errors == []


@every_example
def test_examples_pass_the_type_s_own_check(kind: ResourceType, example: Mapping[str, Any]) -> None:
    properties = declared(kind, example, SCOPE)
    resource = Resource(kind.name, str(properties.get("name")), properties)
    assert kind.check(resource, SCOPE) == []
    assert isinstance(kind.warn(resource, SCOPE), list)


@every_example
def test_unknown_keys_are_rejected(kind: ResourceType, example: Mapping[str, Any]) -> None:
    validator = Draft202012Validator(dict(kind.spec.schema))
    assert not validator.is_valid({**example, "surprise": True})


@every_type
def test_nested_objects_reject_unknown_keys(kind: ResourceType) -> None:
    """An object either names its keys or says what its free keys hold."""
    loose = [
        path
        for path, sub in nested(kind.spec.schema)
        if "object" in _listed(sub.get("type")) and "additionalProperties" not in sub
    ]
    assert loose == []


def _listed(kind: Any) -> list[str]:
    return kind if isinstance(kind, list) else [kind]


@every_example
def test_the_canonical_form_differs_from_nothing_but_itself(kind: ResourceType, example: Mapping[str, Any]) -> None:
    properties = declared(kind, example, SCOPE)
    assert diff(kind.spec, properties, properties) == ()


@every_type
def test_secrets_are_not_shown(kind: ResourceType) -> None:
    """Whatever text an author replaces with a secret reference, its value is in no plan."""
    properties = declared(kind, kind.spec.examples[0], SCOPE)
    names = {"name", *kind.spec.primary_identifier}
    secret = {
        key: value
        if key in names
        else transform(value, lambda leaf: Secret("ssm:/x", "1", HIDDEN) if isinstance(leaf, str) else leaf)
        for key, value in properties.items()
    }
    for observed in ({}, properties):
        changes = diff(kind.spec, secret, observed)
        assert HIDDEN not in repr([change.to_json() for change in changes])
    shown = diff(kind.spec, secret, properties)
    assert not kind.spec.sensitive or any(change.after == SENSITIVE for change in shown)


def test_no_two_types_share_a_collection() -> None:
    collections = [name for kind in registry().values() for name in kind.spec.collections]
    assert len(collections) == len({*collections})


def test_the_collections_of_the_manual_are_there() -> None:
    assert {"tables", "functions", "api", "roles", "buckets", "layers", "log_groups"} <= set(registry().by_collection)
