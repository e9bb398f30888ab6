"""App clients of Cognito user pools.

The secret of a client is in no output, release, plan or log: a server reads it from Cognito by itself.
UpdateUserPoolClient sets what it is not told to its default, so it gets all that the client has. Clients carry no tags:
one is found by the id of the last release, else by its name in its pool.
https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-client-apps.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources._cognito_pools import SERVICE, Listing, id_of, pool_reference
from pipeline.resources.base import Aws, Problem, Target

_MOST_AT_ONCE = 60
_SCOPES = ("email", "openid", "profile")
_PLAIN = {
    "auth_flows": "ExplicitAuthFlows",
    "callback_urls": "CallbackURLs",
    "logout_urls": "LogoutURLs",
    "default_redirect_url": "DefaultRedirectURI",
    "oauth_flows": "AllowedOAuthFlows",
    "oauth_scopes": "AllowedOAuthScopes",
    "identity_providers": "SupportedIdentityProviders",
    "session_minutes": "AuthSessionValidity",
    "token_revocation": "EnableTokenRevocation",
    "read_attributes": "ReadAttributes",
    "write_attributes": "WriteAttributes",
}
_VALIDITY = {
    "access_token_minutes": ("AccessToken", "minutes", 60),
    "id_token_minutes": ("IdToken", "minutes", 60),
    "refresh_token_days": ("RefreshToken", "days", 30),
}
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
# Members of a description that UpdateUserPoolClient does not take.
_SHOWN_ONLY = ("ClientSecret", "CreationDate", "LastModifiedDate")
_LOCAL = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/.*)?")
Wire = Mapping[str, Any]


def canonical(properties: Properties, scope: Scope) -> Properties:
    """The pool as a reference; the code flow where there is something to lead back to."""
    flows = properties.get("oauth_flows")
    if flows is None:
        flows = ["code"] if properties["callback_urls"] else []
    scopes = properties.get("oauth_scopes")
    if scopes is None:
        scopes = _SCOPES if {"code", "implicit"} & {*flows} else []
    return {
        **properties,
        "user_pool": pool_reference(properties["user_pool"]),
        "oauth_flows": sorted(flows),
        "oauth_scopes": sorted(scopes),
    }


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Flows that do not go together, and addresses that Cognito refuses."""
    wanted = resource.properties
    flows, urls = {*wanted["oauth_flows"]}, wanted["callback_urls"]
    if flows & {"code", "implicit"} and not urls:
        yield Problem("these flows lead back to an address of yours", ("oauth_flows",), "add callback_urls")
    if "client_credentials" in flows and not wanted["secret"]:
        yield Problem("client_credentials needs a secret", ("oauth_flows",), "say secret: true, for a server alone")
    if "client_credentials" in flows and len(flows) > 1:
        yield Problem("client_credentials goes with no other flow", ("oauth_flows",), "declare a client for each")
    if flows and not wanted["oauth_scopes"]:
        yield Problem("these flows need oauth_scopes", ("oauth_scopes",), "name a scope of a resource server")
    default = wanted.get("default_redirect_url")
    if default and default not in urls:
        yield Problem(f"{default} is none of callback_urls", ("default_redirect_url",), "add it there")
    for name in ("callback_urls", "logout_urls"):
        for index, url in enumerate(wanted[name]):
            if isinstance(url, str) and url.startswith("http://") and not _LOCAL.fullmatch(url):
                yield Problem("Cognito takes http for localhost only", (name, index), "say https")


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """The weaker ways to sign in."""
    wanted = resource.properties
    if wanted["secret"]:
        hint = "remove secret for a page or an app: PKCE protects the code flow there"
        yield Problem("a secret is one only on a server; what users can open does not keep it", ("secret",), hint)
    if "ALLOW_USER_PASSWORD_AUTH" in wanted["auth_flows"]:
        hint = "say ALLOW_USER_SRP_AUTH, or use the hosted pages"
        yield Problem("the application sees and sends passwords (ALLOW_USER_PASSWORD_AUTH)", ("auth_flows",), hint)
    if "implicit" in wanted["oauth_flows"]:
        yield Problem("the implicit flow puts tokens into addresses", ("oauth_flows",), "say code")
    if not wanted["prevent_user_existence_errors"]:
        path = ("prevent_user_existence_errors",)
        yield Problem("everybody can find out who has an account", path, "remove it")


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each client by its recorded ids; one without a record by its name in its pool."""
    listing = Listing(aws)
    unknown = [target for target in targets if "id" not in target.recorded]
    pools = {target.address: listing.id_of(target.resource.properties.get("user_pool")) for target in unknown}
    thunks = [lambda target=target: _read_one(aws, target, pools.get(target.address)) for target in targets]
    return {found.address: found for found in aws.gather(thunks) if found is not None}


def _read_one(aws: Aws, target: Target, pool: str | None) -> Observed | None:
    client = None
    if pool is None and "id" in target.recorded:
        pool = str(target.recorded["user_pool_id"])
        client = _described(aws, pool, str(target.recorded["id"]))
    if client is None and pool is not None and (named := _named(aws, pool, target)):
        client = _described(aws, pool, named)
    return _observed(target, client) if client else None


def _described(aws: Aws, pool: str, client: str) -> Wire | None:
    found = aws.found(SERVICE, "DescribeUserPoolClient", UserPoolId=pool, ClientId=client)
    return found["UserPoolClient"] if found else None


def _named(aws: Aws, pool: str, target: Target) -> str | None:
    """The id of the pool's client of that name. Raises PipelineError when there are several."""
    if aws.found(SERVICE, "DescribeUserPool", UserPoolId=pool) is None:
        return None
    listed = aws.pages(SERVICE, "ListUserPoolClients", key="UserPoolClients", UserPoolId=pool, MaxResults=_MOST_AT_ONCE)
    ids = sorted(str(one["ClientId"]) for one in listed if one.get("ClientName") == target.name)
    if len(ids) > 1:
        raise PipelineError(
            f"looking for {target.address}: pool {pool} has several clients of this name: {', '.join(ids)}",
            hint="delete the ones that no application uses",
        )
    return ids[0] if ids else None


def _observed(target: Target, client: Wire) -> Observed:
    declared = target.resource.properties
    found = {name: client.get(member) for name, member in _PLAIN.items()}
    # What is not declared stays AWS's choice: every attribute of the pool.
    attributes = {name: found[name] if declared.get(name) else None for name in ("read_attributes", "write_attributes")}
    properties = {
        **found,
        **attributes,
        **{name: _validity(client, *how) for name, how in _VALIDITY.items()},
        "name": client["ClientName"],
        "user_pool": client["UserPoolId"],
        "secret": bool(client.get("ClientSecret")),
        "default_redirect_url": client.get("DefaultRedirectURI") or None,
        "prevent_user_existence_errors": client.get("PreventUserExistenceErrors") == "ENABLED",
    }
    if not client.get("AllowedOAuthFlowsUserPoolClient"):
        properties |= {"oauth_flows": [], "oauth_scopes": []}
    outputs = {"id": client["ClientId"], "user_pool_id": client["UserPoolId"]}
    return Observed(target.address, properties, outputs, None, markable=False)


def _validity(client: Wire, token: str, unit: str, absent: int) -> int | float:
    """How long a token works, in `unit`. Without units access and id tokens have hours, refresh tokens days."""
    value = client.get(f"{token}Validity")
    if not value:
        return absent
    usual = "days" if token == "RefreshToken" else "hours"  # noqa: S105 - the name of a kind of token
    given = (client.get("TokenValidityUnits") or {}).get(token, usual)
    exact = value * _SECONDS[given] / _SECONDS[unit]
    return int(exact) if exact == int(exact) else exact


def create(aws: Aws, resource: Resource) -> Outputs:
    """The client."""
    wanted = resource.properties
    made = aws.call(
        SERVICE,
        "CreateUserPoolClient",
        UserPoolId=id_of(wanted["user_pool"]),
        ClientName=resource.name,
        GenerateSecret=wanted["secret"],
        **{name: value for name, value in _settings(wanted).items() if value not in (None, [])},
    )["UserPoolClient"]
    return {"id": made["ClientId"], "user_pool_id": made["UserPoolId"]}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """All settings at once; what is not ours stays as the client has it."""
    pool, client = str(observed.outputs["user_pool_id"]), str(observed.outputs["id"])
    found = aws.call(SERVICE, "DescribeUserPoolClient", UserPoolId=pool, ClientId=client)["UserPoolClient"]
    merged = {
        **{name: value for name, value in found.items() if name not in _SHOWN_ONLY},
        "ClientName": resource.name,
        **_settings(resource.properties),
    }
    aws.call(SERVICE, "UpdateUserPoolClient", **{name: value for name, value in merged.items() if value is not None})
    return observed.outputs


def delete(aws: Aws, observed: Observed) -> None:
    """The client; whoever is signed in through it has to sign in again elsewhere."""
    outputs = observed.outputs
    aws.found(SERVICE, "DeleteUserPoolClient", UserPoolId=outputs["user_pool_id"], ClientId=outputs["id"])


def _settings(wanted: Properties) -> dict[str, Any]:
    """The members that creating and updating share; None takes one away."""
    found: dict[str, Any] = {member: wanted.get(name) for name, member in _PLAIN.items()}
    found |= {f"{token}Validity": wanted[name] for name, (token, _, _) in _VALIDITY.items()}
    return found | {
        "TokenValidityUnits": {token: unit for token, unit, _ in _VALIDITY.values()},
        "AllowedOAuthFlowsUserPoolClient": bool(wanted["oauth_flows"]),
        "PreventUserExistenceErrors": "ENABLED" if wanted["prevent_user_existence_errors"] else "LEGACY",
    }
