"""Route 53 and ACM as AWS has them: batches that are checked, certificates that wait for their records.

https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
"""

import hashlib
import re
from collections.abc import Callable
from typing import Any

from tests.support.aws import ACCOUNT
from tests.support.strict_transport import Params, Send, refuse

# How often a certificate is looked at before all its records are told, and before it is issued once they are there.
LOOKS_FOR_RECORDS, LOOKS_FOR_ISSUE = 3, 2


class StrictRoute53:
    """Refuses what moto takes: a record made twice, one record twice in a batch, a CNAME for the zone itself."""

    service = "route53"

    def answer(self, operation: str, region: str, params: Params, send: Send) -> dict[str, Any]:
        if operation == "ChangeResourceRecordSets":
            self._check(params, send)
        return send(operation, params)

    def empty(self) -> None:
        pass

    def _check(self, params: Params, send: Send) -> None:
        zone = send("GetHostedZone", {"Id": params["HostedZoneId"]})["HostedZone"]["Name"].rstrip(".")
        listed = send("ListResourceRecordSets", {"HostedZoneId": params["HostedZoneId"]})["ResourceRecordSets"]
        there = {(one["Name"].rstrip("."), one["Type"]) for one in listed}
        batch: set[tuple[str, str]] = set()
        for change in params["ChangeBatch"]["Changes"]:
            wanted = change["ResourceRecordSet"]
            key = (wanted["Name"].rstrip("."), wanted["Type"])
            called, problem = f"resource record set [name='{key[0]}.', type='{key[1]}']", None
            if key in batch:
                problem = f"The request contains an invalid set of changes for a resource record set '{key}'"
            elif not (key[0] == zone or key[0].endswith(f".{zone}")):
                problem = f"RRSet with DNS name {key[0]}. is not permitted in zone {zone}."
            elif key[1] == "CNAME" and key[0] == zone:
                problem = f"RRSet of type CNAME with DNS name {zone}. is not permitted at apex in zone {zone}."
            elif change["Action"] == "CREATE" and key in there:
                problem = f"Tried to create {called} but it already exists"
            elif change["Action"] == "DELETE" and key not in there:
                problem = f"Tried to delete {called} but it was not found"
            if problem:
                raise refuse("route53", "ChangeResourceRecordSets", "InvalidChangeBatch", f"[{problem}]")
            batch.add(key)


class StrictAcm:
    """Certificates of all regions. `has_record` says whether a record is in DNS, `users` who uses a certificate.

    The validation record of a domain is the same in every region and for the wildcard below it. `failing` are domains
    that ACM will not issue for.
    """

    service = "acm"

    def __init__(self, has_record: Callable[[str, str], bool], users: Callable[[str], list[str]]) -> None:
        self._has_record, self._users = has_record, users
        self.failing: dict[str, str] = {}
        self.empty()

    def empty(self) -> None:
        self.certificates: dict[str, dict[str, Any]] = {}
        self._tokens: dict[tuple[str, str], str] = {}
        self._number = 0
        self.failing.clear()

    def answer(self, operation: str, region: str, params: Params, send: Send) -> dict[str, Any]:
        answers: dict[str, Callable[[str, Params], dict[str, Any]]] = {
            "RequestCertificate": self._request,
            "DescribeCertificate": self._describe,
            "ListCertificates": self._list,
            "DeleteCertificate": self._delete,
            "ListTagsForCertificate": self._tags,
            "AddTagsToCertificate": self._tag,
            "RemoveTagsFromCertificate": self._untag,
        }
        return answers[operation](region, params)

    def _request(self, region: str, params: Params) -> dict[str, Any]:
        token = params.get("IdempotencyToken")
        if token and not re.fullmatch(r"\w{1,32}", token):
            raise refuse("acm", "RequestCertificate", "ValidationException", "invalid token")
        if token and (region, token) in self._tokens:
            return {"CertificateArn": self._tokens[region, token]}
        arn = f"arn:aws:acm:{region}:{ACCOUNT}:certificate/{self._number:08d}"
        self._number += 1
        domains = list(dict.fromkeys([params["DomainName"], *params.get("SubjectAlternativeNames", ())]))
        self.certificates[arn] = {
            "domains": domains,
            "key": params.get("KeyAlgorithm", "RSA_2048"),
            "tags": {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())},
            "status": "PENDING_VALIDATION",
            "looks": 0,
            "proven": 0,
        }
        if token:
            self._tokens[region, token] = arn
        return {"CertificateArn": arn}

    def _get(self, operation: str, region: str, params: Params) -> dict[str, Any]:
        arn = params["CertificateArn"]
        if arn not in self.certificates or arn.split(":")[3] != region:
            raise refuse("acm", operation, "ResourceNotFoundException", f"Could not find certificate {arn}")
        return self.certificates[arn]

    def _describe(self, region: str, params: Params) -> dict[str, Any]:
        found = self._get("DescribeCertificate", region, params)
        found["looks"] += 1
        self._proceed(found)
        detail: dict[str, Any] = {
            "CertificateArn": params["CertificateArn"],
            "DomainName": found["domains"][0],
            "SubjectAlternativeNames": found["domains"],
            "Status": found["status"],
            "KeyAlgorithm": found["key"].replace("_", "-", 1),
            "InUseBy": self._users(params["CertificateArn"]),
        }
        if found["status"] == "FAILED":
            detail["FailureReason"] = self.failing[found["domains"][0]]
        if found["looks"] > 1:
            detail["DomainValidationOptions"] = [
                self._option(domain, told=found["looks"] >= LOOKS_FOR_RECORDS or index == 0)
                for index, domain in enumerate(found["domains"])
            ]
        return {"Certificate": detail}

    def _proceed(self, found: dict[str, Any]) -> None:
        if found["status"] != "PENDING_VALIDATION":
            return
        if found["domains"][0] in self.failing:
            found["status"] = "FAILED"
        elif all(self._has_record(record["Name"], record["Value"]) for record in map(record_of, found["domains"])):
            found["proven"] += 1
            if found["proven"] > LOOKS_FOR_ISSUE:
                found["status"] = "ISSUED"

    @staticmethod
    def _option(domain: str, *, told: bool) -> dict[str, Any]:
        option = {"DomainName": domain, "ValidationMethod": "DNS", "ValidationStatus": "PENDING_VALIDATION"}
        return {**option, "ResourceRecord": record_of(domain)} if told else option

    def _list(self, region: str, params: Params) -> dict[str, Any]:
        keys = params.get("Includes", {}).get("keyTypes", ["RSA_2048"])
        statuses = params.get("CertificateStatuses")
        return {
            "CertificateSummaryList": [
                {
                    "CertificateArn": arn,
                    "DomainName": found["domains"][0],
                    "SubjectAlternativeNameSummaries": found["domains"],
                    "Status": found["status"],
                    "InUse": bool(self._users(arn)),
                }
                for arn, found in self.certificates.items()
                if arn.split(":")[3] == region
                and found["key"] in keys
                and (not statuses or found["status"] in statuses)
            ]
        }

    def _delete(self, region: str, params: Params) -> dict[str, Any]:
        self._get("DeleteCertificate", region, params)
        if self._users(params["CertificateArn"]):
            raise refuse("acm", "DeleteCertificate", "ResourceInUseException", "Certificate is in use.")
        del self.certificates[params["CertificateArn"]]
        return {}

    def _tags(self, region: str, params: Params) -> dict[str, Any]:
        found = self._get("ListTagsForCertificate", region, params)
        return {"Tags": [{"Key": key, "Value": value} for key, value in found["tags"].items()]}

    def _tag(self, region: str, params: Params) -> dict[str, Any]:
        self._get("AddTagsToCertificate", region, params)["tags"] |= {t["Key"]: t["Value"] for t in params["Tags"]}
        return {}

    def _untag(self, region: str, params: Params) -> dict[str, Any]:
        found = self._get("RemoveTagsFromCertificate", region, params)
        for tag in params["Tags"]:
            found["tags"].pop(tag["Key"], None)
        return {}


def record_of(domain: str) -> dict[str, str]:
    """The record that proves a domain, and every wildcard below it."""
    base = domain.removeprefix("*.")
    name = hashlib.sha256(base.encode()).hexdigest()[:12]
    return {"Name": f"_{name}.{base}.", "Type": "CNAME", "Value": f"_{name[::-1]}.acm-validations.aws."}
