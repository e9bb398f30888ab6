"""IAM policy documents: one form for comparing them, the text that AWS takes, and what is wrong with one. Pure.

Types that hold documents share this module. Their schemas mark such a property with `"format": "policy-document"`, and
its lists as unordered, since AWS gives them back in an order of its own:

    "additionalProperties": {"insertionOrder": false}

The canonical form is the document with `Statement` as a mapping, from Sid (or from the position, for a statement
without one) to the statement, so that a plan names the statement that differs. Scalars that may be lists are lists.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

from pipeline.resources.base import Problem

VERSION = "2012-10-17"
# What AWS assumes of a document without a version; variables such as ${aws:username} are plain text there.
UNSTATED_VERSION = "2008-10-17"
DOCUMENT_KEYS = ("Version", "Id", "Statement")
STATEMENT_KEYS = (
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
)  # fmt: skip
LISTS = ("Action", "NotAction", "Resource", "NotResource")

# Of the partitions: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
_SERVICE_DOMAINS = (
    ".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".c2s.ic.gov", ".sc2s.sgov.gov", ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
)  # fmt: skip

Document = Mapping[str, Any]
Path = tuple[str | int, ...]


class Use(Enum):
    """What a document is for: what an identity may do, who may use a resource, who may assume a role."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    TRUST = "trust"


def canonical(document: Any, *, partition: str = "aws", version: str = VERSION) -> Any:
    """The canonical form; `version` stands in where the document has none. What is no mapping is left as it is."""
    if not isinstance(document, Mapping):
        return document
    statements = {}
    for index, statement in enumerate(_listed(document.get("Statement"))):
        sid = statement.get("Sid") if isinstance(statement, Mapping) else None
        key = sid if isinstance(sid, str) and sid and sid not in statements else str(index)
        statements[key] = _canonical_statement(statement, partition)
    # YAML reads an unquoted 2012-10-17 as a date.
    return {**document, "Version": str(document.get("Version") or version), "Statement": statements}


def trust(value: Any, *, partition: str = "aws") -> Any:
    """The canonical trust policy for a document, or for the name of a service or a list of names."""
    if isinstance(value, Mapping):
        return canonical(value, partition=partition)
    return canonical(
        {"Statement": [{"Effect": "Allow", "Principal": {"Service": value}, "Action": "sts:AssumeRole"}]},
        partition=partition,
    )


def to_json(document: Document) -> str:
    """The document as AWS takes it: compact JSON, from any form."""
    listed = {**document, "Statement": _listed(document.get("Statement"))}
    return json.dumps(listed, separators=(",", ":"), ensure_ascii=False, default=str)


def size(document: Any) -> int:
    """Characters that count towards IAM's quotas, which leave white space out."""
    return len(re.sub(r"\s", "", to_json(document))) if isinstance(document, Mapping) else 0


def statements(document: Any) -> list[Any]:
    """The statements of a document in any form, in its order."""
    return _listed(document.get("Statement")) if isinstance(document, Mapping) else []


def trusts(document: Any, service: str) -> bool:
    """True when the trust policy lets the service (`lambda.amazonaws.com`) assume the role."""
    for statement in _mappings(document):
        principal = statement.get("Principal")
        services = _values(principal.get("Service")) if isinstance(principal, Mapping) else ()
        actions = _values(statement.get("Action"))
        if statement.get("Effect") == "Allow" and service in services and {"sts:AssumeRole", "sts:*", "*"} & {*actions}:
            return True
    return False


def opens_to_everyone(statement: Any) -> bool:
    """True when a statement allows every principal, without a condition."""
    if not isinstance(statement, Mapping) or statement.get("Effect") != "Allow" or statement.get("Condition"):
        return False
    principal = statement.get("Principal")
    return principal == "*" or (isinstance(principal, Mapping) and "*" in _values(principal.get("AWS")))


def problems(document: Any, use: Use, path: Path = ()) -> Iterator[Problem]:
    """What AWS would refuse as malformed; `path` leads to the document."""
    if not isinstance(document, Mapping):
        yield Problem("a policy document is a mapping with Version and Statement", path)
        return
    yield from _unknown_keys(document, DOCUMENT_KEYS, path)
    if document.get("Version") not in (None, VERSION, UNSTATED_VERSION):
        yield Problem(f"Version of a policy document is {VERSION}, not {document['Version']}", (*path, "Version"))
    found = statements(document)
    if not found:
        yield Problem("a policy document has at least one Statement", path)
    sids: set[str] = set()
    for index, statement in enumerate(found):
        place = (*path, "Statement", index)
        if not isinstance(statement, Mapping):
            yield Problem("a Statement is a mapping with Effect, Action and so on", place)
            continue
        yield from _sid_problems(statement, sids, use, place)
        for rule in _RULES:
            yield from rule(statement, use, place)


def warnings(document: Any, path: Path = ()) -> Iterator[Problem]:
    """Grants that are wider than they look necessary; `path` leads to the document."""
    for index, statement in enumerate(statements(document)):
        if not isinstance(statement, Mapping) or statement.get("Effect") != "Allow":
            continue
        place = (*path, "Statement", index)
        yield from _wide_actions(statement, place)
        if opens_to_everyone(statement):
            yield Problem("allows everyone: Principal is * and no Condition limits it", (*place, "Principal"))


def _listed(value: Any) -> list[Any]:
    """Statements as a list: one statement may stand alone, and the canonical form is a mapping of them."""
    if isinstance(value, Mapping):
        keyed = all(isinstance(item, Mapping) for item in value.values())
        return list(value.values()) if keyed else [value]
    return list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]


def _mappings(document: Any) -> list[Mapping[str, Any]]:
    return [statement for statement in statements(document) if isinstance(statement, Mapping)]


def _values(value: Any) -> list[Any]:
    """A list, from a list or the scalar that may stand for it; without repetitions, sorted."""
    items = value if isinstance(value, (list, tuple)) else () if value is None else (value,)
    return sorted(dict.fromkeys(_text(item) for item in items), key=str)


def _text(item: Any) -> Any:
    """Conditions compare text, and AWS gives true and 5 back as it got them."""
    if isinstance(item, bool):
        return str(item).lower()
    return str(item) if isinstance(item, (int, float, Mapping, list)) else item


def _canonical_statement(statement: Any, partition: str) -> Any:
    if not isinstance(statement, Mapping):
        return statement
    result = dict(statement)
    for key in LISTS:
        if key in result:
            result[key] = _values(result[key])
    for key in ("Principal", "NotPrincipal"):
        if isinstance(result.get(key), Mapping):
            result[key] = {
                kind: sorted((_principal(kind, item, partition) for item in _values(items)), key=str)
                for kind, items in result[key].items()
            }
    if isinstance(result.get("Condition"), Mapping):
        result["Condition"] = {
            operator: {key: _values(items) for key, items in tests.items()} if isinstance(tests, Mapping) else tests
            for operator, tests in result["Condition"].items()
        }
    return result


def _principal(kind: str, value: Any, partition: str) -> Any:
    """AWS turns an account number into the ARN of the account.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
    """
    if kind == "AWS" and isinstance(value, str) and re.fullmatch(r"\d{12}", value):
        return f"arn:{partition}:iam::{value}:root"
    return value


def _unknown_keys(mapping: Mapping[str, Any], known: Iterable[str], path: Path) -> Iterator[Problem]:
    for key in mapping:
        if key not in known:
            from difflib import get_close_matches  # noqa: PLC0415 - only needed to word an error

            near = get_close_matches(str(key).capitalize(), known, 1)
            yield Problem(f"a policy document has no {key}", (*path, key), f"write {near[0]}" if near else None)


def _sid_problems(statement: Mapping[str, Any], seen: set[str], use: Use, place: Path) -> Iterator[Problem]:
    sid = statement.get("Sid")
    if sid is None:
        return
    if not isinstance(sid, str) or (use is not Use.RESOURCE and not re.fullmatch(r"[A-Za-z0-9]*", sid)):
        yield Problem(f"Sid {sid!r} may hold letters and digits only", (*place, "Sid"))
    elif sid in seen:
        yield Problem(f"two statements have the Sid {sid}", (*place, "Sid"))
    seen.add(str(sid))


def _check_shape(statement: Mapping[str, Any], use: Use, place: Path) -> Iterator[Problem]:
    yield from _unknown_keys(statement, STATEMENT_KEYS, place)
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield Problem("a Statement has an Effect: Allow or Deny", (*place, "Effect"))
    if isinstance(statement.get("Condition"), (str, list)):
        yield Problem("Condition is a mapping of operators such as StringEquals", (*place, "Condition"))


def _check_actions(statement: Mapping[str, Any], use: Use, place: Path) -> Iterator[Problem]:
    if ("Action" in statement) is ("NotAction" in statement):
        yield Problem("a Statement has either Action or NotAction", place)
    for key in ("Action", "NotAction"):
        for action in _values(statement.get(key)):
            if isinstance(action, str) and action != "*" and not re.fullmatch(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+", action):
                yield Problem(f"{key} {action} is not of the form service:Operation", (*place, key))


def _check_principal(statement: Mapping[str, Any], use: Use, place: Path) -> Iterator[Problem]:
    named = [key for key in ("Principal", "NotPrincipal") if key in statement]
    if use is Use.IDENTITY:
        for key in named:
            yield Problem(f"{key} has no place here: the principal is the role itself", (*place, key))
    elif len(named) != 1:
        yield Problem("a Statement has a Principal: whom it speaks of", place)
    elif isinstance(statement[named[0]], str) and statement[named[0]] != "*":
        hint = 'write {"Service": "lambda.amazonaws.com"} or {"AWS": "<ARN>"}'
        yield Problem("Principal is * or a mapping of AWS, Service or Federated", (*place, named[0]), hint)
    else:
        yield from _service_problems(statement[named[0]], (*place, named[0]))


def _service_problems(principal: Any, place: Path) -> Iterator[Problem]:
    for service in _values(principal.get("Service")) if isinstance(principal, Mapping) else ():
        if isinstance(service, str) and service != "*" and not service.endswith(_SERVICE_DOMAINS):
            yield Problem(
                f"{service} is no service of AWS", (*place, "Service"), "write one such as lambda.amazonaws.com"
            )


def _check_resources(statement: Mapping[str, Any], use: Use, place: Path) -> Iterator[Problem]:
    if use is Use.TRUST:
        if "Resource" in statement or "NotResource" in statement:
            yield Problem("a trust policy has no Resource: it speaks of the role itself", place)
        return
    if ("Resource" in statement) is ("NotResource" in statement):
        yield Problem("a Statement has either Resource or NotResource", place)
    for key in ("Resource", "NotResource"):
        for resource in _values(statement.get(key)):
            if isinstance(resource, str) and resource != "*" and not resource.startswith("arn:"):
                yield Problem(f"{key} {resource} is neither an ARN nor *", (*place, key))


_RULES: tuple[Callable[[Mapping[str, Any], Use, Path], Iterator[Problem]], ...] = (
    _check_shape,
    _check_actions,
    _check_principal,
    _check_resources,
)

_READS = re.compile(r"[^:]+:(Get|List|Describe|Head|BatchGet|Query|Scan|Search|Lookup|Filter|Select|View)[^*]*\*?$")
# Actions without resource-level control: only * is possible.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
_ONLY_STAR = re.compile(
    r"xray:Put.*|cloudwatch:PutMetricData|ec2:(Create|Delete)NetworkInterface|ec2:(A|Una)ssignPrivateIpAddresses"
)

# Every resource of one service, or of one kind of it: arn:aws:dynamodb:*:*:table/*
_KINDS = "table|function|role|policy|secret|parameter|key|guardrail|foundation-model|log-group|event-bus|userpool"
_EVERYTHING = re.compile(rf"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:((?:{_KINDS})[/:])?[*/:]*\*")


def _wide_actions(statement: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    if "NotAction" in statement:
        yield Problem("allows everything except a few actions (NotAction)", (*place, "NotAction"))
    actions = [action for action in _values(statement.get("Action")) if isinstance(action, str)]
    for action in actions:
        if action == "*" or action.endswith(":*"):
            yield Problem(f"allows every action: {action}", (*place, "Action"), "name the actions that the code calls")
    changing = [a for a in actions if not (_READS.match(a) or _ONLY_STAR.fullmatch(a) or a == "*" or a.endswith(":*"))]
    wide = next((one for one in _values(statement.get("Resource")) if _EVERYTHING.fullmatch(str(one))), None)
    if changing and wide and not statement.get("Condition"):
        shown = ", ".join(changing[:3]) + (", ..." if len(changing) > 3 else "")
        what = "every resource" if wide == "*" else f"everything that {wide} stands for"
        yield Problem(f"allows {shown} on {what}", (*place, "Resource"), "name the ARNs")
