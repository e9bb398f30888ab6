"""Functions in a VPC: their subnets, security groups, and the way out.

A function in a VPC has no public address: what is not in the VPC is reached through a NAT gateway or an endpoint.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.diagnosing.finding import Check, Finding
from pipeline.diagnosing.patient import Patient
from pipeline.model.resource import Resource


def vpc(patient: Patient) -> Iterator[Finding]:
    """Subnets and groups exist, groups let something out, and there is a way to where AWS's services are."""
    for function in patient.of("lambda.function"):
        settings = function.properties.get("vpc")
        if isinstance(settings, Mapping) and settings.get("subnets"):
            yield from _Network(patient, function, settings).findings()


class _Network:
    def __init__(self, patient: Patient, function: Resource, settings: Mapping[str, Any]) -> None:
        self.aws, self.function = patient.aws, function
        self.subnets = [str(subnet) for subnet in settings.get("subnets", ())]
        self.groups = [str(group) for group in settings.get("security_groups", ())]

    def findings(self) -> Iterator[Finding]:
        subnets = self._found("DescribeSubnets", "Subnets", "subnet-id", self.subnets)
        groups = self._found("DescribeSecurityGroups", "SecurityGroups", "group-id", self.groups)
        yield from self._missing("subnet", self.subnets, {s["SubnetId"] for s in subnets})
        yield from self._missing("security group", self.groups, {g["GroupId"] for g in groups})
        if groups and not any(group.get("IpPermissionsEgress") for group in groups):
            fix = "a rule for outgoing connections (TCP 443) in one of its security groups"
            yield self._finding("no security group lets anything out", self.groups, fix)
        for network in sorted({subnet["VpcId"] for subnet in subnets}):
            yield from self._way_out(network, [s for s in subnets if s["VpcId"] == network])

    def _way_out(self, network: str, subnets: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
        tables = self._found("DescribeRouteTables", "RouteTables", "vpc-id", [network])
        endpoints = self._found("DescribeVpcEndpoints", "VpcEndpoints", "vpc-id", [network])
        if endpoints:
            return
        for subnet in subnets:
            table = next(
                (t for t in tables if _is_of(t, subnet["SubnetId"])), next((t for t in tables if _is_main(t)), None)
            )
            if table is None or not any(_leads_out(route) for route in table.get("Routes", ())):
                fix = "a NAT gateway for the subnet's routes, or VPC endpoints of the services that the function calls"
                yield self._finding(f"subnet {subnet['SubnetId']} has no way to AWS's services", [network], fix)

    def _missing(self, what: str, wanted: Iterable[str], found: set[str]) -> Iterator[Finding]:
        for name in sorted(set(wanted) - found):
            yield self._finding(f"{what} {name} does not exist", [], "correct it in the specs")

    def _finding(self, text: str, evidence: Iterable[str], fix: str) -> Finding:
        return Finding(f"{self.function.name}: {text}", "error", tuple(evidence), fix, self.function.address)

    def _found(self, operation: str, key: str, name: str, values: list[str]) -> list[Any]:
        return self.aws.pages("ec2", operation, key, Filters=[{"Name": name, "Values": values}]) if values else []


def _is_of(table: Mapping[str, Any], subnet: str) -> bool:
    return any(link.get("SubnetId") == subnet for link in table.get("Associations", ()))


def _is_main(table: Mapping[str, Any]) -> bool:
    return any(link.get("Main") for link in table.get("Associations", ()))


def _leads_out(route: Mapping[str, Any]) -> bool:
    """A default route that takes private addresses along; an internet gateway serves public ones only."""
    ways = ("NatGatewayId", "TransitGatewayId", "InstanceId", "NetworkInterfaceId")
    return route.get("DestinationCidrBlock") == "0.0.0.0/0" and any(route.get(way) for way in ways)


CHECKS = (Check("vpc", "functions in a VPC reach what they call", vpc),)
