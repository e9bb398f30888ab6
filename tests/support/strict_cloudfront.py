"""CloudFront as AWS has it: slow, guarded by ETags, and particular about certificates, aliases and origins.

What is changed is read as it was for a moment, then takes a while to be deployed; an update must be whole; what is in
use is not deleted. https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_UpdateDistribution.html
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.aws import ACCOUNT
from tests.support.strict_policies import StrictPolicies
from tests.support.strict_transport import Params, Send, refuse

# How often GetDistribution shows the state before a change, and how often `InProgress` after that.
STALE_LOOKS, SLOW_LOOKS = 1, 2
# Optional at creation, required at an update: https://github.com/go-to-k/cdkd (measured)
_WHOLE = (
    "Aliases", "DefaultRootObject", "OriginGroups", "CacheBehaviors", "CustomErrorResponses", "Logging", "PriceClass",
    "ViewerCertificate", "Restrictions", "WebACLId", "HttpVersion", "IsIPV6Enabled",
)  # fmt: skip
_WHOLE_ORIGIN = ("OriginPath", "CustomHeaders", "ConnectionAttempts", "ConnectionTimeout", "OriginShield")
_WHOLE_BEHAVIOR = (
    "AllowedMethods", "SmoothStreaming", "Compress", "LambdaFunctionAssociations", "FieldLevelEncryptionId",
)  # fmt: skip
_USED_REFERENCE = (
    "The caller reference that you are using to create a distribution is associated with another distribution."
)
_NO_CERTIFICATE = (
    "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach a trusted certificate"
)
_WRONG_CERTIFICATE = (
    "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't include a valid "
    "certificate chain."
)


class StrictCloudFront:
    """Distributions, and what they refer to. `certificate` gives the domains of an issued one in us-east-1, or None."""

    service = "cloudfront"

    def __init__(self, certificate: Callable[[str], list[str] | None]) -> None:
        self._certificate = certificate
        self.policies = StrictPolicies(self._in_use)
        self.empty()

    def empty(self) -> None:
        self.distributions: dict[str, dict[str, Any]] = {}
        self._references: dict[str, str] = {}
        self._known_certificates: set[str] = set()
        self._number = 0
        self.policies.empty()

    def answer(self, operation: str, region: str, params: Params, send: Send) -> dict[str, Any]:
        answers: dict[str, Callable[[Params], dict[str, Any]]] = {
            "CreateDistributionWithTags": self._create,
            "GetDistribution": self._get,
            "ListDistributions": self._list,
            "UpdateDistribution": self._update,
            "DeleteDistribution": self._delete,
            "ListTagsForResource": self._tags,
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }
        if operation in answers:
            return copy.deepcopy(answers[operation](params))
        return copy.deepcopy(self.policies.answer(operation, params))

    def users_of(self, certificate: str) -> list[str]:
        """Distributions with this certificate."""
        found = self.distributions.values()
        return [
            one["arn"] for one in found if one["config"]["ViewerCertificate"].get("ACMCertificateArn") == certificate
        ]

    def _in_use(self, identifier: str) -> bool:
        return any(identifier in str(one["config"]) for one in self.distributions.values())

    def _create(self, params: Params) -> dict[str, Any]:
        config = copy.deepcopy(params["DistributionConfigWithTags"]["DistributionConfig"])
        reference = config["CallerReference"]
        if reference in self._references:
            said = f"{_USED_REFERENCE} Already exists: {self._references[reference]}"
            raise refuse("cloudfront", "CreateDistribution", "DistributionAlreadyExists", said, 409)
        self._check(config, None)
        self._number += 1
        identifier = f"E{self._number:05d}STRICT"
        self._references[reference] = identifier
        self.distributions[identifier] = {
            "arn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/{identifier}",
            "domain": f"d{self._number:05d}strict.cloudfront.net",
            "config": _filled(config),
            "tags": {tag["Key"]: tag["Value"] for tag in params["DistributionConfigWithTags"]["Tags"]["Items"]},
            "etag": f"ETAG{self._number}",
            "before": None,
            "stale": 0,
            "slow": SLOW_LOOKS,
        }
        return self._shown(identifier)

    def _check(self, config: Mapping[str, Any], own: str | None) -> None:
        aliases = (config.get("Aliases") or {}).get("Items") or []
        for identifier, other in self.distributions.items():
            taken = {*aliases} & {*(other["config"]["Aliases"].get("Items") or ())}
            if identifier != own and taken:
                said = "One or more of the CNAMEs you provided are already associated with a different resource."
                raise refuse("cloudfront", "UpdateDistribution", "CNAMEAlreadyExists", said, 409)
        self._check_certificate(config.get("ViewerCertificate") or {}, aliases)
        for origin in config["Origins"]["Items"]:
            self._check_origin(origin)
        origins = [origin["Id"] for origin in config["Origins"]["Items"]]
        if len({*origins}) < len(origins):
            raise refuse("cloudfront", "UpdateDistribution", "InvalidOrigin", "two origins have one id")
        further = (config.get("CacheBehaviors") or {}).get("Items") or []
        for behavior in (config["DefaultCacheBehavior"], *further):
            if "CachePolicyId" in behavior and "ForwardedValues" in behavior:
                said = "ForwardedValues with a cache policy"
                raise refuse("cloudfront", "UpdateDistribution", "InvalidArgument", said)
            if behavior["TargetOriginId"] not in origins:
                said = "One or more of your origins or origin groups do not exist."
                raise refuse("cloudfront", "UpdateDistribution", "NoSuchOrigin", said, 404)
        patterns = [behavior["PathPattern"] for behavior in further]
        if len({*patterns}) < len(patterns):
            said = "The parameter PathPattern contains duplicates."
            raise refuse("cloudfront", "UpdateDistribution", "InvalidArgument", said)

    def _check_certificate(self, wanted: Mapping[str, Any], aliases: list[str]) -> None:
        arn = wanted.get("ACMCertificateArn")
        if aliases and not arn:
            raise refuse("cloudfront", "UpdateDistribution", "InvalidViewerCertificate", _NO_CERTIFICATE)
        if not arn:
            return
        domains = self._certificate(arn)
        known, self._known_certificates = arn in self._known_certificates, self._known_certificates | {arn}
        if domains is None or not known:  # one that was just issued is not known at once
            raise refuse("cloudfront", "UpdateDistribution", "InvalidViewerCertificate", _WRONG_CERTIFICATE)
        if not all(alias in domains or f"*.{alias.partition('.')[2]}" in domains for alias in aliases):
            said = "The certificate that is attached to your distribution doesn't cover the alternate domain name"
            raise refuse("cloudfront", "UpdateDistribution", "InvalidViewerCertificate", said)

    def _check_origin(self, origin: Mapping[str, Any]) -> None:
        control = origin.get("OriginAccessControlId")
        if control and control not in self.policies.held["OriginAccessControl"]:
            said = "The specified origin access control does not exist."
            raise refuse("cloudfront", "UpdateDistribution", "InvalidOriginAccessControl", said)
        if control and ("S3OriginConfig" not in origin or "s3-website" in origin["DomainName"]):
            said = "An origin access control is for origins of the REST endpoint of S3"
            raise refuse("cloudfront", "UpdateDistribution", "IllegalOriginAccessConfiguration", said)
        if ("S3OriginConfig" in origin) is ("CustomOriginConfig" in origin):
            raise refuse("cloudfront", "UpdateDistribution", "InvalidOrigin", "an S3 or a custom origin")

    def _one(self, operation: str, params: Params) -> dict[str, Any]:
        if params["Id"] not in self.distributions:
            said = "The specified distribution does not exist."
            raise refuse("cloudfront", operation, "NoSuchDistribution", said, 404)
        return self.distributions[params["Id"]]

    def _get(self, params: Params) -> dict[str, Any]:
        found = self._one("GetDistribution", params)
        if found["stale"]:
            found["stale"] -= 1
            config, etag = found["before"]
            return self._shown(params["Id"], config, etag, "Deployed")
        if found["slow"]:
            found["slow"] -= 1
            return self._shown(params["Id"], status="InProgress")
        return self._shown(params["Id"])

    def _shown(
        self, identifier: str, config: Any = None, etag: str | None = None, status: str | None = None
    ) -> dict[str, Any]:
        found = self.distributions[identifier]
        shown = {
            "Id": identifier,
            "ARN": found["arn"],
            "DomainName": found["domain"],
            "Status": status or ("InProgress" if found["slow"] else "Deployed"),
            "DistributionConfig": config or found["config"],
        }
        return {"Distribution": shown, "ETag": etag or found["etag"]}

    def _list(self, params: Params) -> dict[str, Any]:
        items = [
            {
                "Id": identifier,
                "ARN": one["arn"],
                "DomainName": one["domain"],
                "Comment": one["config"]["Comment"],
                "Aliases": one["config"]["Aliases"],
            }
            for identifier, one in self.distributions.items()
        ]
        return {"DistributionList": {"Quantity": len(items), "IsTruncated": False, "Items": items}}

    def _match(self, operation: str, params: Params) -> dict[str, Any]:
        found = self._one(operation, params)
        if not params.get("IfMatch"):
            raise refuse("cloudfront", operation, "InvalidIfMatchVersion", "The If-Match version is missing")
        if params["IfMatch"] != found["etag"]:
            said = "The request failed because it didn't meet the preconditions in one or more request-header fields."
            raise refuse("cloudfront", operation, "PreconditionFailed", said, 412)
        return found

    def _update(self, params: Params) -> dict[str, Any]:
        found, config = self._match("UpdateDistribution", params), params["DistributionConfig"]
        if config["CallerReference"] != found["config"]["CallerReference"]:
            raise refuse("cloudfront", "UpdateDistribution", "IllegalUpdate", "The caller reference cannot be changed")
        lacking = [name for name in _WHOLE if name not in config]
        lacking += [name for one in config["Origins"]["Items"] for name in _WHOLE_ORIGIN if name not in one]
        for behavior in (config["DefaultCacheBehavior"], *(config["CacheBehaviors"].get("Items") or ())):
            lacking += [name for name in _WHOLE_BEHAVIOR if name not in behavior]
        if lacking:
            raise refuse("cloudfront", "UpdateDistribution", "MissingBody", f"missing: {', '.join(lacking)}")
        self._check(config, params["Id"])
        found["before"] = (found["config"], found["etag"])
        found["stale"], found["slow"] = STALE_LOOKS, SLOW_LOOKS
        found["config"] = _filled(copy.deepcopy(config))
        self._number += 1
        found["etag"] = f"ETAG{self._number}"
        return self._shown(params["Id"])

    def _delete(self, params: Params) -> dict[str, Any]:
        found = self._match("DeleteDistribution", params)
        if found["config"]["Enabled"] or found["slow"]:
            said = "The distribution you are trying to delete has not been disabled."
            raise refuse("cloudfront", "DeleteDistribution", "DistributionNotDisabled", said, 409)
        del self.distributions[params["Id"]]
        return {}

    def _by_arn(self, params: Params) -> dict[str, Any]:
        found = next((one for one in self.distributions.values() if one["arn"] == params["Resource"]), None)
        if found is None:
            raise refuse("cloudfront", "TagResource", "NoSuchResource", "there is no such resource", 404)
        return found

    def _tags(self, params: Params) -> dict[str, Any]:
        tags = self._by_arn(params)["tags"]
        return {"Tags": {"Items": [{"Key": key, "Value": value} for key, value in tags.items()]}}

    def _tag(self, params: Params) -> dict[str, Any]:
        self._by_arn(params)["tags"] |= {tag["Key"]: tag["Value"] for tag in params["Tags"]["Items"]}
        return {}

    def _untag(self, params: Params) -> dict[str, Any]:
        for key in params["TagKeys"]["Items"]:
            self._by_arn(params)["tags"].pop(key, None)
        return {}


def _filled(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration as CloudFront shows it: what was left out is there with its default."""
    filled = {
        "Aliases": {"Quantity": 0},
        "DefaultRootObject": "",
        "OriginGroups": {"Quantity": 0},
        "CacheBehaviors": {"Quantity": 0},
        "CustomErrorResponses": {"Quantity": 0},
        "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
        "PriceClass": "PriceClass_All",
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
        "WebACLId": "",
        "HttpVersion": "http2",
        "IsIPV6Enabled": False,
        **config,
    }
    certificate = dict(config.get("ViewerCertificate") or {})
    if certificate.get("ACMCertificateArn"):
        certificate |= {"CloudFrontDefaultCertificate": False, "CertificateSource": "acm"}
    else:
        certificate = {"CloudFrontDefaultCertificate": True, "MinimumProtocolVersion": "TLSv1"}
    filled["ViewerCertificate"] = certificate
    shown = {"SmoothStreaming": False, "FieldLevelEncryptionId": "", "LambdaFunctionAssociations": {"Quantity": 0}}
    filled["DefaultCacheBehavior"] = {**shown, **config["DefaultCacheBehavior"]}
    further = [{**shown, **one} for one in filled["CacheBehaviors"].get("Items") or ()]
    filled["CacheBehaviors"] = {"Quantity": len(further), **({"Items": further} if further else {})}
    defaults = {"CustomHeaders": {"Quantity": 0}, "OriginPath": "", "ConnectionAttempts": 3, "ConnectionTimeout": 10}
    defaults |= {"OriginShield": {"Enabled": False}, "OriginAccessControlId": ""}
    origins = [{**defaults, **origin} for origin in config["Origins"]["Items"]]
    filled["Origins"] = {"Quantity": len(origins), "Items": origins}
    return filled
