"""What a request to AWS is, read off the wire; and how each protocol of AWS says that something went wrong."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl
from xml.sax.saxutils import escape

import botocore.session
from botocore.exceptions import UnknownServiceError

# Names of a credential scope that are not the service's name in boto3; the first whose model fits counts.
_SIGNED_AS = {
    "apigateway": ("apigateway", "apigatewayv2"),
    "bedrock": ("bedrock", "bedrock-runtime"),
    "execute-api": ("apigatewaymanagementapi",),
    "monitoring": ("cloudwatch",),
    "tagging": ("resourcegroupstaggingapi",),
}
_SCOPE = re.compile(r"Credential=[^/,]+/\d{8}/([^/]*)/([^/]+)/aws4_request")
_CBOR = re.compile(r"^/service/[^/]+/operation/(\w+)")

# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
_S3_ACTIONS = {
    "ListBuckets": "ListAllMyBuckets",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "HeadObject": "GetObject",
    "CopyObject": "PutObject",
    "UploadPart": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketCors": "PutBucketCORS",
    "GetBucketCors": "GetBucketCORS",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
}
_ACTIONS = {
    "s3": _S3_ACTIONS,
    "lambda": {"Invoke": "InvokeFunction", "GetLayerVersionByArn": "GetLayerVersion"},
    "cloudfront": {"CreateDistributionWithTags": "CreateDistribution"},
}
_PREFIXES = {
    "apigatewayv2": "apigateway",
    "bedrock-runtime": "bedrock",
    "resourcegroupstaggingapi": "tag",
    "service-quotas": "servicequotas",
    "stepfunctions": "states",
}


@dataclass(frozen=True)
class Request:
    """One HTTP request; header names in lower case. `target` is path and query as sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


@dataclass(frozen=True)
class Call:
    """A request that is an API call: `service` as boto3 names it, `protocol` in which it was sent."""

    service: str
    operation: str
    region: str
    method: str
    protocol: str

    @property
    def name(self) -> str:
        """`service:Operation`."""
        return f"{self.service}:{self.operation}"

    @property
    def iam_action(self) -> str:
        """The action that a policy must allow for it."""
        prefix = _PREFIXES.get(self.service, self.service)
        if prefix == "apigateway":
            return f"apigateway:{self.method}"
        renamed = _ACTIONS.get(prefix, {})
        return f"{prefix}:{renamed.get(self.operation, self.operation)}"


def call_of(service: str, operation: str) -> Call:
    """A call by its names."""
    model = model_of(service).operation_model(operation)
    return Call(service, operation, "", model.http.get("method", "POST"), "")


def identify(request: Request) -> Call | None:
    """The API call that a request is; None when it is none of AWS's (somebody uses what was deployed)."""
    signed = _SCOPE.search(request.headers.get("authorization", "")) or _presigned(request)
    if signed is None:
        return None
    region, signed_as = signed.groups()
    services = _SIGNED_AS.get(signed_as, (signed_as,))
    protocol, operation = _named(request)
    if operation:
        return Call(services[0], operation, region, request.method, protocol)
    for service in services:
        operation = _routed(service, request)
        if operation:
            return Call(service, operation, region, request.method, model_of(service).protocol)
    return Call(services[0], "Unknown", region, request.method, "rest-json")


def _presigned(request: Request) -> re.Match[str] | None:
    credential = request.query.get("X-Amz-Credential")
    return _SCOPE.search(f"Credential={credential}") if credential else None


def _named(request: Request) -> tuple[str, str | None]:
    """(protocol, operation) of a request that names its operation itself; the operation is None for others."""
    if target := request.headers.get("x-amz-target"):
        return "json", target.rpartition(".")[2]
    if (found := _CBOR.match(request.path)) is not None:
        return "smithy-rpc-v2-cbor", found.group(1)
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        action = parse_qs(request.body.decode("utf-8", "replace")).get("Action")
        return "query", action[0] if action else None
    return "rest", None


@dataclass(frozen=True)
class Route:
    """One operation of a REST protocol; what a request needs to be it."""

    operation: str
    method: str
    path: re.Pattern[str]
    literals: int
    constants: Mapping[str, str]
    queries: frozenset[str]
    headers: frozenset[str]
    current: bool = True

    def fits(self, request: Request, path: str, query: Mapping[str, str]) -> bool:
        return (
            request.method == self.method
            and all(query.get(key, "-") == value for key, value in self.constants.items())
            and self.queries <= query.keys()
            and self.headers <= request.headers.keys()
            and self.path.fullmatch(path) is not None
        )

    @property
    def rank(self) -> tuple[int, int, bool]:
        """The more a route asks for, the better it describes what fits it; deprecated ones come last."""
        return (self.literals, len(self.constants) + len(self.queries) + len(self.headers), self.current)


def _routed(service: str, request: Request) -> str | None:
    query, path = request.query, request.path.rstrip("/") or "/"
    fitting = [route for route in _routes(service) if route.fits(request, path, query)]
    return max(fitting, key=lambda route: route.rank).operation if fitting else None


@cache
def model_of(service: str) -> Any:
    """The model of a service; None when there is no such service."""
    try:
        return botocore.session.Session().get_service_model(service)
    except UnknownServiceError:
        return None


@cache
def _routes(service: str) -> tuple[Route, ...]:
    model = model_of(service)
    return tuple(_route(model.operation_model(name)) for name in model.operation_names) if model else ()


def _route(operation: Any) -> Route:
    template, _, constants = operation.http["requestUri"].partition("?")
    parts = re.split(r"(\{[^}]+\})", template.rstrip("/") or "/")
    pattern = "".join(_part(part) for part in parts)
    shape = operation.input_shape
    required = [shape.members[name].serialization for name in shape.required_members] if shape else []
    places = {place: frozenset(s["name"] for s in required if s.get("location") == place) for place in _PLACES}
    return Route(
        operation.name,
        operation.http["method"],
        re.compile(pattern),
        literals=sum(part.count("/") for part in parts if not part.startswith("{")),
        constants=dict(parse_qsl(constants, keep_blank_values=True)),
        queries=places["querystring"],
        headers=frozenset(name.lower() for name in places["header"]),
        current=not operation.deprecated,
    )


_PLACES = ("querystring", "header")


def _part(part: str) -> str:
    if part.startswith("{"):
        return ".+" if part.endswith("+}") else "[^/]+"
    return re.escape(part)


def preload(services: tuple[str, ...]) -> None:
    """Reads models now, so that the first request of a service is not slower than the others."""
    for service in services:
        _routes(service)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer to send."""

    status: int
    headers: Mapping[str, str]
    body: bytes


_THROTTLES = {
    "apigateway": ("TooManyRequestsException", 429),
    "apigatewayv2": ("TooManyRequestsException", 429),
    "lambda": ("TooManyRequestsException", 429),
    "cognito-idp": ("TooManyRequestsException", 400),
    "bedrock": ("ThrottlingException", 429),
    "s3": ("SlowDown", 503),
    "route53": ("Throttling", 400),
    "cloudfront": ("Throttling", 400),
    "iam": ("Throttling", 400),
    "sts": ("Throttling", 400),
    "cloudwatch": ("Throttling", 400),
}


def throttle_of(service: str) -> tuple[str, int]:
    """(code, HTTP status) with which a service says that it is too much."""
    return _THROTTLES.get(service, ("ThrottlingException", 400))


def error_answer(call: Call, code: str, message: str, status: int | None = None, request_id: str = "proxy") -> Answer:
    """An error in the wire format of the call's service; the status is the model's where it has one."""
    status = status or _status(model_of(call.service), code)
    if call.protocol in ("json", "rest-json"):
        headers = {"content-type": "application/json", "x-amzn-requestid": request_id, "x-amzn-errortype": code}
        body = json.dumps({"__type": code, "message": message}).encode()
    elif call.protocol == "smithy-rpc-v2-cbor":
        headers = {
            "content-type": "application/cbor",
            "smithy-protocol": "rpc-v2-cbor",
            "x-amzn-requestid": request_id,
        }
        body = b"\xa2" + b"".join(_cbor(text) for text in ("__type", code, "message", message))
    else:
        headers = {"content-type": "text/xml", "x-amzn-requestid": request_id, "x-amz-request-id": request_id}
        body = _xml(call.service, code, message, request_id).encode()
    return Answer(status, headers, b"" if call.method == "HEAD" else body)


def _status(model: Any, code: str) -> int:
    for shape in model.error_shapes if model else ():
        if code in (shape.error_code, shape.name) and "httpStatusCode" in shape.metadata.get("error", {}):
            return int(shape.metadata["error"]["httpStatusCode"])
    if code.startswith(("Internal", "Service")):
        return 503 if "Unavailable" in code else 500
    return 404 if code.startswith("NoSuch") else 400


def _xml(service: str, code: str, message: str, request_id: str) -> str:
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service == "s3":
        return f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
    return (
        f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def _cbor(text: str) -> bytes:
    """A text string of RFC 8949."""
    data = text.encode()
    if len(data) < 24:
        return bytes([0x60 + len(data)]) + data
    return b"\x79" + len(data).to_bytes(2, "big") + data
