"""Names of one's own: zones that are there when they are looked for, and traffic by the records in them."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.local.plane.asgi import Answer, Request
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.domains import Domains, patches_domain
from pipeline.local.plane.emulator import Call
from pipeline.local.plane.front import Front
from pipeline.local.plane.names import Names
from pipeline.local.plane.zones import Zones, looks_for_zone
from pipeline.local.urls import public_url
from pipeline.resources._distribution_declaration import CACHE_POLICIES
from tests.local.asgi import HttpEmulator, TableEmulator, ask
from tests.local.support import ACCOUNT, Account, http
from tests.support.websocket import WebSocket

DNS = Caller(ACCOUNT, "us-east-1", "route53")
GATEWAY = Caller(ACCOUNT, "us-east-1", "apigateway")
BY_NAME = "/2013-04-01/hostedzonesbyname"


def front(emulator: HttpEmulator | TableEmulator) -> Front:
    return Front(emulator, instance="me", account=ACCOUNT, on_ready=lambda: None)


@pytest.mark.parametrize(
    ("method", "path", "query", "looks"),
    [
        ("GET", BY_NAME, "dnsname=example.com&maxitems=1", True),
        ("GET", BY_NAME, "", False),
        ("POST", BY_NAME, "dnsname=example.com", False),
        ("GET", "/2013-04-01/hostedzone", "dnsname=example.com", False),
    ],
)
def test_only_looking_for_a_name_makes_a_zone(method: str, path: str, query: str, looks: bool) -> None:
    assert looks_for_zone(method, path, query) is looks


@pytest.mark.parametrize(
    ("method", "path", "patches"),
    [
        ("PATCH", "/domainnames/api.example.com", True),
        ("PATCH", "/domainnames/api.example.com/basepathmappings/(none)", True),
        ("PATCH", "/domainnames", False),
        ("GET", "/domainnames/api.example.com", False),
        ("PATCH", "/restapis/abc", False),
    ],
)
def test_patches_of_domains_are_known(method: str, path: str, patches: bool) -> None:
    assert patches_domain(method, path) is patches


@pytest.mark.parametrize(
    ("aws", "here"),
    [
        ("https://d111.cloudfront.net", "http://127.0.0.1:99/_aws/cloudfront/d111/"),
        ("https://d111.cloudfront.net/a?b=c", "http://127.0.0.1:99/_aws/cloudfront/d111/a?b=c"),
        ("https://api.example.com", "http://127.0.0.1:99/_aws/name/api.example.com/"),
        ("https://API.example.com/a?b=c", "http://127.0.0.1:99/_aws/name/api.example.com/a?b=c"),
        ("wss://ws.example.com", "ws://127.0.0.1:99/_aws/name/ws.example.com/"),
        ("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a",) * 2,
        ("http://api.example.com/",) * 2,
        ("https://127.0.0.1/",) * 2,
        ("https://localhost:8080/",) * 2,
    ],
)
def test_addresses_of_distributions_and_of_own_names_are_translated(aws: str, here: str) -> None:
    assert public_url(aws, "http://127.0.0.1:99") == here


def test_a_zone_is_made_once_and_another_name_is_not_taken_for_it(moto_server: str) -> None:
    async def scenario() -> list[int]:
        plane = front(HttpEmulator(moto_server))
        counts = []
        for name in ("zones.test.", "ZONES.test", "sub.zones.test", "no domain", "1"):
            answer = await ask(plane, "GET", BY_NAME, caller=DNS, query=f"dnsname={name.replace(' ', '%20')}")
            assert answer.status == 200
            listed = await ask(plane, "GET", "/2013-04-01/hostedzone", caller=DNS)
            counts.append(listed.body.count(b"zones.test."))
        return counts

    assert asyncio.run(scenario()) == [1, 1, 2, 2, 2]


def xml(*parts: str) -> Answer:
    return Answer(200, (("content-type", "text/xml"),), f"<A>{''.join(parts)}</A>".encode())


DISTRIBUTION = """<DistributionSummary>
<DomainName>d111.cloudfront.net</DomainName><Origins><Items>
<Origin><Id>origin</Id><DomainName>bucket.s3.amazonaws.com</DomainName></Origin>
<Origin><Id>o1</Id><DomainName>abc.execute-api.eu-west-1.amazonaws.com</DomainName><OriginPath>/dev</OriginPath></Origin>
</Items></Origins><CacheBehaviors><Items>
<CacheBehavior><PathPattern>/api/pub?ic/*</PathPattern><TargetOriginId>origin</TargetOriginId></CacheBehavior>
<CacheBehavior><PathPattern>/api/*</PathPattern><TargetOriginId>o1</TargetOriginId></CacheBehavior>
</Items></CacheBehaviors></DistributionSummary>"""
API = "abc.execute-api.eu-west-1.amazonaws.com"


def dns_and_mappings(call: Call) -> Answer:
    """An emulator with the zone names.test, whose names lead to an API, a distribution, or nowhere."""
    if call.path.endswith("/hostedzone"):
        return xml(
            "<HostedZone><Id>/hostedzone/Z1</Id><Name>names.test.</Name></HostedZone>",
            "<HostedZone><Id>/hostedzone/Z2</Id><Name>private.test.</Name><PrivateZone>true</PrivateZone></HostedZone>",
        )
    if call.path.endswith("/rrset"):
        name = (call.query or {})["name"]
        targets = {"www.names.test": "d111.cloudfront.net.", "old.names.test": ""}
        target = targets.get(name, "d-1.execute-api.eu-west-1.amazonaws.com.")
        return xml(f"<ResourceRecordSet><Name>{name}.</Name><DNSName>{target}</DNSName></ResourceRecordSet>")
    if call.path.endswith("/distribution"):
        return xml(DISTRIBUTION)
    assert call.caller.region == "eu-west-1"
    mapped = [
        {"basePath": "(none)", "restApiId": "root", "stage": "dev"},
        {"basePath": "v2", "restApiId": "next", "stage": "beta"},
    ]
    return Answer.of_json({"item": mapped}) if "/api." in call.path else Answer(404)


@pytest.mark.parametrize(
    ("host", "path", "led"),
    [
        ("api.names.test:80", "/a%2Fb", ("/_aws/execute-api/root/dev/a%2Fb", "api.names.test:80")),
        ("API.Names.Test", "/v2", ("/_aws/execute-api/next/beta/", "API.Names.Test")),
        ("api.names.test", "/v2/x", ("/_aws/execute-api/next/beta/x", "api.names.test")),
        ("api.names.test", "/v22", ("/_aws/execute-api/root/dev/v22", "api.names.test")),
        ("other.names.test", "/", None),
        ("old.names.test", "/", None),
        ("www.names.test", "/x", ("/x", "d111.cloudfront.net")),
        ("d222.cloudfront.net", "/x", ("/x", "d222.cloudfront.net")),
        ("www.names.test", "/api/x%20y", ("/dev/api/x%20y", API)),
        ("d111.cloudfront.net", "/api/", ("/dev/api/", API)),
        ("127.0.0.1:80", "/_aws/cloudfront/d111/api/x", ("/dev/api/x", API)),
        ("d111.cloudfront.net", "/api", ("/api", "d111.cloudfront.net")),
        ("d111.cloudfront.net", "/api/public/x", ("/api/public/x", "d111.cloudfront.net")),
        ("d222.cloudfront.net", "/api/x", ("/api/x", "d222.cloudfront.net")),
        ("127.0.0.1:80", "/_aws/cloudfront/d333/a/b", ("/a/b", "d333.cloudfront.net")),
        ("127.0.0.1:80", "/_aws/cloudfront/d333", ("/", "d333.cloudfront.net")),
        ("127.0.0.1:80", "/_aws/name/API.names.test/v2/x", ("/_aws/execute-api/next/beta/x", "127.0.0.1:80")),
        ("127.0.0.1:80", "/_aws/name/www.names.test/x", ("/x", "d111.cloudfront.net")),
        ("127.0.0.1:80", "/_aws/name/www.names.test", ("/", "d111.cloudfront.net")),
        ("127.0.0.1:80", "/_aws/name/other.names.test/", None),
        ("api.private.test", "/", None),
        ("127.0.0.1:80", "/", None),
        ("localhost:80", "/", None),
        ("x.localhost", "/", None),
        ("bucket.s3.amazonaws.com", "/", None),
    ],
)
def test_a_name_leads_where_its_records_say(host: str, path: str, led: tuple[str, str] | None) -> None:
    emulator = TableEmulator(dns_and_mappings)
    names = Names(emulator, Zones(emulator), ACCOUNT)
    scope: dict[str, Any] = {
        "type": "http",
        "path": path,
        "raw_path": path.encode(),
        "headers": [(b"host", host.encode())],
    }
    found = asyncio.run(names.led(scope))
    if led is None:
        assert found is None
        return
    assert found is not None
    headers = dict(found["headers"])
    assert (found["raw_path"].decode(), headers[b"host"].decode()) == led
    assert (headers.get(b"x-forwarded-proto") == b"https") is led[1].endswith((".cloudfront.net", API))


def test_a_signed_request_is_no_traffic_whatever_its_host() -> None:
    async def scenario() -> int:
        plane = front(TableEmulator(dns_and_mappings))
        return (await ask(plane, "GET", "/", caller=DNS, headers={"host": "www.names.test"})).status

    assert asyncio.run(scenario()) == 418  # handed on as it is


class Kept:
    """An emulator that keeps one domain and one mapping."""

    def __init__(self) -> None:
        self.setting: dict[str, Any] = {
            "certificateArn": "arn:old",
            "securityPolicy": "TLS_1_2",
            "certificateName": None,
        }
        self.mapping: dict[str, Any] | None = {"basePath": "v1", "restApiId": "old", "stage": "dev"}

    def __call__(self, call: Call) -> Answer:
        body = json.loads(call.body or b"{}")
        if "basepathmappings" in call.path:
            if call.method == "DELETE":
                self.mapping = None
                return Answer(202)
            if call.method == "POST":
                self.mapping = body
            return Answer.of_json(self.mapping) if self.mapping else Answer(404)
        if "gone" in call.path:
            return Answer(404)
        if call.method == "PATCH":
            (self.setting,) = body["domainNameConfigurations"]
        return Answer.of_json({"domainNameConfigurations": [self.setting]})


def patch(kept: Kept, path: str, **operations: str) -> int:
    listed = [
        {"op": "replace", "path": f"/{name.replace('__', '/')}", "value": value} for name, value in operations.items()
    ]
    body = json.dumps({"patchOperations": listed}).encode()
    request = Request("PATCH", path, "", (), body)
    return asyncio.run(Domains(TableEmulator(kept)).patch(request, GATEWAY)).status


def test_a_domain_is_changed_by_patches() -> None:
    kept = Kept()
    more = {"endpointConfiguration__ipAddressType": "dualstack", "endpointAccessMode": "BASIC"}
    assert patch(kept, "/domainnames/api.names.test", regionalCertificateArn="arn:new", **more) == 200
    assert kept.setting == {"certificateArn": "arn:new", "securityPolicy": "TLS_1_2", "ipAddressType": "dualstack"}
    assert patch(kept, "/domainnames/gone.names.test", securityPolicy="x") == 404


def test_a_mapping_is_changed_by_patches() -> None:
    kept = Kept()
    path = "/domainnames/api.names.test/basepathmappings/v1"
    assert patch(kept, path, restapiId="new", stage="live") == 200
    assert kept.mapping == {"basePath": "v1", "restApiId": "new", "stage": "live"}
    kept.mapping = None
    assert patch(kept, path, stage="live") == 404


@pytest.mark.emulator
def test_a_private_bucket_and_a_websocket_api_answer_under_their_domains(
    account: Account, unique: Callable[[str], str]
) -> None:
    """As the product makes them: see `tests/resources` for each; here the embedded AWS carries them."""
    there = Account(account.aws, account.account, "us-east-1")
    zone = f"{unique('zone')}.test"
    dns, site = there.client("route53"), made_site(there, unique("site"))
    identifier = dns.list_hosted_zones_by_name(DNSName=zone)["HostedZones"][0]["Id"]
    point(dns, identifier, f"www.{zone}", site)
    answer = http(f"{account.aws.endpoint}/", headers={"host": f"www.{zone}"})
    assert (answer.status, answer.body, answer.headers["x-cache"]) == (200, b"hello", "Miss from cloudfront")
    assert http(public_url(f"https://{site}/index.html", account.aws.endpoint)).body == b"hello"
    assert http(f"{account.aws.endpoint}/other", headers={"host": f"www.{zone}"}).status == 403
    target = made_socket(there, unique("talk"), f"ws.{zone}")
    point(dns, identifier, f"ws.{zone}", target)
    with WebSocket(account.aws.endpoint.replace("http", "ws", 1), host=f"ws.{zone}") as socket:
        socket.send("{}")
    named = public_url(f"https://www.{zone}/index.html", account.aws.endpoint)
    assert (http(named).status, http(named).body) == (200, b"hello")
    with WebSocket(public_url(f"wss://ws.{zone}", account.aws.endpoint)) as socket:
        socket.send("{}")


def made_site(account: Account, bucket: str) -> str:
    """The name of a distribution of a bucket that it alone may read, over TLS."""
    s3, cloudfront = account.client("s3"), account.client("cloudfront")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"hello")
    config = {"Name": bucket, "SigningProtocol": "sigv4", "SigningBehavior": "always"}
    control = cloudfront.create_origin_access_control(
        OriginAccessControlConfig={**config, "OriginAccessControlOriginType": "s3"}
    )
    origin = {
        "Id": "origin",
        "DomainName": f"{bucket}.s3.us-east-1.amazonaws.com",
        "OriginAccessControlId": control["OriginAccessControl"]["Id"],
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    made = cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": bucket,
            "Comment": bucket,
            "Enabled": True,
            "DefaultRootObject": "index.html",
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {
                "TargetOriginId": "origin",
                "ViewerProtocolPolicy": "redirect-to-https",
                "CachePolicyId": CACHE_POLICIES["CachingOptimized"],
            },
        }
    )["Distribution"]
    resource = f"arn:aws:s3:::{bucket}/*"
    common = {"Action": "s3:GetObject", "Resource": resource}
    only_tls = {**common, "Effect": "Deny", "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    reader = {"Principal": {"Service": "cloudfront.amazonaws.com"}, "Effect": "Allow"}
    this_one = {"Condition": {"StringEquals": {"AWS:SourceArn": made["ARN"]}}}
    statements = [{**common, **only_tls}, {**common, **reader, **this_one}]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return str(made["DomainName"])


def made_socket(account: Account, name: str, domain: str) -> str:
    """What the records of a WebSocket API's domain lead to."""
    gateway, function = account.client("apigatewayv2"), account.function(name)
    api = gateway.create_api(Name=name, ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")[
        "ApiId"
    ]
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    integration = gateway.create_integration(ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=uri)[
        "IntegrationId"
    ]
    for route in ("$connect", "$default"):
        gateway.create_route(ApiId=api, RouteKey=route, Target=f"integrations/{integration}")
    gateway.create_stage(ApiId=api, StageName="dev")
    setting = {"CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1", "EndpointType": "REGIONAL"}
    made = gateway.create_domain_name(DomainName=domain, DomainNameConfigurations=[setting])
    gateway.create_api_mapping(ApiId=api, DomainName=domain, Stage="dev")
    return str(made["DomainNameConfigurations"][0]["ApiGatewayDomainName"])


def point(dns: Any, zone: str, name: str, target: str) -> None:
    """An alias record."""
    alias = {"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": target, "EvaluateTargetHealth": False}
    record = {"Name": name, "Type": "A", "AliasTarget": alias}
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)
