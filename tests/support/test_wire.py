"""Every operation of the services in use is recognised from the very request that botocore would send."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.config import Config
from botocore.parsers import PROTOCOL_PARSERS, create_parser

from tests.support.wire import Call, Request, error_answer, identify

SERVICES = (
    *("acm", "apigateway", "apigatewayv2", "application-autoscaling", "bedrock", "bedrock-runtime", "cloudfront"),
    *("cloudwatch", "codedeploy", "cognito-idp", "dynamodb", "events", "iam", "kms", "lambda", "logs"),
    *("resourcegroupstaggingapi", "route53", "s3", "secretsmanager", "sns", "sqs", "ssm", "sts"),
)
# Not signed, sent to another host, or older names of operations with the same request.
INDISTINCT = {
    *("s3:GetBucketLifecycle", "s3:PutBucketLifecycle", "s3:GetBucketNotification", "s3:PutBucketNotification"),
    *("s3:ListDirectoryBuckets", "s3:WriteGetObjectResponse"),
}


class Sent(Exception):
    """Instead of sending."""


def sample(shape: Any, name: str = "") -> Any:
    """The smallest value that a shape takes."""
    kind = shape.type_name
    if kind == "structure":
        chosen = shape.required_members or (list(shape.members)[:1] if getattr(shape, "is_tagged_union", False) else [])
        return {member: sample(shape.members[member], member) for member in chosen}
    if kind == "list":
        return [sample(shape.member, name)]
    if kind == "map":
        return {"k": sample(shape.value, name)}
    if kind == "string":
        arn = "arn:aws:lambda:us-east-1:123456789012:function:x"
        return shape.enum[0] if shape.enum else arn if "arn" in name.lower() else "abc"
    values = {"integer": 1, "long": 1, "float": 1.0, "double": 1.0, "boolean": True, "blob": b"x", "timestamp": 0}
    return values[kind]


def requests(service: str) -> Iterator[tuple[str, Request]]:
    """(operation, request) of every signed operation of a service."""
    session = botocore.session.Session()
    session.set_credentials("testing", "testing")
    config = Config(s3={"addressing_style": "path"}, parameter_validation=False)
    client = session.create_client(service, "us-east-1", endpoint_url="http://127.0.0.1:9", config=config)
    prepared: list[Any] = []

    def keep(request: Any, **options: Any) -> None:
        prepared.append(request)
        raise Sent

    client.meta.events.register("before-send", keep)
    for name in client.meta.service_model.operation_names:
        shape = client.meta.service_model.operation_model(name).input_shape
        with pytest.raises(Sent):
            client._make_api_call(name, sample(shape) if shape else {})
        request = prepared.pop()
        headers = {key.lower(): _text(value) for key, value in request.headers.items()}
        if "authorization" in headers:
            url = urlsplit(request.url)
            body = request.body.read() if hasattr(request.body, "read") else request.body or b""
            target = f"{url.path}?{url.query}" if url.query else url.path
            yield name, Request(request.method, target, headers, body.encode() if isinstance(body, str) else body)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.mark.slow
@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_is_recognised(service: str) -> None:
    wrong = {}
    for name, request in requests(service):
        call = identify(request)
        if f"{service}:{name}" not in INDISTINCT and (call is None or call.name != f"{service}:{name}"):
            wrong[name] = call and call.name
    assert wrong == {}


def test_traffic_of_users_is_no_api_call() -> None:
    assert identify(Request("GET", "/orders", {"host": "abc.execute-api.localhost"})) is None


def test_presigned_urls_are_api_calls() -> None:
    credential = "testing%2F20261124%2Fus-east-1%2Fs3%2Faws4_request"
    call = identify(Request("GET", f"/bucket/key?X-Amz-Credential={credential}", {}))
    assert call is not None
    assert (call.name, call.iam_action) == ("s3:GetObject", "s3:GetObject")


@pytest.mark.parametrize(
    ("call", "action"),
    [
        (Call("apigatewayv2", "UpdateStage", "us-east-1", "PATCH", "rest-json"), "apigateway:PATCH"),
        (Call("s3", "PutPublicAccessBlock", "us-east-1", "PUT", "rest-xml"), "s3:PutBucketPublicAccessBlock"),
        (Call("s3", "HeadObject", "us-east-1", "HEAD", "rest-xml"), "s3:GetObject"),
        (Call("resourcegroupstaggingapi", "GetResources", "us-east-1", "POST", "json"), "tag:GetResources"),
        (Call("cognito-idp", "CreateUserPool", "us-east-1", "POST", "json"), "cognito-idp:CreateUserPool"),
    ],
)
def test_names_of_policies(call: Call, action: str) -> None:
    assert call.iam_action == action


@pytest.mark.parametrize("protocol", sorted(set(PROTOCOL_PARSERS) - {"ec2"}))
def test_errors_are_read_by_botocore_as_they_were_meant(protocol: str) -> None:
    service = {"json": "dynamodb", "rest-json": "lambda", "query": "iam", "rest-xml": "route53"}.get(
        protocol, "cloudwatch"
    )
    answer = error_answer(Call(service, "X", "us-east-1", "POST", protocol), "SomeCode", "it is <so> & " + "x" * 40)
    response = {"status_code": answer.status, "headers": answer.headers, "body": answer.body}
    parsed = create_parser(protocol).parse(response, None)
    assert parsed["Error"]["Code"] == "SomeCode"
    assert parsed["Error"]["Message"] == "it is <so> & " + "x" * 40
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_statuses_are_those_of_the_model() -> None:
    assert error_answer(Call("lambda", "X", "r", "POST", "rest-json"), "TooManyRequestsException", "").status == 429
    assert error_answer(Call("s3", "X", "r", "PUT", "rest-xml"), "NoSuchBucket", "").status == 404
    assert error_answer(Call("sqs", "X", "r", "POST", "json"), "InternalFailure", "").status == 500
    assert error_answer(Call("s3", "X", "r", "HEAD", "rest-xml"), "NoSuchKey", "").body == b""
