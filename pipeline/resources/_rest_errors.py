"""The answers that a REST API gives itself, when it refuses or fails: with CORS headers, so that pages see them. Pure.

Without them a page of another origin sees a failed request where an authorizer said 401. Which page asks is known only
from the request: with several origins the answer, which says nothing but the error, names the one that asks. Pages
may send credentials along only where there is one origin.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

# All of 400 and above that have no response of their own.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
KINDS = ("DEFAULT_4XX", "DEFAULT_5XX")
EXTENSION = "x-amazon-apigateway-gateway-responses"
_PREFIX = "gatewayresponse.header."
_ALLOW = "Access-Control-Allow-"

Wire = Mapping[str, Any]


def responses(endpoints: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Type of response -> header -> where its value comes from, in API Gateway's words; none without CORS."""
    cors = next((one["cors"] for one in endpoints.values() if isinstance(one, Mapping) and "cors" in one), None)
    return {kind: _headers(cors) for kind in KINDS} if cors else {}


def _headers(cors: Mapping[str, Any]) -> dict[str, str]:
    if len(cors["origins"]) > 1:
        return {f"{_ALLOW}Origin": "method.request.header.Origin", "Vary": "'Origin'"}
    headers = {f"{_ALLOW}Origin": f"'{cors['origins'][0]}'"}
    return headers | ({f"{_ALLOW}Credentials": "'true'"} if cors["credentials"] else {})


def extension(found: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What an OpenAPI document says of these responses."""
    return {
        kind: {"responseParameters": {f"{_PREFIX}{name}": value for name, value in sorted(headers.items())}}
        for kind, headers in sorted(found.items())
    }


def shown(listed: Iterable[Wire]) -> dict[str, dict[str, str]]:
    """The responses that were set, among all that API Gateway lists, as `responses` gives them.

    One without headers is shown, too: what it answers has none.
    """
    return {
        str(one["responseType"]): {
            name.removeprefix(_PREFIX): str(value) for name, value in (one.get("responseParameters") or {}).items()
        }
        or {"(none)": ""}
        for one in listed
        if not one.get("defaultResponse")
    }
