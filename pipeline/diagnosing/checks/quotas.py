"""Service quotas against what the plan adds."""

from collections import Counter
from collections.abc import Iterator

from pipeline.diagnosing.finding import Check, Finding
from pipeline.diagnosing.patient import Patient
from pipeline.model.plan import Action

# type -> (service and code of its quota, the list that counts what there is).
# Codes: `aws service-quotas list-service-quotas --service-code dynamodb`.
_COUNTED = {
    "dynamodb.table": ("dynamodb", "L-F98FE922", ("dynamodb", "ListTables", "TableNames")),
    "s3.bucket": ("s3", "L-DC2B2D3D", ("s3", "ListBuckets", "Buckets")),
}
_ALARMING = 0.9


def quotas(patient: Patient) -> Iterator[Finding]:
    """What there is, what the plan adds, and what the account may have."""
    added = Counter(c.type for c in patient.condition.plan.changes if c.action is Action.CREATE)
    yield from _concurrency(patient)
    if added["iam.role"] or added["iam.policy"]:
        yield from _iam(patient, added)
    for kind, (service, code, listing) in _COUNTED.items():
        if added[kind]:
            quota = patient.aws.call("service-quotas", "GetServiceQuota", ServiceCode=service, QuotaCode=code)["Quota"][
                "Value"
            ]
            name, operation, key = listing
            yield from _compared(kind, len(patient.aws.pages(name, operation, key)), added[kind], quota)


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
