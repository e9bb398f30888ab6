"""Function URLs: HTTPS addresses at which functions answer, one for each alias.

With AWS_IAM callers sign their requests, and their own policies admit them. With NONE the alias has to admit everybody,
in two statements: for the URL, and for invocations that come through it.
https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import AwsError
from pipeline.model.access import Grant
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources._function_attachments import cors_of
from pipeline.resources._function_policies import URL_STATEMENTS, remove, statements
from pipeline.resources.base import Aws, Problem, Target, read_each
from pipeline.resources.grants import text

OPEN = "NONE"
_MODES = {False: "BUFFERED", True: "RESPONSE_STREAM"}
_CORS = {
    "origins": "AllowOrigins",
    "methods": "AllowMethods",
    "headers": "AllowHeaders",
    "expose": "ExposeHeaders",
    "max_age": "MaxAge",
    "credentials": "AllowCredentials",
}


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Everybody is admitted when and only when nobody has to sign. CORS settings that say nothing are none."""
    return {**properties, **cors_of(properties), "open": properties["auth"] == OPEN}


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """An address that everybody may call."""
    if resource.properties["auth"] == OPEN:
        yield Problem("everybody on the internet may call this function", ("auth",), "write auth: AWS_IAM")


def grants(properties: Properties, scope: Scope) -> Iterator[Grant]:
    """With NONE everybody may call."""
    if properties.get("auth") == OPEN:
        alias = scope.arn("lambda", f"function:{text(properties['function'])}:{text(properties['alias'])}")
        yield Grant("*", "lambda:InvokeFunctionUrl", alias)


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each alias by itself, with its policy."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    declared = target.resource.properties
    found = aws.found("lambda", "GetFunctionUrlConfig", **_where(declared))
    if found is None:
        return None
    admitted = _admitted(aws, declared)
    properties = {
        **{key: declared[key] for key in ("name", "function", "alias")},
        "auth": found["AuthType"],
        "stream": found.get("InvokeMode") == _MODES[True],
        "cors": _cors_of(found.get("Cors") or {}),
        "open": _open(admitted),
    }
    # It has no tags: that the function is ours says whose it is.
    outputs = {"url": found["FunctionUrl"]}
    return Observed(target.address, properties, outputs, aws.scope.mark(target.address), markable=False)


def _cors_of(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """As declared, with the defaults; None without any."""
    if not found:
        return None
    empty: dict[str, Any] = {"max_age": 0, "credentials": False}
    return {key: found.get(member, empty.get(key, [])) for key, member in _CORS.items()}


def _open(admitted: Sequence[str]) -> bool | str:
    if not admitted or len(admitted) == len(URL_STATEMENTS):
        return bool(admitted)
    return f"half: {', '.join(admitted)} alone"


def _admitted(aws: Aws, properties: Properties) -> list[str]:
    """Which of our statements the alias has."""
    found = statements(aws, properties["function"], properties["alias"])
    return sorted({statement["Sid"] for statement in found} & set(URL_STATEMENTS))


def create(aws: Aws, resource: Resource) -> Outputs:
    """The address, then who is admitted."""
    made = aws.call(
        "lambda", "CreateFunctionUrlConfig", **_where(resource.properties), **_settings(resource.properties)
    )
    _admit(aws, resource.properties, [])
    return {"url": made["FunctionUrl"]}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """The settings, then who is admitted: nobody is for a moment who shall not be."""
    wanted = resource.properties
    if any(not path.startswith("open") for path in paths):
        aws.call("lambda", "UpdateFunctionUrlConfig", **_where(wanted), **_settings(wanted))
    _admit(aws, wanted, _admitted(aws, wanted))
    return observed.outputs


def delete(aws: Aws, observed: Observed) -> None:
    """The address, and the statements that were for it."""
    aws.found("lambda", "DeleteFunctionUrlConfig", **_where(observed.properties))
    _admit(aws, {**observed.properties, "open": False}, _admitted(aws, observed.properties))


def _settings(wanted: Properties) -> dict[str, Any]:
    cors = wanted.get("cors") or {}
    # An empty value clears; leaving it out keeps what is there.
    given = {member: cors[key] for key, member in _CORS.items() if cors.get(key)}
    return {"AuthType": wanted["auth"], "InvokeMode": _MODES[wanted["stream"]], "Cors": given}


def _admit(aws: Aws, properties: Properties, present: Sequence[str]) -> None:
    """Brings the statements of the alias to what is wanted, one after the other."""
    wanted = URL_STATEMENTS if properties["open"] else {}
    for sid in (sid for sid in present if sid not in wanted):
        remove(aws, properties["function"], properties["alias"], sid)
    for sid in (sid for sid in wanted if sid not in present):
        try:
            aws.call("lambda", "AddPermission", StatementId=sid, Principal="*", **wanted[sid], **_where(properties))
        except AwsError as error:
            # Added by a call whose answer was lost.
            if error.code != "ResourceConflictException":
                raise


def _where(properties: Properties) -> dict[str, str]:
    return {"FunctionName": properties["function"], "Qualifier": properties["alias"]}
