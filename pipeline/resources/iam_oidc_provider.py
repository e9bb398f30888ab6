"""OpenID Connect providers. AWS checks the issuer's certificate by its own authorities; no thumbprint is kept here.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
"""

from collections.abc import Sequence

from pipeline.model.resource import Observed, Resource
from pipeline.model.values import Outputs, Properties
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


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each provider by itself: the list shows nothing but ARNs."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    arn = aws.scope.arn("iam", f"oidc-provider/{target.name}", regional=False)
    found = aws.found("iam", "GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
    if found is None:
        return None
    tags, mark = split_tags(tag_map(found.get("Tags", ())))
    properties: Properties = {"name": target.name, "audiences": sorted(found.get("ClientIDList", ())), "tags": tags}
    return Observed(target.address, properties, {"arn": arn, "name": target.name}, mark)


def create(aws: Aws, resource: Resource) -> Outputs:
    """The provider with its mark."""
    wanted = resource.properties
    found = aws.call(
        "iam",
        "CreateOpenIDConnectProvider",
        Url=f"https://{resource.name}",
        ClientIDList=list(wanted["audiences"]),
        Tags=tag_list(tags_for(aws, resource)),
    )
    return {"arn": found["OpenIDConnectProviderArn"], "name": resource.name}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Audiences one by one, new ones first; tags."""
    arn, wanted = observed.outputs["arn"], resource.properties
    if touches(paths, "audiences"):
        have = observed.properties["audiences"]
        for audience in sorted(set(wanted["audiences"]) - set(have)):
            aws.call("iam", "AddClientIDToOpenIDConnectProvider", OpenIDConnectProviderArn=arn, ClientID=audience)
        for audience in sorted(set(have) - set(wanted["audiences"])):
            aws.call("iam", "RemoveClientIDFromOpenIDConnectProvider", OpenIDConnectProviderArn=arn, ClientID=audience)
    if touches(paths, "tags"):
        if gone := stale_tags(observed, wanted["tags"]):
            aws.call("iam", "UntagOpenIDConnectProvider", OpenIDConnectProviderArn=arn, TagKeys=gone)
        tags = tag_list(tags_for(aws, resource))
        aws.call("iam", "TagOpenIDConnectProvider", OpenIDConnectProviderArn=arn, Tags=tags)
    return observed.outputs


def delete(aws: Aws, observed: Observed) -> None:
    """The provider: nobody can sign in through it any more."""
    aws.found("iam", "DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=observed.outputs["arn"])
