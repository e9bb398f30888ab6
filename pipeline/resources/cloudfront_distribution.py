"""Distributions of CloudFront.

CloudFront knows them by ids alone: one is found by the id of the last release, else by its ownership mark, which the
creating call writes. The reference of that call is made of who asks for what, so that asking twice makes one.
A change is made with the ETag of what was just read, and takes minutes to reach all edge locations.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-working-with.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.errors import AmbiguousOutcome, AwsError
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs
from pipeline.resources import _cloudfront_etags as etags
from pipeline.resources._distribution_config import from_wire, to_wire
from pipeline.resources._distribution_declaration import DECLARED, address_of, canonical, check, derive, warn
from pipeline.resources.base import (
    Aws,
    Target,
    read_each,
    split_tags,
    stale_tags,
    tag_list,
    tag_map,
    tags_for,
    touches,
)

__all__ = ["canonical", "check", "create", "delete", "derive", "read", "update", "warn"]

# The same for every distribution: https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html
_ZONE, _ZONE_IN_CHINA = "Z2FDTNDATAQYW2", "Z3RFFRIM2A3IF5"
# Three to fifteen minutes: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-working-with.html
_EVERY, _SECONDS = 15.0, 2400.0
_EXISTS = "DistributionAlreadyExists"
_MOST_USED_UP = 20

Wire = Mapping[str, Any]


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each distribution by the id of the last release, else by its mark."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    recorded = target.recorded.get("id")
    found = aws.found("cloudfront", "GetDistribution", Id=recorded) if recorded else None
    if found is not None:
        return _observed(aws, target, found["Distribution"], _tags(aws, found["Distribution"]["ARN"]))
    chosen = _search(aws, target)
    if chosen is None:
        return None
    found = aws.found("cloudfront", "GetDistribution", Id=chosen[0])
    return _observed(aws, target, found["Distribution"], chosen[1]) if found else None


def _search(aws: Aws, target: Target) -> tuple[str, dict[str, str]] | None:
    """Id and tags of the one with our mark; else of one without a mark that has one of our aliases."""
    listed = aws.pages("cloudfront", "ListDistributions", key="DistributionList.Items")
    tagged = aws.gather([lambda one=one: _tags(aws, one["ARN"]) for one in listed])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    ours = aws.scope.mark(target.address)
    aliases = {*target.resource.properties["aliases"]}
    unmarked = None
    for one, tags in zip(listed, tagged, strict=True):
        mark = split_tags(tags)[1]
        if mark == ours:
            return str(one["Id"]), tags
        if mark is None and aliases & {*((one.get("Aliases") or {}).get("Items") or ())}:
            unmarked = unmarked or (str(one["Id"]), tags)
    return unmarked


def _tags(aws: Aws, arn: str) -> dict[str, str]:
    found = aws.call("cloudfront", "ListTagsForResource", Resource=arn)
    return tag_map({"Value": "", **tag} for tag in (found.get("Tags") or {}).get("Items") or ())


def _observed(aws: Aws, target: Target, found: Wire, tags: Mapping[str, str]) -> Observed:
    declared = target.resource.properties
    own, mark = split_tags(tags)
    properties = {
        "name": target.name,
        **{name: declared.get(name) for name in DECLARED},
        **from_wire(found["DistributionConfig"]),
        "tags": own,
    }
    if not declared.get("web_acl"):
        properties["web_acl"] = None  # whoever attached one may keep it
    rolling = f"{target.address} is still on its way to all edge locations"
    pending = rolling if found["Status"] != "Deployed" else None
    return Observed(target.address, properties, _outputs(aws.scope, found), mark, pending=pending)


def _outputs(scope: Scope, found: Wire) -> Outputs:
    aliases = sorted((found["DistributionConfig"].get("Aliases") or {}).get("Items") or ())
    return {
        "id": found["Id"],
        "arn": found["ARN"],
        "domain": found["DomainName"],
        "cloudfront_url": f"https://{found['DomainName']}",
        "zone_id": _ZONE_IN_CHINA if scope.partition == "aws-cn" else _ZONE,
        "url": address_of(aliases, found["DomainName"]),
    }


def create(aws: Aws, resource: Resource) -> Outputs:
    """The distribution with its mark; waits until it is everywhere."""
    identifier = _create(aws, resource)["Distribution"]["Id"]
    return _outputs(aws.scope, _wait(aws, resource.address, identifier, lambda _: True))


def _create(aws: Aws, resource: Resource) -> Wire:
    """A reference that was used for one that is deleted since is used up: then the next one is taken."""
    scope = aws.scope
    reference = f"pipeline:{scope.service}/{scope.environment}/{resource.name}"
    for number in range(_MOST_USED_UP):
        config = {"CallerReference": f"{reference}/{number}", **to_wire(resource.properties, {})}
        wanted = {"DistributionConfig": config, "Tags": {"Items": tag_list(tags_for(aws, resource))}}
        try:
            return aws.call("cloudfront", "CreateDistributionWithTags", DistributionConfigWithTags=wanted)
        except AwsError as error:
            if isinstance(error, AmbiguousOutcome) or error.code != _EXISTS or _is_there(aws, error):
                raise
    raise AssertionError(f"{_MOST_USED_UP} references of {resource.address} are used up")


def _is_there(aws: Aws, error: AwsError) -> bool:
    """False when the distribution that has the reference (the error names it) was deleted."""
    named = re.search(r"\bE[A-Z0-9]{5,}\b", error.call.message)
    return named is None or aws.found("cloudfront", "GetDistribution", Id=named[0]) is not None


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Tags, then the configuration as a whole; waits until it is everywhere."""
    outputs = observed.outputs
    if touches(paths, "tags"):
        _tag(aws, resource, observed)
    if paths and not all(path.split(".")[0] == "tags" for path in paths):
        is_new = _change(aws, str(outputs["id"]), lambda have: to_wire(resource.properties, have))
        return _outputs(aws.scope, _wait(aws, resource.address, str(outputs["id"]), is_new))
    return outputs


def _change(aws: Aws, identifier: str, make: Callable[[Wire], Mapping[str, Any]]) -> Callable[[Wire], bool]:
    """Changes the configuration to what `make` gives for the one that is there; tells which answers are not older.

    Somebody may change it again meanwhile (Firewall Manager attaches web ACLs): the ETag need not be ours.
    """
    before: list[str] = []

    def parameters(found: Wire) -> Mapping[str, Any]:
        before.append(found["ETag"])
        return {"DistributionConfig": make(found["Distribution"]["DistributionConfig"])}

    made = etags.change(aws, "Distribution", identifier, parameters)["ETag"]
    return lambda answer: answer["ETag"] == made or answer["ETag"] not in before


def _tag(aws: Aws, resource: Resource, observed: Observed) -> None:
    tags, arn = tags_for(aws, resource), str(observed.outputs["arn"])
    aws.call("cloudfront", "TagResource", Resource=arn, Tags={"Items": tag_list(tags)})
    if gone := stale_tags(observed, tags):
        aws.call("cloudfront", "UntagResource", Resource=arn, TagKeys={"Items": gone})


def _wait(aws: Aws, what: str, identifier: str, is_new: Callable[[Wire], bool]) -> Wire:
    """The distribution when it is everywhere. What is read may be from before the change: that is seen by its ETag.

    https://github.com/go-to-k/cdkd src/provisioning/providers (measured)
    """

    def look() -> Wire | None:
        answer = aws.call("cloudfront", "GetDistribution", Id=identifier)
        arrived = answer["Distribution"]["Status"] == "Deployed" and is_new(answer)
        return answer["Distribution"] if arrived else None

    found: Wire = aws.wait(f"{what} to reach all edge locations", look, every=_EVERY, budget=_SECONDS)
    return found


def delete(aws: Aws, observed: Observed) -> None:
    """Disables it, waits until it is that everywhere, then deletes it.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HowToDeleteDistribution.html
    """
    identifier = str(observed.outputs["id"])
    found = aws.found("cloudfront", "GetDistribution", Id=identifier)
    if found is None:
        return
    if found["Distribution"]["DistributionConfig"]["Enabled"]:
        _change(aws, identifier, lambda have: {**have, "Enabled": False})
    what = f"the end of {observed.address}"
    _wait(aws, what, identifier, lambda answer: not answer["Distribution"]["DistributionConfig"]["Enabled"])
    etags.remove(aws, "Distribution", identifier)
