"""What examples of a resource type need around them: resources to refer to, and what other rooms do with a type.

A type without an entry needs nothing. Everything is made in the account that moto plays.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from moto.cognitoidp.models import cognitoidp_backends
from moto.iam.models import AWSManagedPolicy, iam_backends
from moto.route53.models import route53_backends

from pipeline.config.validation import Checker
from pipeline.model.resource import Resource
from pipeline.model.values import Outputs, Properties, resolve
from pipeline.releasing.store import artifact_key
from pipeline.resources import _apis_v2
from pipeline.resources._rest_definition import definition_digest
from pipeline.resources._rest_stage import deployment_of
from pipeline.resources._s3_site_content import show
from pipeline.resources._s3_site_files import etag_of
from pipeline.resources._websocket_declaration import definition_digest as websocket_digest
from pipeline.resources.base import Aws
from pipeline.resources.registry import registry

ARCHIVES = "orders-archives"
ZONE, ZONE_ID = "orders.example.com", "Z0000000ORDERS"
POOL = "us-east-1_orders"
MANAGED = ("service-role/AWSLambdaBasicExecutionRole", "AWSXRayDaemonWriteAccess", "PowerUserAccess")


def _nothing(aws: Aws) -> None:
    pass


def _as_is(aws: Aws, properties: Properties, number: int) -> Properties:
    return properties


def _unreleased(aws: Aws, resource: Resource, outputs: Outputs) -> None:
    pass


@dataclass(frozen=True)
class Prerequisites:
    """`prepare` makes what examples refer to. `complete` adds what other rooms add to example number n.

    `release` does what the release phase does after a change. `census` are list operations (service, operation, key)
    that show a resource made twice, called with `listed`. `echoed` are paths that AWS does not keep: reading gives back
    what is declared.
    """

    prepare: Callable[[Aws], None] = _nothing
    complete: Callable[[Aws, Properties, int], Properties] = _as_is
    release: Callable[[Aws, Resource, Outputs], None] = _unreleased
    census: Sequence[tuple[str, str, str]] = ()
    listed: Mapping[str, Any] = field(default_factory=dict)
    echoed: frozenset[str] = frozenset()


def of(type_name: str) -> Prerequisites:
    """What a type needs."""
    return _NEEDS.get(type_name, Prerequisites())


def archive(number: int) -> bytes:
    """A bundle of code, another one for each number."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        opened.writestr(zipfile.ZipInfo("handlers/list.py"), f"NUMBER = {number}\n")
    return held.getvalue()


@cache
def archive_digest(number: int) -> str:
    """The digest of `archive(number)`."""
    return "sha256:" + hashlib.sha256(archive(number)).hexdigest()


def archive_place(digest: str) -> Mapping[str, str]:
    """Where `_archives` put an archive."""
    return {"bucket": ARCHIVES, "key": artifact_key(digest)}


def _archives(aws: Aws) -> None:
    aws.call("s3", "CreateBucket", Bucket=ARCHIVES)
    for number in (0, 1):
        place = archive_place(archive_digest(number))
        aws.call("s3", "PutObject", Bucket=place["bucket"], Key=place["key"], Body=archive(number))


# The files of the site before and after a change: one stays, one changes, one comes, one goes.
SITES: Sequence[Mapping[str, bytes]] = (
    {"index.html": b"<h1>one</h1>", "app.3f9a1c2e.js": b"1", "style.css": b"body {}", "old.html": b"old"},
    {"index.html": b"<h1>two</h1>", "app.9b8c7d6e.js": b"2", "style.css": b"body {}"},
)


def _site_needs(aws: Aws) -> None:
    """The bucket of the site, and the contents of its files in the ledger."""
    aws.call("s3", "CreateBucket", Bucket="orders-frontend-123456789012")
    aws.call("s3", "CreateBucket", Bucket=ARCHIVES)
    for content in {content for site in SITES for content in site.values()}:
        place = archive_place(f"file:{hashlib.sha256(content).hexdigest()}")
        aws.call("s3", "PutObject", Bucket=place["bucket"], Key=place["key"], Body=content)


def _site_files(aws: Aws, properties: Properties, number: int) -> Properties:
    files = {path: f"sha256:{hashlib.sha256(content).hexdigest()}" for path, content in SITES[number].items()}
    return {**properties, "files": files, "etags": {path: etag_of(content) for path, content in SITES[number].items()}}


def _show_site(aws: Aws, resource: Resource, outputs: Outputs) -> None:
    show(aws, resource.properties)


def _packaged(aws: Aws, properties: Properties, number: int) -> Properties:
    return {**properties, "code": archive_digest(number)}


def _managed_policies(aws: Aws) -> None:
    """AWS's own policies, which moto has only when it loads all of them, in two seconds."""
    date = "2020-01-01T00:00:00+00:00"
    store = iam_backends[aws.scope.account]["aws"].managed_policies
    for full in MANAGED:
        path, _, name = f"/{full}".rpartition("/")
        data = {
            "Arn": f"arn:aws:iam::aws:policy/{full}",
            "Path": f"{path}/",
            "CreateDate": date,
            "UpdateDate": date,
            "DefaultVersionId": "v1",
            "Document": {"Version": "2012-10-17", "Statement": []},
        }
        policy = AWSManagedPolicy.from_data(name, aws.scope.account, aws.scope.region, data)
        store[policy.arn] = policy


def _role(aws: Aws) -> None:
    """The role that functions of examples run as, and the one of a function that names none."""
    trust = '{"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}]}'
    for name in ("orders-lambda-role", "orders-list-us-east-1"):
        aws.call("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=trust)


def _function_needs(aws: Aws) -> None:
    _archives(aws)
    _role(aws)


def _functions(aws: Aws) -> None:
    """The functions that permissions and APIs of examples name, each with its alias."""
    _function_needs(aws)
    place = archive_place(archive_digest(0))
    for name in ("orders-list", "orders-items"):
        aws.call(
            "lambda",
            "CreateFunction",
            FunctionName=name,
            Runtime="python3.13",
            Handler="handlers.list.handler",
            Role=aws.scope.arn("iam", "role/orders-lambda-role", regional=False),
            Code={"S3Bucket": place["bucket"], "S3Key": place["key"]},
            Publish=True,
        )
        aws.call("lambda", "CreateAlias", FunctionName=name, Name="live", FunctionVersion="1")


def _dead_letters(aws: Aws) -> None:
    """The queue that other queues of examples name."""
    aws.call("sqs", "CreateQueue", QueueName="orders-dead")


def _event_sources(aws: Aws) -> None:
    """The functions and the queue that event sources of examples name."""
    _functions(aws)
    aws.call("sqs", "CreateQueue", QueueName="orders-jobs")


def _zone(aws: Aws) -> None:
    """The hosted zone that certificates and records of examples lie in."""
    aws.call("route53", "CreateHostedZone", Name=ZONE, CallerReference=ZONE)
    zones = route53_backends[aws.scope.account]["aws"].zones
    (zone,) = zones.values()
    zone.resource_id = ZONE_ID  # the same every time
    zones.clear()
    zones[ZONE_ID] = zone


def _in_zone(aws: Aws, properties: Properties, number: int) -> Properties:
    return {**properties, "zone_id": ZONE_ID}


def _in_that_zone(aws: Aws, properties: Properties, number: int) -> Properties:
    """The zone by name: without one it is the first domain, whichever that is."""
    return {**properties, "zone": ZONE}


def _bucket(aws: Aws) -> None:
    """The bucket that a distribution of the examples may read."""
    aws.call("s3", "CreateBucket", Bucket="orders-site-123456789012")


def _edge(aws: Aws) -> None:
    """What a distribution refers to: its certificate, its access control, its headers."""
    _zone(aws)
    _bucket(aws)
    for kind, properties in (
        ("acm.certificate", {"name": ZONE, "domains": [ZONE, f"*.{ZONE}"]}),
        ("cloudfront.origin_access_control", {"name": "orders-site"}),
        ("cloudfront.response_headers_policy", {"name": "orders-site"}),
    ):
        found = registry()[kind]
        wanted = found.canonical(Checker(found.spec.schema, kind).with_defaults(properties), aws.scope)
        found.create(aws, Resource(kind, str(properties["name"]), resolve(wanted, lambda _: ZONE_ID)))


def _with_certificate(aws: Aws, properties: Properties, number: int) -> Properties:
    return {**properties, "certificate": "arn:aws:acm:us-east-1:123456789012:certificate/00000000"}


def _at_the_edge(aws: Aws, properties: Properties, number: int) -> Properties:
    """References of a distribution to what `_edge` made."""
    source = dict(properties["source"])
    found = {**properties, "source": source}
    if source["protocol"] == "s3":
        source |= {"domain": "orders-site-123456789012.s3.us-east-1.amazonaws.com", "access_control": "P00001STRICT"}
        found["response_headers"] = "P00002STRICT"
    found["certificate"] = "arn:aws:acm:us-east-1:123456789012:certificate/00000000"
    return found


def _move_alias(aws: Aws, resource: Resource, outputs: Outputs) -> None:
    """The alias to the version last published."""
    latest = outputs.get("latest")
    if latest is not None and latest != outputs.get("version"):
        alias = resource.properties["alias"]
        aws.call("lambda", "UpdateAlias", FunctionName=resource.name, Name=alias, FunctionVersion=latest)


def _move_stage(aws: Aws, resource: Resource, outputs: Outputs) -> None:
    """The stage to an api deployment of the definition."""
    digest, api = definition_digest(resource.properties), str(outputs["id"])
    if outputs.get("definition") != digest:
        deployment = deployment_of(aws, api, digest)
        operations = [{"op": "replace", "path": "/deploymentId", "value": deployment}]
        stage = resource.properties["stage"]
        aws.call("apigateway", "UpdateStage", restApiId=api, stageName=stage, patchOperations=operations)


def _move_websocket_stage(aws: Aws, resource: Resource, outputs: Outputs) -> None:
    """The stage to an api deployment of the routes."""
    digest, api = websocket_digest(resource.properties), str(outputs["id"])
    if outputs.get("definition") != digest:
        deployment = _apis_v2.deployment_of(aws, api, digest)
        stage = resource.properties["stage"]
        aws.call("apigatewayv2", "UpdateStage", ApiId=api, StageName=stage, DeploymentId=deployment)


def _invocation_logs(aws: Aws) -> None:
    """The log groups and roles that Bedrock writes to and with, in examples."""
    trust = '{"Statement": [{"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}}]}'
    for group, role in (("/aws/bedrock/orders", "orders-bedrock-us-east-1"), ("/orders/model", "orders-model-role")):
        aws.call("logs", "CreateLogGroup", logGroupName=group)
        aws.call("iam", "CreateRole", RoleName=role, AssumeRolePolicyDocument=trust)
    aws.call("iam", "CreateRole", RoleName="orders-lambda-role", AssumeRolePolicyDocument=trust)


def _alarms(aws: Aws) -> None:
    """The alarms that composite ones of examples look at."""
    for name in ("orders-errors", "orders-maintenance"):
        wanted: dict[str, Any] = {"Namespace": "Orders", "MetricName": name, "Statistic": "Sum", "Period": 60}
        wanted |= {"EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}
        aws.call("cloudwatch", "PutMetricAlarm", AlarmName=name, **wanted)


def _pool(aws: Aws) -> None:
    """The user pool that clients and domains of examples name, with the mark of this service."""
    tags = aws.scope.mark("cognito-idp.user_pool/orders-users").tags()
    made = aws.call("cognito-idp", "CreateUserPool", PoolName="orders-users", UserPoolTags=tags)["UserPool"]["Id"]
    pools = cognitoidp_backends[aws.scope.account][aws.scope.region].user_pools
    pools[POOL] = pools.pop(made)
    pools[POOL].id = POOL


def _in_pool(aws: Aws, properties: Properties, number: int) -> Properties:
    return {**properties, "user_pool": POOL}


def _move_http_stage(aws: Aws, resource: Resource, outputs: Outputs) -> None:
    """The stage to an api deployment of the definition."""
    edition, api = str(resource.properties["edition"]), str(outputs["id"])
    if outputs.get("definition") != edition:
        deployment = _apis_v2.deployment_of(aws, api, edition)
        stage = resource.properties["stage"]
        aws.call("apigatewayv2", "UpdateStage", ApiId=api, StageName=stage, DeploymentId=deployment)


_NEEDS = {
    "acm.certificate": Prerequisites(
        prepare=_zone,
        complete=_in_that_zone,
        census=[("acm", "ListCertificates", "CertificateSummaryList")],
    ),
    "route53.hosted_zone": Prerequisites(prepare=_zone),
    "route53.record": Prerequisites(prepare=_zone, complete=_in_zone),
    "apigateway.domain_name": Prerequisites(
        prepare=_edge, complete=_with_certificate, echoed=frozenset({"zone", "records"})
    ),
    "apigatewayv2.domain_name": Prerequisites(
        prepare=_edge, complete=_with_certificate, echoed=frozenset({"zone", "records"})
    ),
    "cloudfront.distribution": Prerequisites(
        prepare=_edge,
        complete=_at_the_edge,
        census=[("cloudfront", "ListDistributions", "DistributionList.Items")],
        echoed=frozenset({"bucket", "website", "zone", "records"}),
    ),
    "cloudfront.origin_access_control": Prerequisites(
        census=[("cloudfront", "ListOriginAccessControls", "OriginAccessControlList.Items")]
    ),
    "cloudfront.cache_policy": Prerequisites(census=[("cloudfront", "ListCachePolicies", "CachePolicyList.Items")]),
    "cloudfront.response_headers_policy": Prerequisites(
        census=[("cloudfront", "ListResponseHeadersPolicies", "ResponseHeadersPolicyList.Items")]
    ),
    "s3.bucket_grant": Prerequisites(prepare=_bucket),
    "iam.policy": Prerequisites(census=[("iam", "ListPolicies", "Policies")]),
    "iam.oidc_provider": Prerequisites(census=[("iam", "ListOpenIDConnectProviders", "OpenIDConnectProviderList")]),
    "iam.role": Prerequisites(prepare=_managed_policies, census=[("iam", "ListRoles", "Roles")]),
    "iam.role_policy": Prerequisites(prepare=_role),
    "dynamodb.table": Prerequisites(census=[("dynamodb", "ListTables", "TableNames")]),
    # Files that are gone from the folder stay for older releases, and are not looked for.
    "s3.site": Prerequisites(
        prepare=_site_needs,
        complete=_site_files,
        release=_show_site,
        echoed=frozenset({"files.app.3f9a1c2e.js", "files.old.html"}),
    ),
    "s3.bucket": Prerequisites(census=[("s3", "ListBuckets", "Buckets")]),
    "logs.log_group": Prerequisites(census=[("logs", "DescribeLogGroups", "logGroups")]),
    "lambda.layer": Prerequisites(prepare=_archives, complete=_packaged, census=[("lambda", "ListLayers", "Layers")]),
    "lambda.function": Prerequisites(
        prepare=_function_needs,
        complete=_packaged,
        release=_move_alias,
        census=[("lambda", "ListFunctions", "Functions")],
    ),
    "lambda.permission": Prerequisites(prepare=_functions),
    "lambda.provisioned_concurrency": Prerequisites(prepare=_functions),
    "lambda.function_url": Prerequisites(prepare=_functions),
    "lambda.event_invoke_config": Prerequisites(prepare=_event_sources),
    "sqs.queue": Prerequisites(prepare=_dead_letters, census=[("sqs", "ListQueues", "QueueUrls")]),
    "sns.topic": Prerequisites(
        prepare=_dead_letters,
        census=[("sns", "ListTopics", "Topics"), ("sns", "ListSubscriptions", "Subscriptions")],
    ),
    "lambda.event_source_mapping": Prerequisites(
        prepare=_event_sources,
        census=[("lambda", "ListEventSourceMappings", "EventSourceMappings")],
        echoed=frozenset({"function"}),
    ),
    "events.rule": Prerequisites(
        prepare=_functions, census=[("events", "ListRules", "Rules")], echoed=frozenset({"function"})
    ),
    "bedrock.guardrail": Prerequisites(census=[("bedrock", "ListGuardrails", "guardrails")]),
    "bedrock.model_invocation_logging": Prerequisites(prepare=_invocation_logs, echoed=frozenset({"retention_days"})),
    "cognito-idp.user_pool": Prerequisites(
        census=[("cognito-idp", "ListUserPools", "UserPools")], listed={"MaxResults": 60}
    ),
    "cognito-idp.user_pool_client": Prerequisites(prepare=_pool, complete=_in_pool),
    "cognito-idp.user_pool_domain": Prerequisites(prepare=_pool, complete=_in_pool),
    "cloudwatch.composite_alarm": Prerequisites(
        prepare=_alarms,
        census=[("cloudwatch", "DescribeAlarms", "CompositeAlarms")],
        listed={"AlarmTypes": ["CompositeAlarm"]},
    ),
    "cloudwatch.alarm": Prerequisites(census=[("cloudwatch", "DescribeAlarms", "MetricAlarms")]),
    "cloudwatch.dashboard": Prerequisites(census=[("cloudwatch", "ListDashboards", "DashboardEntries")]),
    "apigateway.rest_api": Prerequisites(
        prepare=_functions,
        release=_move_stage,
        census=[("apigateway", "GetRestApis", "items")],
        echoed=frozenset({"access_logs.retention_days"}),
    ),
    "apigatewayv2.http_api": Prerequisites(
        prepare=_functions,
        release=_move_http_stage,
        census=[("apigatewayv2", "GetApis", "Items")],
        echoed=frozenset({"access_logs.retention_days"}),
    ),
    "apigatewayv2.api": Prerequisites(
        prepare=_functions,
        release=_move_websocket_stage,
        census=[("apigatewayv2", "GetApis", "Items")],
        echoed=frozenset({"access_logs.retention_days"}),
    ),
}
