"""Who calls which service where, read from a request's signature. Nothing is verified: that is the emulator's."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

_SCOPE = re.compile(r"Credential=([^/,\s]+)/\d+/([^/,\s]*)/([^/,\s]+)/aws4_request")
_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True)
class Caller:
    """The account (an access key of twelve digits names it), region and service of a signed request."""

    account: str
    region: str
    service: str

    def authorization(self) -> str:
        """An Authorization header in this caller's name, for the plane's own calls."""
        scope = f"{self.account}/20260101/{self.region}/{self.service}/aws4_request"
        return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"

    def at(self, service: str) -> "Caller":
        """The same caller of another service."""
        return Caller(self.account, self.region, service)


def caller_of(authorization: str, query_string: str, default_account: str) -> Caller | None:
    """The caller of a request signed in its header or (presigned) in its query; None when it is not signed."""
    text = authorization
    if not text and "X-Amz-Credential" in query_string:
        text = unquote(query_string).replace("X-Amz-Credential", "Credential")
    found = _SCOPE.search(text)
    if found is None:
        return None
    key, region, service = found.groups()
    return Caller(key if _ACCOUNT.fullmatch(key) else default_account, region, service)
