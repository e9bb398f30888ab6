"""Reads functions: from AWS's lists and answers to canonical properties and outputs.

Reading the version behind the alias is what lets a run go on where another one died; see `lambda_function`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _function_policies as policies
from pipeline.resources import _function_urls as urls
from pipeline.resources import _lambda_properties as rules
from pipeline.resources._lambda_properties import LATEST
from pipeline.resources.base import Aws, Target, read_each, split_tags

# The statements of its resource policies, and its addresses, that nobody declares; none are ever wanted.
FOREIGN, FOREIGN_URLS = BY_HAND = ("foreign_permissions", "foreign_urls")
# GetFunction may be called 100 times a second, ListFunctions 15 times, with 50 functions a page.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
READ_EACH = 50
# What ListFunctions does not show.
_UNLISTED = ("alias", "live", "reserved_concurrency", "tags", *BY_HAND)
# How `live` begins when Lambda could not carry a change out.
FAILED = "failed"


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Few functions one by one; many from the pages of ListFunctions, and one by one only where those tell news.

    The list shows neither tags nor aliases. Where it shows what the last release declared, these are taken from there.
    """
    if len(targets) <= READ_EACH:
        return read_each(aws, targets, _read_one)
    listed = {found["FunctionName"]: found for found in aws.pages("lambda", "ListFunctions", "Functions", MaxItems=50)}
    found: dict[str, Observed] = {}
    closer = []
    for target in targets:
        configuration = listed.get(target.name)
        if configuration is not None and _as_released(aws, target, configuration):
            found[target.address] = _trusted(aws, target, configuration)
        elif configuration is not None:
            closer.append(target)
    return found | read_each(aws, closer, _read_one)


def _as_released(aws: Aws, target: Target, configuration: Mapping[str, Any]) -> bool:
    if target.thorough or target.released is None or "version" not in target.recorded:
        return False
    found = rules.observed(configuration, aws.scope)
    return all(rules.agrees(found[name], target.released.get(name)) for name in rules.FROZEN)


def _trusted(aws: Aws, target: Target, configuration: Mapping[str, Any]) -> Observed:
    """As listed; what the list does not show as the last release left it."""
    released, version = target.released or {}, str(target.recorded["version"])
    properties = {
        **_own(configuration, aws.scope),
        "alias": released.get("alias"),
        "reserved_concurrency": released.get("reserved_concurrency"),
        "live": LATEST,
        "tags": dict(released.get("tags") or {}),
    }
    outputs = outputs_of(aws.scope, target.name, alias_of(target.resource), version, version)
    return Observed(target.address, properties, outputs, aws.scope.mark(target.address), trusted=_UNLISTED)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    """The function, the version behind its alias, and (thoroughly) the alias itself, which alone shows weights.

    And who else may call it, and where, as far as policies are read.
    """
    name, alias = target.name, alias_of(target.resource)
    first: list[Callable[[], Any]] = [_get(aws, "GetFunction", name)]
    behind: list[Callable[[], Any]] = [
        _get(aws, "GetFunction", name, Qualifier=alias),
        _get(aws, "GetAlias", name, Name=alias) if target.thorough else dict,
        (lambda: _foreign(aws, target)) if target.policies else dict,
    ]
    # A function that was never recorded may well not exist: then one call is enough to know.
    answers = aws.gather([*first, *behind]) if target.recorded else aws.gather(first)
    if answers[0] is None:
        return None
    if not target.recorded:
        answers += aws.gather(behind)
    function, served, pointer, foreign = answers
    found = _observed(aws.scope, target, function, served["Configuration"] if served else None, pointer or {})
    if not target.policies:
        return replace(found, trusted=(*found.trusted, *BY_HAND))
    return replace(found, properties={**found.properties, **foreign})


def _foreign(aws: Aws, target: Target) -> dict[str, list[str]]:
    """Who may do what with the function, and where it answers, though nobody declares it; without what there is not."""
    wanted = (target.resource.properties, target.released)
    ways: list[Callable[[], list[str]]] = [
        lambda: _admitted(aws, target.name, *wanted),
        lambda: sorted(urls.foreign(aws, *wanted).values()),
    ]
    return {name: lines for name, lines in zip(BY_HAND, aws.gather(ways), strict=True) if lines}


def _admitted(aws: Aws, name: str, *wanted: Properties | None) -> list[str]:
    among = policies.qualifiers(wanted[0] or {})
    found = aws.gather([lambda q=q: policies.statements(aws, name, q) for q in among])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    by_hand = [(policies.foreign(each, q, *wanted), q) for q, each in zip(among, found, strict=True)]
    return sorted(line for each, q in by_hand for line in policies.told(each, q))


def _get(aws: Aws, operation: str, name: str, **params: str) -> Callable[[], Mapping[str, Any] | None]:
    return lambda: aws.found("lambda", operation, FunctionName=name, **params)


def _observed(
    scope: Scope,
    target: Target,
    function: Mapping[str, Any],
    served: Mapping[str, Any] | None,
    pointer: Mapping[str, Any],
) -> Observed:
    configuration = function["Configuration"]
    tags, mark = split_tags(function.get("Tags") or {})
    properties = _own(configuration, scope)
    live = _live(target, configuration, served, pointer, scope)
    properties |= {"alias": alias_of(target.resource) if served else None, "live": live, "tags": tags}
    properties["reserved_concurrency"] = (function.get("Concurrency") or {}).get("ReservedConcurrentExecutions")
    unread: tuple[str, ...] = ()
    if "Error" in configuration.get("Environment", {}):
        # Encrypted with a key that the caller may not use: https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentError.html
        properties["environment"], unread = target.resource.properties.get("environment"), ("environment",)
    version = served["Version"] if served else None
    # Only an alias that was read is known to serve one version to all.
    frozen = served if target.thorough and version != "$LATEST" and not _weights(pointer) else None
    return Observed(
        address=target.address,
        properties=properties,
        outputs=outputs_of(scope, target.name, alias_of(target.resource), version, version if live == LATEST else None),
        mark=mark,
        pending=None if settled(configuration, raising=False) else "an update of this function is still under way",
        trusted=unread,
        served=rules.observed(frozen, scope) if frozen else None,
    )


def _own(configuration: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    return {
        "name": configuration["FunctionName"],
        "package_type": configuration.get("PackageType", "Zip"),
        **rules.observed(configuration, scope),
    }


def _live(
    target: Target,
    configuration: Mapping[str, Any],
    served: Mapping[str, Any] | None,
    pointer: Mapping[str, Any],
    scope: Scope,
) -> str | None:
    """`latest`, or what the alias serves instead; None without an alias."""
    for status, reason in (("State", "StateReasonCode"), ("LastUpdateStatus", "LastUpdateStatusReasonCode")):
        if configuration.get(status) == "Failed":
            return f"{FAILED}: {configuration.get(reason, 'for an unknown reason')}"
    if served is None:
        return None
    version = served["Version"]
    if weights := _weights(pointer):
        others = ", ".join(f"{weight:.0%} to version {other}" for other, weight in sorted(weights.items()))
        return f"version {version} with {others}"
    held, frozen = rules.observed(configuration, scope), rules.observed(served, scope)
    if version == "$LATEST" or rules.lags(frozen, held, target.resource.properties):
        return f"version {version}"
    return LATEST


def _weights(pointer: Mapping[str, Any]) -> Mapping[str, float]:
    """The shares of versions beside the alias's own; none where the alias was not read."""
    return (pointer.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}


def settled(configuration: Mapping[str, Any], *, raising: bool = True) -> Mapping[str, Any] | None:
    """The configuration, or None while it changes. An idle function is `Inactive`, which is as good as active."""
    if configuration.get("State") == "Pending" or configuration.get("LastUpdateStatus") == "InProgress":
        return None
    for status in ("State", "LastUpdateStatus"):
        if raising and configuration.get(status) == "Failed":
            reason = configuration.get(f"{status}Reason", "Lambda gives no reason")
            code = configuration.get(f"{status}ReasonCode", "Failed")
            raise PipelineError(
                f"Lambda could not bring {configuration['FunctionName']} to what was asked: {reason} ({code})",
                hint="mend the cause and run again: the function is brought up to date then",
            )
    return configuration


def alias_of(resource: Resource) -> str:
    return str(resource.properties.get("alias") or "live")


def arn_of(scope: Scope, name: str) -> str:
    return scope.arn("lambda", f"function:{name}")


def outputs_of(scope: Scope, name: str, alias: str, version: str | None, latest: str | None) -> Outputs:
    """`version` is what the alias serves, `latest` what was published last; each only as far as it is known."""
    arn = arn_of(scope, name)
    known = {"version": version, "latest": latest}
    return {"name": name, "arn": arn, "alias_arn": f"{arn}:{alias}"} | {k: v for k, v in known.items() if v is not None}
