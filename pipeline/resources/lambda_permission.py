"""Permissions to invoke a function: statements of the policy of its alias.

The policies of a function, a version and an alias are separate, and what callers use is the alias. A statement cannot
be changed, so its id is derived from all that it says, and from who made it: that is the ownership mark. A new one is
added before an old one goes. Of statements that are added at the same time some may be lost although AWS accepts them;
they are added one after the other and looked up in the end.
https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import AwsError, PipelineError
from pipeline.model.access import Grant
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Outputs, Properties, Reference
from pipeline.resources import _function_policies as policies
from pipeline.resources._function_policies import Said
from pipeline.resources.base import Aws, Problem, Target, read_each
from pipeline.resources.grants import text

_EXISTS = "ResourceConflictException"
_ROUNDS = 4
_BY_URL = "lambda:InvokeFunctionUrl"
_SERVICE = re.compile(r"\.amazonaws\.com(\.cn)?$")
_NARROWING = ("source_arns", "source_account", "organization", "event_source_token")
# What is declared -> the member of AddPermission, besides principal, account and source.
_MEMBERS = {
    "action": "Action",
    "organization": "PrincipalOrgID",
    "event_source_token": "EventSourceToken",
    "url_auth": "FunctionUrlAuthType",
    "via_url": "InvokedViaFunctionUrl",
}
# What a statement shows that names no source.
_ANY = "any source"


def canonical(properties: Properties, scope: Scope) -> Properties:
    """An account by its number, however it is written; nothing said that goes without saying; after the function."""
    plain = {"action": policies.INVOKE, "via_url": False}
    given = {name: value for name, value in properties.items() if name not in plain or value != plain[name]}
    function = Reference(f"lambda.function/{properties['function']}", "arn")
    target = Expression((function, f":{properties['alias']}"))
    return {**given, "principal": policies.account_of(str(properties["principal"])), "target": target}


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """What AddPermission refuses."""
    wanted = resource.properties
    if wanted.get("url_auth") and wanted.get("action") != _BY_URL:
        yield Problem("url_auth is about calls of the function's address", ("url_auth",), f"write action: {_BY_URL}")
    if wanted.get("action") == _BY_URL and not wanted.get("url_auth"):
        yield Problem(f"Lambda wants to know url_auth for {_BY_URL}", ("action",), "write url_auth: AWS_IAM")


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Grants that hold for more than their author may think of."""
    wanted = resource.properties
    principal, narrowed = text(wanted["principal"]), any(wanted.get(name) for name in _NARROWING)
    if principal == "*" and not narrowed:
        yield Problem("everybody in AWS may call this function", ("principal",), "name an account, or an organization")
    elif _SERVICE.search(principal) and not narrowed:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
        message = f"{principal} may call this function on behalf of every account"
        yield Problem(message, ("principal",), "say source_arns:, or source_account:")


def grants(properties: Properties, scope: Scope) -> Iterator[Grant]:
    """The principal may invoke the alias, for each source."""
    alias = scope.arn("lambda", f"function:{text(properties['function'])}:{text(properties['alias'])}")
    action = text(properties.get("action") or policies.INVOKE)
    named = {
        "aws:SourceAccount": properties.get("source_account"),
        "aws:PrincipalOrgID": properties.get("organization"),
    }
    owned = [f"StringEquals {key} = {text(value)}" for key, value in named.items() if value]
    for source in properties.get("source_arns") or [None]:
        exact = [f"ArnLike aws:SourceArn = {text(source)}"] if source else []
        yield Grant(text(properties["principal"]), action, alias, condition=" and ".join([*owned, *exact]))


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """The policy of each alias, 15 a second; where it need not be read, what the last release granted."""
    trusted = {t.address: _trusted(aws, t) for t in targets if not t.policies and "source_arns" in t.recorded}
    return trusted | read_each(aws, [t for t in targets if t.address not in trusted], _read_one)


def _trusted(aws: Aws, target: Target) -> Observed:
    declared = _declared(aws.scope, target.released or target.resource.properties)
    granted = list(target.recorded["source_arns"])
    properties = {**declared, "source_arns": granted}
    mark = aws.scope.mark(target.address)
    return Observed(target.address, properties, {"source_arns": granted}, mark, trusted=("source_arns",))


def _declared(scope: Scope, properties: Properties) -> dict[str, Any]:
    """What is declared; where it names its target, that of the alias whose policy it is about."""
    alias = scope.arn("lambda", f"function:{properties['function']}:{properties['alias']}")
    return {**properties, **({"target": alias} if "target" in properties else {})}


def _read_one(aws: Aws, target: Target) -> Observed | None:
    declared = _declared(aws.scope, target.resource.properties)
    found = _ours(aws, target.address, declared)
    if not found:
        return None
    said = [Said.of(statement) for statement in found.values()]
    granted = sorted(_shown(sid, statement) for sid, statement in found.items())
    members = {name: _all(dict(one.more).get(member, "") for one in said) for name, member in _MEMBERS.items()}
    properties = {
        **declared,
        "principal": _all(one.principal for one in said),
        "source_account": _all(one.account for one in said),
        "source_arns": [] if granted == [_ANY] else granted,
        **members,
        "via_url": True if members["via_url"] == "true" else members["via_url"],
    }
    # The ids of the statements say whose they are.
    outputs = {"source_arns": properties["source_arns"]}
    return Observed(target.address, properties, outputs, aws.scope.mark(target.address))


def _shown(sid: str, statement: Mapping[str, Any]) -> str:
    return Said.of(statement).source or _ANY if policies.is_intact(statement) else f"changed by hand: {sid}"


def _all(values: Iterable[str]) -> str | None:
    return ", ".join(sorted({value for value in values if value})) or None


def create(aws: Aws, resource: Resource) -> Outputs:
    """One statement for each source."""
    return _grant(aws, resource, {})


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Adds the statements that are missing; what serves until now may need the others a little longer."""
    return _grant(aws, resource, _ours(aws, resource.address, resource.properties))


def retire(aws: Aws, resource: Resource) -> None:
    """Removes the statements that only the release before needed."""
    found = _ours(aws, resource.address, resource.properties)
    _remove(aws, resource.properties, sorted(found.keys() - _statements(aws.scope, resource).keys()))


def delete(aws: Aws, observed: Observed) -> None:
    """All statements of ours for this permission."""
    _remove(aws, observed.properties, _ours(aws, observed.address, observed.properties))


def _grant(aws: Aws, resource: Resource, found: Mapping[str, Mapping[str, Any]]) -> Outputs:
    wanted, statements = resource.properties, _statements(aws.scope, resource)
    kept = {sid for sid, one in statements.items() if sid in found and Said.of(found[sid]) == one}
    # An id that says something else by now has to be free before it can say the right thing again.
    _remove(aws, wanted, sorted(statements.keys() & found.keys() - kept))
    if missing := [sid for sid in statements if sid not in kept]:
        _add_all(aws, resource, statements, missing)
    return {"source_arns": sorted(one.source for one in statements.values() if one.source)}


def _statements(scope: Scope, resource: Resource) -> dict[str, Said]:
    """The statements wanted, by their ids."""
    wanted = resource.properties
    account, sources = wanted.get("source_account") or "", sorted(set(wanted.get("source_arns") or [""]))
    members = {member: _member(wanted[name]) for name, member in _MEMBERS.items() if wanted.get(name)}
    said = [Said(wanted["principal"], account, arn, policies.more_of(members)) for arn in sources]
    return {_sid(scope, resource.address, one): one for one in said}


def _member(value: Any) -> str:
    return "true" if value is True else str(value)


def _add_all(aws: Aws, resource: Resource, statements: Mapping[str, Said], missing: Sequence[str]) -> None:
    """Adds until the policy shows them all."""
    for _ in range(_ROUNDS):
        for sid in missing:
            _add(aws, resource.properties, sid, statements[sid])
        present = _ours(aws, resource.address, resource.properties)
        missing = [sid for sid in statements if sid not in present]
        if not missing:
            return
    lost = ", ".join(statements[sid].source or statements[sid].principal for sid in missing)
    raise PipelineError(
        f"Lambda accepted the permission of {resource.properties['function']} but does not show it: {lost}",
        hint="run the same command again",
    )


def _add(aws: Aws, properties: Properties, sid: str, said: Said) -> None:
    members: dict[str, Any] = {"Action": said.action, "Principal": said.principal, **said.conditions}
    if "InvokedViaFunctionUrl" in members:
        members["InvokedViaFunctionUrl"] = True
    try:
        aws.call(
            "lambda",
            "AddPermission",
            FunctionName=properties["function"],
            Qualifier=properties["alias"],
            StatementId=sid,
            **members,
        )
    except AwsError as error:
        # Added by a call whose answer was lost; looking it up tells.
        if error.code != _EXISTS:
            raise


def _remove(aws: Aws, properties: Properties, sids: Iterable[str]) -> None:
    for sid in sids:
        policies.remove(aws, properties["function"], properties["alias"], sid)


def _ours(aws: Aws, address: str, properties: Properties) -> dict[str, Mapping[str, Any]]:
    """Our statements for this permission, by id; none without function, alias or policy."""
    prefix = _prefix(aws.scope, address)
    found = policies.statements(aws, properties["function"], properties["alias"])
    return {s["Sid"]: s for s in found if s.get("Sid", "").startswith(prefix)}


def _prefix(scope: Scope, address: str) -> str:
    return f"pipeline-{policies.short([scope.service, scope.environment, address], 8)}-"


def _sid(scope: Scope, address: str, said: Said) -> str:
    return _prefix(scope, address) + said.digest
