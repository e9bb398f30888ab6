"""What each resource costs a month, by its type: which metrics say how much it is used, and what follows. Pure.

An estimator is a function of the resource and the usage; a metric is looked up by the same function that names it, so
that what is asked of CloudWatch and what is priced cannot differ. Types that AWS does not charge for have none.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.costing.demand import PERIOD, declared, demand
from pipeline.costing.prices import Prices
from pipeline.model.cost import DAY, HOURS_A_MONTH, Estimate, Line, Metric, Usage
from pipeline.model.resource import Resource

GB = 1e9
_US = "us-east-1"


@dataclass
class Meter:
    """What an estimator is given: usage and prices for one resource; it gathers lines, and the metrics it looked at."""

    resource: Resource
    usage: Usage
    prices: Prices
    metrics: list[Metric] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    not_counted: list[str] = field(default_factory=list)

    def total(self, metric: Metric) -> float:
        """What a month has of `metric`."""
        self.metrics.append(metric)
        return self.usage.monthly(metric)

    def values(self, metric: Metric) -> Sequence[float]:
        """`metric` period by period."""
        self.metrics.append(metric)
        return self.usage.series.get(metric, ())

    def average(self, metric: Metric) -> float:
        """The mean of `metric`."""
        self.metrics.append(metric)
        return self.usage.average(metric)

    def add(self, key: str, quantity: float, what: str, *, fixed: bool = False) -> None:
        """One line."""
        self.lines.append(Line(self.resource.address, what, quantity, self.prices.of(key), fixed))

    def leave_out(self, what: str) -> None:
        """What the figures do not hold."""
        self.not_counted.append(what)


Estimator = Callable[[Meter], None]


def consumed(table: str, what: str, index: str | None = None) -> Metric:
    """Read or write units that were consumed of a table or an index; `what` is Read or Write."""
    dimensions = (("TableName", table), *((("GlobalSecondaryIndexName", index),) if index else ()))
    return Metric("AWS/DynamoDB", f"Consumed{what}CapacityUnits", "Sum", dimensions, PERIOD)


def _table(meter: Meter) -> None:
    resource, properties = meter.resource, meter.resource.properties
    names = [None, *(str(index["name"]) for index in properties.get("indexes") or ())]
    metrics = {what: [consumed(resource.name, what, name) for name in names] for what in ("Read", "Write")}
    units = {what: sum(meter.total(metric) for metric in wanted) for what, wanted in metrics.items()}
    if properties.get("table_class") == "STANDARD_INFREQUENT_ACCESS":
        meter.leave_out("the other prices of the infrequent access class: standard prices are shown")
    if properties.get("billing_mode") == "PROVISIONED":
        for what in ("read", "write"):
            used = [demand(meter.values(metric), meter.usage.days) for metric in metrics[what.title()]]
            hours = declared(properties, what, used) * HOURS_A_MONTH
            meter.add(f"dynamodb.{what}_capacity", hours, f"provisioned {what} capacity", fixed=True)
        if properties.get("autoscaling"):
            meter.leave_out("how slowly autoscaling follows: its capacity is computed hour by hour from what was used")
    else:
        meter.add("dynamodb.read_requests", units["Read"], "reads on demand")
        meter.add("dynamodb.write_requests", units["Write"], "writes on demand")
    size = meter.usage.sizes.get(resource.address, 0) / GB
    meter.add("dynamodb.storage", size, "storage")
    if properties.get("point_in_time_recovery"):
        meter.add("dynamodb.backup", size, "point-in-time recovery")


def invocations(function: str) -> Metric:
    """How often a function ran."""
    return Metric("AWS/Lambda", "Invocations", "Sum", (("FunctionName", function),))


def duration(function: str) -> Metric:
    """Milliseconds that a function ran, all invocations together."""
    return Metric("AWS/Lambda", "Duration", "Sum", (("FunctionName", function),))


def _function(meter: Meter) -> None:
    properties = meter.resource.properties
    suffix = ".arm64" if properties.get("architecture") == "arm64" else ""
    memory = float(properties.get("memory") or 128) / 1024
    name = meter.resource.name
    meter.add(f"lambda.requests{suffix}", meter.total(invocations(name)), "invocations")
    meter.add(f"lambda.duration{suffix}", meter.total(duration(name)) / 1000 * memory, "running")
    if instances := properties.get("provisioned_concurrency"):
        kept = float(instances) * memory * HOURS_A_MONTH * 3600
        meter.add(f"lambda.provisioned{suffix}", kept, "provisioned concurrency", fixed=True)
        meter.leave_out("the lower price of running on instances that are kept ready: the full one is shown")


def _api_metric(name: str, value: object, metric: str = "Count", statistic: str = "Sum") -> Metric:
    return Metric("AWS/ApiGateway", metric, statistic, ((name, str(value)),))


def _rest_api(meter: Meter) -> None:
    meter.add("apigateway.rest", meter.total(_api_metric("ApiName", meter.resource.name)), "requests")


def _api_id(meter: Meter) -> object:
    """Newer APIs are counted by their id, which is among the properties once it is known."""
    return meter.resource.properties.get("id") or meter.resource.name


def _http_api(meter: Meter) -> None:
    meter.add("apigateway.http", meter.total(_api_metric("ApiId", _api_id(meter))), "requests")


def _websocket_api(meter: Meter) -> None:
    count = meter.total(_api_metric("ApiId", _api_id(meter), "MessageCount"))
    meter.add("apigateway.websocket", count, "messages")
    meter.leave_out("connection minutes of WebSocket APIs: CloudWatch does not count them")


def _log_group(meter: Meter) -> None:
    metric = Metric("AWS/Logs", "IncomingBytes", "Sum", (("LogGroupName", meter.resource.name),))
    meter.add("logs.ingested", meter.total(metric) / GB, "logs written")
    meter.leave_out("keeping logs: a twentieth of what writing them costs, a month")


def _alarm(meter: Meter) -> None:
    composite = bool(meter.resource.properties.get("rule"))
    key = "cloudwatch.composite_alarm" if composite else "cloudwatch.alarm"
    meter.add(key, 1, "alarm", fixed=True)


def _dashboard(meter: Meter) -> None:
    meter.add("cloudwatch.dashboard", 1, "dashboard", fixed=True)


def _bucket(meter: Meter) -> None:
    stored = (("BucketName", meter.resource.name), ("StorageType", "StandardStorage"))
    size = meter.average(Metric("AWS/S3", "BucketSizeBytes", "Average", stored, DAY))
    meter.add("s3.storage", size / GB, "storage")
    meter.leave_out("requests to buckets: CloudWatch counts them only where request metrics are on")


def _distribution(meter: Meter) -> None:
    dimensions = (("DistributionId", str(_api_id(meter))), ("Region", "Global"))
    requests = meter.total(Metric("AWS/CloudFront", "Requests", "Sum", dimensions, region=_US))
    sent = meter.total(Metric("AWS/CloudFront", "BytesDownloaded", "Sum", dimensions, region=_US))
    meter.add("cloudfront.requests", requests, "requests")
    meter.add("cloudfront.transfer", sent / GB, "data to visitors")
    meter.leave_out("CloudFront's other price regions: those of the United States are shown")


def _queue(meter: Meter) -> None:
    key = "sqs.requests.fifo" if meter.resource.properties.get("fifo") else "sqs.requests"
    names = ("NumberOfMessagesSent", "NumberOfMessagesReceived", "NumberOfMessagesDeleted", "NumberOfEmptyReceives")
    dimensions = (("QueueName", meter.resource.name),)
    meter.add(key, sum(meter.total(Metric("AWS/SQS", name, "Sum", dimensions)) for name in names), "requests")


def _topic(meter: Meter) -> None:
    metric = Metric("AWS/SNS", "NumberOfMessagesPublished", "Sum", (("TopicName", meter.resource.name),))
    meter.add("sns.requests", meter.total(metric), "messages")


def _unknown(what: str) -> Estimator:
    return lambda meter: meter.leave_out(what)


ESTIMATORS: Mapping[str, Estimator] = {
    "dynamodb.table": _table,
    "lambda.function": _function,
    "apigateway.rest_api": _rest_api,
    "apigatewayv2.http_api": _http_api,
    "apigatewayv2.api": _websocket_api,
    "logs.log_group": _log_group,
    "cloudwatch.alarm": _alarm,
    "cloudwatch.composite_alarm": _alarm,
    "cloudwatch.dashboard": _dashboard,
    "s3.bucket": _bucket,
    "cloudfront.distribution": _distribution,
    "sqs.queue": _queue,
    "sns.topic": _topic,
    "cognito-idp.user_pool": _unknown("monthly active users of Cognito: no metric tells them"),
    "bedrock.guardrail": _unknown("Bedrock: guardrails and models are charged by text, which differs by model"),
    "route53.hosted_zone": _unknown("hosted zones: 0.50 US dollars each a month, and queries"),
}


def estimate(resource: Resource, usage: Usage, prices: Prices) -> Estimate:
    """What the resource costs a month; nothing for types that AWS does not charge for."""
    meter = _metered(resource, usage, prices)
    return Estimate(tuple(meter.lines), tuple(dict.fromkeys(meter.not_counted)))


def estimate_all(resources: Iterable[Resource], usage: Usage, prices: Prices) -> Estimate:
    """What they cost together."""
    found = Estimate()
    for resource in resources:
        found += estimate(resource, usage, prices)
    return found


def metrics_of(resources: Iterable[Resource], prices: Prices) -> Iterator[Metric]:
    """Every metric that the estimates look at."""
    for resource in resources:
        yield from _metered(resource, Usage(days=1), prices).metrics


def _metered(resource: Resource, usage: Usage, prices: Prices) -> Meter:
    meter = Meter(resource, usage, prices)
    if estimator := ESTIMATORS.get(resource.type):
        estimator(meter)
    return meter
