"""What moto leaves out of Cognito's user pools: the rules by which AWS refuses, and what an update forgets.

Registered by `tests.support.moto_extension`. Each method says what AWS does and moto does not. State is moto's own.
"""

import json
from functools import cache
from types import SimpleNamespace
from typing import Any

from moto.cognitoidp import models, urls
from moto.cognitoidp.exceptions import InvalidParameterException
from moto.cognitoidp.models import CognitoIdpUserPool, CognitoIdpUserPoolAttribute
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.responses import ActionResult, EmptyResult

_FIXED = ("UsernameAttributes", "AliasAttributes", "UsernameConfiguration")
_FACTORS = ("SmsMfaConfiguration", "SoftwareTokenMfaConfiguration", "EmailMfaConfiguration")
_CLIENT_DEFAULTS = {
    "AllowedOAuthFlowsUserPoolClient": False,
    "AuthSessionValidity": 3,
    "EnablePropagateAdditionalUserContextData": False,
    "EnableTokenRevocation": True,
    "RefreshTokenValidity": 30,
    "PreventUserExistenceErrors": "LEGACY",
}
_models: Any = models  # what moto itself imports there is not its own to export
_jwk = _models.jwk
_NO_SMS = "SMS configuration and Auto verification for phone_number are required when MFA is required/optional"


def register() -> None:
    """Puts the responses below under moto's addresses."""
    _models.jwk = _KEYS
    for path, handler in list(urls.url_paths.items()):
        if handler == CognitoIdpResponse.dispatch:
            urls.url_paths[path] = CognitoIdp.dispatch


@cache
def _key(text: str) -> Any:
    return _jwk.RSAKey.import_key(json.loads(text))


def _import_key(found: Any) -> Any:
    """All pools of moto have the same key, and finding its prime factors takes a tenth of a second."""
    return _key(json.dumps(found))


_KEYS = SimpleNamespace(RSAKey=SimpleNamespace(import_key=_import_key))


class CognitoIdp(CognitoIdpResponse):
    """The control plane of user pools."""

    def create_user_pool(self) -> Any:
        """AWS wants text messages for MFA here, and shows the standard attributes beside those that are declared."""
        if self.parameters.get("MfaConfiguration", "OFF") != "OFF" and "SmsConfiguration" not in self.parameters:
            raise InvalidParameterException(_NO_SMS)
        if self.parameters.get("UsernameAttributes") and self.parameters.get("AliasAttributes"):
            raise InvalidParameterException(
                "Only one of aliasAttributes or usernameAttributes can be set in a user pool."
            )
        answer: Any = super().create_user_pool()
        pool = self.backend.user_pools[answer.result["UserPool"]["Id"]]
        for name, schema in CognitoIdpUserPoolAttribute.STANDARD_SCHEMA.items():
            if name not in pool.schema_attributes:
                pool.schema_attributes[name] = CognitoIdpUserPoolAttribute(name, False, schema)
        return ActionResult({"UserPool": _shown(pool)})

    def describe_user_pool(self) -> Any:
        """With MFA."""
        return ActionResult({"UserPool": _shown(self._pool())})

    def update_user_pool(self) -> Any:
        """AWS keeps what cannot be changed and the tags, keeps MFA, and resets everything else that is not said.

        It renames the pool, which moto does not.
        https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateUserPool.html
        """
        pool, wanted = self._pool(), dict(self.parameters)
        pool.name = wanted.pop("PoolName", pool.name)
        refused = {*_FIXED, "Schema"} & wanted.keys()
        assert not refused, f"botocore's model has no {refused}"
        invitation = wanted.get("AdminCreateUserConfig", {})
        if "UnusedAccountValidityDays" in invitation:
            message = "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays"
            raise InvalidParameterException(message)
        kept = {name: pool.extended_config[name] for name in (*_FIXED, "UserPoolTags") if name in pool.extended_config}
        self.backend.update_user_pool(pool.id, {**kept, **wanted})
        return EmptyResult()

    def set_user_pool_mfa_config(self) -> Any:
        """AWS replaces all factors; OFF and a factor exclude each other; a factor needs what it is sent with."""
        pool, wanted = self._pool(), self.parameters
        state, factors = (
            wanted.get("MfaConfiguration", "OFF"),
            {name: wanted[name] for name in _FACTORS if name in wanted},
        )
        if state == "OFF" and factors:
            message = "Invalid MFA configuration given, can't turn off MFA and configure an MFA together"
            raise InvalidParameterException(message)
        if state != "OFF" and not factors:
            raise InvalidParameterException("Invalid MFA configuration given")
        if "EmailMfaConfiguration" in factors:
            assert pool.extended_config["EmailConfiguration"]["EmailSendingAccount"] == "DEVELOPER"
        pool.mfa_config, pool.mfa_factors = state, factors  # type: ignore[attr-defined]  # kept on moto's own object
        return self.get_user_pool_mfa_config()

    def get_user_pool_mfa_config(self) -> Any:
        """All factors."""
        pool = self._pool()
        return ActionResult({**getattr(pool, "mfa_factors", {}), "MfaConfiguration": pool.mfa_config})

    def delete_user_pool(self) -> Any:
        """AWS refuses while the pool is protected, or has a domain."""
        pool = self._pool()
        if pool.extended_config.get("DeletionProtection") == "ACTIVE":
            message = "The user pool cannot be deleted because deletion protection is activated."
            raise InvalidParameterException(message)
        if pool.domain:
            message = "User pool cannot be deleted. It has a domain configured that should be deleted first."
            raise InvalidParameterException(message)
        return super().delete_user_pool()

    def create_user_pool_domain(self) -> Any:
        """AWS refuses a second domain of a name, and its own names in a prefix."""
        domain = self.parameters["Domain"]
        if domain in self.backend.user_pool_domains:
            raise InvalidParameterException(f"Domain already associated with another user pool: {domain}")
        if "." not in domain and any(word in domain for word in ("aws", "amazon", "cognito")):
            raise InvalidParameterException("Domain cannot contain reserved word")
        return self._domain_set(super().create_user_pool_domain())

    def update_user_pool_domain(self) -> Any:
        """AWS keeps which pages a domain has."""
        return self._domain_set(super().update_user_pool_domain())

    def describe_user_pool_domain(self) -> Any:
        """With certificate and pages; a name that nobody has gives an empty description."""
        found = self.backend.user_pool_domains.get(self.parameters["Domain"])
        if found is None:
            return ActionResult({"DomainDescription": {}})
        more = {"ManagedLoginVersion": found.login, "CustomDomainConfig": found.custom_domain_config or None}  # type: ignore[attr-defined]  # see _domain_set
        return ActionResult({"DomainDescription": {**found.to_json(), **more}})

    def create_user_pool_client(self) -> Any:
        """AWS wants addresses for the flows that lead back."""
        self._check_flows()
        return super().create_user_pool_client()

    def update_user_pool_client(self) -> Any:
        """AWS sets what it is not told to its default."""
        self._check_flows()
        client = self.backend.describe_user_pool_client(self.parameters["UserPoolId"], self.parameters["ClientId"])
        client.extended_config = {"ClientName": client.extended_config["ClientName"], **_CLIENT_DEFAULTS}
        return super().update_user_pool_client()

    def tag_resource(self) -> Any:
        """AWS tags pools."""
        self._tags().update(self.parameters["Tags"])
        return EmptyResult()

    def untag_resource(self) -> Any:
        """AWS tags pools."""
        for key in self.parameters["TagKeys"]:
            self._tags().pop(key, None)
        return EmptyResult()

    def _check_flows(self) -> None:
        flows = {*self.parameters.get("AllowedOAuthFlows", ())}
        if flows & {"code", "implicit"} and not self.parameters.get("CallbackURLs"):
            raise InvalidParameterException("CallbackURLs can not be empty for code and implicit flows")

    def _pool(self) -> CognitoIdpUserPool:
        return self.backend.describe_user_pool(self.parameters["UserPoolId"])

    def _tags(self) -> dict[str, str]:
        pool = self.backend.describe_user_pool(self.parameters["ResourceArn"].rpartition("/")[2])
        tags: dict[str, str] = pool.extended_config.setdefault("UserPoolTags", {})
        return tags

    def _domain_set(self, answer: Any) -> Any:
        domain = self.backend.user_pool_domains[self.parameters["Domain"]]
        domain.login = self.parameters.get("ManagedLoginVersion", 1)  # type: ignore[attr-defined]  # kept on moto's own object
        return answer


def _shown(pool: CognitoIdpUserPool) -> dict[str, Any]:
    return {**pool.to_json(extended=True), "MfaConfiguration": pool.mfa_config}
