"""IAM roles with everything that hangs on them: trust, inline policies, attached managed policies, boundary.

IAM is one store for all regions: what was written is not read everywhere at once, so nothing is decided from reading
back what this run wrote. Lambda sees a new role some seconds after IAM does; calls that name it are repeated for it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.model.access import Grant
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import policies
from pipeline.resources._as_released import as_released
from pipeline.resources._iam_role_regions import EXTENSIBLE, admit, extend
from pipeline.resources.base import (
    Aws,
    Problem,
    Target,
    read_each,
    split_tags,
    stale_tags,
    tag_list,
    tag_map,
    tags_for,
    touches,
)
from pipeline.resources.grants import of_document, text

__all__ = ["EXTENSIBLE", "admit", "extend"]  # the part of the contract of types that is about regions

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
INLINE_CHARACTERS = 10_240
TRUST_CHARACTERS, TRUST_CHARACTERS_MOST = 2_048, 4_096
ATTACHED, ATTACHED_MOST = 10, 20

_ADMIN_POLICIES = ("AdministratorAccess", "PowerUserAccess")


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Documents in their canonical form, managed policies as ARNs."""
    inline = properties.get("policies") or {}
    return {
        **properties,
        "trust": policies.trust(properties.get("trust"), partition=scope.partition),
        "policies": {n: policies.canonical(document, partition=scope.partition) for n, document in inline.items()},
        "managed_policies": [_policy_arn(policy, scope) for policy in properties.get("managed_policies") or ()],
        "permissions_boundary": scope.policy_arn(properties.get("permissions_boundary")),
    }


def _policy_arn(policy: Any, scope: Scope) -> Any:
    """The ARN of one of AWS's own policies, for its bare name."""
    if isinstance(policy, str) and not policy.startswith("arn:"):
        return f"arn:{scope.partition}:iam::aws:policy/{policy}"
    return policy


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Malformed documents, and IAM's quotas on their size and number."""
    wanted = resource.properties
    yield from policies.problems(wanted["trust"], policies.Use.TRUST, ("trust",))
    for name, document in wanted["policies"].items():
        yield from policies.problems(document, policies.Use.IDENTITY, ("policies", name))
    inline = sum(policies.size(document) for document in wanted["policies"].values())
    if inline > INLINE_CHARACTERS:
        message = f"the inline policies have {inline:,} characters together; IAM allows {INLINE_CHARACTERS:,} per role"
        yield Problem(message, ("policies",), "move a part into a managed policy")
    if (size := policies.size(wanted["trust"])) > TRUST_CHARACTERS_MOST:
        yield Problem(f"the trust policy has {size:,} characters; IAM allows {TRUST_CHARACTERS_MOST:,}", ("trust",))
    if (count := len(wanted["managed_policies"])) > ATTACHED_MOST:
        yield Problem(f"{count} managed policies; IAM allows {ATTACHED_MOST} per role", ("managed_policies",))


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Grants that are wider than they look necessary, and sizes that need a raised quota."""
    wanted = resource.properties
    yield from policies.warnings(wanted["trust"], ("trust",))
    for name, document in wanted["policies"].items():
        yield from policies.warnings(document, ("policies", name))
    for index, arn in enumerate(wanted["managed_policies"]):
        name = str(arn).rsplit("/", 1)[-1]
        if name.endswith("FullAccess") or name in _ADMIN_POLICIES:
            hint = "grant the actions that the code calls, on the resources that it calls them on"
            yield Problem(f"{name} allows far more than one service needs", ("managed_policies", index), hint)
    if TRUST_CHARACTERS < (size := policies.size(wanted["trust"])) <= TRUST_CHARACTERS_MOST:
        yield Problem(f"the trust policy has {size:,} characters; without a raised quota IAM allows 2,048", ("trust",))
    if ATTACHED < (count := len(wanted["managed_policies"])) <= ATTACHED_MOST:
        yield Problem(f"{count} managed policies; without a raised quota IAM allows {ATTACHED}", ("managed_policies",))


def grants(properties: Properties, scope: Scope) -> Iterator[Grant]:
    """Who may assume the role, and what its policies then let it do."""
    arn = scope.arn("iam", f"role{properties.get('path') or '/'}{properties['name']}", regional=False)
    yield from of_document(properties.get("trust"), resource=arn)
    for document in (properties.get("policies") or {}).values():
        yield from of_document(document, principal=arn)
    for policy in properties.get("managed_policies") or ():
        yield Grant(arn, f"what {text(policy)} allows", "*")
    if boundary := properties.get("permissions_boundary"):
        yield Grant(arn, f"what {text(boundary)} does not allow", "*", allows=False)


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each role by itself: the list operations of IAM show neither tags nor policies.

    Where that need not be, a role of which the last release says every word is taken to be as it was.
    """
    trusted = as_released(aws, targets)
    return trusted | read_each(aws, [target for target in targets if target.address not in trusted], _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    """Two rounds of calls: the role and the names of its policies, then the inline documents.

    The documents that the last release had are asked for in the first round, which then is the only one. A role that
    was never recorded most likely does not exist: then one call is enough to know. Policies that are resources of their
    own, now or in the last release, are not the role's.
    """
    early = None if target.recorded else aws.found("iam", "GetRole", RoleName=target.name)
    if early is None and not target.recorded:
        return None
    declared, released = target.resource.properties, target.released or {}
    elsewhere = {*(declared.get("elsewhere") or ()), *(released.get("elsewhere") or ())}
    guesses = sorted(released.get("policies") or ())
    role, inline, attached, *guessed = aws.gather(
        [
            lambda: early or aws.found("iam", "GetRole", RoleName=target.name),
            lambda: _listed(aws, target.name, "ListRolePolicies", "PolicyNames"),
            lambda: _listed(aws, target.name, "ListAttachedRolePolicies", "AttachedPolicies"),
            *(_document_of(aws, target.name, name) for name in guesses),
        ]
    )
    if role is None:
        return None
    inline = [name for name in inline if name not in elsewhere]
    known = {name: document for name, document in zip(guesses, guessed, strict=True) if name in inline}
    missing = [name for name in inline if name not in known]
    known |= dict(zip(missing, aws.gather([_document_of(aws, target.name, n) for n in missing]), strict=True))
    found = _observed(aws.scope, target.address, role["Role"], known, [policy["PolicyArn"] for policy in attached])
    return replace(found, properties={**found.properties, "elsewhere": declared.get("elsewhere")})


def _listed(aws: Aws, name: str, operation: str, key: str) -> list[Any]:
    """All items of one of the role's lists, over its pages; none when the role is gone."""
    items: list[Any] = []
    marker: dict[str, str] = {}
    while (page := aws.found("iam", operation, RoleName=name, **marker)) is not None:
        items += page[key]
        if not page.get("IsTruncated"):
            break
        marker = {"Marker": page["Marker"]}
    return items


def _document_of(aws: Aws, name: str, policy: str) -> Callable[[], Any]:
    def fetch() -> Any:
        found = aws.found("iam", "GetRolePolicy", RoleName=name, PolicyName=policy)
        return found["PolicyDocument"] if found else None

    return fetch


def _observed(
    scope: Scope, address: str, role: Mapping[str, Any], inline: Mapping[str, Any], attached: Sequence[str]
) -> Observed:
    def form(document: Any) -> Any:
        return policies.canonical(document, partition=scope.partition, version=policies.UNSTATED_VERSION)

    tags, mark = split_tags(tag_map(role.get("Tags", ())))
    properties: Properties = {
        "name": role["RoleName"],
        "path": role["Path"],
        "description": role.get("Description", ""),
        "trust": form(role["AssumeRolePolicyDocument"]),
        "managed_policies": sorted(attached),
        "policies": {name: form(document) for name, document in sorted(inline.items()) if document is not None},
        "permissions_boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "max_session_duration": role.get("MaxSessionDuration", 3600),
        "tags": tags,
    }
    return Observed(address, properties, _outputs(role), mark)


def _outputs(role: Mapping[str, Any]) -> Outputs:
    return {"arn": role["Arn"], "name": role["RoleName"], "role_id": role["RoleId"]}


def create(aws: Aws, resource: Resource) -> Outputs:
    """The role with its mark, then its policies."""
    wanted = resource.properties
    boundary = {"PermissionsBoundary": b} if (b := wanted.get("permissions_boundary")) else {}
    role = aws.call(
        "iam",
        "CreateRole",
        RoleName=resource.name,
        Path=wanted["path"],
        Description=wanted["description"],
        AssumeRolePolicyDocument=policies.to_json(wanted["trust"]),
        MaxSessionDuration=wanted["max_session_duration"],
        Tags=tag_list(tags_for(aws, resource)),
        **boundary,
    )["Role"]
    aws.gather([*_put_all(aws, resource.name, wanted["policies"]), *_attach_all(aws, resource)])
    return _outputs(role)


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Each part by its own call. What is taken away goes last, quotas permitting: nothing is missing meanwhile."""
    name, wanted, have = resource.name, resource.properties, observed.properties
    grants: list[Callable[[], Any]] = []
    takes: list[Callable[[], Any]] = []
    if touches(paths, "policies"):
        changed = {n: d for n, d in wanted["policies"].items() if d != have["policies"].get(n)}
        grants += _put_all(aws, name, changed)
        takes += _drop_all(aws, name, sorted(set(have["policies"]) - set(wanted["policies"])))
    if touches(paths, "managed_policies"):
        grants += _attach_all(aws, resource, have["managed_policies"])
        takes += _detach_all(aws, name, sorted(set(have["managed_policies"]) - set(wanted["managed_policies"])))
    if touches(paths, "tags") and (gone := stale_tags(observed, wanted["tags"])):
        takes.append(lambda: aws.call("iam", "UntagRole", RoleName=name, TagKeys=gone))
    grants += _settings(aws, resource, paths)
    for calls in (takes, grants) if _crowded(have, wanted) else (grants, takes):
        aws.gather(calls)
    return observed.outputs


def _crowded(have: Properties, wanted: Properties) -> bool:
    """True when old and new policies together would exceed what IAM allows."""
    both = {**have["policies"], **wanted["policies"]}
    attached = {*have["managed_policies"], *wanted["managed_policies"]}
    return sum(policies.size(document) for document in both.values()) > INLINE_CHARACTERS or len(attached) > ATTACHED


def _settings(aws: Aws, resource: Resource, paths: frozenset[str]) -> Iterator[Callable[[], Any]]:
    name, wanted = resource.name, resource.properties
    if touches(paths, "trust"):
        document = policies.to_json(wanted["trust"])
        yield lambda: aws.call("iam", "UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=document)
    if touches(paths, "description", "max_session_duration"):
        yield lambda: aws.call(
            "iam",
            "UpdateRole",
            RoleName=name,
            Description=wanted["description"],
            MaxSessionDuration=wanted["max_session_duration"],
        )
    if touches(paths, "permissions_boundary"):
        if arn := wanted.get("permissions_boundary"):
            yield lambda: aws.call("iam", "PutRolePermissionsBoundary", RoleName=name, PermissionsBoundary=arn)
        else:
            yield lambda: aws.call("iam", "DeleteRolePermissionsBoundary", RoleName=name)
    if touches(paths, "tags"):
        tags = tag_list(tags_for(aws, resource))
        yield lambda: aws.call("iam", "TagRole", RoleName=name, Tags=tags)


def delete(aws: Aws, observed: Observed) -> None:
    """The role, after all that hangs on it now: IAM refuses to delete a role that has policies."""
    name = observed.properties["name"]
    inline, attached = aws.gather(
        [
            lambda: _listed(aws, name, "ListRolePolicies", "PolicyNames"),
            lambda: _listed(aws, name, "ListAttachedRolePolicies", "AttachedPolicies"),
        ]
    )
    aws.gather([*_drop_all(aws, name, inline), *_detach_all(aws, name, [p["PolicyArn"] for p in attached])])
    aws.found("iam", "DeleteRole", RoleName=name)


def _put_all(aws: Aws, name: str, documents: Mapping[str, Any]) -> list[Callable[[], Any]]:
    def put(policy: str, document: Any) -> Callable[[], Any]:
        text = policies.to_json(document)
        return lambda: aws.call("iam", "PutRolePolicy", RoleName=name, PolicyName=policy, PolicyDocument=text)

    return [put(policy, document) for policy, document in documents.items()]


def _drop_all(aws: Aws, name: str, names: Sequence[str]) -> list[Callable[[], Any]]:
    def drop(policy: str) -> Callable[[], Any]:
        return lambda: aws.found("iam", "DeleteRolePolicy", RoleName=name, PolicyName=policy)

    return [drop(policy) for policy in names]


def _attach_all(aws: Aws, resource: Resource, present: Sequence[str] = ()) -> list[Callable[[], Any]]:
    def attach(arn: str) -> Callable[[], Any]:
        return lambda: aws.call("iam", "AttachRolePolicy", RoleName=resource.name, PolicyArn=arn)

    return [attach(arn) for arn in resource.properties["managed_policies"] if arn not in present]


def _detach_all(aws: Aws, name: str, arns: Sequence[str]) -> list[Callable[[], Any]]:
    def detach(arn: str) -> Callable[[], Any]:
        return lambda: aws.found("iam", "DetachRolePolicy", RoleName=name, PolicyArn=arn)

    return [detach(arn) for arn in arns]
