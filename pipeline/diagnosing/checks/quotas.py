"""Service quotas against what the plan adds."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.applying.aws_client import AwsClient
from pipeline.diagnosing.finding import Check, Finding
from pipeline.diagnosing.patient import Patient
from pipeline.errors import AwsError
from pipeline.model.plan import Action, Change

GLOBAL = "us-east-1"  # where quotas of the whole account are asked for


@dataclass(frozen=True)
class _Counted:
    """Types that share a quota, its service and code, and the list that counts what there is.

    `endpoint`: of APIs the type of endpoint that has this quota.
    """

    types: tuple[str, ...]
    service: str
    code: str
    listing: tuple[str, str, str]
    region: str | None = None
    endpoint: str | None = None

    def counts(self, change: Change) -> bool:
        """True when what the change makes counts, too."""
        made = change.desired.properties.get("endpoint_type", "REGIONAL") if change.desired else None
        return change.type in self.types and self.endpoint in (None, made)

    def there(self, aws: AwsClient) -> int:
        """How many there are."""
        service, operation, key = self.listing
        found: list[Any] = aws.pages(service, operation, key, **_LISTED.get(operation, {}))
        if self.endpoint is None:
            return len(found)
        return sum(self.endpoint in api.get("endpointConfiguration", {}).get("types", ()) for api in found)


# Codes: `aws service-quotas list-service-quotas --service-code dynamodb`; docs/doctor.md says where each was found.
_COUNTED = (
    _Counted(("dynamodb.table",), "dynamodb", "L-F98FE922", ("dynamodb", "ListTables", "TableNames")),
    _Counted(("s3.bucket",), "s3", "L-DC2B2D3D", ("s3", "ListBuckets", "Buckets"), GLOBAL),
    _Counted(
        ("apigateway.rest_api",), "apigateway", "L-AA0FF27B", ("apigateway", "GetRestApis", "items"), None, "REGIONAL"
    ),
    _Counted(
        ("apigateway.rest_api",), "apigateway", "L-B97207D0", ("apigateway", "GetRestApis", "items"), None, "EDGE"
    ),
    _Counted(
        ("apigateway.domain_name", "apigatewayv2.domain_name"),
        "apigateway",
        "L-A93447B8",
        ("apigateway", "GetDomainNames", "items"),
    ),
    _Counted(
        ("cloudfront.distribution",),
        "cloudfront",
        "L-24B04930",
        ("cloudfront", "ListDistributions", "DistributionList.Items"),
        GLOBAL,
    ),
    _Counted(("events.rule",), "events", "L-244521F2", ("events", "ListRules", "Rules")),
    _Counted(("cognito-idp.user_pool",), "cognito-idp", "L-627C1657", ("cognito-idp", "ListUserPools", "UserPools")),
)
_LISTED = {"ListUserPools": {"MaxResults": 60}}  # what a list asks for
_ALARMING = 0.9


def quotas(patient: Patient) -> Iterator[Finding]:
    """What there is, what the plan adds, and what the account may have."""
    created = [change for change in patient.condition.plan.changes if change.action is Action.CREATE]
    added = Counter(change.type for change in created)
    yield from _concurrency(patient)
    if added["lambda.function"] or added["lambda.layer"]:
        yield from _storage(patient)
    if added["iam.role"] or added["iam.policy"]:
        yield from _iam(patient, added)
    for counted in _COUNTED:
        if more := sum(counted.counts(change) for change in created):
            there = counted.there(patient.aws)
            yield from _compared(counted.types[0], there, more, _quota(patient.aws, counted))


def _quota(aws: AwsClient, counted: _Counted) -> float:
    """The account's own value, else AWS's default: of some quotas there is no other before it was changed.

    https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
    """
    asked = {"ServiceCode": counted.service, "QuotaCode": counted.code}
    try:
        found = aws.call("service-quotas", "GetServiceQuota", region=counted.region, **asked)
    except AwsError as error:
        if error.code != "NoSuchResourceException":
            raise
        found = aws.call("service-quotas", "GetAWSDefaultServiceQuota", region=counted.region, **asked)
    return float(found["Quota"]["Value"])


def _storage(patient: Patient) -> Iterator[Finding]:
    """Every version of every function of a region counts, those of others in the account included.

    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """
    found = patient.aws.call("lambda", "GetAccountSettings")
    used, quota = found["AccountUsage"]["TotalCodeSize"], found["AccountLimit"]["TotalCodeSize"]
    if used > quota * _ALARMING:
        evidence = (f"{used / 1e9:.1f} GB are used", f"the quota is {quota / 1e9:.1f} GB")
        yield Finding("the room for functions' code is nearly used up", "warning", evidence, _raise("Lambda"))


def _concurrency(patient: Patient) -> Iterator[Finding]:
    """Reserved concurrency leaves 100 for functions without.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    """
    reserved = sum(int(f.properties.get("reserved_concurrency") or 0) for f in patient.of("lambda.function"))
    if not reserved:
        return
    limits = patient.aws.call("lambda", "GetAccountSettings")["AccountLimit"]
    if reserved > limits["ConcurrentExecutions"] - 100:
        evidence = (
            f"reserved by the specs: {reserved}",
            f"quota of the account: {limits['ConcurrentExecutions']}, 100 stay free",
        )
        yield Finding("the specs reserve more concurrency than the account has", "error", evidence, _raise("Lambda"))


def _iam(patient: Patient, added: Counter[str]) -> Iterator[Finding]:
    summary = patient.aws.call("iam", "GetAccountSummary")["SummaryMap"]
    for kind, name in (("iam.role", "Roles"), ("iam.policy", "Policies")):
        if added[kind] and f"{name}Quota" in summary:
            yield from _compared(kind, summary[name], added[kind], summary[f"{name}Quota"])


def _compared(kind: str, used: float, more: int, quota: float) -> Iterator[Finding]:
    evidence = (f"there are {used:.0f}", f"the plan adds {more}", f"the quota is {quota:.0f}")
    if used + more > quota:
        yield Finding(f"the plan goes over the quota of {kind}", "error", evidence, _raise(kind.partition(".")[0]))
    elif used + more > quota * _ALARMING:
        yield Finding(f"the quota of {kind} is nearly used up", "warning", evidence, _raise(kind.partition(".")[0]))


def _raise(service: str) -> str:
    return f"ask for a higher quota of {service} in the console of Service Quotas"


CHECKS = (Check("quotas", "the account has room for what the plan adds", quotas),)
