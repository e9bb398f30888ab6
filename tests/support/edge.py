"""The strict services of one account, together: what one of them asks the others is looked up in moto's state."""

from collections.abc import Mapping

from moto.route53.models import route53_backends

from tests.support.aws import ACCOUNT
from tests.support.strict_cloudfront import StrictCloudFront
from tests.support.strict_dns import StrictAcm, StrictRoute53
from tests.support.strict_domains import DomainStore, StrictRestDomains, StrictWebSocketDomains
from tests.support.strict_transport import Strict


class Edge:
    """CloudFront, ACM, Route 53 and domain names of APIs in an account."""

    def __init__(self) -> None:
        self.cloudfront = StrictCloudFront(lambda arn: self._issued(arn, "us-east-1"))
        self.domains = DomainStore(self._issued)
        self.acm = StrictAcm(has_record, lambda arn: [*self.cloudfront.users_of(arn), *self.domains.users_of(arn)])
        self.route53 = StrictRoute53()

    @property
    def services(self) -> Mapping[str, Strict]:
        apis = StrictRestDomains(self.domains), StrictWebSocketDomains(self.domains)
        return {strict.service: strict for strict in (self.acm, self.cloudfront, self.route53, *apis)}

    def empty(self) -> None:
        for strict in self.services.values():
            strict.empty()

    def _issued(self, arn: str, region: str) -> list[str] | None:
        found = self.acm.certificates.get(arn)
        if found is None or found["status"] != "ISSUED" or arn.split(":")[3] != region:
            return None
        return list(found["domains"])


def has_record(name: str, value: str) -> bool:
    """True when a CNAME is in one of moto's zones."""
    zones = route53_backends[ACCOUNT]["aws"].zones.values()
    return any(
        record.name == name and value in record.records
        for zone in zones
        for record in zone.rrsets
        if record.type == "CNAME"
    )
