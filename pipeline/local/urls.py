"""Translates the public addresses of real AWS into those of the embedded one. Pure."""

import re

# https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html
_EXECUTE_API = re.compile(
    r"(?P<scheme>https|wss)://(?P<api>[a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?(?P<path>/.*)?",
    re.IGNORECASE | re.DOTALL,
)


def public_url(aws_url: str, endpoint: str) -> str:
    """The address at which `endpoint` (`http://127.0.0.1:PORT`) answers for what AWS would serve at `aws_url`.

    REST and WebSocket APIs are translated (`https` to `http`, `wss` to `ws`); any other address comes back as it is.
    """
    found = _EXECUTE_API.fullmatch(aws_url)
    if found is None:
        return aws_url
    base = endpoint.rstrip("/")
    if found["scheme"].lower() == "wss":
        base = base.replace("http", "ws", 1)
    return f"{base}/_aws/execute-api/{found['api']}{found['path'] or ''}"
