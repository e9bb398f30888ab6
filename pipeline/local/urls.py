"""Translates the public addresses of real AWS into those of the embedded one. Pure."""

import re

# https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html
_EXECUTE_API = re.compile(
    r"(?P<scheme>https|wss)://(?P<api>[a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?(?P<path>/.*)?",
    re.IGNORECASE | re.DOTALL,
)

# https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
_FUNCTION_URL = re.compile(
    r"https://(?P<id>[a-z0-9-]+)\.lambda-url\.[a-z0-9-]+\.on\.aws(?P<path>/.*)?", re.IGNORECASE | re.DOTALL
)
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html
_CLOUDFRONT = re.compile(r"https://(?P<label>[a-z0-9]+)\.cloudfront\.net(?P<path>/.*)?", re.IGNORECASE | re.DOTALL)
# https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html
_SIGN_IN = re.compile(
    r"https://[a-z0-9-]+\.auth\.[a-z0-9-]+\.amazoncognito\.com(?P<path>/.*)?", re.IGNORECASE | re.DOTALL
)
# Names of AWS itself that nothing here answers for; what is under them comes back as it is.
_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".amazoncognito.com", ".cloudfront.net", ".on.aws", ".api.aws")
_OWN_NAME = re.compile(
    r"(?P<scheme>https|wss)://(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]+)(?P<path>/.*)?",
    re.IGNORECASE | re.DOTALL,
)


def public_url(aws_url: str, endpoint: str) -> str:
    """The address at which `endpoint` (`http://127.0.0.1:PORT`) answers for what AWS would serve at `aws_url`.

    APIs and distributions (`https` to `http`, `wss` to `ws`), URLs of functions and Cognito's sign-in pages, which know
    their pool by the client, are translated, and so is what is under a name of one's own, which no name server knows:
    it is served below `/_aws/name/`. Any other address comes back as it is.
    """
    base = endpoint.rstrip("/")
    if (own := _FUNCTION_URL.fullmatch(aws_url)) is not None:
        return f"{base}/_aws/lambda-url/{own['id']}{own['path'] or '/'}"
    if (site := _CLOUDFRONT.fullmatch(aws_url)) is not None:
        return f"{base}/_aws/cloudfront/{site['label']}{site['path'] or '/'}"
    if (pages := _SIGN_IN.fullmatch(aws_url)) is not None:
        return f"{base}{pages['path'] or ''}"
    found = _EXECUTE_API.fullmatch(aws_url)
    if found is not None:
        return f"{_base(base, found)}/_aws/execute-api/{found['api']}{found['path'] or ''}"
    named = _OWN_NAME.fullmatch(aws_url)
    if named is None or named["host"].lower().endswith(_OF_AWS):
        return aws_url
    return f"{_base(base, named)}/_aws/name/{named['host'].lower()}{named['path'] or '/'}"


def _base(base: str, found: re.Match[str]) -> str:
    """`base` for HTTP or for WebSockets, as the address had it."""
    return base.replace("http", "ws", 1) if found["scheme"].lower() == "wss" else base
