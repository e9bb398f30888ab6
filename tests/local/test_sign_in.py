"""Signing in on the pages of the embedded AWS, by the code flow with PKCE, and what the tokens are good for."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlparse

import pytest

from pipeline.local.urls import public_url
from tests.local.support import REGION, Account, http

pytestmark = pytest.mark.emulator

BACK, VERIFIER, PASSWORD = "http://localhost:8080/", "v" * 64, "Correct-Horse-Battery-7"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def client(account: Account, unique: Callable[[str], str]) -> str:
    """A public client with a user; as the resource types make them."""
    cognito = account.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName=unique("people"), UsernameAttributes=["email"])["UserPool"]["Id"]
    cognito.set_user_pool_mfa_config(
        UserPoolId=pool, MfaConfiguration="OPTIONAL", SoftwareTokenMfaConfiguration={"Enabled": True}
    )
    made = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="app",
        CallbackURLs=[BACK],
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid", "email"],
        AllowedOAuthFlowsUserPoolClient=True,
        SupportedIdentityProviders=["COGNITO"],
    )
    cognito.create_user_pool_domain(UserPoolId=pool, Domain=unique("orders"))
    cognito.admin_create_user(UserPoolId=pool, Username="ada@example.com", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username="ada@example.com", Password=PASSWORD, Permanent=True)
    return str(made["UserPoolClient"]["ClientId"])


def test_a_browser_gets_tokens_with_its_verifier_alone(account: Account, client: str) -> None:
    pages = public_url(f"https://orders.auth.{REGION}.amazoncognito.com", account.aws.endpoint)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    asked = {"client_id": client, "response_type": "code", "redirect_uri": BACK, "scope": "openid email"}
    asked |= {"code_challenge": challenge, "code_challenge_method": "S256", "state": "s"}
    page = http(f"{pages}/oauth2/authorize?{urlencode(asked)}").body.decode()
    fields = {name: html.unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', page)}
    fields |= {"username": "ada@example.com", "password": PASSWORD}
    answer = http(f"{pages}/login", "POST", headers=FORM, body=urlencode(fields).encode(), follow=False)
    code = parse_qs(urlparse(answer.headers["location"]).query)["code"][0]

    wanted = {"grant_type": "authorization_code", "client_id": client, "code": code, "redirect_uri": BACK}

    def tokens(verifier: str) -> tuple[int, bytes]:
        body = urlencode({**wanted, "code_verifier": verifier}).encode()
        given = http(f"{pages}/oauth2/token", "POST", headers=FORM, body=body)
        return given.status, given.body

    assert tokens("w" * 64)[0] == 400
    status, body = tokens(VERIFIER)
    assert status == 200
    assert {"id_token", "access_token", "refresh_token"} <= set(json.loads(body))
