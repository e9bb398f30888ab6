"""The patch operations of UpdateStage, the canary's among them. Pure.

https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateStage-Patch
https://docs.aws.amazon.com/apigateway/latest/developerguide/canary-release.html
Answers of the real service in cases that the documentation leaves open were recorded by the LocalStack project
(tests/aws/services/apigateway/test_apigateway_canary.snapshot.json, 2025-05-30).
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from typing import Any

from pipeline.local.plane.refusal import Refusal, bad_request
from pipeline.local.plane.rest.model import Wire
from pipeline.local.plane.rest.patching import boolean, segments, text

_SETTINGS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "metrics/enabled": ("metricsEnabled", boolean),
    "logging/dataTrace": ("dataTraceEnabled", boolean),
    "logging/loglevel": ("loggingLevel", text),
    "throttling/burstLimit": ("throttlingBurstLimit", int),
    "throttling/rateLimit": ("throttlingRateLimit", float),
    "caching/ttlInSeconds": ("cacheTtlInSeconds", int),
    "caching/enabled": ("cachingEnabled", boolean),
    "caching/dataEncrypted": ("cacheDataEncrypted", boolean),
    "caching/requireAuthorizationForCacheControl": ("requireAuthorizationForCacheControl", boolean),
    "caching/unauthorizedCacheControlHeaderStrategy": ("unauthorizedCacheControlHeaderStrategy", text),
}
_DEFAULTS: Wire = {
    "metricsEnabled": False,
    "dataTraceEnabled": False,
    "throttlingBurstLimit": 5000,
    "throttlingRateLimit": 10000.0,
    "cachingEnabled": False,
    "cacheTtlInSeconds": 300,
    "cacheDataEncrypted": False,
    "requireAuthorizationForCacheControl": True,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}
_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "description": text,
    "cacheClusterEnabled": boolean,
    "cacheClusterSize": text,
    "clientCertificateId": text,
    "documentationVersion": text,
    "tracingEnabled": boolean,
}
_VARIABLE = re.compile(r"[A-Za-z0-9_]{1,64}")
_VALUE = re.compile(r"[A-Za-z0-9._~:/?#&=,\-]{0,512}")
_DESTINATION = re.compile(r"arn:aws[a-z-]*:(logs|firehose):[a-zA-Z0-9_/.:#-]*[^*]")
_PLACES = "/{resourcePath}/{httpMethod}", "/*/*"
_VALID = (
    "[/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, /accessLogSettings, "
    "/accessLogSettings/destinationArn, /accessLogSettings/format, "
    + ", ".join(f"{place}/{name}" for place in _PLACES for name in _SETTINGS)
    + ", /variables/{variable_name}, /tracingEnabled]"
)


def patched(stage: Wire, operations: Sequence[Wire], *, deployments: Collection[str], may_log: bool) -> Wire:
    """The stage with all operations carried out, in their order. Raises BadRequestException; the stage stays as it was.

    `deployments` are the ids that exist; `may_log` says that the account has a role for API Gateway's logs.
    """
    work = _Work(deepcopy(stage), deployments, may_log)
    for operation in operations:
        work.carry_out(operation)
    work.check()
    return work.stage


def check_variables(variables: Mapping[str, Any]) -> None:
    """Raises BadRequestException for names or values that a stage variable cannot have."""
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(name):
            raise bad_request(f"Stage variable name {name} is not valid. It must only contain alphanumeric characters "
                              "and underscores")  # fmt: skip
        if not _VALUE.fullmatch(str(value)):
            raise bad_request(f"Stage variable value {value} is not valid. Valid characters are "
                              "A-Za-z0-9-._~:/?#&=,")  # fmt: skip


class _Work:
    def __init__(self, stage: Wire, deployments: Collection[str], may_log: bool) -> None:
        self.stage = stage
        self.deployments = deployments
        self.may_log = may_log
        self.logging = False

    def carry_out(self, operation: Wire) -> None:
        op, path = str(operation.get("op")), str(operation.get("path", ""))
        parts = segments(path)
        if op == "copy":
            self._copy(path, str(operation.get("from", "")))
        elif parts[0] == "canarySettings":
            self._canary(op, path, parts, operation.get("value"))
        elif op == "remove":
            self._remove(parts)
        elif op in {"replace", "add"}:
            self._replace(path, parts, operation.get("value"))
        else:
            raise bad_request("Invalid patch operation specified. Must be one of: [add, remove, replace, copy]")

    def _replace(self, path: str, parts: list[str], value: Any) -> None:
        if parts == ["deploymentId"]:
            self.stage["deploymentId"] = self._deployment(value)
        elif len(parts) == 1 and parts[0] in _SCALARS:
            self._scalar(parts[0], value)
        elif parts[0] == "variables" and len(parts) == 2:
            check_variables({parts[1]: value})
            self.stage["variables"] = {**self.stage.get("variables", {}), parts[1]: text(value)}
        elif parts[0] == "accessLogSettings" and parts[1:] in (["destinationArn"], ["format"]):
            self.stage.setdefault("accessLogSettings", {})[parts[1]] = text(value)
            self.logging = True
        else:
            self._method_setting(path, value)

    def _scalar(self, name: str, value: Any) -> None:
        self.stage[name] = _SCALARS[name](value)
        if self.stage[name] == "":
            del self.stage[name]
        if name == "cacheClusterEnabled":
            self.stage["cacheClusterStatus"] = "AVAILABLE" if self.stage[name] else "NOT_AVAILABLE"

    def _deployment(self, value: Any) -> str:
        if value not in self.deployments:
            raise bad_request("Deployment id does not exist")
        return str(value)

    def _method_setting(self, path: str, value: Any) -> None:
        parts = path.removeprefix("/").split("/")
        known = _SETTINGS.get("/".join(parts[2:]))
        if len(parts) != 4 or known is None:
            raise bad_request(f"Invalid method setting path: {path}. Must be one of: {_VALID}")
        name, convert = known
        try:
            converted = convert(value)
        except (TypeError, ValueError):
            raise bad_request(f"Invalid value for method setting {name}: {value}") from None
        if name == "loggingLevel":
            if converted not in {"OFF", "ERROR", "INFO"}:
                raise bad_request("Invalid logging level specified. Valid options are OFF,ERROR,INFO")
            self.logging = self.logging or converted != "OFF"
        settings = self.stage["methodSettings"]
        settings[f"{parts[0]}/{parts[1]}"] = {
            **_DEFAULTS,
            **settings.get(f"{parts[0]}/{parts[1]}", {}),
            name: converted,
        }

    def _remove(self, parts: list[str]) -> None:
        if parts == ["accessLogSettings"]:
            self.stage.pop("accessLogSettings", None)
        elif parts[0] == "variables" and len(parts) == 2:
            variables = {key: value for key, value in self.stage.get("variables", {}).items() if key != parts[1]}
            self.stage["variables"] = variables
            if not variables:
                del self.stage["variables"]
        else:
            key = "/".join(part.replace("/", "~1") for part in parts)
            if key not in self.stage["methodSettings"]:
                raise bad_request(
                    f"Cannot remove method setting {key} because there is no method setting for this method "
                )
            del self.stage["methodSettings"][key]

    def _canary(self, op: str, path: str, parts: list[str], value: Any) -> None:
        if op == "remove":
            if len(parts) > 1:
                where = "/".join(parts)
                raise bad_request(
                    f"Cannot remove method setting {where} because there is no method setting for this method "
                )
            self.stage.pop("canarySettings", None)
        elif op != "replace":
            raise bad_request(f"Invalid {op} operation with path: {path}")
        else:
            self._replace_canary(path, parts, value)

    def _replace_canary(self, path: str, parts: list[str], value: Any) -> None:
        """Where there is no canary, one comes into being: on the stage's own deployment, with no traffic."""
        fresh = {"deploymentId": self.stage["deploymentId"], "percentTraffic": 0.0, "useStageCache": False}
        canary: Wire = dict(self.stage.get("canarySettings") or fresh)
        if parts[1:] == ["deploymentId"]:
            canary["deploymentId"] = self._deployment(value)
        elif parts[1:] == ["percentTraffic"]:
            canary["percentTraffic"] = _percent(value)
        elif parts[1:] == ["useStageCache"]:
            canary["useStageCache"] = boolean(value)
        elif len(parts) == 3 and parts[1] == "stageVariableOverrides":
            check_variables({parts[2]: value})
            overrides = {**canary.get("stageVariableOverrides", {}), parts[2]: text(value)}
            canary["stageVariableOverrides"] = overrides
        else:
            raise bad_request(f"Invalid method setting path: {path}. Must be one of: {_VALID}")
        self.stage["canarySettings"] = canary

    def _copy(self, path: str, source: str) -> None:
        pairs = {
            "/deploymentId": "/canarySettings/deploymentId",
            "/variables": "/canarySettings/stageVariableOverrides",
        }
        if pairs.get(path) != source:
            raise bad_request(
                f"Invalid copy operation with path: {path} and from {source}. Valid copy:path are "
                "[/deploymentId, /variables] and valid copy:from are "
                "[/canarySettings/deploymentId, /canarySettings/stageVariableOverrides]"
            )
        canary = self.stage.get("canarySettings")
        if canary is None:
            raise bad_request("Promotion not available. Canary does not exist.")
        if path == "/deploymentId":
            self.stage["deploymentId"] = canary["deploymentId"]
        elif canary.get("stageVariableOverrides"):
            self.stage["variables"] = {**self.stage.get("variables", {}), **canary["stageVariableOverrides"]}

    def check(self) -> None:
        """What only holds once all operations are done."""
        access = self.stage.get("accessLogSettings")
        if access is not None:
            if not _DESTINATION.fullmatch(access.get("destinationArn", "")):
                raise bad_request(
                    "Access log destination must only contain characters a-z, A-Z, 0-9, '_', '-', '/', '.', '#', ':' "
                    "and be the ARN of a log group or a Firehose stream"
                )
            wanted = ("$context.requestId", "$context.extendedRequestId")
            if not any(one in access.get("format", "") for one in wanted):
                raise bad_request("Access Log format must contain at least $context.requestId or "
                                  "$context.extendedRequestId")  # fmt: skip
        if self.logging and not self.may_log:
            raise Refusal(
                400, "BadRequestException", "CloudWatch Logs role ARN must be set in account settings to enable logging"
            )


def _percent(value: Any) -> float:
    try:
        percent = float(value)
    except (TypeError, ValueError):
        percent = -1.0
    if not 0.0 <= percent <= 100.0:
        raise bad_request("Invalid canary percentage: must be between 0.0 and 100.0")
    return percent
