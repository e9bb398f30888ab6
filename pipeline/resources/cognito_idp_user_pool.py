"""Cognito user pools.

CreateUserPool refuses MFA for want of text messages even where a pool only has authenticator apps, so that MFA is set
by a call of its own right after. UpdateUserPool resets what it is not told: it gets all that the pool has. Names are
not unique: a pool is found by the id of the last release, else by name and ownership mark.
https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-mfa.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Outputs, Properties, Reference, Value
from pipeline.resources import _cognito_pool_shape as shape
from pipeline.resources._cognito_pools import SERVICE, Listing, described, issuer
from pipeline.resources.base import Aws, Problem, Target, split_tags, stale_tags, tags_for, touches

ALIAS = "live"
_MFA = ("mfa", "mfa_methods")
_SHORT = 12
_MOST_CUSTOM = 50
Wire = Mapping[str, Any]


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Roles and functions as references; nothing that says no more than leaving it out."""
    sms, triggers = properties.get("sms"), properties.get("triggers") or {}
    mail = properties.get("verification")
    return {
        **properties,
        "attributes": [_attribute(one) for one in properties["attributes"]],
        "mfa_methods": sorted(properties["mfa_methods"]) if properties["mfa"] != "OFF" else [],
        "verification": mail if mail and mail != {"by": "CODE"} else None,
        "sms": {**sms, "role": _referred(sms["role"], "iam.role")} if sms else None,
        "triggers": {name: _referred(one, "lambda.function") for name, one in triggers.items()},
    }


def _attribute(declared: Mapping[str, Any]) -> dict[str, Any]:
    found = {"type": "String", "mutable": True, "required": False, "min": None, "max": None, **declared}
    limits = {name: shape.limit(found["type"], name.capitalize(), found[name]) for name in ("min", "max")}
    return found | limits


def _referred(value: Value, kind: str) -> Value:
    if not isinstance(value, str) or value.startswith("arn:"):
        return value
    suffix = (f":{ALIAS}",) if kind == "lambda.function" else ()
    return Expression((Reference(f"{kind}/{value}", "arn"), *suffix))


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """The permission to invoke each function that is a trigger, for this pool alone."""
    values = resource.properties["triggers"].values()
    named = {value.references[0].address for value in values if isinstance(value, Expression)}
    for address in sorted(named):
        function = address.partition("/")[2]
        name = f"{function}:cognito/{resource.name}"
        properties = {
            "name": name,
            "function": function,
            "alias": ALIAS,
            "principal": "cognito-idp.amazonaws.com",
            "source_arns": [Expression((Reference(resource.address, "arn"),))],
        }
        yield Resource("lambda.permission", name, properties, (address,), resource.source)


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """What Cognito refuses: factors without a way to send them, attributes that cannot be, features of other tiers."""
    wanted = resource.properties
    if wanted["username_attributes"] and wanted["alias_attributes"]:
        hint = "keep username_attributes: [email] for users without a name of their own"
        yield Problem("a pool has username_attributes or alias_attributes, not both", ("alias_attributes",), hint)
    if "SMS" in wanted["mfa_methods"] and not wanted.get("sms"):
        yield Problem(
            "text messages as second factor need sms", ("mfa_methods",), "add sms: {role: ..., external_id: ...}"
        )
    if "EMAIL" in wanted["mfa_methods"] and not wanted.get("email"):
        yield Problem("mails as second factor need email", ("mfa_methods",), "add email: {source_arn: ...}")
    if "admin_only" in wanted["account_recovery"] and len(wanted["account_recovery"]) > 1:
        yield Problem("admin_only leaves no other way", ("account_recovery",), "keep one or the other")
    yield from _check_attributes(wanted["attributes"])
    yield from _check_tier(wanted)


def _check_attributes(attributes: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    names = [one["name"] for one in attributes]
    for index, one in enumerate(attributes):
        path = ("attributes", index)
        if names.index(one["name"]) != index:
            yield Problem(f"attribute {one['name']} is declared twice", (*path, "name"))
        if one["required"] and one["name"] not in shape.STANDARD:
            hint = f"remove required, or use a standard attribute: {', '.join(shape.STANDARD[1:6])}, ..."
            yield Problem("only standard attributes can be required", (*path, "required"), hint)
        for problem in _check_type(one):
            yield replace(problem, path=(*path, *problem.path))
    if (own := len([name for name in names if name not in shape.STANDARD])) > _MOST_CUSTOM:
        yield Problem(f"{own} attributes of your own; Cognito allows {_MOST_CUSTOM}", ("attributes",))


def _check_type(one: Mapping[str, Any]) -> Iterator[Problem]:
    """Limits where Cognito keeps none, which would differ for ever, and types that standard attributes do not have."""
    name, kind = one["name"], one["type"]
    standard = shape.STANDARD_TYPES.get(name, "String")
    if name in shape.STANDARD and kind != standard:
        yield Problem(f"the standard attribute {name} is a {standard}", ("type",), f"say type: {standard}")
    given = [limit for limit in ("min", "max") if one[limit] is not None]
    if kind not in shape.LIMITED:
        yield from (Problem(f"a {kind} has no {limit}", (limit,), f"remove {limit}") for limit in given)
    elif len(given) > 1 and one["min"] > one["max"]:
        yield Problem(f"min {one['min']} is more than max {one['max']}", ("min",))


def _check_tier(wanted: Properties) -> Iterator[Problem]:
    tier = wanted.get("tier")
    if wanted["threat_protection"] != "OFF" and tier != "PLUS":
        yield Problem("threat protection needs the tier PLUS", ("threat_protection",), "add tier: PLUS")
    if tier == "LITE" and wanted["password_policy"]["history"]:
        yield Problem("the LITE tier remembers no passwords", ("password_policy", "history"), "add tier: ESSENTIALS")
    if tier == "LITE" and "EMAIL" in wanted["mfa_methods"]:
        yield Problem("the LITE tier has no mails as second factor", ("mfa_methods",), "add tier: ESSENTIALS")


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Accounts that are easy to take over."""
    wanted = resource.properties
    if wanted["mfa"] == "OFF":
        yield Problem("a stolen password is enough to sign in", ("mfa",), "say mfa: OPTIONAL, or ON")
    length = wanted["password_policy"]["minimum_length"]
    if length < _SHORT:
        hint = f"say minimum_length: {_SHORT} or more"
        yield Problem(f"passwords of {length} characters are enough", ("password_policy", "minimum_length"), hint)
    if wanted["case_sensitive"]:
        yield Problem("Ada@example.com and ada@example.com are two users", ("case_sensitive",), "remove it")


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each pool by its recorded id; one without a record, or whose pool is gone, is looked for by its name."""
    known = [target for target in targets if "id" in target.recorded]
    pools = dict(zip([t.address for t in known], aws.gather([_getter(aws, t) for t in known]), strict=True))
    listing = Listing(aws)
    found = [(target, pools.get(target.address) or listing.find(target)) for target in targets]
    present = [(target, pool) for target, pool in found if pool is not None]
    factors = aws.gather([lambda pool=pool: _factors(aws, str(pool["Id"])) for _, pool in present])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    return {
        target.address: _observed(aws.scope, target, pool, each)
        for (target, pool), each in zip(present, factors, strict=True)
        if each is not None
    }


def _getter(aws: Aws, target: Target) -> Any:
    return lambda: described(aws, str(target.recorded["id"]))


def _factors(aws: Aws, pool: str) -> Wire | None:
    return aws.found(SERVICE, "GetUserPoolMfaConfig", UserPoolId=pool)


def _observed(scope: Scope, target: Target, pool: Wire, factors: Wire) -> Observed:
    own, mark = split_tags(pool.get("UserPoolTags") or {})
    properties = {**shape.shown(pool, factors, target.resource.properties), "tags": own}
    return Observed(target.address, properties, _outputs(scope, str(pool["Id"])), mark)


def _outputs(scope: Scope, pool: str) -> Outputs:
    return {"id": pool, "arn": scope.arn(SERVICE, f"userpool/{pool}"), "issuer": issuer(pool, scope)}


def create(aws: Aws, resource: Resource) -> Outputs:
    """The pool with its mark, then its second factors."""
    wanted = resource.properties
    made = aws.call(
        SERVICE,
        "CreateUserPool",
        PoolName=resource.name,
        UserPoolTags=tags_for(aws, resource),
        **shape.created(wanted),
    )
    pool = str(made["UserPool"]["Id"])
    if wanted["mfa"] != "OFF":
        aws.call(SERVICE, "SetUserPoolMfaConfig", UserPoolId=pool, **shape.mfa(wanted, {}))
    return _outputs(aws.scope, pool)


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Attributes that are new, all settings at once, second factors, tags."""
    wanted, pool = resource.properties, str(observed.outputs["id"])
    if touches(paths, "attributes"):
        there = {one["name"] for one in observed.properties["attributes"]}
        added = [shape.attribute(one) for one in wanted["attributes"] if one["name"] not in there]
        if added:
            aws.call(SERVICE, "AddCustomAttributes", UserPoolId=pool, CustomAttributes=added)
    others = {path for path in paths if not touches(frozenset({path}), "attributes", "tags", *_MFA)}
    if others:
        if observed.properties["sms"] and not wanted.get("sms"):
            _set_factors(aws, pool, wanted)  # first: no factor may need what goes
        _set(aws, pool, {"PoolName": resource.name, **shape.settings(wanted)})
    if others or touches(paths, *_MFA):
        _set_factors(aws, pool, wanted)
    if touches(paths, "tags"):
        _tag(aws, resource, observed)
    return observed.outputs


def _set_factors(aws: Aws, pool: str, wanted: Properties) -> None:
    have = aws.call(SERVICE, "GetUserPoolMfaConfig", UserPoolId=pool)
    aws.call(SERVICE, "SetUserPoolMfaConfig", UserPoolId=pool, **shape.mfa(wanted, have))


def _set(aws: Aws, pool: str, wanted: Mapping[str, Any]) -> None:
    have = aws.call(SERVICE, "DescribeUserPool", UserPoolId=pool)["UserPool"]
    aws.call(SERVICE, "UpdateUserPool", UserPoolId=pool, **shape.overlaid(have, wanted))


def _tag(aws: Aws, resource: Resource, observed: Observed) -> None:
    tags, arn = tags_for(aws, resource), observed.outputs["arn"]
    aws.call(SERVICE, "TagResource", ResourceArn=arn, Tags=tags)
    if gone := stale_tags(observed, tags):
        aws.call(SERVICE, "UntagResource", ResourceArn=arn, TagKeys=gone)


def delete(aws: Aws, observed: Observed) -> None:
    """The pool with all users, which the user agreed to: its protection is lifted first, and its domains go before it.

    A domain cannot outlive its pool, and Cognito refuses to delete one that has any.
    """
    pool = str(observed.outputs["id"])
    found = described(aws, pool)
    if found is None:
        return
    if found.get("DeletionProtection") == "ACTIVE":
        aws.call(
            SERVICE,
            "UpdateUserPool",
            UserPoolId=pool,
            **shape.overlaid(found, {"DeletionProtection": "INACTIVE"}),
        )
    for domain in filter(None, (found.get("Domain"), found.get("CustomDomain"))):
        aws.found(SERVICE, "DeleteUserPoolDomain", UserPoolId=pool, Domain=domain)
    aws.found(SERVICE, "DeleteUserPool", UserPoolId=pool)
