"""The resource policies of functions: what their statements say, and which of them nobody declares.

A function, its versions and its aliases have a policy each. A statement that we add carries a digest of all that it
says in its id, so that what was changed by hand, or added, is told from what a pipeline (this one, or another service's
that may invoke this function) has declared. All statements are made by AddPermission, which knows no more members than
are here. https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.model.values import Properties, digest
from pipeline.resources.base import Aws

INVOKE = "lambda:InvokeFunction"
# The alias on the version that served before; see `pipeline.releasing.publisher`.
PREVIOUS = "previous"

# Keys of conditions, in lower case -> the member of AddPermission that makes them.
_CONDITIONS = {
    "aws:sourceaccount": "SourceAccount",
    "aws:sourcearn": "SourceArn",
    "aws:principalorgid": "PrincipalOrgID",
    "lambda:eventsourcetoken": "EventSourceToken",
    "lambda:functionurlauthtype": "FunctionUrlAuthType",
    "lambda:invokedviafunctionurl": "InvokedViaFunctionUrl",
}
_ROOT = re.compile(r"arn:[^:]+:iam::(\d{12}):root")
_OURS = re.compile(r"pipeline-[0-9a-f]{8}-([0-9a-f]{20})")
# The statements of an open URL -> what each says, everybody being admitted.
URL_STATEMENTS: Mapping[str, Mapping[str, Any]] = {
    "pipeline-url": {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
    "pipeline-url-invoke": {"Action": INVOKE, "InvokedViaFunctionUrl": True},
}


@dataclass(frozen=True)
class Said:
    """What a statement says: who, on behalf of which account (or none), from which source, and members besides."""

    principal: str
    account: str = ""
    source: str = ""
    more: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, statement: Mapping[str, Any]) -> "Said":
        """What a statement of a policy says."""
        found = {
            _CONDITIONS.get(key.lower(), f"{operator} {key}"): str(value)
            for operator, values in (statement.get("Condition") or {}).items()
            for key, value in values.items()
        }
        account, source = found.pop("SourceAccount", ""), found.pop("SourceArn", "")
        return cls(_principal(statement.get("Principal")), account, source, more_of({**found, **_besides(statement)}))

    @property
    def digest(self) -> str:
        """What the id of a statement of ours ends with."""
        return short([self.principal, self.account, self.source, *([self.more] if self.more else [])], 20)

    @property
    def action(self) -> str:
        """What may be called."""
        return dict(self.more).get("Action", INVOKE)

    @property
    def conditions(self) -> dict[str, str]:
        """What has to hold besides: member of AddPermission -> value."""
        given = {"SourceAccount": self.account, "SourceArn": self.source, **dict(self.more)}
        return {name: value for name, value in given.items() if value and name != "Action"}


def more_of(members: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Members besides principal and source, in one order, without what goes without saying."""
    return tuple(sorted((name, value) for name, value in members.items() if (name, value) != ("Action", INVOKE)))


def _besides(statement: Mapping[str, Any]) -> dict[str, str]:
    effect = statement.get("Effect", "Allow")
    return {"Action": str(statement.get("Action", INVOKE)), **({} if effect == "Allow" else {"Effect": str(effect)})}


def _principal(found: Any) -> str:
    """A service, an ARN, an account by its number, or `*`."""
    text = ", ".join(sorted(map(str, found.values()))) if isinstance(found, Mapping) else str(found)
    return account_of(text)


def account_of(principal: str) -> str:
    """The number of the account where a principal is a whole account; any other as it is."""
    root = _ROOT.fullmatch(principal)
    return root[1] if root else principal


def short(value: Any, length: int) -> str:
    """The beginning of a digest."""
    return digest(value).removeprefix("sha256:")[:length]


def is_intact(statement: Mapping[str, Any]) -> bool:
    """True when the id of a statement says that a pipeline made it, just as it is now."""
    named = _OURS.fullmatch(str(statement.get("Sid", "")))
    return named is not None and named[1] == Said.of(statement).digest


def statements(aws: Aws, function: str, qualifier: str | None) -> list[Mapping[str, Any]]:
    """The statements of one policy, for exactly this function or alias; none where there is neither."""
    where = {"Qualifier": qualifier} if qualifier else {}
    answer = aws.found("lambda", "GetPolicy", FunctionName=function, **where)
    found = json.loads(answer["Policy"]).get("Statement", []) if answer else []
    resource = aws.scope.arn("lambda", f"function:{function}" + (f":{qualifier}" if qualifier else ""))
    return [statement for statement in found if statement.get("Resource") == resource]


def qualifiers(properties: Properties) -> tuple[str | None, ...]:
    """By what callers can reach a function: by itself, by its alias, and by the alias on what served before."""
    return None, str(properties.get("alias") or "live"), PREVIOUS


def foreign(
    found: Sequence[Mapping[str, Any]], qualifier: str | None, *wanted: Properties | None
) -> list[Mapping[str, Any]]:
    """Statements of one policy that nobody declares; `wanted` is the function now and as it was released."""
    if qualifier != (wanted[0] or {}).get("alias"):
        return list(found)  # no pipeline admits anybody past the alias that callers use
    urls = any((properties or {}).get("url") for properties in wanted)
    return [one for one in found if not is_intact(one) and not (urls and _is_of_url(one))]


def _is_of_url(statement: Mapping[str, Any]) -> bool:
    members = {name: _text(value) for name, value in URL_STATEMENTS.get(str(statement.get("Sid")), {}).items()}
    return bool(members) and Said.of(statement) == Said("*", more=more_of(members))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def told(found: Sequence[Mapping[str, Any]], qualifier: str | None) -> Iterator[str]:
    """Who may do what, in words, for each of these statements."""
    for statement in found:
        said = Said.of(statement)
        narrowed = " and ".join(f"{name} is {value}" for name, value in said.conditions.items())
        where = f"on {qualifier or 'the unqualified function'}" + (f" where {narrowed}" if narrowed else "")
        yield f"{said.principal} may {said.action} {where} ({statement.get('Sid')})"


def remove(aws: Aws, function: str, qualifier: str | None, sid: str) -> None:
    """Takes one statement away; quiet when it is gone."""
    where = {"Qualifier": qualifier} if qualifier else {}
    aws.found("lambda", "RemovePermission", FunctionName=function, StatementId=sid, **where)
