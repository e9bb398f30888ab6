"""Resource policies of functions, one for the function and one for each version and alias, as on AWS.

A grant to the unqualified function does not cover an alias: that is what makes API Gateway answer 500 when the
permission was added without a qualifier.
https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from pipeline.local.plane.functions.names import Function
from pipeline.local.plane.refusal import Refusal

Statement = dict[str, Any]

_SID = re.compile(r"[a-zA-Z0-9-_]{1,100}")
# botocore's service model: region and account may be empty, but not `*`.
_SOURCE = re.compile(
    r"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)"
)
_LARGEST = 20 * 1024


@dataclass
class Policies:
    """The statements of every function, by qualifier, in the order in which they were added."""

    kept: dict[Function, list[Statement]] = field(default_factory=dict)
    revisions: dict[Function, str] = field(default_factory=dict)

    def add(self, function: Function, given: Mapping[str, Any]) -> Statement:
        """AddPermission. Raises Refusal."""
        statement = build(function, given)
        statements = self.kept.get(function, [])
        self._check_revision(function, given.get("RevisionId"))
        if any(other["Sid"] == statement["Sid"] for other in statements):
            raise Refusal(
                409,
                "ResourceConflictException",
                f"The statement id ({statement['Sid']}) provided already exists. "
                "Please provide a new statement id, or remove the existing statement.",
            )
        if len(json.dumps([*statements, statement])) > _LARGEST:
            raise Refusal(
                400,
                "PolicyLengthExceededException",
                f"The final policy size is bigger than the limit ({_LARGEST}).",
            )
        self._keep(function, [*statements, statement])
        return statement

    def remove(self, function: Function, sid: str, revision: str | None) -> None:
        """RemovePermission. Raises Refusal."""
        statements = self._of(function)
        self._check_revision(function, revision)
        left = [other for other in statements if other["Sid"] != sid]
        if len(left) == len(statements):
            raise Refusal(
                404,
                "ResourceNotFoundException",
                f"Statement {sid} is not found in resource policy.",
            )
        self._keep(function, left)

    def document(self, function: Function) -> tuple[str, str]:
        """GetPolicy: the policy as JSON, and its revision. Raises Refusal when there is none."""
        policy = {"Version": "2012-10-17", "Id": "default", "Statement": self._of(function)}
        return json.dumps(policy, separators=(",", ":")), self.revisions[function]

    def _of(self, function: Function) -> list[Statement]:
        if function not in self.kept:
            raise Refusal(404, "ResourceNotFoundException", "The resource you requested does not exist.")
        return self.kept[function]

    def _check_revision(self, function: Function, given: str | None) -> None:
        if given and given != self.revisions.get(function):
            raise Refusal(
                412,
                "PreconditionFailedException",
                "The Revision Id provided does not match the latest Revision Id. "
                "Call the GetPolicy API to retrieve the latest Revision Id",
            )

    def _keep(self, function: Function, statements: list[Statement]) -> None:
        if statements:
            self.kept[function], self.revisions[function] = statements, str(uuid.uuid4())
        else:
            self.kept.pop(function, None)
            self.revisions.pop(function, None)

    def forget(self, function: Function) -> None:
        """Drops what belongs to a deleted alias or version; unqualified, to the whole function."""
        gone = [other for other in self.kept if other == function]
        if function.qualifier is None:
            gone = [other for other in self.kept if other.qualified(None) == function]
        for other in gone:
            self._keep(other, [])

    def allows(self, function: Function, service: str, sources: Iterable[str], account: str) -> bool:
        """True when `service` may invoke exactly this function and qualifier for one of these source ARNs."""
        candidates = tuple(sources)
        return any(_allows(s, service, candidates, account) for s in self.kept.get(function, []))


def build(function: Function, given: Mapping[str, Any]) -> Statement:
    """The statement that AddPermission would make. Raises Refusal."""
    sid, source = str(given.get("StatementId", "")), given.get("SourceArn")
    if not _SID.fullmatch(sid):
        raise _invalid(sid, "statementId", "([a-zA-Z0-9-_]+)")
    if source is not None and not _SOURCE.fullmatch(source):
        raise _invalid(source, "sourceArn", _SOURCE.pattern)
    if function.qualifier == "$LATEST":
        raise Refusal(400, "InvalidParameterValueException", "We currently do not support adding policies for $LATEST.")
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": _principal(str(given.get("Principal", ""))),
        "Action": given.get("Action", "lambda:InvokeFunction"),
        "Resource": function.arn,
    }
    conditions = _conditions(given)
    return {**statement, "Condition": conditions} if conditions else statement


def _conditions(given: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    equals = {
        key: str(given[name])
        for name, key in (
            ("SourceAccount", "AWS:SourceAccount"),
            ("PrincipalOrgID", "aws:PrincipalOrgID"),
            ("FunctionUrlAuthType", "lambda:FunctionUrlAuthType"),
            ("EventSourceToken", "lambda:EventSourceToken"),
        )
        if given.get(name) is not None
    }
    found: dict[str, dict[str, str]] = {"StringEquals": equals} if equals else {}
    if given.get("SourceArn"):
        found["ArnLike"] = {"AWS:SourceArn": str(given["SourceArn"])}
    if given.get("InvokedViaFunctionUrl") is not None:
        found["Bool"] = {"lambda:InvokedViaFunctionUrl": str(given["InvokedViaFunctionUrl"]).lower()}
    return found


def _principal(given: str) -> Any:
    if given.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return {"Service": given}
    if given == "*":
        return "*"
    return {"AWS": f"arn:aws:iam::{given}:root" if re.fullmatch(r"\d{12}", given) else given}


def _invalid(value: str, where: str, pattern: str) -> Refusal:
    return Refusal(
        400,
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{where}' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {pattern}",
    )


def _allows(statement: Statement, service: str, sources: tuple[str, ...], account: str) -> bool:
    if statement["Principal"] not in ("*", {"Service": service}):
        return False
    if not fnmatchcase("lambda:InvokeFunction", str(statement["Action"])):
        return False
    conditions = statement.get("Condition", {})
    if conditions.get("StringEquals", {}).get("AWS:SourceAccount", account) != account:
        return False
    pattern = conditions.get("ArnLike", {}).get("AWS:SourceArn")
    return pattern is None or any(arn_like(pattern, source) for source in sources)


def arn_like(pattern: str, arn: str) -> bool:
    """IAM's ArnLike: `*` and `?` match within each of the six parts, in the last one slashes included.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    if len(wanted) != len(given):
        return False
    return all(_glob(one, other) for one, other in zip(wanted, given, strict=True))


def _glob(pattern: str, text: str) -> bool:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None
