"""Shows visitors the static sites of a release, and tells CloudFront which paths have changed."""

from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from urllib.parse import quote

from pipeline.model.report import Shown
from pipeline.model.resource import Resource
from pipeline.model.values import Outputs, Reference, Unknown, Value, resolve
from pipeline.resources import _s3_site_content as content
from pipeline.resources._s3_site_files import is_immutable
from pipeline.resources.base import Aws

SITE = "s3.site"
# Each path is counted and, beyond a thousand a month, paid for; everything at once counts as one.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/PayingForInvalidation.html
_MOST_PATHS = 30
_EVERYTHING = "/*"


def show_sites(
    aws: Aws, resources: Iterable[Resource], outputs: Mapping[str, Outputs], run: str, *, carried_on: bool = False
) -> dict[str, Shown]:
    """Shows the sites among `resources`; what changed, by address. `outputs` are those of everything they refer to.

    `carried_on`: a run before may have died between showing a site and telling CloudFront, so that is told everything.
    `run` names this one: an invalidation of one run is made once, however often it is asked for.
    """

    def lookup(reference: Reference) -> Value:
        return outputs.get(reference.address, {}).get(reference.output, Unknown(str(reference)))

    shown = {}
    for resource in resources:
        if resource.type == SITE and not resource.shared:
            wanted = resolve(resource.properties, lookup)
            changed = content.show(aws, wanted)
            told = [_EVERYTHING] if carried_on else invalid_paths(changed)
            if told and isinstance(wanted.get("distribution"), str):
                invalidate(aws, wanted["distribution"], told, run)
            else:
                told = []
            shown[resource.address] = Shown(tuple(changed), tuple(told))
    return shown


def invalid_paths(changed: Collection[str]) -> list[str]:
    """The paths that caches may hold an old content of; everything when they are many.

    Files whose name has a digest never have another content.
    """
    found: dict[str, None] = {}
    for path in changed:
        if is_immutable(path):
            continue
        if path.rpartition("/")[2] == "index.html":
            found[_url_path(path.removesuffix("index.html"))] = None
        found[_url_path(path)] = None
    return [_EVERYTHING] if len(found) > _MOST_PATHS else sorted(found)


def _url_path(path: str) -> str:
    return "/" + quote(path, safe="/~!$&'()+,;=:@")


def invalidate(aws: Aws, distribution: str, paths: list[str], run: str) -> None:
    """Has CloudFront ask for these paths anew. It takes a minute or so, which nobody waits for.

    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html
    """
    name = sha256("\n".join([distribution, *paths]).encode()).hexdigest()[:16]
    batch = {"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": f"{run}-{name}"}
    aws.call("cloudfront", "CreateInvalidation", DistributionId=distribution, InvalidationBatch=batch)
