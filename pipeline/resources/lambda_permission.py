"""Permissions to invoke a function: statements of the policy of its alias.

The policies of a function, a version and an alias are separate, and what callers use is the alias. A statement cannot
be changed, so its id is derived from all that it says, and from who made it: that is the ownership mark. A new one is
added before an old one goes. Of statements that are added at the same time some may be lost although AWS accepts them;
they are added one after the other and looked up in the end.
https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import AwsError, PipelineError
from pipeline.model.access import Grant
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties, digest
from pipeline.resources.base import Aws, Target, read_each
from pipeline.resources.grants import text

_EXISTS = "ResourceConflictException"
_ROUNDS = 4


@dataclass(frozen=True)
class _Said:
    """What a statement says: which service, on behalf of which account (or none), from which source."""

    principal: str
    account: str
    source: str

    @classmethod
    def of(cls, statement: Mapping[str, Any]) -> "_Said":
        """What a statement of a policy says."""
        principal = statement.get("Principal")
        service = principal.get("Service") if isinstance(principal, Mapping) else principal
        conditions = {
            key.lower(): value
            for values in (statement.get("Condition") or {}).values()
            for key, value in values.items()
        }
        return cls(str(service), str(conditions.get("aws:sourceaccount", "")), str(conditions.get("aws:sourcearn", "")))


def grants(properties: Properties, scope: Scope) -> Iterator[Grant]:
    """The service may invoke the alias, for each source."""
    alias = scope.arn("lambda", f"function:{text(properties['function'])}:{text(properties['alias'])}")
    account = properties.get("source_account")
    owned = f"StringEquals aws:SourceAccount = {text(account)} and " if account else ""
    for source in properties.get("source_arns") or ():
        condition = f"{owned}ArnLike aws:SourceArn = {text(source)}"
        yield Grant(text(properties["principal"]), "lambda:InvokeFunction", alias, condition=condition)


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """The policy of each alias, 15 a second; where it need not be read, what the last release granted."""
    trusted = {t.address: _trusted(aws, t) for t in targets if not t.thorough and "source_arns" in t.recorded}
    return trusted | read_each(aws, [t for t in targets if t.address not in trusted], _read_one)


def _trusted(aws: Aws, target: Target) -> Observed:
    declared = dict(target.released or target.resource.properties)
    granted = list(target.recorded["source_arns"])
    properties = {**declared, "source_arns": granted}
    mark = aws.scope.mark(target.address)
    return Observed(target.address, properties, {"source_arns": granted}, mark, trusted=("source_arns",))


def _read_one(aws: Aws, target: Target) -> Observed | None:
    declared = target.resource.properties
    found = _ours(aws, target.address, declared)
    if not found:
        return None
    said = [_Said.of(statement) for statement in found.values()]
    intact = [_sid(aws.scope, target.address, one) == sid for sid, one in zip(found, said, strict=True)]
    granted = sorted(
        one.source if whole else f"changed by hand: {sid}" for sid, one, whole in zip(found, said, intact, strict=True)
    )
    properties = {
        **declared,
        "principal": ", ".join(sorted({one.principal for one in said})),
        "source_account": ", ".join(sorted({one.account for one in said if one.account})) or None,
        "source_arns": granted,
    }
    # The ids of the statements say whose they are.
    return Observed(target.address, properties, {"source_arns": granted}, aws.scope.mark(target.address))


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
    kept = {sid for sid, one in statements.items() if sid in found and _Said.of(found[sid]) == one}
    # An id that says something else by now has to be free before it can say the right thing again.
    _remove(aws, wanted, sorted(statements.keys() & found.keys() - kept))
    if missing := [sid for sid in statements if sid not in kept]:
        _add_all(aws, resource, statements, missing)
    return {"source_arns": sorted(one.source for one in statements.values())}


def _statements(scope: Scope, resource: Resource) -> dict[str, _Said]:
    """The statements wanted, by their ids."""
    wanted = resource.properties
    account = wanted.get("source_account") or ""
    said = [_Said(wanted["principal"], account, arn) for arn in sorted(set(wanted["source_arns"]))]
    return {_sid(scope, resource.address, one): one for one in said}


def _add_all(aws: Aws, resource: Resource, statements: Mapping[str, _Said], missing: Sequence[str]) -> None:
    """Adds until the policy shows them all."""
    for _ in range(_ROUNDS):
        for sid in missing:
            _add(aws, resource.properties, sid, statements[sid])
        present = _ours(aws, resource.address, resource.properties)
        missing = [sid for sid in statements if sid not in present]
        if not missing:
            return
    lost = ", ".join(statements[sid].source for sid in missing)
    raise PipelineError(
        f"Lambda accepted the permission of {resource.properties['function']} but does not show it: {lost}",
        hint="run the same command again",
    )


def _add(aws: Aws, properties: Properties, sid: str, said: _Said) -> None:
    account = {"SourceAccount": said.account} if said.account else {}
    try:
        aws.call(
            "lambda",
            "AddPermission",
            FunctionName=properties["function"],
            Qualifier=properties["alias"],
            StatementId=sid,
            Action="lambda:InvokeFunction",
            Principal=said.principal,
            SourceArn=said.source,
            **account,
        )
    except AwsError as error:
        # Added by a call whose answer was lost; looking it up tells.
        if error.code != _EXISTS:
            raise


def _remove(aws: Aws, properties: Properties, sids: Iterable[str]) -> None:
    for sid in sids:
        aws.found(
            "lambda",
            "RemovePermission",
            FunctionName=properties["function"],
            Qualifier=properties["alias"],
            StatementId=sid,
        )


def _ours(aws: Aws, address: str, properties: Properties) -> dict[str, Mapping[str, Any]]:
    """Our statements for this permission, by id; none without function, alias or policy."""
    function, alias = properties["function"], properties["alias"]
    answer = aws.found("lambda", "GetPolicy", FunctionName=function, Qualifier=alias)
    if answer is None:
        return {}
    resource = aws.scope.arn("lambda", f"function:{function}:{alias}")
    prefix = _prefix(aws.scope, address)
    found = json.loads(answer["Policy"]).get("Statement", [])
    return {s["Sid"]: s for s in found if s.get("Sid", "").startswith(prefix) and s.get("Resource") == resource}


def _prefix(scope: Scope, address: str) -> str:
    return f"pipeline-{_short([scope.service, scope.environment, address], 8)}-"


def _sid(scope: Scope, address: str, said: _Said) -> str:
    return _prefix(scope, address) + _short([said.principal, said.account, said.source], 20)


def _short(value: Any, length: int) -> str:
    return digest(value).removeprefix("sha256:")[:length]
