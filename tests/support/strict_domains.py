"""Domain names of API Gateway as AWS has them: one store behind both of its APIs, certificates that must be valid.

https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.strict_transport import Params, Send, refuse

SLOW_LOOKS = 2
_NOT_FOUND = "Invalid domain name identifier specified"
Domain = dict[str, Any]


class DomainStore:
    """The domains of an account. `certificate` (ARN, region) gives the domains of an issued one there, or None."""

    def __init__(self, certificate: Callable[[str, str], list[str] | None]) -> None:
        self._certificate = certificate
        self.domains: dict[str, Domain] = {}

    def users_of(self, certificate: str) -> list[str]:
        """Domains with this certificate."""
        return [name for name, found in self.domains.items() if found["certificate"] == certificate]

    def add(self, service: str, region: str, name: str, settings: Mapping[str, Any], tags: Mapping[str, str]) -> Domain:
        """A new domain. Raises Refusal."""
        if name in self.domains:
            raise refuse(service, "CreateDomainName", "ConflictException", "The domain name already exists", 409)
        found = {"name": name, "tags": dict(tags), "mappings": {}, "slow": SLOW_LOOKS, "number": len(self.domains)}
        self.domains[name] = found
        try:
            self.change(service, region, found, settings)
        except BaseException:
            del self.domains[name]
            raise
        return found

    def change(self, service: str, region: str, found: Domain, settings: Mapping[str, Any]) -> None:
        """Certificate, policy, mode, addresses. Raises Refusal."""
        wanted = {**found, **settings}
        domains = self._certificate(str(wanted["certificate"]), region)
        name = found["name"]
        covered = domains is not None and (name in domains or f"*.{name.partition('.')[2]}" in domains)
        problem = None
        if not covered:
            problem = "The provided certificate does not exist, is not valid, or does not cover the domain name."
        elif str(wanted["policy"]).startswith("SecurityPolicy_") and not wanted.get("mode"):
            problem = "Endpoint access mode is required for the specified security policy"
        elif not str(wanted["policy"]).startswith("SecurityPolicy_") and wanted.get("mode"):
            problem = "Endpoint access mode is not supported for the specified security policy"
        if problem:
            raise refuse(service, "CreateDomainName", "BadRequestException", problem)
        found |= dict(settings)
        found["slow"] = SLOW_LOOKS

    def get(self, service: str, operation: str, name: str) -> Domain:
        """A domain that is there. Raises Refusal."""
        if name not in self.domains:
            raise refuse(service, operation, "NotFoundException", _NOT_FOUND, 404)
        return self.domains[name]

    def look(self, found: Domain) -> str:
        """The status, which changes while it is looked at."""
        if found["slow"]:
            found["slow"] -= 1
            return "UPDATING"
        return "AVAILABLE"

    def map(self, service: str, operation: str, found: Domain, path: str, api: str, stage: str) -> dict[str, str]:
        """A new mapping. Raises Refusal."""
        if path in found["mappings"]:
            raise refuse(service, operation, "ConflictException", "Base path already exists for this domain name", 409)
        one = {"id": f"m{len(found['mappings'])}{path[:3]}", "api": api, "stage": stage}
        found["mappings"][path] = one
        return one

    def tag(self, operation: str, arn: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """TagResource and UntagResource of a domain."""
        found = self.get("apigateway", operation, arn.rpartition("/")[2])
        found["tags"] |= params.get("tags") or params.get("Tags") or {}
        for key in params.get("tagKeys") or params.get("TagKeys") or ():
            found["tags"].pop(key, None)
        return {}


class StrictRestDomains:
    """Domains in the words of the first API Gateway; everything else goes to moto."""

    service = "apigateway"

    def __init__(self, store: DomainStore) -> None:
        self.store = store

    def empty(self) -> None:
        self.store.domains.clear()

    def answer(self, operation: str, region: str, params: Params, send: Send) -> dict[str, Any]:
        arn = str(params.get("resourceArn", ""))
        if "/domainnames/" in arn:
            return self.store.tag(operation, arn, params)
        if "DomainName" not in operation and "BasePathMapping" not in operation:
            return send(operation, params)
        if operation == "CreateDomainName":
            return self._create(region, params)
        found = self.store.get("apigateway", operation, params["domainName"])
        answers: dict[str, Callable[[], dict[str, Any]]] = {
            "GetDomainName": lambda: self._shown(found, region),
            "UpdateDomainName": lambda: self._update(found, region, params),
            "DeleteDomainName": lambda: self.store.domains.pop(found["name"]) and {},
            "GetBasePathMappings": lambda: {"items": [self._mapping(path, found) for path in found["mappings"]]},
            "CreateBasePathMapping": lambda: self._map(found, params),
            "UpdateBasePathMapping": lambda: self._remap(found, params),
            "DeleteBasePathMapping": lambda: found["mappings"].pop(params["basePath"]) and {},
        }
        return copy.deepcopy(answers[operation]())

    def _create(self, region: str, params: Params) -> dict[str, Any]:
        settings = {
            "certificate": params["regionalCertificateArn"],
            "policy": params.get("securityPolicy", "TLS_1_2"),
            "mode": params.get("endpointAccessMode"),
            "addresses": params["endpointConfiguration"].get("ipAddressType", "ipv4"),
        }
        name, tags = params["domainName"], params.get("tags", {})
        return self._shown(self.store.add("apigateway", region, name, settings, tags), region)

    def _shown(self, found: Domain, region: str) -> dict[str, Any]:
        return {
            "domainName": found["name"],
            "regionalCertificateArn": found["certificate"],
            "regionalDomainName": f"d-{found['number']}.execute-api.{region}.amazonaws.com",
            "regionalHostedZoneId": "Z1UJRXOUMOOFQ8",
            "endpointConfiguration": {"types": ["REGIONAL"], "ipAddressType": found["addresses"]},
            "securityPolicy": found["policy"],
            "domainNameStatus": self.store.look(found),
            "tags": dict(found["tags"]),
        }

    def _update(self, found: Domain, region: str, params: Params) -> dict[str, Any]:
        members = {
            "/regionalCertificateArn": "certificate",
            "/securityPolicy": "policy",
            "/endpointAccessMode": "mode",
            "/endpointConfiguration/ipAddressType": "addresses",
        }
        settings = {members[one["path"]]: one["value"] for one in params["patchOperations"] if one["op"] == "replace"}
        self.store.change("apigateway", region, found, settings)
        return self._shown(found, region)

    def _mapping(self, path: str, found: Domain) -> dict[str, str]:
        one = found["mappings"][path]
        return {"basePath": path, "restApiId": one["api"], "stage": one["stage"]}

    def _map(self, found: Domain, params: Params) -> dict[str, str]:
        path = params.get("basePath") or "(none)"
        if "/" in path:
            said = "API Gateway V1 doesn't support the slash character (/) in base path mappings."
            raise refuse("apigateway", "CreateBasePathMapping", "BadRequestException", said)
        self.store.map("apigateway", "CreateBasePathMapping", found, path, params["restApiId"], params["stage"])
        return self._mapping(path, found)

    def _remap(self, found: Domain, params: Params) -> dict[str, str]:
        members = {"/restapiId": "api", "/stage": "stage"}
        for one in params["patchOperations"]:
            found["mappings"][params["basePath"]][members[one["path"]]] = one["value"]
        return self._mapping(params["basePath"], found)


class StrictWebSocketDomains:
    """The same domains in the words of the second API Gateway."""

    service = "apigatewayv2"

    def __init__(self, store: DomainStore) -> None:
        self.store = store

    def empty(self) -> None:
        self.store.domains.clear()

    def answer(self, operation: str, region: str, params: Params, send: Send) -> dict[str, Any]:
        arn = str(params.get("ResourceArn", ""))
        if "/domainnames/" in arn:
            return self.store.tag(operation, arn, params)
        if "DomainName" not in operation and "ApiMapping" not in operation:
            return send(operation, params)
        if operation == "CreateDomainName":
            settings, tags = self._settings(params), params.get("Tags", {})
            return self._shown(self.store.add("apigatewayv2", region, params["DomainName"], settings, tags), region)
        found = self.store.get("apigatewayv2", operation, params["DomainName"])
        answers: dict[str, Callable[[], dict[str, Any]]] = {
            "GetDomainName": lambda: self._shown(found, region),
            "UpdateDomainName": lambda: self._update(found, region, params),
            "DeleteDomainName": lambda: self.store.domains.pop(found["name"]) and {},
            "GetApiMappings": lambda: {"Items": [self._mapping(path, found) for path in found["mappings"]]},
            "CreateApiMapping": lambda: self._map(found, params),
            "UpdateApiMapping": lambda: self._remap(found, params),
            "DeleteApiMapping": lambda: found["mappings"].pop(self._path(found, params)) and {},
        }
        return copy.deepcopy(answers[operation]())

    def _settings(self, params: Params) -> dict[str, Any]:
        (setting,) = params["DomainNameConfigurations"]
        if setting["SecurityPolicy"] != "TLS_1_2" or setting["EndpointType"] != "REGIONAL":
            said = "WebSocket APIs take regional domain names with TLS_1_2"
            raise refuse("apigatewayv2", "CreateDomainName", "BadRequestException", said)
        return {
            "certificate": setting["CertificateArn"],
            "policy": setting["SecurityPolicy"],
            "mode": None,
            "addresses": setting.get("IpAddressType", "ipv4"),
        }

    def _shown(self, found: Domain, region: str) -> dict[str, Any]:
        setting = {
            "ApiGatewayDomainName": f"d-{found['number']}.execute-api.{region}.amazonaws.com",
            "CertificateArn": found["certificate"],
            "DomainNameStatus": self.store.look(found),
            "EndpointType": "REGIONAL",
            "HostedZoneId": "Z1UJRXOUMOOFQ8",
            "IpAddressType": found["addresses"],
            "SecurityPolicy": found["policy"],
        }
        return {"DomainName": found["name"], "DomainNameConfigurations": [setting], "Tags": dict(found["tags"])}

    def _update(self, found: Domain, region: str, params: Params) -> dict[str, Any]:
        self.store.change("apigatewayv2", region, found, self._settings(params))
        return self._shown(found, region)

    def _mapping(self, path: str, found: Domain) -> dict[str, str]:
        one = found["mappings"][path]
        key = "" if path == "(none)" else path
        return {"ApiId": one["api"], "ApiMappingId": one["id"], "ApiMappingKey": key, "Stage": one["stage"]}

    def _path(self, found: Domain, params: Params) -> str:
        return next(str(path) for path, one in found["mappings"].items() if one["id"] == params["ApiMappingId"])

    def _map(self, found: Domain, params: Params) -> dict[str, str]:
        path = params.get("ApiMappingKey") or "(none)"
        self.store.map("apigatewayv2", "CreateApiMapping", found, path, params["ApiId"], params["Stage"])
        return self._mapping(path, found)

    def _remap(self, found: Domain, params: Params) -> dict[str, str]:
        path = self._path(found, params)
        found["mappings"][path] |= {"api": params["ApiId"], "stage": params["Stage"]}
        return self._mapping(path, found)
