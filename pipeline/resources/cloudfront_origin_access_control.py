"""Origin access controls of CloudFront, which carry no tags: the mark stands in their description.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import _cloudfront_etags as etags
from pipeline.resources import _text_marks as marks
from pipeline.resources._cloudfront_listed import chosen
from pipeline.resources.base import Aws, Problem, Target

_THING = "OriginAccessControl"
Wire = Mapping[str, Any]


def canonical(properties: Properties, scope: Scope) -> Properties:
    """The description without white space around it: the mark stands in front of it."""
    return {**properties, "description": str(properties.get("description") or "").strip()}


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Requests that are not signed reach public origins alone."""
    if resource.properties["signing"] == "never":
        yield Problem("CloudFront signs nothing: the origin has to be public", ("signing",), "say signing: always")


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """By the recorded ids, else by their names, from one list."""
    listed = aws.pages("cloudfront", "ListOriginAccessControls", key="OriginAccessControlList.Items")
    return {target.address: _observed(target, one) for target, one in chosen(targets, [(o["Name"], o) for o in listed])}


def _observed(target: Target, found: Wire) -> Observed:
    description, mark = marks.split(found.get("Description"), target.address)
    properties = {
        "name": found["Name"],
        "description": description,
        "origin": found["OriginAccessControlOriginType"],
        "signing": found["SigningBehavior"],
    }
    return Observed(target.address, properties, {"id": found["Id"]}, mark)


def create(aws: Aws, resource: Resource) -> Outputs:
    """The control with its mark."""
    made = aws.call("cloudfront", "CreateOriginAccessControl", OriginAccessControlConfig=_config(aws.scope, resource))
    return {"id": made["OriginAccessControl"]["Id"]}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """The whole of it."""
    wanted = {"OriginAccessControlConfig": _config(aws.scope, resource)}
    etags.change(aws, _THING, str(observed.outputs["id"]), lambda _: wanted)
    return observed.outputs


def delete(aws: Aws, observed: Observed) -> None:
    """The control, once no distribution has it any more."""
    etags.remove(aws, _THING, str(observed.outputs["id"]))


def _config(scope: Scope, resource: Resource) -> dict[str, Any]:
    wanted = resource.properties
    return {
        "Name": resource.name,
        "Description": marks.marked(scope, wanted["description"]),
        "SigningProtocol": "sigv4",
        "SigningBehavior": wanted["signing"],
        "OriginAccessControlOriginType": wanted["origin"],
    }
