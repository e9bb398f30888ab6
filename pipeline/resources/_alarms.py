"""What metric alarms and composite alarms share: whom they tell, how they are found, and their tags."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Expression, Properties, Reference, Value
from pipeline.resources.base import Aws, Target, stale_tags, tag_list, tag_map, tags_for

_NAMED = re.compile(r'(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*"?([^")]+?)"?\s*\)')
# DescribeAlarms takes so many names at once.
NAMES_AT_ONCE = 100
ACTIONS = {"actions": "AlarmActions", "ok_actions": "OKActions", "no_data_actions": "InsufficientDataActions"}
Found = list[tuple[Target, Mapping[str, Any], Mapping[str, str]]]


def told(properties: Properties) -> dict[str, Any]:
    """Whom the alarm tells, topics as references."""
    return {name: [_topic(one) for one in properties.get(name) or ()] for name in ACTIONS}


def _topic(value: Value) -> Value:
    if isinstance(value, str) and not value.startswith("arn:"):
        return Expression((Reference(f"sns.topic/{value}", "arn"),))
    return value


def parts_of(composite: Resource) -> set[str]:
    """The names of the alarms that a composite alarm's rule looks at."""
    wanted = composite.properties
    named = set(_NAMED.findall(str(wanted.get("rule") or "")))
    return {str(one).rpartition(":alarm:")[2] for one in (*named, *(wanted.get("any_of") or ()))}


def find(aws: Aws, targets: Sequence[Target], kind: str) -> Found:
    """The alarms of this kind (MetricAlarm, CompositeAlarm) with their tags: few listings, then the tags of each."""
    names = sorted({target.name for target in targets})
    chunks = [names[start : start + NAMES_AT_ONCE] for start in range(0, len(names), NAMES_AT_ONCE)]
    listings = aws.gather([lambda chunk=chunk: _described(aws, chunk, kind) for chunk in chunks])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    alarms = {alarm["AlarmName"]: alarm for listing in listings for alarm in listing}
    present = [target for target in targets if target.name in alarms]
    tags = aws.gather([lambda arn=alarms[t.name]["AlarmArn"]: _tags(aws, arn) for t in present])  # type: ignore[misc]  # as above
    return [(t, alarms[t.name], found) for t, found in zip(present, tags, strict=True) if found is not None]


def _described(aws: Aws, names: Sequence[str], kind: str) -> list[Any]:
    answer = aws.call(
        "cloudwatch", "DescribeAlarms", AlarmNames=list(names), AlarmTypes=[kind], MaxRecords=NAMES_AT_ONCE
    )
    found: list[Any] = answer.get(f"{kind}s") or []
    return found


def _tags(aws: Aws, arn: str) -> dict[str, str] | None:
    """None when the alarm is gone."""
    found = aws.found("cloudwatch", "ListTagsForResource", ResourceARN=arn)
    return tag_map(found.get("Tags") or ()) if found is not None else None


def tag(aws: Aws, resource: Resource, observed: Observed) -> None:
    """Tags by their own calls, since putting an alarm that is there ignores them."""
    arn, tags = observed.outputs["arn"], tags_for(aws, resource)
    aws.call("cloudwatch", "TagResource", ResourceARN=arn, Tags=tag_list(tags))
    if gone := stale_tags(observed, tags):
        aws.call("cloudwatch", "UntagResource", ResourceARN=arn, TagKeys=gone)
