"""Lambda as AWS behaves and emulators do not: changes take time, and whatever comes in between is refused.

A function is `Pending` after its creation and its update `InProgress` for `delay` seconds; changes in that time are
answered 409 and counted in `conflicts`. RevisionId changes with every transition. Versions freeze what they publish.
Sources: localstack/localstack tests/aws/services/lambda_ (recorded from AWS), the Lambda API reference.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from itertools import count
from typing import Any, TypeVar

from pipeline.errors import AwsError, FailedCall
from pipeline.model.scope import Scope
from tests.support.aws import SCOPE, Params

T = TypeVar("T")

_MUTABLE = (
    "Handler", "Runtime", "Timeout", "MemorySize", "EphemeralStorage", "Environment", "Role", "Layers", "Description",
    "TracingConfig", "KMSKeyArn", "LoggingConfig", "VpcConfig", "DeadLetterConfig",
)  # fmt: skip


def refused(operation: str, code: str, message: str, status: int = 400) -> AwsError:
    return AwsError(FailedCall("lambda", operation, code, message, status=status))


class Function:
    """`$LATEST` of one function, its versions and aliases."""

    def __init__(self, configuration: dict[str, Any], tags: dict[str, str]) -> None:
        self.latest = configuration
        self.tags = tags
        self.versions: dict[str, dict[str, Any]] = {}
        self.published: dict[str, Any] | None = None
        self.aliases: dict[str, dict[str, Any]] = {}
        self.policies: dict[str | None, list[dict[str, Any]]] = {}
        self.urls: dict[str | None, dict[str, Any]] = {}
        self.ready_at: dict[str, float] = {}


class FakeLambda:
    """An `Aws` with Lambda alone; `seconds` is its clock. `fail` makes the next change end as Failed, with a reason."""

    scope: Scope = SCOPE

    def __init__(self, delay: float = 3.0) -> None:
        self.delay = delay
        self.seconds = 0.0
        self.functions: dict[str, Function] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.conflicts = 0
        self.fail: tuple[str, str] | None = None
        self._revisions = count(1)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        assert service == "lambda"
        self.calls.append((operation, params))
        answer: dict[str, Any] = getattr(self, re.sub(r"([A-Z])", r"_\1", operation).lower())(params)
        return deepcopy(answer)

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[Any]:
        return list(self.call(service, operation, **params)[key])

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        try:
            return self.call(service, operation, **params)
        except AwsError as error:
            if error.call.status == 404:
                return None
            raise

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        return [thunk() for thunk in thunks]

    def wait(self, what: str, poll: Callable[[], T | None], *, every: float, budget: float) -> T:
        end = self.seconds + budget
        while self.seconds <= end:
            if (value := poll()) is not None:
                return value
            self.seconds += every
        raise refused("wait", "TimedOut", what)

    def artifact(self, digest: str) -> Mapping[str, str]:
        return {"bucket": "archives", "key": digest}

    def _named(self, operation: str, name: str) -> Function:
        if name not in self.functions:
            raise refused(operation, "ResourceNotFoundException", f"Function not found: {name}", 404)
        return self.functions[name]

    def _changing(self, operation: str, params: Params) -> Function:
        """The function, refused while an update of it is under way, or when it is not the one that was looked at."""
        name, revision = params["FunctionName"], params.get("RevisionId")
        function = self._named(operation, name)
        shown = self._shown(function, "$LATEST")
        if shown["State"] == "Pending" or shown["LastUpdateStatus"] == "InProgress":
            self.conflicts += 1
            message = f"The operation cannot be performed at this time. An update is in progress for resource: {name}"
            raise refused(operation, "ResourceConflictException", message, 409)
        if revision is not None and revision != function.latest["RevisionId"]:
            raise refused(operation, "PreconditionFailedException", "The Revision Id provided does not match", 412)
        return function

    def _shown(self, function: Function, qualifier: str) -> dict[str, Any]:
        """The configuration as it is told now: what has become ready turns so when somebody looks."""
        configuration = function.latest if qualifier == "$LATEST" else function.versions[qualifier]
        if function.ready_at.get(qualifier, 0.0) <= self.seconds and qualifier in function.ready_at:
            del function.ready_at[qualifier]
            failed = configuration.pop("_fails", None)
            status = "Failed" if failed else None
            if configuration["State"] == "Pending":
                configuration["State"] = status or "Active"
                configuration |= {"StateReason": failed[1], "StateReasonCode": failed[0]} if failed else {}
            else:
                configuration["LastUpdateStatus"] = status or "Successful"
                extra = {"LastUpdateStatusReason": failed[1], "LastUpdateStatusReasonCode": failed[0]} if failed else {}
                configuration |= extra
            configuration["RevisionId"] = self._revision()
        return configuration

    def _revision(self) -> str:
        return f"revision-{next(self._revisions)}"

    def _touch(self, function: Function, status: str) -> None:
        function.latest |= {status: "Pending" if status == "State" else "InProgress", "RevisionId": self._revision()}
        function.ready_at["$LATEST"] = self.seconds + self.delay
        if self.fail:
            function.latest["_fails"], self.fail = self.fail, None

    def _publish(self, function: Function, *, pending: bool, description: str = "") -> dict[str, Any]:
        """The description of a version may be its own: it does not count as a change of the function."""
        content = {key: function.latest.get(key) for key in (*_MUTABLE, "CodeSha256", "Architectures")}
        if function.versions and function.published == content:
            return function.versions[max(function.versions, key=int)]
        function.published = deepcopy(content)
        number = str(max(map(int, function.versions), default=0) + 1)
        version = {**deepcopy(function.latest), "Version": number, "RevisionId": self._revision()}
        version.pop("_fails", None)
        version |= {"Description": description} if description else {}
        if pending:
            version |= {"State": "Pending"}
            version.pop("LastUpdateStatus", None)
            function.ready_at[number] = self.seconds + self.delay
        function.versions[number] = version
        return version

    # Operations, by their names in the API.

    def _create_function(self, params: Params) -> dict[str, Any]:
        name = params["FunctionName"]
        if name in self.functions:
            raise refused("CreateFunction", "ResourceConflictException", f"Function already exist: {name}", 409)
        configuration = {
            "FunctionName": name,
            "FunctionArn": self.scope.arn("lambda", f"function:{name}"),
            "Version": "$LATEST",
            "PackageType": "Zip",
            "CodeSha256": _code(params["Code"]["S3Key"]),
            "Architectures": params["Architectures"],
            "Description": "",
            "LastUpdateStatus": "Successful",
            **{key: params[key] for key in _MUTABLE if key in params},
        }
        function = self.functions[name] = Function(configuration, dict(params["Tags"]))
        self._touch(function, "State")
        return self._publish(function, pending=True) if params.get("Publish") else function.latest

    def _get_function(self, params: Params) -> dict[str, Any]:
        name, qualifier = params["FunctionName"], params.get("Qualifier", "$LATEST")
        function = self._named("GetFunction", name)
        version = function.aliases.get(qualifier, {}).get("FunctionVersion", qualifier)
        if version != "$LATEST" and version not in function.versions:
            raise refused("GetFunction", "ResourceNotFoundException", f"{name}:{qualifier}", 404)
        shown = {key: value for key, value in self._shown(function, version).items() if key != "_fails"}
        answer: dict[str, Any] = {"Configuration": shown, "Code": {"Location": "https://signed.example/secret"}}
        return answer | ({"Tags": function.tags} if function.tags else {})

    def _list_functions(self, params: Params) -> dict[str, Any]:
        left_out = ("State", "LastUpdateStatus", "_fails")
        found = [{k: v for k, v in f.latest.items() if k not in left_out} for f in self.functions.values()]
        return {"Functions": found}

    def _update_function_configuration(self, params: Params) -> dict[str, Any]:
        function = self._changing("UpdateFunctionConfiguration", params)
        unknown = params.keys() - {*_MUTABLE, "RevisionId", "FunctionName"}
        assert not unknown, f"AWS does not take {unknown} here"
        function.latest |= {key: params[key] for key in _MUTABLE if key in params}
        self._touch(function, "LastUpdateStatus")
        return function.latest

    def _update_function_code(self, params: Params) -> dict[str, Any]:
        function = self._changing("UpdateFunctionCode", params)
        function.latest |= {"CodeSha256": _code(params["S3Key"]), "Architectures": params["Architectures"]}
        self._touch(function, "LastUpdateStatus")
        return self._publish(function, pending=True) if params.get("Publish") else function.latest

    def _publish_version(self, params: Params) -> dict[str, Any]:
        function = self._changing("PublishVersion", params)
        if params.get("CodeSha256") not in (None, function.latest["CodeSha256"]):
            raise refused("PublishVersion", "InvalidParameterValueException", "CodeSHA256 is different")
        return self._publish(function, pending=True, description=params.get("Description", ""))

    def _create_alias(self, params: Params) -> dict[str, Any]:
        function, name = self._named("CreateAlias", params["FunctionName"]), params["Name"]
        if name in function.aliases:
            raise refused("CreateAlias", "ResourceConflictException", f"Alias already exists: {name}", 409)
        self._check_ready(function, params["FunctionVersion"])
        function.aliases[name] = {"Name": name, "FunctionVersion": params["FunctionVersion"]}
        return function.aliases[name]

    def _get_alias(self, params: Params) -> dict[str, Any]:
        function, name = self._named("GetAlias", params["FunctionName"]), params["Name"]
        if name not in function.aliases:
            raise refused("GetAlias", "ResourceNotFoundException", f"Cannot find alias: {name}", 404)
        return function.aliases[name]

    def _get_policy(self, params: Params) -> dict[str, Any]:
        statements = self._named("GetPolicy", params["FunctionName"]).policies.get(params.get("Qualifier"))
        if not statements:
            raise refused("GetPolicy", "ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}

    def _get_function_url_config(self, params: Params) -> dict[str, Any]:
        urls = self._named("GetFunctionUrlConfig", params["FunctionName"]).urls
        if params.get("Qualifier") not in urls:
            message = "The resource you requested does not exist."
            raise refused("GetFunctionUrlConfig", "ResourceNotFoundException", message, 404)
        return urls[params.get("Qualifier")]

    def _delete_function_url_config(self, params: Params) -> dict[str, Any]:
        self._get_function_url_config(params)
        del self.functions[params["FunctionName"]].urls[params.get("Qualifier")]
        return {}

    def _remove_permission(self, params: Params) -> dict[str, Any]:
        policies = self._named("RemovePermission", params["FunctionName"]).policies
        kept = policies.get(params.get("Qualifier"), [])
        policies[params.get("Qualifier")] = [one for one in kept if one["Sid"] != params["StatementId"]]
        return {}

    def _update_alias(self, params: Params) -> dict[str, Any]:
        alias = self._get_alias(params)
        if version := params.get("FunctionVersion"):
            self._check_ready(self.functions[params["FunctionName"]], version)
        alias |= {key: value for key, value in params.items() if key not in ("FunctionName", "Name")}
        if not alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
            alias.pop("RoutingConfig", None)
        return alias

    def _check_ready(self, function: Function, version: str) -> None:
        assert self._shown(function, version)["State"] == "Active", "an alias on a version that is not ready"

    def _tag_resource(self, params: Params) -> dict[str, Any]:
        self._named("TagResource", params["Resource"].rpartition(":")[2]).tags |= params["Tags"]
        return {}

    def _untag_resource(self, params: Params) -> dict[str, Any]:
        tags = self._named("UntagResource", params["Resource"].rpartition(":")[2]).tags
        for key in params["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _delete_function(self, params: Params) -> dict[str, Any]:
        self._named("DeleteFunction", params["FunctionName"])
        del self.functions[params["FunctionName"]]
        return {}


def _code(key: str) -> str:
    return base64.b64encode(bytes.fromhex(key.removeprefix("sha256:"))).decode()
