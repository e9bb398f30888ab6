"""Lambda functions, with their alias.

A function is created with its first version and the alias on it. Later changes go to `$LATEST` and are published as a
version, but the alias stays: what callers get is moved by the release phase (`pipeline.releasing.publisher`). A run
that died between the two is noticed by reading the version behind the alias: when it lacks something that the function
holds, `live` differs from `latest`, and the next run goes on from there.

Lambda changes functions behind the answer of a call: `State` and `LastUpdateStatus` say when it is done, and until then
other changes are refused. https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties, Reference, references_of
from pipeline.resources import _lambda_properties as rules
from pipeline.resources import policies
from pipeline.resources._lambda_properties import LATEST, canonical, check
from pipeline.resources.base import Aws, Target, read_each, split_tags, stale_tags, tags_for, touches

__all__ = ["canonical", "check", "create", "delete", "derive", "read", "update"]

# GetFunction may be called 100 times a second, ListFunctions 15 times, with 50 functions a page.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
READ_EACH = 50
# Seconds; zip functions take 1 to 10, those in a VPC up to several minutes.
SETTLED_WITHIN = 300.0
LOOK_EVERY = 1.0

_FAILED = "failed"


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """The log group, and the default role when the function uses it.

    Lambda makes the group by itself at the first invocation, without retention: one that is there already is taken.
    """
    wanted = resource.properties
    group = {
        "name": rules.default_group(resource.name),
        "retention_days": wanted.get("log_retention_days", 30),
        "tags": dict(wanted.get("tags") or {}),
    }
    yield Resource("logs.log_group", group["name"], group, source=resource.source, adopt=True)
    role = rules.default_role(scope)
    if Reference(f"iam.role/{role}", "arn") in references_of(wanted.get("role")):
        yield Resource("iam.role", role, _default_role(role, scope), source=resource.source)


def _default_role(name: str, scope: Scope) -> Properties:
    """Leave to write into the log groups of this service's functions, and nothing else."""
    statement = {
        "Sid": "WriteLogs",
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": scope.arn("logs", f"log-group:/aws/lambda/{scope.service}-*:*"),
    }
    return {
        "name": name,
        "path": "/",
        "description": f"Runs the functions of {scope.service}",
        "trust": policies.trust("lambda.amazonaws.com", partition=scope.partition),
        "managed_policies": [],
        "policies": {"Logs": policies.canonical({"Statement": [statement]}, partition=scope.partition)},
        "max_session_duration": 3600,
        "tags": {},
    }


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Few functions one by one; many from the pages of ListFunctions, and one by one only where those tell news.

    The list shows neither tags nor aliases. Where it shows what the last release declared, these are taken from there.
    """
    if len(targets) <= READ_EACH:
        return read_each(aws, targets, _read_one)
    listed = {found["FunctionName"]: found for found in aws.pages("lambda", "ListFunctions", "Functions", MaxItems=50)}
    found: dict[str, Observed] = {}
    closer = []
    for target in targets:
        configuration = listed.get(target.name)
        if configuration is not None and _as_released(aws, target, configuration):
            found[target.address] = _trusted(aws, target, configuration)
        elif configuration is not None:
            closer.append(target)
    return found | read_each(aws, closer, _read_one)


def _as_released(aws: Aws, target: Target, configuration: Mapping[str, Any]) -> bool:
    if target.thorough or target.released is None or "version" not in target.recorded:
        return False
    found = rules.observed(configuration, aws.scope)
    return all(rules.agrees(found[name], target.released.get(name)) for name in rules.FROZEN)


def _trusted(aws: Aws, target: Target, configuration: Mapping[str, Any]) -> Observed:
    """As listed; alias and tags as the last release left them."""
    released, version = target.released or {}, str(target.recorded["version"])
    properties = {
        **_own(target, configuration, aws.scope),
        "alias": released.get("alias"),
        "live": LATEST,
        "tags": dict(released.get("tags") or {}),
    }
    outputs = _outputs(aws.scope, target.name, _alias_of(target.resource), version, version)
    return Observed(
        target.address, properties, outputs, aws.scope.mark(target.address), trusted=("alias", "live", "tags")
    )


def _read_one(aws: Aws, target: Target) -> Observed | None:
    """The function, the version behind its alias, and (thoroughly) the alias itself, which alone shows weights."""
    name, alias = target.name, _alias_of(target.resource)
    first = [_get(aws, "GetFunction", name)]
    behind = [_get(aws, "GetFunction", name, Qualifier=alias)]
    if target.thorough:
        behind.append(_get(aws, "GetAlias", name, Name=alias))
    # A function that was never recorded may well not exist: then one call is enough to know.
    answers = aws.gather([*first, *behind]) if target.recorded else aws.gather(first)
    if answers[0] is None:
        return None
    if not target.recorded:
        answers += aws.gather(behind)
    function, served, pointer = answers[0], answers[1], answers[2] if target.thorough else None
    return _observed(aws.scope, target, function, served["Configuration"] if served else None, pointer or {})


def _get(aws: Aws, operation: str, name: str, **params: str) -> Callable[[], Mapping[str, Any] | None]:
    return lambda: aws.found("lambda", operation, FunctionName=name, **params)


def _observed(
    scope: Scope,
    target: Target,
    function: Mapping[str, Any],
    served: Mapping[str, Any] | None,
    pointer: Mapping[str, Any],
) -> Observed:
    configuration = function["Configuration"]
    tags, mark = split_tags(function.get("Tags") or {})
    properties = _own(target, configuration, scope)
    live = _live(target, configuration, served, pointer, scope)
    properties |= {"alias": _alias_of(target.resource) if served else None, "live": live, "tags": tags}
    unread: tuple[str, ...] = ()
    if "Error" in configuration.get("Environment", {}):
        # Encrypted with a key that the caller may not use: https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentError.html
        properties["environment"], unread = target.resource.properties.get("environment"), ("environment",)
    version = served["Version"] if served else None
    return Observed(
        address=target.address,
        properties=properties,
        outputs=_outputs(scope, target.name, _alias_of(target.resource), version, version if live == LATEST else None),
        mark=mark,
        pending=None if _settled(configuration, raising=False) else "an update of this function is still under way",
        trusted=unread,
    )


def _own(target: Target, configuration: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    declared = target.resource.properties
    return {
        "name": configuration["FunctionName"],
        "package_type": configuration.get("PackageType", "Zip"),
        **rules.observed(configuration, scope),
        **{name: declared[name] for name in rules.OWN if name in declared},
    }


def _live(
    target: Target,
    configuration: Mapping[str, Any],
    served: Mapping[str, Any] | None,
    pointer: Mapping[str, Any],
    scope: Scope,
) -> str | None:
    """`latest`, or what the alias serves instead; None without an alias."""
    for status, reason in (("State", "StateReasonCode"), ("LastUpdateStatus", "LastUpdateStatusReasonCode")):
        if configuration.get(status) == "Failed":
            return f"{_FAILED}: {configuration.get(reason, 'for an unknown reason')}"
    if served is None:
        return None
    version = served["Version"]
    weights = (pointer.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    if weights:
        others = ", ".join(f"{weight:.0%} to version {other}" for other, weight in sorted(weights.items()))
        return f"version {version} with {others}"
    held, frozen = rules.observed(configuration, scope), rules.observed(served, scope)
    if version == "$LATEST" or rules.lags(frozen, held, target.resource.properties):
        return f"version {version}"
    return LATEST


def create(aws: Aws, resource: Resource) -> Outputs:
    """The function with its mark and first version, then the alias on that version."""
    wanted, name = resource.properties, resource.name
    made = aws.call(
        "lambda",
        "CreateFunction",
        FunctionName=name,
        PackageType="Zip",
        Publish=True,
        Architectures=[wanted["architecture"]],
        Code=_code(aws, wanted),
        Tags=tags_for(aws, resource),
        **rules.created(wanted),
    )
    _settle(aws, name, made)
    return _with_alias(aws, resource, made["Version"])


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Configuration, then code, then a version; tags. The alias stays where it is, and is made where it is missing."""
    name, served = resource.name, observed.outputs.get("version")
    if observed.pending:
        _settle(aws, name)
    if touches(paths, "tags"):
        _tag(aws, resource, observed)
    latest = observed.outputs.get("latest")
    if touches(paths, *rules.FROZEN, "live", "alias"):
        latest = _publish(aws, resource, observed, paths)
    if observed.properties.get("alias") is None and latest is not None:
        return _with_alias(aws, resource, latest)
    return _outputs(aws.scope, name, _alias_of(resource), served, latest)


def delete(aws: Aws, observed: Observed) -> None:
    """The function with all its versions and aliases."""
    aws.found("lambda", "DeleteFunction", FunctionName=observed.properties["name"])


def _publish(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> str:
    """Brings `$LATEST` to what is wanted and publishes it; the version's number.

    Publishing what the last version holds already gives that version's number again, so this can be repeated.
    https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
    """
    name, wanted, held = resource.name, resource.properties, observed.properties
    again = str(held.get("live")).startswith(_FAILED)
    changed = [p for p in rules.MEMBERS if again or (touches(paths, p) and wanted.get(p) != held.get(p))]
    guard: dict[str, str] = {}
    if changed:
        answer = aws.call("lambda", "UpdateFunctionConfiguration", FunctionName=name, **rules.sent(wanted, changed))
        # The id changes once more when the update is through, so only the one read after that can be a condition.
        guard = _revision(_settle(aws, name, answer))
    if touches(paths, "code", "architecture"):
        code = {**_code(aws, wanted), **guard}
        built_for = [wanted["architecture"]]
        answer = aws.call(
            "lambda", "UpdateFunctionCode", FunctionName=name, Publish=True, Architectures=built_for, **code
        )
    else:
        # Refused when somebody else's code came in between.
        expected = {"CodeSha256": rules.code_sha256(wanted["code"])} if wanted.get("code") else {}
        answer = aws.call("lambda", "PublishVersion", FunctionName=name, **expected, **guard)
    version = str(answer["Version"])
    _settle(aws, name, answer, Qualifier=version)
    return version


def _with_alias(aws: Aws, resource: Resource, version: str) -> Outputs:
    alias = _alias_of(resource)
    aws.call("lambda", "CreateAlias", FunctionName=resource.name, Name=alias, FunctionVersion=version)
    return _outputs(aws.scope, resource.name, alias, version, version)


def _settle(aws: Aws, name: str, answer: Mapping[str, Any] | None = None, **qualifier: str) -> Mapping[str, Any]:
    """The configuration once Lambda is through with it; `answer` is the one of the change, which may say so already.

    Raises PipelineError with Lambda's reason when the change broke behind its answer.
    """
    settled = _settled(answer) if answer is not None else None
    if settled is not None:
        return settled

    def look() -> Mapping[str, Any] | None:
        return _settled(aws.call("lambda", "GetFunction", FunctionName=name, **qualifier)["Configuration"])

    return aws.wait(f"{name} to be ready", look, every=LOOK_EVERY, budget=SETTLED_WITHIN)


def _settled(configuration: Mapping[str, Any], *, raising: bool = True) -> Mapping[str, Any] | None:
    """The configuration, or None while it changes. An idle function is `Inactive`, which is as good as active."""
    if configuration.get("State") == "Pending" or configuration.get("LastUpdateStatus") == "InProgress":
        return None
    for status in ("State", "LastUpdateStatus"):
        if raising and configuration.get(status) == "Failed":
            reason = configuration.get(f"{status}Reason", "Lambda gives no reason")
            code = configuration.get(f"{status}ReasonCode", "Failed")
            raise PipelineError(
                f"Lambda could not bring {configuration['FunctionName']} to what was asked: {reason} ({code})",
                hint="mend the cause and run again: the function is brought up to date then",
            )
    return configuration


def _tag(aws: Aws, resource: Resource, observed: Observed) -> None:
    arn = _arn(aws.scope, resource.name)
    tags = tags_for(aws, resource)
    aws.call("lambda", "TagResource", Resource=arn, Tags=tags)
    if gone := stale_tags(observed, tags):
        aws.call("lambda", "UntagResource", Resource=arn, TagKeys=gone)


def _code(aws: Aws, wanted: Properties) -> dict[str, str]:
    digest = wanted.get("code")
    if digest is None:
        raise PipelineError(f"lambda.function/{wanted['name']} has no code: nothing was packaged for it")
    place = aws.artifact(digest)
    return {"S3Bucket": place["bucket"], "S3Key": place["key"]}


def _revision(configuration: Mapping[str, Any]) -> dict[str, str]:
    revision = configuration.get("RevisionId")
    return {"RevisionId": revision} if revision else {}


def _alias_of(resource: Resource) -> str:
    return str(resource.properties.get("alias") or "live")


def _arn(scope: Scope, name: str) -> str:
    return scope.arn("lambda", f"function:{name}")


def _outputs(scope: Scope, name: str, alias: str, version: str | None, latest: str | None) -> Outputs:
    """`version` is what the alias serves, `latest` what was published last; each only as far as it is known."""
    arn = _arn(scope, name)
    known = {"version": version, "latest": latest}
    return {"name": name, "arn": arn, "alias_arn": f"{arn}:{alias}"} | {k: v for k, v in known.items() if v is not None}
