"""Authorizers of an OpenAPI document, which moto does not look at: made with the API, and demanded by its methods."""

from typing import Any

from moto.apigateway.models import Method, RestAPI

_X = "x-amazon-apigateway-"


def bring(api: RestAPI, document: dict[str, Any]) -> dict[str, str]:
    """Makes or changes the authorizers of the document; those that it has no more stay. Their ids by name."""
    ids = {str(one.name): str(one.id) for one in api.authorizers.values()}
    for name, scheme in document.get("components", {}).get("securitySchemes", {}).items():
        given = scheme.get(f"{_X}authorizer")
        if given is None:
            continue
        ids.setdefault(name, f"auth-{name}")
        api.create_authorizer(
            ids[name],
            name,
            given["type"].upper(),
            given.get("providerARNs"),
            scheme[f"{_X}authtype"],
            given.get("authorizerUri"),
            None,
            given.get("identitySource") or f"method.request.header.{scheme['name']}",
            None,
            given.get("authorizerResultTtlInSeconds"),
        )
    return ids


def demand(api: RestAPI, method: Method, operation: dict[str, Any], ids: dict[str, str]) -> None:
    """Who may call the method, as its operation says."""
    demanded = {name: scopes for requirement in operation.get("security", []) for name, scopes in requirement.items()}
    method.authorization_type = "AWS_IAM" if "sigv4" in demanded else "NONE"
    method.api_key_required = "api_key" in demanded
    method.authorizer_id = method.authorization_scopes = None
    for name in demanded.keys() & ids.keys():
        method.authorizer_id = ids[name]
        method.authorization_scopes = demanded[name] or None
        kind = api.authorizers[ids[name]].type
        method.authorization_type = kind if kind == "COGNITO_USER_POOLS" else "CUSTOM"
