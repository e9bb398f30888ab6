"""CloudWatch composite alarms: one that tells for many.

With `watch` the alarms on functions, APIs and tables follow from what the service declares. They tell nobody by
themselves, so that one fault makes one message.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Outputs, Properties, Reference, Value
from pipeline.resources import _alarm_set as alarm_set
from pipeline.resources import _alarms as alarms
from pipeline.resources._alarm_rule import fault
from pipeline.resources._alarms import ACTIONS
from pipeline.resources.base import Aws, Problem, Target, split_tags, tag_list, tags_for, touches

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
_LONGEST_RULE, _MOST_ELEMENTS = 10_240, 500
_TYPES = (alarm_set.ALARM, "cloudwatch.composite_alarm")
_COMPOSED = ("watch", "thresholds", "any_of")


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Topics as references; names of alarms as the rule that they mean, unless more is to come from the stack."""
    found = {**properties, **alarms.told(properties)}
    return found if found.get("watch") else _with_rule(found, found.get("any_of") or ())


def _with_rule(properties: Properties, names: Sequence[Value]) -> dict[str, Any]:
    rule = properties.get("rule") or _any_of(names) or None
    return {name: value for name, value in properties.items() if name not in _COMPOSED} | {"rule": rule}


def _any_of(names: Sequence[Value]) -> Value:
    """The rule; an expression when a name is an output of something."""
    parts: list[str | Reference] = []
    for name in names:
        parts += [
            ' OR ALARM("' if parts else 'ALARM("',
            *(name.parts if isinstance(name, Expression) else [name]),
            '")',
        ]
    return Expression(tuple(parts)) if any(isinstance(part, Reference) for part in parts) else "".join(map(str, parts))


def compose(resource: Resource, stack: Sequence[Resource], scope: Scope) -> tuple[Resource, list[Resource]]:
    """The rule over the alarms that follow from the stack, and those; it needs all that it looks at."""
    wanted = resource.properties
    follows: list[Resource] = []
    if wanted.get("watch"):
        watched = alarm_set.watched(stack, wanted["watch"], wanted.get("thresholds") or {})
        follows = [_part(one.alarm, resource) for one in watched]
        names = dict.fromkeys((*(wanted.get("any_of") or ()), *(one.name for one in follows)))
        wanted = _with_rule(wanted, list(names))
    parts = alarms.parts_of(replace(resource, properties=wanted))
    there = {one.address for one in (*stack, *follows) if one.type in _TYPES and one.name in parts}
    needs = tuple(dict.fromkeys((*resource.depends_on, *sorted(there - {resource.address}))))
    return replace(resource, properties=wanted, depends_on=needs), follows


def _part(alarm: Resource, composite: Resource) -> Resource:
    return replace(alarm, properties={**alarm.properties, "part_of": composite.name}, source=composite.source)


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Rules that CloudWatch refuses, and an alarm that looks at nothing."""
    wanted = resource.properties
    if wanted.get("watch"):
        if wanted.get("rule"):
            yield Problem("watch makes the rule", ("rule",), "keep one or the other")
        return
    rule = str(wanted.get("rule") or "")
    if not rule:
        yield Problem("there is nothing to look at", ("name",), "add watch: essential, any_of or a rule")
    elif found := fault(rule):
        yield Problem(found[0], ("rule",), found[1])
    elements = len(alarms.parts_of(resource)) + rule.count("(")
    if len(rule) > _LONGEST_RULE or elements > _MOST_ELEMENTS:
        hint = "say watch: essential, or declare several composite alarms"
        message = f"the rule has {len(rule)} characters; CloudWatch takes {_LONGEST_RULE}"
        yield Problem(message, ("name",), hint)


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Alarms that nobody hears."""
    if not any(resource.properties[name] for name in ACTIONS):
        yield Problem("nobody is told of this alarm", ("name",), "add actions: [<name of a topic>]")


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """All alarms by few listings, then the tags of each."""
    found = alarms.find(aws, targets, "CompositeAlarm")
    return {target.address: _observed(target, alarm, tags) for target, alarm, tags in found}


def _observed(target: Target, alarm: Mapping[str, Any], tags: Mapping[str, str]) -> Observed:
    own, mark = split_tags(tags)
    properties = {
        "name": target.name,
        "rule": alarm["AlarmRule"],
        **{name: list(alarm.get(member) or ()) for name, member in ACTIONS.items()},
        "enabled": alarm.get("ActionsEnabled", True),
        "description": alarm.get("AlarmDescription") or "",
        "tags": own,
    }
    return Observed(target.address, properties, {"arn": alarm["AlarmArn"]}, mark)


def create(aws: Aws, resource: Resource) -> Outputs:
    """The alarm with its mark."""
    _put(aws, resource, Tags=tag_list(tags_for(aws, resource)))
    return {"arn": aws.scope.arn("cloudwatch", f"alarm:{resource.name}")}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """The whole alarm when anything but tags differs; tags by their own calls."""
    if any(not touches(frozenset({path}), "tags") for path in paths):
        _put(aws, resource)
    if touches(paths, "tags"):
        alarms.tag(aws, resource, observed)
    return {"arn": observed.outputs["arn"]}


def delete(aws: Aws, observed: Observed) -> None:
    """The alarm. It goes by itself: CloudWatch deletes one composite alarm with each call.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteAlarms.html
    """
    aws.found("cloudwatch", "DeleteAlarms", AlarmNames=[observed.properties["name"]])


def _put(aws: Aws, resource: Resource, **more: Any) -> None:
    wanted = resource.properties
    sent: dict[str, Any] = {member: list(wanted[name]) for name, member in ACTIONS.items()}
    sent |= {"AlarmRule": wanted["rule"], "ActionsEnabled": wanted["enabled"]}
    aws.call(
        "cloudwatch",
        "PutCompositeAlarm",
        AlarmName=resource.name,
        AlarmDescription=wanted["description"],
        **sent,
        **more,
    )
