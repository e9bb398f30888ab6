"""Event source mappings: Lambda reads a queue or a stream and calls a function.

A mapping has no name, only an id. Its mark says whose it is; one without a mark is recognised by its function and its
source, of which AWS takes each pair once. https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html

It changes behind the answers of calls (Creating, Enabling, Updating, Disabling, Deleting), and refuses others
meanwhile, so every look and every change waits until it has come to rest.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.model.resource import Mark, Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Outputs, Properties, Reference, Value
from pipeline.resources import _event_patterns
from pipeline.resources._event_patterns import is_fifo
from pipeline.resources.base import Aws, Problem, Target, read_each, split_tags, stale_tags, tags_for, touches

# Seconds; a mapping of a stream takes up to a minute to begin or end.
EVERY, SETTLED_WITHIN = 2.0, 300.0
QUEUE, STREAM = "queue", "stream"
BATCHES = {QUEUE: 10, STREAM: 100}
FIFO_BATCH = 10
STREAM_DEFAULTS = {"max_retries": -1, "max_age": -1, "parallel": 1}
STREAM_ONLY = ("starting_position", "bisect", "on_failure", *STREAM_DEFAULTS)
SHORTEST_AGE = 60
_ITEM_FAILURES = "ReportBatchItemFailures"
# The only numbers among them: nought of them is something said.
_NUMBERS = ("window", *STREAM_DEFAULTS)

Mapped = Mapping[str, Any]


@dataclass(frozen=True)
class _Member:
    """How a property is sent (`give`, None to clear it) and read (`take`)."""

    name: str
    give: Callable[[Value], Any]
    take: Callable[[Mapped], Value]


def _plain(name: str, absent: Value = None) -> _Member:
    return _Member(name, lambda value: absent if value is None else value, lambda found: found.get(name, absent))


_MEMBERS: Mapping[str, _Member] = {
    "batch_size": _plain("BatchSize"),
    "window": _plain("MaximumBatchingWindowInSeconds", 0),
    # An empty value clears; leaving a member out keeps what is there.
    "filters": _Member(
        "FilterCriteria",
        lambda patterns: (
            {"Filters": [{"Pattern": json.dumps(p, sort_keys=True)} for p in patterns]} if patterns else {}
        ),
        lambda found: [json.loads(p["Pattern"]) for p in (found.get("FilterCriteria") or {}).get("Filters") or ()],
    ),
    "report_failures": _Member(
        "FunctionResponseTypes",
        lambda wanted: [_ITEM_FAILURES] if wanted else [],
        lambda found: _ITEM_FAILURES in (found.get("FunctionResponseTypes") or ()),
    ),
    "max_concurrency": _Member(
        "ScalingConfig",
        lambda most: {"MaximumConcurrency": most} if most else {},
        lambda found: (found.get("ScalingConfig") or {}).get("MaximumConcurrency"),
    ),
    "enabled": _Member("Enabled", bool, lambda found: found.get("State") != "Disabled"),
    "target": _Member("FunctionName", str, lambda found: found["FunctionArn"]),
    "bisect": _Member("BisectBatchOnFunctionError", bool, lambda found: bool(found.get("BisectBatchOnFunctionError"))),
    "max_retries": _plain("MaximumRetryAttempts", -1),
    "max_age": _plain("MaximumRecordAgeInSeconds", -1),
    "parallel": _plain("ParallelizationFactor", 1),
    "on_failure": _Member(
        "DestinationConfig",
        lambda arn: {"OnFailure": {"Destination": arn or ""}},
        lambda found: ((found.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination") or None,
    ),
}


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Defaults that depend on the kind of source, and the alias as a reference to its function."""
    kind = _kind(properties["source"])
    function = Reference(f"lambda.function/{properties['function']}", "arn")
    return {
        "batch_size": BATCHES[kind],
        **(STREAM_DEFAULTS if kind == STREAM else {}),
        **{name: value for name, value in properties.items() if value is not None},
        "target": Expression((function, f":{properties['alias']}")),
    }


def _kind(source: Value) -> str:
    """Whether a source is a queue or a stream: by its ARN, or by the type that it refers to."""
    return QUEUE if re.match(r"arn:[^:]+:sqs:|\$\{sqs\.", str(source)) else STREAM


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """What goes with queues alone and with streams alone, and the sizes of batches."""
    wanted = resource.properties
    source = wanted["source"]
    kind = _kind(source)
    if isinstance(source, str) and not source.startswith("arn:"):
        hint = "write ${sqs.queue/NAME.arn} or ${dynamodb.table/NAME.stream_arn}"
        yield Problem(f"{source} is no ARN", ("source",), hint)
    foreign = [name for name in (STREAM_ONLY if kind == QUEUE else ("max_concurrency",)) if _says(wanted, name)]
    for name in foreign:
        yield Problem(f"{name} is for {STREAM if kind == QUEUE else QUEUE}s, and this source is a {kind}", (name,))
    for index, pattern in enumerate(wanted["filters"]):
        yield from _event_patterns.problems(pattern, ("filters", index))
    if kind == STREAM and not wanted.get("starting_position"):
        hint = "say LATEST, or TRIM_HORIZON for what is there already"
        yield Problem("reading a stream needs a starting_position", ("source",), hint)
    if kind == QUEUE:
        yield from _check_batches(wanted)
    elif is_fifo(wanted.get("on_failure")):
        yield Problem("what is given up cannot go to a FIFO queue", ("on_failure",), "name a standard queue")
    if kind == STREAM and 0 <= wanted["max_age"] < SHORTEST_AGE:
        yield Problem(f"max_age is -1 or at least {SHORTEST_AGE}", ("max_age",))


def _check_batches(wanted: Properties) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html"""
    if is_fifo(wanted["source"]):
        if wanted["window"]:
            yield Problem("a FIFO queue is read without a window", ("window",), "remove window")
        if wanted["batch_size"] > FIFO_BATCH:
            yield Problem(f"a FIFO queue gives at most {FIFO_BATCH} messages at once", ("batch_size",))
    elif wanted["batch_size"] > FIFO_BATCH and not wanted["window"]:
        hint = "say window: 1 or more"
        yield Problem(f"batches of more than {FIFO_BATCH} messages need a window", ("batch_size",), hint)


def _says(wanted: Properties, name: str) -> bool:
    """True when a property has a value. No retries at all are one, too."""
    value = wanted.get(name)
    return value is not None if name in _NUMBERS else bool(value)


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """A stream that one bad event stops."""
    wanted = resource.properties
    if _kind(wanted["source"]) == STREAM and wanted["max_retries"] == -1 and wanted["max_age"] == -1:
        hint = "say max_retries, and on_failure for what is given up"
        yield Problem("an event that always fails holds up all events after it until it expires", ("source",), hint)


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each mapping by the id that the last release recorded, else among the mappings of its function."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    uuid = target.recorded.get("uuid")
    if uuid and (found := _settled(aws, str(uuid))):
        return _observed(aws, target, found, _tags(aws, found["UUID"]))
    known = _found(aws, target)
    current = _settled(aws, known[0]) if known else None
    return _observed(aws, target, current, known[1]) if current and known else None


def _found(aws: Aws, target: Target) -> tuple[str, Mapping[str, str]] | None:
    """Id and tags of the mapping with our mark; else of one without a mark that connects the same two."""
    wanted, unmarked = target.resource.properties, None
    for mapping in _candidates(aws, wanted):
        tags = _tags(aws, mapping["UUID"])
        mark = Mark.from_tags(tags)
        if mark == aws.scope.mark(target.address):
            return mapping["UUID"], tags
        named = f":function:{wanted['function']}:{wanted['alias']}"
        same = mapping["FunctionArn"].endswith(named) and _is_source(
            wanted["source"], mapping.get("EventSourceArn", "")
        )
        if mark is None and same:
            unmarked = mapping["UUID"], tags
    return unmarked


def _candidates(aws: Aws, wanted: Properties) -> Iterator[Mapped]:
    """Mappings of the alias, then those of the source where its ARN is known: they may call another function.

    The alias is named by its ARN, as when a mapping is made: AWS takes `function:alias` as well, emulators may not.
    https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html
    """
    filters = [{"FunctionName": aws.scope.arn("lambda", f"function:{wanted['function']}:{wanted['alias']}")}]
    if (source := _source_arn(aws.scope, wanted["source"])) is not None:
        filters.append({"EventSourceArn": source})
    for criteria in filters:
        answer = aws.found("lambda", "ListEventSourceMappings", MaxItems=100, **criteria) or {}
        yield from answer.get("EventSourceMappings", ())


def _source_arn(scope: Scope, declared: Value) -> str | None:
    """The ARN of the source, when it follows from what is declared; that of a stream has its date."""
    if isinstance(declared, str):
        return declared
    kind, _, name = declared.references[0].address.partition("/")
    return scope.arn("sqs", name) if kind == "sqs.queue" and len(declared.parts) == 1 else None


def _is_source(declared: Value, arn: str) -> bool:
    """True when `arn` may be what is declared: it is, or it belongs to the resource that is referred to."""
    if isinstance(declared, Expression) and declared.references:
        name = declared.references[0].address.partition("/")[2]
        return re.search(rf"[:/]{re.escape(name)}(/stream/.*)?$", arn) is not None
    return bool(declared == arn)


def _tags(aws: Aws, uuid: str) -> dict[str, str]:
    found = aws.found("lambda", "ListTags", Resource=_arn(aws.scope, uuid)) or {}
    tags: dict[str, str] = found.get("Tags") or {}
    return tags


def _observed(aws: Aws, target: Target, found: Mapped, tags: Mapping[str, str]) -> Observed:
    own, mark = split_tags(tags)
    source = found["EventSourceArn"]
    kind = _kind(source)
    members = {name: member.take(found) for name, member in _MEMBERS.items()}
    if kind == QUEUE:
        members |= dict.fromkeys((*STREAM_DEFAULTS, "on_failure"))
    properties = {
        **members,
        "name": target.name,
        # Both are in the target, which is what AWS keeps.
        **{part: target.resource.properties[part] for part in ("function", "alias")},
        "source": source,
        "starting_position": found.get("StartingPosition") if kind == STREAM else None,
        "tags": own,
    }
    return Observed(target.address, properties, _outputs(aws.scope, found["UUID"]), mark)


def create(aws: Aws, resource: Resource) -> Outputs:
    """The mapping with its mark, once it is at rest."""
    wanted = resource.properties
    sent = {member.name: member.give(wanted[name]) for name, member in _MEMBERS.items() if _says(wanted, name)}
    if position := wanted.get("starting_position"):
        sent["StartingPosition"] = position
    sent |= {"EventSourceArn": wanted["source"], "Enabled": wanted["enabled"], "Tags": tags_for(aws, resource)}
    made = aws.call("lambda", "CreateEventSourceMapping", **sent)
    _settled(aws, made["UUID"])
    return _outputs(aws.scope, made["UUID"])


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """What differs in one call, then tags."""
    wanted, uuid = resource.properties, observed.outputs["uuid"]
    changed = {member.name: member.give(wanted.get(name)) for name, member in _MEMBERS.items() if touches(paths, name)}
    if changed:
        aws.call("lambda", "UpdateEventSourceMapping", UUID=uuid, **changed)
        _settled(aws, uuid)
    if touches(paths, "tags"):
        arn, tags = _arn(aws.scope, uuid), tags_for(aws, resource)
        aws.call("lambda", "TagResource", Resource=arn, Tags=tags)
        if gone := stale_tags(observed, tags):
            aws.call("lambda", "UntagResource", Resource=arn, TagKeys=gone)
    return observed.outputs


def delete(aws: Aws, observed: Observed) -> None:
    """The mapping, once it is gone; what it read stays where it is."""
    uuid = observed.outputs["uuid"]
    if aws.found("lambda", "DeleteEventSourceMapping", UUID=uuid):
        _settled(aws, uuid)


def _settled(aws: Aws, uuid: str) -> Mapped | None:
    """The mapping once it is at rest, or None once it is gone."""

    def look() -> list[Mapped] | None:
        found = aws.found("lambda", "GetEventSourceMapping", UUID=uuid)
        if found is None:
            return []
        return [found] if found.get("State") in ("Enabled", "Disabled") else None

    return next(iter(aws.wait(f"event source mapping {uuid}", look, every=EVERY, budget=SETTLED_WITHIN)), None)


def _outputs(scope: Scope, uuid: str) -> Outputs:
    return {"uuid": uuid, "arn": _arn(scope, uuid)}


def _arn(scope: Scope, uuid: str) -> str:
    return scope.arn("lambda", f"event-source-mapping:{uuid}")
