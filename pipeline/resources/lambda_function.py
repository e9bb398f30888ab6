"""Lambda functions, with their alias.

A function is created, then its first version and the alias on it. Later changes go to `$LATEST` and are published as a
version that says for which release it is, but the alias stays: what callers get is moved by the release phase
(`pipeline.releasing.publisher`). A run that died between the two is noticed by reading the version behind the alias:
when it lacks something that the function holds, `live` differs from `latest`, and the next run goes on from there. When
that version is as wanted already, after a rollback or drift, `$LATEST` is put right and nothing is published.

Lambda changes functions behind the answer of a call: `State` and `LastUpdateStatus` say when it is done, and until then
other changes are refused. https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Outputs, Properties, Reference, references_of
from pipeline.resources import _function_policies as policies
from pipeline.resources import _function_role as roles
from pipeline.resources import _function_urls as urls
from pipeline.resources import _lambda_properties as rules
from pipeline.resources._function_attachments import attached
from pipeline.resources._lambda_members import MEMBERS, default_group
from pipeline.resources._lambda_properties import canonical, check
from pipeline.resources._lambda_reading import BY_HAND, FAILED, alias_of, arn_of, outputs_of, read, settled
from pipeline.resources.base import Aws, stale_tags, tags_for, touches

__all__ = ["canonical", "check", "compose", "create", "delete", "derive", "read", "retire", "update"]

# Seconds; zip functions take 1 to 10, those in a VPC up to several minutes.
SETTLED_WITHIN = 300.0
LOOK_EVERY = 1.0
# What `retire` is for.
RETIRED_WITH = BY_HAND


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """The log group, and what hangs on its alias.

    Lambda makes the group by itself at the first invocation, without retention: one that is there already is taken.
    """
    wanted = resource.properties
    group = {
        "name": default_group(resource.name),
        "retention_days": wanted.get("log_retention_days", 30),
        "tags": dict(wanted.get("tags") or {}),
    }
    yield Resource("logs.log_group", group["name"], group, source=resource.source, adopt=True)
    yield from attached(resource)


def compose(resource: Resource, stack: Sequence[Resource], scope: Scope) -> tuple[Resource, Iterable[Resource]]:
    """Where it names no role: one of its own follows, or it gets the one for all that is declared by its usual name."""
    own, shared = f"iam.role/{roles.own_role(resource.name, scope)}", f"iam.role/{roles.shared_role(scope)}"
    if Reference(own, "arn") not in references_of(resource.properties["role"]):
        return resource, ()
    declared = {one.address for one in stack if one.type == "iam.role"}
    if resource.properties.get("access") or own in declared or shared not in declared:
        return resource, roles.own_role_resources(resource, scope)
    properties = {**resource.properties, "role": Expression((Reference(shared, "arn"),))}
    return replace(resource, properties=properties), ()


def create(aws: Aws, resource: Resource) -> Outputs:
    """The function with its mark, its first version, then the alias on that."""
    wanted, name = resource.properties, resource.name
    made = aws.call(
        "lambda",
        "CreateFunction",
        FunctionName=name,
        PackageType="Zip",
        Architectures=[wanted["architecture"]],
        Code=_code(aws, wanted),
        Tags=tags_for(aws, resource),
        **rules.created(wanted),
    )
    _settle(aws, name, made)
    if wanted.get("reserved_concurrency") is not None:
        _reserve(aws, resource)
    return _with_alias(aws, resource, _version(aws, wanted))


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Configuration, then code, then a version; tags. The alias stays where it is, and is made where it is missing."""
    name, served = resource.name, observed.outputs.get("version")
    if observed.pending:
        _settle(aws, name)
    if touches(paths, "tags"):
        _tag(aws, resource, observed)
    if touches(paths, "reserved_concurrency"):
        _reserve(aws, resource)
    latest = observed.outputs.get("latest")
    if touches(paths, *rules.FROZEN, "live", "alias"):
        latest = _publish(aws, resource, observed, paths)
    if observed.properties.get("alias") is None and latest is not None:
        return _with_alias(aws, resource, latest)
    return outputs_of(aws.scope, name, alias_of(resource), served, latest)


def _reserve(aws: Aws, resource: Resource) -> None:
    """What is reserved is the function's, not a version's: it holds at once."""
    wanted = resource.properties.get("reserved_concurrency")
    if wanted is None:
        aws.found("lambda", "DeleteFunctionConcurrency", FunctionName=resource.name)
    else:
        aws.call("lambda", "PutFunctionConcurrency", FunctionName=resource.name, ReservedConcurrentExecutions=wanted)


def retire(aws: Aws, resource: Resource) -> None:
    """Takes away what nobody declares: last, since it may be declared just now, statements under an id of ours."""
    wanted = resource.properties
    for qualifier in policies.qualifiers(wanted):
        found = policies.statements(aws, resource.name, qualifier)
        for statement in policies.foreign(found, qualifier, wanted):
            policies.remove(aws, resource.name, qualifier, str(statement["Sid"]))
    for qualifier in urls.foreign(aws, wanted):
        urls.remove(aws, resource.name, qualifier)


def delete(aws: Aws, observed: Observed) -> None:
    """The function with all its versions and aliases."""
    aws.found("lambda", "DeleteFunction", FunctionName=observed.properties["name"])


def _publish(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> str:
    """Brings `$LATEST` to what is wanted and publishes it, unless callers have that already; the version's number.

    Publishing what the last version holds already gives that version's number again, so this can be repeated.
    https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
    """
    name, wanted, held = resource.name, resource.properties, observed.properties
    serves = observed.served is not None and rules.same(observed.served, wanted)
    again = str(held.get("live")).startswith(FAILED)
    changed = [p for p in MEMBERS if again or (touches(paths, p) and wanted.get(p) != held.get(p))]
    guard: dict[str, str] = {}
    if changed:
        answer = aws.call("lambda", "UpdateFunctionConfiguration", FunctionName=name, **rules.sent(wanted, changed))
        # The id changes once more when the update is through, so only the one read after that can be a condition.
        guard = _revision(_settle(aws, name, answer))
    if touches(paths, "code", "architecture"):
        code = {**_code(aws, wanted), **guard}
        answer = aws.call(
            "lambda", "UpdateFunctionCode", FunctionName=name, Architectures=[wanted["architecture"]], **code
        )
        guard = _revision(_settle(aws, name, answer))
    return str(observed.outputs["version"]) if serves else _version(aws, wanted, **guard)


def _version(aws: Aws, wanted: Properties, **guard: str) -> str:
    """Publishes what the function holds; refused when somebody else's code came in between."""
    name = wanted["name"]
    expected = {"CodeSha256": rules.code_sha256(wanted["code"])} if wanted.get("code") else {}
    described = rules.described(aws.scope.label, wanted)
    answer = aws.call("lambda", "PublishVersion", FunctionName=name, **described, **expected, **guard)
    version = str(answer["Version"])
    _settle(aws, name, answer, Qualifier=version)
    return version


def _with_alias(aws: Aws, resource: Resource, version: str) -> Outputs:
    alias = alias_of(resource)
    aws.call("lambda", "CreateAlias", FunctionName=resource.name, Name=alias, FunctionVersion=version)
    return outputs_of(aws.scope, resource.name, alias, version, version)


def _settle(aws: Aws, name: str, answer: Mapping[str, Any] | None = None, **qualifier: str) -> Mapping[str, Any]:
    """The configuration once Lambda is through with it; `answer` is the one of the change, which may say so already.

    Raises PipelineError with Lambda's reason when the change broke behind its answer.
    """
    ready = settled(answer) if answer is not None else None
    if ready is not None:
        return ready

    def look() -> Mapping[str, Any] | None:
        return settled(aws.call("lambda", "GetFunction", FunctionName=name, **qualifier)["Configuration"])

    return aws.wait(f"{name} to be ready", look, every=LOOK_EVERY, budget=SETTLED_WITHIN)


def _tag(aws: Aws, resource: Resource, observed: Observed) -> None:
    arn = arn_of(aws.scope, resource.name)
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
