"""Schedules: EventBridge rules that call a function at fixed times.

A rule has one target here, the alias. Targets that somebody else added to it are shown as a difference and removed.
Answers of PutTargets and RemoveTargets are 200 even when they refuse; what they refuse is in `FailedEntries`.
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import AwsError, FailedCall
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Outputs, Properties, Reference
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

TARGET_ID = "function"
_RULE = ("expression", "enabled", "description")
_RATE = re.compile(r"rate\(([1-9][0-9]*) (minute|hour|day)(s?)\)")
_DAYS, _MONTHS = "SUN MON TUE WED THU FRI SAT", "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
_CRON = (
    ("minute", 0, 59, ""), ("hour", 0, 23, ""), ("day of month", 1, 31, ""), ("month", 1, 12, _MONTHS),
    ("day of week", 1, 7, _DAYS), ("year", 1970, 2199, ""),
)  # fmt: skip
_CRON_FIELDS = len(_CRON)
_CRON_DAY = re.compile(r"LW?|L-[0-9]{1,2}|[0-9]{1,2}W|([1-7]|[A-Z]{3})(L|#[1-5])")


def canonical(properties: Properties, scope: Scope) -> Properties:
    """The alias as a reference to its function."""
    function = Reference(f"lambda.function/{properties['function']}", "arn")
    return {**properties, "target": Expression((function, f":{properties['alias']}"))}


def derive(resource: Resource, scope: Scope) -> Iterator[Resource]:
    """The permission to call the function, for this rule alone."""
    wanted = resource.properties
    properties = {
        "name": f"{wanted['function']}:events/{resource.name}",
        "function": wanted["function"],
        "alias": wanted["alias"],
        "principal": "events.amazonaws.com",
        "source_arns": [Expression((Reference(resource.address, "arn"),))],
    }
    name, needs = str(properties["name"]), (f"lambda.function/{wanted['function']}",)
    yield Resource("lambda.permission", name, properties, needs, resource.source)


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """What EventBridge says of an expression is only that it is not valid.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
    """
    expression = resource.properties["expression"]
    if not isinstance(expression, str):
        return
    path = ("expression",)
    if expression.startswith("rate("):
        found = _RATE.fullmatch(expression)
        if found is None:
            yield Problem(f"{expression} is no rate", path, "write rate(1 hour) or rate(5 minutes)")
        elif (found[1] == "1") is bool(found[3]):
            right = f"rate({found[1]} {found[2]}{'' if found[1] == '1' else 's'})"
            yield Problem(f"EventBridge refuses {expression}", path, f"write {right}")
        return
    fields = expression.removeprefix("cron(").removesuffix(")").split()
    if len(fields) != _CRON_FIELDS:
        hint = "minutes, hours, day of month, month, day of week, year: cron(0 2 * * ? *)"
        yield Problem(f"{expression} has {len(fields)} fields; EventBridge wants {_CRON_FIELDS}", path, hint)
    elif (fields[2] == "?") is (fields[4] == "?"):
        hint = "write ? for the other one"
        yield Problem("either the day of month or the day of week is ?, and not both", path, hint)
    else:
        for text, (what, low, high, names) in zip(fields, _CRON, strict=True):
            if not all(_fits(part, low, high, names) for part in text.split(",")):
                yield Problem(f"{text} is no {what} in {expression}", path, f"write {low} to {high}, or * for each")


def _fits(part: str, low: int, high: int, names: str) -> bool:
    """True for `*`, a value, a range, each with a step; and for L, W and # with days."""
    if low == 1 and part != "?" and _CRON_DAY.fullmatch(part.upper()):
        return True
    base, slash, step = part.partition("/")
    if slash and not step.isdecimal():
        return False
    ends = base.upper().split("-", 1)
    return base in ("*", "?") or all(
        end in names.split() or (end.isdecimal() and low <= int(end) <= high) for end in ends
    )


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each rule by its name, then its targets and tags."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    rule = aws.found("events", "DescribeRule", Name=target.name)
    if rule is None:
        return None
    found, tags = aws.gather(
        [
            lambda: _targets(aws, target.name),
            lambda: (aws.found("events", "ListTagsForResource", ResourceARN=rule["Arn"]) or {}).get("Tags", []),
        ]
    )
    own, mark = split_tags(tag_map(tags))
    text = next((one.get("Input") for one in found if one["Id"] == TARGET_ID), None)
    properties = {
        "name": target.name,
        "expression": rule.get("ScheduleExpression"),
        # Both are in the target, which is what AWS keeps.
        **{part: target.resource.properties[part] for part in ("function", "alias")},
        "target": ", ".join(one["Arn"] for one in found) or None,
        "input": json.loads(text) if text else None,
        "enabled": rule.get("State") == "ENABLED",
        "description": rule.get("Description") or "",
        "tags": own,
    }
    return Observed(target.address, properties, {"arn": rule["Arn"]}, mark)


def _targets(aws: Aws, rule: str) -> list[Any]:
    """At most five: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""
    found: list[Any] = (aws.found("events", "ListTargetsByRule", Rule=rule) or {}).get("Targets", [])
    return found


def create(aws: Aws, resource: Resource) -> Outputs:
    """The rule with its mark, then its target."""
    made = _put_rule(aws, resource, Tags=tag_list(tags_for(aws, resource)))
    _put_target(aws, resource)
    return {"arn": made["RuleArn"]}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Rule, target and tags, each by its own call: PutRule ignores the tags of a rule that exists."""
    arn = observed.outputs["arn"]
    if touches(paths, *_RULE):
        _put_rule(aws, resource)
    if touches(paths, "target", "input"):
        _put_target(aws, resource)
        others = [one["Id"] for one in _targets(aws, resource.name) if one["Id"] != TARGET_ID]
        _remove_targets(aws, resource.name, others)
    if touches(paths, "tags"):
        tags = tags_for(aws, resource)
        aws.call("events", "TagResource", ResourceARN=arn, Tags=tag_list(tags))
        if gone := stale_tags(observed, tags):
            aws.call("events", "UntagResource", ResourceARN=arn, TagKeys=gone)
    return {"arn": arn}


def delete(aws: Aws, observed: Observed) -> None:
    """The targets, then the rule: one with targets cannot be deleted."""
    name = observed.properties["name"]
    _remove_targets(aws, name, [one["Id"] for one in _targets(aws, name)])
    aws.found("events", "DeleteRule", Name=name)


def _put_rule(aws: Aws, resource: Resource, **more: Any) -> dict[str, Any]:
    wanted = resource.properties
    return aws.call(
        "events",
        "PutRule",
        Name=resource.name,
        ScheduleExpression=wanted["expression"],
        State="ENABLED" if wanted["enabled"] else "DISABLED",
        Description=wanted["description"],
        **more,
    )


def _put_target(aws: Aws, resource: Resource) -> None:
    wanted = resource.properties
    given = {"Input": json.dumps(wanted["input"], sort_keys=True)} if wanted.get("input") else {}
    target = {"Id": TARGET_ID, "Arn": wanted["target"], **given}
    _raise_for("PutTargets", aws.call("events", "PutTargets", Rule=resource.name, Targets=[target]))


def _remove_targets(aws: Aws, rule: str, ids: Sequence[str]) -> None:
    if ids:
        _raise_for("RemoveTargets", aws.found("events", "RemoveTargets", Rule=rule, Ids=list(ids)) or {})


def _raise_for(operation: str, answer: Mapping[str, Any]) -> None:
    for entry in answer.get("FailedEntries") or ():
        message = f"{entry.get('TargetId')}: {entry.get('ErrorMessage', 'refused')}"
        raise AwsError(FailedCall("events", operation, entry.get("ErrorCode", "Unknown"), message))
