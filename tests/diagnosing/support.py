"""A patient whose AWS answers what a test tells it to."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pipeline.applying.aws_client import AwsClient
from pipeline.config.validation import Checker
from pipeline.diagnosing.examination import all_checks
from pipeline.diagnosing.finding import Finding
from pipeline.diagnosing.patient import Condition, Patient
from pipeline.granting.needs import Needs
from pipeline.model.environment import Environment
from pipeline.model.plan import Action, Change, Origin, Plan
from pipeline.model.release import LedgerHead, LockState
from pipeline.model.resource import DesiredState, ObservedState, Resource
from pipeline.resources.registry import registry
from tests.support.aws import ACCOUNT, SCOPE, FakeClock
from tests.support.fake_transport import FakeTransport, Reply
from tests.support.recorded_actions import acting

ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-dev-deploy/session"


def declared(kind: str, name: str, **properties: Any) -> Resource:
    """A resource as the specs give it."""
    found = registry()[kind]
    complete = Checker(found.spec.schema, kind).with_defaults({"name": name, **properties})
    return Resource(kind, name, found.canonical(complete, SCOPE))


def patient(
    *resources: Resource,
    replies: Mapping[str, Reply] | None = None,
    changes: tuple[Change, ...] = (),
    lock: LockState | None = None,
    environ: Mapping[str, str] | None = None,
    name: str = "dev",
    account: str | None = ACCOUNT,
    token: str | None = None,
) -> Patient:
    """An environment with these resources. `replies`: `service:Operation` -> answer."""
    known = {"sts:GetCallerIdentity": {"Account": ACCOUNT, "Arn": ROLE, "UserId": "x"}, **(replies or {})}
    transport = FakeTransport({key: [reply] for key, reply in known.items()})
    clock = FakeClock()
    aws = AwsClient(transport, clock)
    aws.scope = SCOPE
    scope = ("orders", name, "us-east-1", ACCOUNT, None)
    plan = Plan(*scope, changes)
    desired = DesiredState(resources)
    return Patient(
        environment=Environment(name, "orders", "us-east-1", account, {}, {}, f"environments/{name}.env"),
        desired=desired,
        aws=aws,
        needs=Needs(SCOPE, resources, "orders-ledger"),
        examine=lambda: Condition(plan, ObservedState({}), LedgerHead(exists=True, lock=lock)),
        environ=environ or {},
        now=clock.now() + timedelta(0),
        token=lambda: token,
    )


def create(resource: Resource) -> Change:
    return Change(resource.address, Action.CREATE, Origin.GIT, desired=resource)


def found(check: str, who: Patient) -> list[Finding]:
    """What one check finds."""
    (wanted,) = [one for one in all_checks() if one.id == check]
    with acting("doctor"):
        return list(wanted.examine(who))
