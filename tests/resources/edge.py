"""An account whose edge is strict, and cases of its types as authors declare them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from moto import mock_aws

from pipeline.applying.aws_client import AwsClient
from pipeline.clients import BotoTransport
from pipeline.model.resource import Resource
from pipeline.model.values import Reference, Value, resolve
from pipeline.resources.registry import registry
from tests.contract import prerequisites
from tests.contract.engine import Case, declared, name_of
from tests.support.aws import CREDENTIALS, REGION, SCOPE, FakeClock
from tests.support.edge import Edge
from tests.support.strict_transport import StrictTransport

ZONE, ZONE_ID = prerequisites.ZONE, prerequisites.ZONE_ID


@cache
def _transport() -> BotoTransport:
    """Clients hold no state of an account, so one set of them serves all tests."""
    return BotoTransport(REGION, threads=4, environment=CREDENTIALS)


@contextmanager
def account(aws_environment: None, clock: FakeClock) -> Iterator[tuple[AwsClient, Edge]]:
    """An account with a hosted zone, and the strict services in it."""
    with mock_aws():
        edge = Edge()
        client = AwsClient(StrictTransport(_transport(), edge.services), clock, threads=4)
        client.scope = SCOPE
        prerequisites.of("route53.record").prepare(client)
        yield client, edge


def case(type_name: str, outputs: Mapping[str, Value] | None = None, **properties: Any) -> Case:
    """A resource as declared; `outputs` are those of others, by their whole reference."""
    kind = registry()[type_name]
    known = {f"${{route53.hosted_zone/{ZONE}.id}}": ZONE_ID, **(outputs or {})}

    def look_up(reference: Reference) -> Value:
        return known.get(str(reference), str(reference))

    found = resolve(declared(kind, properties, SCOPE), look_up)
    return Case(kind, Resource(kind.name, name_of(kind, found), found))


def problems(type_name: str, **properties: Any) -> list[str]:
    """What the type's own check says."""
    found = case(type_name, **properties)
    return [problem.message for problem in found.kind.check(found.resource, SCOPE)]
