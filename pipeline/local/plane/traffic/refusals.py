"""What clients see when the gateway itself answers: gateway responses, with what an API has set for them. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

import json
from collections.abc import Mapping

from pipeline.local.plane.asgi import Answer, Request
from pipeline.local.plane.rest.model import Definition
from pipeline.local.plane.rest.parts import GATEWAY_RESPONSES, effective_gateway_response
from pipeline.local.plane.traffic.templates import mapped, render
from pipeline.local.plane.traffic.velocity import TemplateError

_PREFIX, _REQUEST_HEADER = "gatewayresponse.header.", "method.request.header."


class GatewayError(Exception):
    """The gateway answers by itself: a gateway response's type, its message, and the error type in the header.

    `reason` is for the log alone.
    """

    def __init__(
        self, kind: str, message: str, error_type: str, *, status: int | None = None, reason: str = ""
    ) -> None:
        super().__init__(reason or message)
        self.kind = kind
        self.message = message
        self.error_type = error_type
        self.status = status
        self.reason = reason


def missing_token() -> GatewayError:
    """No such path or method."""
    return GatewayError(
        "MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token", "MissingAuthenticationTokenException"
    )


def unauthorized() -> GatewayError:
    """A token is asked for and none was sent, or none that is accepted."""
    return GatewayError("UNAUTHORIZED", "Unauthorized", "UnauthorizedException")


def expired() -> GatewayError:
    """The token was good once."""
    return GatewayError("UNAUTHORIZED", "The incoming token has expired", "UnauthorizedException")


def denied() -> GatewayError:
    """The authorizer's policy does not allow this method."""
    message = "User is not authorized to access this resource"
    return GatewayError("ACCESS_DENIED", message, "AccessDeniedException")


def no_key() -> GatewayError:
    """The method wants an API key, and none was sent, or none that there is."""
    return GatewayError("INVALID_API_KEY", "Forbidden", "ForbiddenException")


def no_authorizer(reason: str) -> GatewayError:
    """The function that judges cannot be called, or gives no policy."""
    return GatewayError(
        "AUTHORIZER_CONFIGURATION_ERROR", "Internal server error", "AuthorizerConfigurationException", reason=reason
    )


def misconfigured(reason: str) -> GatewayError:
    """The integration cannot be called: no permission, no such function, an address that cannot be read."""
    return GatewayError(
        "API_CONFIGURATION_ERROR", "Internal server error", "InternalServerErrorException", reason=reason
    )


def failed(reason: str) -> GatewayError:
    """The function failed, or answered what no proxy integration may answer."""
    return GatewayError(
        "INTEGRATION_FAILURE", "Internal server error", "InternalServerErrorException", status=502, reason=reason
    )


def timed_out() -> GatewayError:
    """The function did not answer in time."""
    return GatewayError("INTEGRATION_TIMEOUT", "Endpoint request timed out", "InternalServerErrorException")


def forbidden() -> Answer:
    """No such stage, or an API that does not answer under its own address."""
    return Answer.of_json({"message": "Forbidden"}, 403, (("x-amzn-errortype", "ForbiddenException"),))


def answer_of(error: GatewayError, definition: Definition, context: Mapping[str, str], request: Request) -> Answer:
    """The gateway response as the API has set it."""

    def value_of(path: str) -> str | None:
        if path.startswith(_REQUEST_HEADER):
            return request.header(path.removeprefix(_REQUEST_HEADER).lower())
        return known.get(path.removeprefix("context."))

    shown = effective_gateway_response(definition, error.kind)
    own = not shown["defaultResponse"] or error.kind not in GATEWAY_RESPONSES
    status = error.status if error.status is not None and not own else int(shown.get("statusCode") or 500)
    known = {
        **context,
        "error.message": error.message,
        "error.messageString": json.dumps(error.message),
        "error.responseType": error.kind,
    }
    template = shown["responseTemplates"].get("application/json", '{"message":$context.error.messageString}')
    try:
        body = render(template, context=known).text.encode()
    except TemplateError:
        body = json.dumps({"message": error.message}).encode()
    answer = Answer(status, (("content-type", "application/json"), ("x-amzn-errortype", error.error_type)), body)
    for name, expression in shown["responseParameters"].items():
        value = mapped(str(expression), value_of)
        if name.startswith(_PREFIX) and value is not None:
            answer = answer.with_header(name.removeprefix(_PREFIX).lower(), value)
    return answer
