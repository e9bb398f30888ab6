"""What moto leaves out of calls that our resource types rely on: mended within the call that asked for it.

Each entry says what AWS does, and where that is known from. moto is pinned: entries are looked at when it moves.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from moto.apigateway.models import apigateway_backends
from moto.awslambda.models import lambda_backends
from moto.dynamodb.models import dynamodb_backends

from pipeline.resources.base import Aws
from tests.support.faults import Recorder

T = TypeVar("T")
Params = Mapping[str, Any]


class MotoGaps(Recorder):
    """An `Aws` over moto that keeps to AWS where moto forgets a part of a request."""

    def _carry_out(self, service: str, operation: str, params: dict[str, Any], act: Callable[[], T]) -> T:
        instead = _INSTEAD.get(f"{service}:{operation}")
        answer: Any = instead(self.inner, params) if instead else None
        if answer is None:
            answer = super()._carry_out(service, operation, params, act)
        if after := _AFTERWARDS.get(f"{service}:{operation}"):
            after(self.inner, params)
        return answer  # type: ignore[no-any-return]  # what stands in for an answer has its shape


def _tag_bucket(aws: Aws, params: Params) -> None:
    """CreateBucket writes tags: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html"""
    if tags := params.get("CreateBucketConfiguration", {}).get("Tags"):
        aws.call("s3", "PutBucketTagging", Bucket=params["Bucket"], Tagging={"TagSet": tags})


def _end_stream(aws: Aws, params: Params) -> None:
    """A stream that was ended can be followed by another one; moto remembers the old one for ever.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
    """
    if params.get("StreamSpecification", {}).get("StreamEnabled") is False:
        table = dynamodb_backends[aws.scope.account][aws.scope.region].tables[params["TableName"]]
        table.latest_stream_label = None


def _configure_function(aws: Aws, params: Params) -> None:
    """Members that moto takes at creation alone.

    https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
    """
    function = lambda_backends[aws.scope.account][aws.scope.region].get_function(params["FunctionName"])
    if "EphemeralStorage" in params:
        function.ephemeral_storage = params["EphemeralStorage"]["Size"]
    if "TracingConfig" in params:
        function.tracing_config = params["TracingConfig"]
    if "KMSKeyArn" in params:
        function.kms_key_arn = params["KMSKeyArn"]


def _api(aws: Aws, params: Params) -> Any:
    """The API whose ARN is to be tagged; None for the ARN of a stage."""
    *_, kind, api = params["resourceArn"].split("/")
    return apigateway_backends[aws.scope.account][aws.scope.region].apis[api] if kind == "restapis" else None


def _tag_api(aws: Aws, params: Params) -> dict[str, Any] | None:
    """APIs take tags, not only stages: https://docs.aws.amazon.com/apigateway/latest/api/API_TagResource.html"""
    if (api := _api(aws, params)) is None:
        return None
    api.tags = {**(api.tags or {}), **params["tags"]}
    return {}


def _untag_api(aws: Aws, params: Params) -> dict[str, Any] | None:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_UntagResource.html"""
    if (api := _api(aws, params)) is None:
        return None
    api.tags = {key: value for key, value in (api.tags or {}).items() if key not in params["tagKeys"]}
    return {}


def _delete_api(aws: Aws, params: Params) -> dict[str, Any] | None:
    """AWS answers 404 for an API that is gone, which means done; moto breaks."""
    known = apigateway_backends[aws.scope.account][aws.scope.region].apis
    return None if params["restApiId"] in known else {}


_INSTEAD: Mapping[str, Callable[[Aws, Params], dict[str, Any] | None]] = {
    "apigateway:DeleteRestApi": _delete_api,
    "apigateway:TagResource": _tag_api,
    "apigateway:UntagResource": _untag_api,
}
_AFTERWARDS: Mapping[str, Callable[[Aws, Params], None]] = {
    "dynamodb:UpdateTable": _end_stream,
    "lambda:UpdateFunctionConfiguration": _configure_function,
    "s3:CreateBucket": _tag_bucket,
}
