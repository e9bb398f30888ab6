"""What checks look at: the environment as declared, as released, as found, and the way to AWS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import Interrupted, PipelineError
from pipeline.granting.needs import Needs
from pipeline.model.environment import Environment
from pipeline.model.plan import Plan
from pipeline.model.release import LedgerHead
from pipeline.model.resource import DesiredState, ObservedState, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression
from pipeline.resources.registry import registry


@dataclass(frozen=True)
class Condition:
    """What was found in AWS and what a deploy would change, read once for all checks."""

    plan: Plan
    observed: ObservedState
    head: LedgerHead


@dataclass
class Patient:
    """One environment. `examined` reads AWS; `token` is the OpenID Connect token of this job, where it has one.

    `root` is the option that names the service, where commands would not find it; `region` is set where it has several.
    """

    environment: Environment
    desired: DesiredState
    aws: AwsClient
    needs: Needs
    examine: Callable[[], Condition]
    environ: Mapping[str, str]
    now: datetime
    token: Callable[[], str | None] = lambda: None
    hours: float = 1.0
    local: bool = False
    root: str = ""
    region: str | None = None
    _reading: Lock = field(default_factory=Lock)
    _condition: Condition | PipelineError | None = None
    _identity: Mapping[str, Any] | PipelineError | None = None

    @property
    def scope(self) -> Scope:
        """Where the environment is."""
        return self.environment.scope

    @property
    def identity(self) -> Mapping[str, Any]:
        """Whose credentials these are: Account, Arn, UserId. Asked once, also where AWS does not tell."""
        with self._reading:
            if self._identity is None:
                try:
                    self._identity = self.aws.call("sts", "GetCallerIdentity")
                except Interrupted:
                    raise
                except PipelineError as error:
                    self._identity = error
            if isinstance(self._identity, PipelineError):
                raise self._identity
            return self._identity

    @property
    def shut_out(self) -> PipelineError | None:
        """Why AWS answers nothing at all: it takes no credentials of this process, or cannot be reached."""
        try:
            assert self.identity
        except Interrupted:
            raise
        except PipelineError as error:
            return error
        return None

    @property
    def condition(self) -> Condition:
        """What AWS has; read when a check first asks."""
        with self._reading:
            if self._condition is None:
                try:
                    self._condition = self.examine()
                except PipelineError as error:
                    self._condition = error
            if isinstance(self._condition, PipelineError):
                raise self._condition
            return self._condition

    def command(self, words: str, *options: str) -> str:
        """A command for this environment, to be copied."""
        # What bootstrap makes is for all regions.
        one = [f"--region {self.region}"] if self.region and words != "bootstrap" else []
        more = [*one, *([self.root] if self.root else []), *(["--local"] if self.local else [])]
        return " ".join(["pipeline", words, "--env", self.environment.name, *more, *options])

    @property
    def since(self) -> datetime:
        """From when on logs and figures are looked at."""
        return self.now - timedelta(hours=self.hours)

    def of(self, kind: str) -> tuple[Resource, ...]:
        """The declared resources of a type."""
        return tuple(resource for resource in self.desired if resource.type == kind)

    def total(self, namespace: str, metric: str, dimensions: Mapping[str, str]) -> float:
        """The sum of a metric since `since`."""
        listed = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        stat = {
            "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": listed},
            "Period": 300,
            "Stat": "Sum",
        }
        query = [{"Id": "total", "MetricStat": stat}]
        found = self.aws.call(
            "cloudwatch", "GetMetricData", MetricDataQueries=query, StartTime=self.since, EndTime=self.now
        )
        return sum(sum(result.get("Values", ())) for result in found.get("MetricDataResults", ()))

    def lifecycle(self, kind: str, key: str) -> Mapping[str, Any]:
        """value -> dates of its retirement, as the type's schema has them."""
        found: Mapping[str, Any] = registry()[kind].spec.schema["properties"][key].get("lifecycle", {})
        return found


def name_in(value: Any) -> str:
    """The name in a reference to another resource, or the text itself."""
    if isinstance(value, Expression) and len(value.references) == 1:
        return value.references[0].address.partition("/")[2]
    return str(value)
