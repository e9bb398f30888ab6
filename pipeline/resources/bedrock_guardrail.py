"""Bedrock guardrails with numbered versions.

A guardrail's draft changes at once for everybody who uses it, so every change is published as a version, and callers
name that (`${bedrock.guardrail/NAME.version}`): it serves with the release of the functions that use it, and the one
before goes on serving until then. A version is made only when none says the same as the draft, so a run that died in
between is noticed, and after a rollback the old version serves again, not another one like it.
https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-versions-create.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import Diagnostic, PipelineError
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties, digest
from pipeline.resources import _guardrail_shape as shape
from pipeline.resources.base import Aws, Problem, Target, split_tags, stale_tags, tag_list, tag_map, tags_for, touches

LATEST = "latest"
DRAFT = "DRAFT"
_EVERY, _READY_WITHIN = 1.0, 180.0
_READY = "READY"
_PROMPT_ATTACK, _NONE = "PROMPT_ATTACK", "NONE"
Wire = Mapping[str, Any]


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Policies in their canonical form, the profile by its id."""
    profile = properties.get("guardrail_profile")
    return {
        **properties,
        **{kind: shape.canonical(properties.get(kind), kind) for kind in shape.POLICIES},
        "guardrail_profile": profile.rpartition("/")[2] if isinstance(profile, str) else profile,
        "published": LATEST,
    }


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """A guardrail that guards nothing, filters that Bedrock refuses, the tier that needs a profile."""
    wanted = resource.properties
    if not any(wanted.get(kind) for kind in shape.POLICIES):
        hint = f"add {', '.join(list(shape.POLICIES)[:2])} or another policy"
        yield Problem("a guardrail needs a policy", ("name",), hint)
    attack = ((wanted.get("content_policy") or {}).get("filters") or {}).get(_PROMPT_ATTACK)
    if attack and attack["outputStrength"] != _NONE:
        hint = "say outputStrength: NONE"
        yield Problem("answers are not searched for attacks on the prompt", ("content_policy",), hint)
    tiers = [kind for kind in shape.POLICIES if (wanted.get(kind) or {}).get("tier")]
    if tiers and not wanted.get("guardrail_profile"):
        yield Problem(
            "the tier STANDARD needs guardrail_profile", (tiers[0],), "add guardrail_profile: us.guardrail.v1:0"
        )


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """What a guardrail usually has."""
    wanted = resource.properties
    if _PROMPT_ATTACK not in ((wanted.get("content_policy") or {}).get("filters") or {}):
        hint = "add the filter PROMPT_ATTACK to content_policy"
        yield Problem("nothing keeps users from talking the model out of its instructions", ("name",), hint)
    if not wanted.get("sensitive_information_policy"):
        yield Problem("personal data passes through", ("name",), "add sensitive_information_policy")


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each guardrail by its recorded id; one without a record, or that is gone, by its name, which is unique."""
    known = [target for target in targets if "id" in target.recorded]
    found = _read_all(aws, [(target, str(target.recorded["id"])) for target in known])
    if missing := [target for target in targets if target.address not in found]:
        listed = {str(one["name"]): str(one["id"]) for one in aws.pages("bedrock", "ListGuardrails", "guardrails")}
        found |= _read_all(aws, [(target, listed[target.name]) for target in missing if target.name in listed])
    return found


def _read_all(aws: Aws, chosen: Sequence[tuple[Target, str]]) -> dict[str, Observed]:
    thunks = [lambda target=target, made=made: _read_one(aws, target, made) for target, made in chosen]
    return {observed.address: observed for observed in aws.gather(thunks) if observed is not None}


def _read_one(aws: Aws, target: Target, made: str) -> Observed | None:
    draft = _get(aws, made)
    if draft is None or draft["status"] == "DELETING":
        return None
    arn = str(draft["guardrailArn"])
    wanted = shape.definition(shape.shown(draft))
    asked: list[Callable[[], Any]] = [lambda: _tags(aws, arn), lambda: _versions(aws, made)]
    tags, numbers = aws.gather(asked)
    if tags is None:
        return None
    own, mark = split_tags(tags)
    same = _alike(aws, made, numbers, wanted)
    properties = {**shape.shown(draft), "tags": own, "published": LATEST if same else None}
    number = same or (str(numbers[-1]) if numbers else None)
    outputs = {"id": made, "arn": arn} | ({"version": number} if number else {})
    return Observed(target.address, properties, outputs, mark, limit=_limit(aws, target.resource, made, numbers))


def _limit(aws: Aws, resource: Resource, made: str, numbers: Sequence[int]) -> Diagnostic | None:
    """What is to be said of how many versions there are: with all that AWS keeps, what is new cannot be published."""
    hint = f"roll back to fewer releases (retention in pipeline.yaml), or {_removal(made, numbers)}" if numbers else ""
    if shape.NEARLY_FULL <= len(numbers) < shape.MOST_VERSIONS:
        text = f"has {len(numbers)} of the {shape.MOST_VERSIONS} versions that AWS keeps of a guardrail"
        return Diagnostic(text, hint=hint, severity="warning")
    if len(numbers) < shape.MOST_VERSIONS or _alike(aws, made, numbers, shape.definition(resource.properties)):
        return None
    return Diagnostic(
        f"AWS keeps {shape.MOST_VERSIONS} versions of a guardrail, and this would be another one", hint=hint
    )


def _removal(made: str, numbers: Sequence[int]) -> str:
    oldest = f"--guardrail-identifier {made} --guardrail-version {numbers[0]}"
    return (
        f"remove the oldest one: aws bedrock delete-guardrail {oldest}; a rollback to a release that names it makes "
        "its functions anew"
    )


def _get(aws: Aws, made: str, version: str | None = None) -> Wire | None:
    params = {"guardrailVersion": version} if version else {}
    return aws.found("bedrock", "GetGuardrail", guardrailIdentifier=made, **params)


def _tags(aws: Aws, arn: str) -> dict[str, str] | None:
    found = aws.found("bedrock", "ListTagsForResource", resourceARN=arn)
    return tag_map(found.get("tags") or (), "key", "value") if found is not None else None


def _versions(aws: Aws, made: str) -> list[int]:
    """The numbers of its versions, the oldest first."""
    listed = aws.pages("bedrock", "ListGuardrails", "guardrails", guardrailIdentifier=made)
    return sorted(int(one["version"]) for one in listed if one["version"] != DRAFT)


def _alike(aws: Aws, made: str, numbers: Sequence[int], wanted: str) -> str | None:
    """The newest version that says what is wanted, nearly always the newest of all; None when there is none."""
    for number in reversed(numbers):
        found = _get(aws, made, str(number))
        if found is not None and shape.definition(shape.shown(found)) == wanted:
            return str(found["version"])
    return None


def create(aws: Aws, resource: Resource) -> Outputs:
    """The guardrail with its mark, and its first version."""
    wanted = resource.properties
    tags = tag_list(tags_for(aws, resource), "key", "value")
    made = aws.call("bedrock", "CreateGuardrail", name=resource.name, tags=tags, **shape.to_wire(wanted))
    outputs = {"id": str(made["guardrailId"]), "arn": str(made["guardrailArn"])}
    return {**outputs, "version": _publish(aws, outputs["id"], wanted)}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """The draft, which nobody should use; the version that says the same; tags."""
    wanted, made, arn = resource.properties, str(observed.outputs["id"]), str(observed.outputs["arn"])
    outputs = dict(observed.outputs)
    if any(not touches(frozenset({path}), "tags", "published") for path in paths):
        _settled(aws, made)
        aws.call("bedrock", "UpdateGuardrail", guardrailIdentifier=made, name=resource.name, **shape.to_wire(wanted))
    if any(not touches(frozenset({path}), "tags") for path in paths):
        outputs["version"] = _publish(aws, made, wanted)
    if touches(paths, "tags"):
        tags = tags_for(aws, resource)
        aws.call("bedrock", "TagResource", resourceARN=arn, tags=tag_list(tags, "key", "value"))
        if gone := stale_tags(observed, tags):
            aws.call("bedrock", "UntagResource", resourceARN=arn, tagKeys=gone)
    return outputs


def _publish(aws: Aws, made: str, wanted: Properties) -> str:
    """The number of the version that says what is wanted; made unless the newest one does."""
    _settled(aws, made)
    numbers = _versions(aws, made)
    if (same := _alike(aws, made, numbers, shape.definition(wanted))) is not None:
        return same
    if len(numbers) >= shape.MOST_VERSIONS:
        raise PipelineError(
            f"publishing guardrail {made}: AWS keeps {shape.MOST_VERSIONS} versions, and releases may need each",
            hint=_removal(made, numbers),
        )
    # Known again when it is repeated: this version of this guardrail, after that one.
    token = digest([made, numbers, shape.definition(wanted)]).partition(":")[2]
    about = {"guardrailIdentifier": made, "clientRequestToken": token}
    about |= {"description": aws.scope.label} if aws.scope.label else {}
    version = aws.call("bedrock", "CreateGuardrailVersion", **about)["version"]
    _settled(aws, made)
    return str(version)


def _settled(aws: Aws, made: str) -> None:
    """Waits until nothing about the guardrail is under way. Raises PipelineError when Bedrock could not make it."""

    def look() -> Wire | None:
        found = aws.call("bedrock", "GetGuardrail", guardrailIdentifier=made)
        return found if found["status"] in (_READY, "FAILED") else None

    found = aws.wait(f"guardrail {made}", look, every=_EVERY, budget=_READY_WITHIN)
    if found["status"] == "FAILED":
        reasons = "; ".join(found.get("statusReasons") or ()) or "Bedrock gives no reason"
        hint = "; ".join(found.get("failureRecommendations") or ()) or "look at its policies"
        raise PipelineError(f"making guardrail {found['name']}: {reasons}", hint=hint)


def delete(aws: Aws, observed: Observed) -> None:
    """The guardrail with all versions."""
    made = str(observed.outputs["id"])
    if aws.found("bedrock", "DeleteGuardrail", guardrailIdentifier=made) is None:
        return
    aws.wait(
        f"deletion of guardrail {made}",
        lambda: True if _get(aws, made) is None else None,
        every=_EVERY,
        budget=_READY_WITHIN,
    )
