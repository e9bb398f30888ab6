"""What botocore raises, as errors of ours: told apart by the names of the classes, so that botocore is not imported."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pipeline.applying.attempts import NoAnswer, Refusal
from pipeline.applying.classifier import UNREADABLE
from pipeline.errors import FailedCall, PipelineError

# What botocore raises before a request leaves, by class name: (what is wrong, what to try).
_SETUP = {
    "NoCredentialsError": ("no AWS credentials were found", "set AWS_PROFILE, or sign in (aws sso login)"),
    "PartialCredentialsError": ("the AWS credentials are incomplete", "set both the access key and its secret"),
    "CredentialRetrievalError": ("AWS credentials could not be read", "sign in again (aws sso login)"),
    "ProfileNotFound": ("the AWS profile does not exist", "set AWS_PROFILE to one of `aws configure list-profiles`"),
    "TokenRetrievalError": ("the sign-in has ended", "sign in again (aws sso login)"),
    "SSOTokenLoadError": ("there is no sign-in", "sign in (aws sso login)"),
    "UnauthorizedSSOTokenError": ("the sign-in has ended", "sign in again (aws sso login)"),
    "LoginRefreshRequired": ("the sign-in has ended", "sign in again (aws login)"),
    "LoginTokenLoadError": ("there is no sign-in", "sign in (aws login)"),
    "MetadataRetrievalError": ("the machine's role could not be read", "check the instance's or container's role"),
    "RefreshWithMFAUnsupportedError": ("the profile needs an MFA code", "get a session first"),
    "NoRegionError": ("no region is set", "set AWS_REGION in the environment file"),
    "InvalidRegionError": ("the region has an impossible name", "correct AWS_REGION in the environment file"),
    "DataNotFoundError": ("the installed botocore does not know this service", "install the lock file's versions"),
    "ConfigParseError": ("the AWS configuration file cannot be read", "correct ~/.aws/config"),
    "SSLError": ("the server's certificate is not trusted", "set AWS_CA_BUNDLE when a proxy replaces certificates"),
}
_NOT_SENT = {"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"}
_NO_ANSWER = {"HTTPClientError", "ReadTimeoutError", "ResponseStreamingError", "IncompleteReadError"}

_PAGE = re.compile(r"<(?:!doctype )?html\b", re.IGNORECASE)
_TITLE = re.compile(r"<title>(.{,200}?)</title>", re.IGNORECASE)


@contextmanager
def conversion(service: str, operation: str) -> Iterator[None]:
    """Turns what botocore raises inside into errors of ours."""
    try:
        yield
    except Exception as error:
        converted = _converted(error, service, operation)
        if converted is None:
            raise
        raise converted from error


def _converted(error: Exception, service: str, operation: str) -> Exception | None:
    """botocore's exception as one of ours, by class name; None when it is none of botocore's."""
    names = [kind.__name__ for kind in type(error).__mro__]
    if "ClientError" in names:
        return _refusal(error, service, operation)
    if "ParamValidationError" in names:
        report = _without_values(str(error))
        return PipelineError(f"{service}:{operation}: the call has parameters that AWS does not take: {report}")
    if names[0] == "ResponseParserError":
        return Refusal(FailedCall(service, operation, UNREADABLE, _readable(str(error))))
    if names[0] in _SETUP:
        what, hint = _SETUP[names[0]]
        return PipelineError(f"{service}:{operation}: {what}: {error}", hint=hint)
    if _NOT_SENT.intersection(names) or _NO_ANSWER.intersection(names):
        call = FailedCall(service, operation, names[0].removesuffix("Error"), str(error))
        return NoAnswer(call, sent=not _NOT_SENT.intersection(names))
    if "BotoCoreError" in names:
        return PipelineError(f"{service}:{operation}: {error}")
    return None


def _refusal(error: Any, service: str, operation: str) -> Refusal:
    body, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    call = FailedCall(
        service,
        operation,
        code=str(body.get("Code", "Unknown")),
        message=_readable(str(body.get("Message", "")).strip()) or "no message",
        request_id=meta.get("RequestId") or meta.get("HostId"),
        status=meta.get("HTTPStatusCode"),
    )
    return Refusal(call, _retry_after(meta.get("HTTPHeaders", {})))


def _readable(message: str) -> str:
    """The message; of a page that came in place of an answer, its title."""
    page = _PAGE.search(message)
    if page is None:
        return message
    title = _TITLE.search(message, page.start())
    return f"a web page in place of an answer: {title.group(1).strip() if title else 'without a title'}"


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that the answer asks to wait: `x-amz-retry-after` counts milliseconds, `retry-after` seconds."""
    for name, scale in (("x-amz-retry-after", 0.001), ("retry-after", 1.0)):
        if headers.get(name, "").isdigit():
            return float(headers[name]) * scale
    return 0.0


def _without_values(report: str) -> str:
    """A parameter report without the values, which may be secret: `value: s3cr3t, type: ...`."""
    return re.sub(r"value: .*?(?=, (?:type|valid)|$)", "value: (not shown)", report, flags=re.MULTILINE)
